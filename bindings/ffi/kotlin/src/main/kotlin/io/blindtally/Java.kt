// What begins a program in Java, which has neither default arguments nor top-level functions.

package io.blindtally

import java.time.Duration
import java.time.Instant

/** The functions of this package, for Java. Kotlin calls them by their own names. */
public object Blindtally {
    /** [io.blindtally.createAccount]: the characters are yours to wipe afterwards. */
    @JvmStatic
    @JvmOverloads
    @Throws(BlindtallyException::class)
    public fun createAccount(
        login: String,
        password: CharArray,
        kdf: Kdf? = null,
        accountSecret: AccountSecret? = null,
        identity: Identity? = null,
        now: Instant? = null,
    ): OpenedAccount = io.blindtally.createAccount(login, password, kdf, accountSecret, identity, now)

    /** [io.blindtally.restoreAccount]: the characters are yours to wipe afterwards. */
    @JvmStatic
    @JvmOverloads
    @Throws(BlindtallyException::class)
    public fun restoreAccount(
        restored: Restored,
        login: String,
        password: CharArray,
        generation: Long = 0,
        policy: ByteArray? = null,
        kdf: Kdf? = null,
        accountSecret: AccountSecret? = null,
        now: Instant? = null,
    ): OpenedAccount =
        io.blindtally.restoreAccount(restored, login, password, generation, policy, kdf, accountSecret, now)

    /** [Login.Companion.start]: the characters are yours to wipe afterwards. */
    @JvmStatic
    @JvmOverloads
    @Throws(BlindtallyException::class)
    public fun startLogin(
        login: String,
        password: CharArray,
        prelogin: Prelogin,
        accountSecret: AccountSecret? = null,
    ): Login = Login.start(login, password, prelogin, accountSecret)

    /** [Owner.issueTicket]. */
    @JvmStatic
    @JvmOverloads
    @Throws(BlindtallyException::class)
    public fun issueTicket(owner: Owner, uses: Int = 1, lifetime: Duration? = null): Ticket =
        owner.issueTicket(uses, lifetime)

    /** [io.blindtally.enroll]. */
    @JvmStatic
    @JvmOverloads
    @Throws(BlindtallyException::class)
    public fun enroll(ticket: Ticket, name: String, identity: Identity? = null): Enrollment =
        io.blindtally.enroll(ticket, name, identity)

    /** [io.blindtally.enrollByCode]. */
    @JvmStatic
    @JvmOverloads
    @Throws(BlindtallyException::class)
    public fun enrollByCode(code: String, identity: Identity? = null): Enrollment =
        io.blindtally.enrollByCode(code, identity)

    /** [io.blindtally.loadAgent]. */
    @JvmStatic
    @JvmOverloads
    @Throws(BlindtallyException::class)
    public fun loadAgent(state: ByteArray, wrappingKey: ByteArray? = null): LoadedAgent =
        io.blindtally.loadAgent(state, wrappingKey)
}
