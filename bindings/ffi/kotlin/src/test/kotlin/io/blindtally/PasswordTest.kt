package io.blindtally

import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals

class PasswordTest {
    @Test
    fun `a vault opens with the password alone, and is never older than one seen`() {
        val (owner, change) = newAccount()
        val prelogin = owner.prelogin()
        val chars = PASSWORD.toCharArray()
        Login.start("Anna@Example.com", chars, prelogin).use { login ->
            assertContentEquals(owner.loginProof(), login.proof())
            refused("unlock.rolled-back") { login.unlock(change.vault(), 7) }
            login.unlock(change.vault()).use { assertEquals(owner.account(), it.account()) }
            refused("binding.closed") { login.unlock(change.vault()) }
        }
        assertEquals(PASSWORD, chars.concatToString(), "the caller's array stays")
        Login.start(LOGIN, "$PASSWORD!", prelogin).use { login -> refused("unlock.wrong") { login.unlock(change.vault()) } }
        assertEquals(LOGIN, normalLoginName("Anna@Example.com"))
    }

    @Test
    fun `an account secret is needed beside the password`() {
        val secret = AccountSecret.generate()
        val (owner, change) = newAccount(secret)
        val typed = AccountSecret.parse(secret.toText().lowercase())
        Login.start(LOGIN, PASSWORD.toByteArray(), owner.prelogin(), typed).use { it.unlock(change.vault()).close() }
        Login.start(LOGIN, PASSWORD, owner.prelogin()).use { refused("unlock.wrong") { it.unlock(change.vault()) } }
    }

    @Test
    fun `what is kept unlocked opens until the password changes`() {
        val (owner, first) = newAccount()
        val kept = owner.keepUnlocked()
        Login.resume(LOGIN, kept, owner.prelogin()).use { it.unlock(first.vault()).close() }
        val oldProof = owner.loginProof()
        val changed = owner.changePassword("another horse, another battery", CHEAP)
        assertContentEquals(oldProof, changed.oldProof())
        assertContentEquals(owner.loginProof(), changed.newProof())
        refused("unlock.kept-login") { Login.resume(LOGIN, kept, changed.prelogin()) }
        Login.start(LOGIN, "another horse, another battery", changed.prelogin()).use {
            it.unlock(changed.change().vault()).close()
        }
    }

    @Test
    fun `a backup opens with its passphrase, and becomes an account again`() {
        val (owner) = newAccount()
        val token = enrolled(owner).tokenize(TokenClass.App, "winword.exe")
        val backup = Backup.parse(owner.backupWithPassphrase("on the paper in the drawer".toCharArray(), CHEAP).toText())
        assertEquals(BackupLock.PASSPHRASE, backup.lock())
        refused("unlock.wrong") { backup.openWithPassphrase("on the paper in the bin") }
        val restored = backup.openWithPassphrase("on the paper in the drawer")
        assertEquals("winword.exe", restored.openingKeys().reveal(token))
        val account = restoreAccount(restored, LOGIN, PASSWORD.toCharArray(), generation = 9, kdf = CHEAP, now = LATER)
        assertEquals(10, account.change.generation())
        assertEquals("winword.exe", account.owner.reveal(token))
        assertEquals(1, account.change.committed().deliveries.size)
        refused("binding.closed") { restored.openingKeys().reveal(token) }
    }

    @Test
    fun `a backup opens with its recovery key`() {
        val (backup, key) = Shared.owner.backupWithRecoveryKey()
        assertEquals(BackupLock.RECOVERY_KEY, backup.lock())
        backup.openWithRecoveryKey(RecoveryKey.parse(key.toText())).use {
            assertEquals(Shared.owner.account(), it.openingKeys().account())
            assertContentEquals(Shared.keys.recoveryProof(), it.openingKeys().recoveryProof())
        }
        refused("unlock.needs-recovery-key") { backup.openWithPassphrase("on the paper in the drawer") }
        refused("unlock.wrong") { backup.openWithRecoveryKey(Shared.owner.backupWithRecoveryKey().key) }
        refused("recovery-key.invalid") { RecoveryKey.parse("AAAA") }
    }

    @Test
    fun `credentials out of bounds are refused, and use up nothing`() {
        identity("account").use { identity ->
            refused("password.invalid") { createAccount(LOGIN, "", CHEAP, identity = identity) }
            refused("login.invalid") { createAccount("", PASSWORD, CHEAP, identity = identity) }
            refused("binding.value") { createAccount(LOGIN, PASSWORD, Kdf.Pbkdf2(-1), identity = identity) }
            refused("binding.utf8") { createAccount(LOGIN, "\ud800 horse battery staple", CHEAP, identity = identity) }
            refused("binding.utf8") { createAccount(LOGIN, charArrayOf('\udc00'), CHEAP, identity = identity) }
            refused("binding.utf8") { createAccount(LOGIN, byteArrayOf(-1), CHEAP, identity = identity) }
            assertEquals("kdf.", codeOf { createAccount(LOGIN, PASSWORD, Kdf.Pbkdf2(1), identity = identity) }.take(4))
            createAccount(LOGIN, PASSWORD, CHEAP, identity = identity).destroy()
            refused("binding.closed") { createAccount(LOGIN, PASSWORD, CHEAP, identity = identity) }
        }
        val prelogin = Prelogin(CHEAP, ByteArray(15), Shared.owner.account())
        refused("binding.value") { Login.start(LOGIN, PASSWORD, prelogin) }
        refused("binding.value") { Identity.generate(1024) }
    }

    private fun codeOf(call: () -> Unit): String =
        try { call(); "" } catch (refused: BlindtallyException) { refused.code }
}
