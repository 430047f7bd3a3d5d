// Passwords as programs have them: characters that can be wiped, or text. The bytes that are made of them here are wiped.
//
// An array of the caller's is left as it is: one that was zeros by the time it is used again would be a password, too.

@file:JvmName("Passwords")

package io.blindtally

import java.nio.ByteBuffer
import java.nio.CharBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.CodingErrorAction
import java.time.Instant

/** [createAccount] with a password of characters: yours to wipe afterwards. */
@Throws(BlindtallyException::class)
public fun createAccount(
    login: String,
    password: CharArray,
    kdf: Kdf? = null,
    accountSecret: AccountSecret? = null,
    identity: Identity? = null,
    now: Instant? = null,
): OpenedAccount = asUtf8(password) { createAccount(login, it, kdf, accountSecret, identity, now) }

/** [createAccount] with a password that is a text, which nobody can wipe. */
@Throws(BlindtallyException::class)
public fun createAccount(
    login: String,
    password: String,
    kdf: Kdf? = null,
    accountSecret: AccountSecret? = null,
    identity: Identity? = null,
    now: Instant? = null,
): OpenedAccount = asUtf8(password) { createAccount(login, it, kdf, accountSecret, identity, now) }

/** [restoreAccount] with a password of characters: yours to wipe afterwards. */
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
): OpenedAccount = asUtf8(password) { restoreAccount(restored, login, it, generation, policy, kdf, accountSecret, now) }

/** [restoreAccount] with a password that is a text, which nobody can wipe. */
@Throws(BlindtallyException::class)
public fun restoreAccount(
    restored: Restored,
    login: String,
    password: String,
    generation: Long = 0,
    policy: ByteArray? = null,
    kdf: Kdf? = null,
    accountSecret: AccountSecret? = null,
    now: Instant? = null,
): OpenedAccount = asUtf8(password) { restoreAccount(restored, login, it, generation, policy, kdf, accountSecret, now) }

/** [Login.Companion.start] with a password of characters: yours to wipe afterwards. */
@Throws(BlindtallyException::class)
public fun Login.Companion.start(
    login: String,
    password: CharArray,
    prelogin: Prelogin,
    accountSecret: AccountSecret? = null,
): Login = asUtf8(password) { start(login, it, prelogin, accountSecret) }

/** [Login.Companion.start] with a password that is a text, which nobody can wipe. */
@Throws(BlindtallyException::class)
public fun Login.Companion.start(
    login: String,
    password: String,
    prelogin: Prelogin,
    accountSecret: AccountSecret? = null,
): Login = asUtf8(password) { start(login, it, prelogin, accountSecret) }

/** [Owner.changePassword] with a password of characters: yours to wipe afterwards. */
@JvmOverloads
@Throws(BlindtallyException::class)
public fun Owner.changePassword(password: CharArray, kdf: Kdf? = null): PasswordChange =
    asUtf8(password) { changePassword(it, kdf) }

/** [Owner.changePassword] with a password that is a text, which nobody can wipe. */
@JvmOverloads
@Throws(BlindtallyException::class)
public fun Owner.changePassword(password: String, kdf: Kdf? = null): PasswordChange =
    asUtf8(password) { changePassword(it, kdf) }

/** [Owner.backupWithPassphrase] with a passphrase of characters: yours to wipe afterwards. */
@JvmOverloads
@Throws(BlindtallyException::class)
public fun Owner.backupWithPassphrase(passphrase: CharArray, kdf: Kdf? = null): Backup =
    asUtf8(passphrase) { backupWithPassphrase(it, kdf) }

/** [Owner.backupWithPassphrase] with a passphrase that is a text, which nobody can wipe. */
@JvmOverloads
@Throws(BlindtallyException::class)
public fun Owner.backupWithPassphrase(passphrase: String, kdf: Kdf? = null): Backup =
    asUtf8(passphrase) { backupWithPassphrase(it, kdf) }

/** [Backup.openWithPassphrase] with a passphrase of characters: yours to wipe afterwards. */
@Throws(BlindtallyException::class)
public fun Backup.openWithPassphrase(passphrase: CharArray): Restored = asUtf8(passphrase) { openWithPassphrase(it) }

/** [Backup.openWithPassphrase] with a passphrase that is a text, which nobody can wipe. */
@Throws(BlindtallyException::class)
public fun Backup.openWithPassphrase(passphrase: String): Restored = asUtf8(passphrase) { openWithPassphrase(it) }

private inline fun <R> asUtf8(password: CharArray, use: (ByteArray) -> R): R = asUtf8(CharBuffer.wrap(password), use)

private inline fun <R> asUtf8(password: String, use: (ByteArray) -> R): R = asUtf8(CharBuffer.wrap(password), use)

private inline fun <R> asUtf8(password: CharBuffer, use: (ByteArray) -> R): R {
    val bytes = utf8(password)
    try {
        return use(bytes)
    } finally {
        bytes.fill(0)
    }
}

private fun utf8(password: CharBuffer): ByteArray {
    // Room for all that can come, since a buffer that grows would leave copies behind.
    val encoded = ByteBuffer.allocate(3 * password.remaining())
    try {
        val encoder = Charsets.UTF_8.newEncoder().onMalformedInput(CodingErrorAction.REPORT)
        encoder.encode(password, encoded, true).run { if (isError) throwException() }
        return encoded.array().copyOf(encoded.position())
    } catch (_: CharacterCodingException) {
        throw misuse("binding.utf8")
    } finally {
        encoded.array().fill(0)
    }
}
