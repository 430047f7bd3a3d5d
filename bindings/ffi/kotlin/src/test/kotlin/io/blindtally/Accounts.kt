// Accounts and devices for tests, with key pairs that were generated once.

package io.blindtally

import java.io.File
import java.time.Duration
import java.time.Instant
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

/** The project's folder. */
internal val ROOT = File(System.getProperty("blindtally.root") ?: "../../..")

internal const val LOGIN = "anna@example.com"
internal const val PASSWORD = "correct horse battery staple"
internal val CHEAP = Kdf.Pbkdf2(600_000)
internal val NOW: Instant = Instant.parse("2026-01-02T03:04:05Z")
internal val LATER: Instant = NOW + Duration.ofHours(1)

/** The key pairs of "account", "device1" or "device2". */
internal fun identity(name: String): Identity {
    fun key(use: String) = ROOT.resolve("tests/keys/$name-$use.pkcs8").readBytes()
    return Identity.fromPkcs8(key("encryption"), key("signing"))
}

internal fun newAccount(accountSecret: AccountSecret? = null): OpenedAccount =
    createAccount(LOGIN, PASSWORD, CHEAP, accountSecret, identity("account"), NOW)

internal fun enrolling(owner: Owner, device: String = "device1", name: String = "laptop"): Enrollment =
    owner.issueTicket(now = NOW).use { enroll(it, name, identity(device)) }

internal fun approved(owner: Owner, request: ByteArray): Change =
    owner.approve((owner.inspect(request, NOW) as Inspection.Verified).request, NOW)

internal fun enrolled(owner: Owner, device: String = "device1", name: String = "laptop"): Agent {
    val (pending, request) = enrolling(owner, device, name)
    return pending.accept(approved(owner, request).committed().deliveries.single().message)
}

/** What the call throws, which must have this code. */
internal fun refused(code: String, call: () -> Unit): BlindtallyException {
    val exception = assertFailsWith<BlindtallyException> { call() }
    assertEquals(code, exception.code)
    return exception
}

/** An account with a device, for tests that leave both as they are. */
internal object Shared {
    private val account = newAccount()
    val owner: Owner = account.owner
    val agent: Agent = enrolled(owner)
    val keys: OpeningKeys = owner.openingKeys()
}
