package io.blindtally

import java.nio.charset.CharacterCodingException
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class MisuseTest {
    @Test
    fun `every code is one of the specification's or of the bindings', with its sentence`() {
        val row = Regex("^\\| `([a-z-]+\\.[a-z0-9-]+)` \\| (.+) \\|$")
        val specified = ROOT.resolve("SPEC.md").readText().substringAfter("| code |").substringBefore("Reading an older deployment").lines().mapNotNull(row::find).associate { it.groupValues[1] to it.groupValues[2] }
        val codes = errorCodes().associate { it.code to it.detail }
        assertTrue(specified.size > 50, "the table was found")
        assertEquals(specified, codes.filterKeys { !it.startsWith("binding.") })
        assertEquals(
            setOf("binding.busy", "binding.closed", "binding.stream", "binding.utf8", "binding.value"),
            codes.keys - specified.keys,
        )
    }

    @Test
    fun `every class of exceptions carries its code`() {
        val classes = BlindtallyException::class.java.declaredClasses.filter { BlindtallyException::class.java.isAssignableFrom(it) }
        assertEquals(14, classes.size)
        for (kind in classes) {
            val exception = kind.getConstructor(String::class.java, String::class.java).newInstance("a.code", "A sentence.") as BlindtallyException
            assertEquals("a.code" to "A sentence.", exception.code to exception.detail)
            assertTrue("a.code" in exception.message!! && "A sentence." in exception.message!!)
        }
    }

    @Test
    fun `nothing secret is in what objects and exceptions say of themselves`() {
        val secret = "winword-secret.exe"
        val token = Shared.agent.tokenize(TokenClass.App, secret)
        val ticket = Shared.owner.issueTicket(now = NOW)
        val key = AccountSecret.generate()
        val said = listOf(Shared.owner, Shared.agent, Shared.keys, ticket, key, Shared.owner.prelogin()).map { it.toString() } +
            refused("tokenize.too-long") { Shared.agent.tokenize(TokenClass.App, secret.repeat(400)) }.stackTraceToString() +
            assertFailsWith<BlindtallyException> { Shared.keys.reveal(token + "x") }.stackTraceToString() +
            assertFailsWith<BlindtallyException> { Ticket.parse(ticket.toText().dropLast(1)) }.stackTraceToString() +
            assertFailsWith<BlindtallyException> { AccountSecret.parse(key.toText() + "A") }.stackTraceToString()
        val secrets = listOf(secret, token, ticket.toText().takeLast(20), key.toText())
        for (text in said) for (hidden in secrets) assertFalse(hidden in text, text)
    }

    @Test
    fun `texts of every kind are tokens, or refused by their length in bytes`() {
        for (value in listOf("", "\u0000", "a\u0000b", "😀", "é", "e\u0301", "مرحبا بالعالم", "\u202etxt", "x".repeat(4096), "é".repeat(2048))) {
            assertEquals(value, Shared.keys.reveal(Shared.agent.tokenize(TokenClass.Title, value)))
        }
        for (value in listOf("x".repeat(4097), "é".repeat(2048) + "x", "x".repeat(2_000_000))) {
            refused("tokenize.too-long") { Shared.agent.tokenize(TokenClass.Title, value) }
        }
    }

    @Test
    fun `a lone surrogate is no text`() {
        for (value in listOf("\ud800", "a\udc00b", "\udc00\ud800")) {
            assertFailsWith<CharacterCodingException> { Shared.agent.tokenize(TokenClass.Title, value) }
            assertFailsWith<CharacterCodingException> { Shared.agent.tokenizeMany(TokenClass.Title, listOf("a", value)) }
            assertFailsWith<CharacterCodingException> { Shared.keys.reveal(value) }
        }
        assertEquals("a", Shared.keys.reveal(Shared.agent.tokenize(TokenClass.Title, "a")))
    }

    @Test
    fun `bytes of any wrong length are refused`() {
        for (length in listOf(0, 1, 16, 31, 33, 100_000)) {
            val bytes = ByteArray(length)
            refused("binding.value") { Shared.agent.exportState(bytes) }
            assertFailsWith<BlindtallyException> { Agent.fromState(bytes) }
            assertFailsWith<BlindtallyException> { Identity.fromPkcs8(bytes, bytes) }
            assertFailsWith<BlindtallyException> { Shared.owner.inspect(bytes) }
            assertFailsWith<BlindtallyException> { Shared.agent.accept(bytes) }
            assertFailsWith<BlindtallyException> { Shared.keys.openBlob(bytes) }
            assertFailsWith<BlindtallyException> { Shared.keys.openArchive(bytes) }
            assertFailsWith<BlindtallyException> { Shared.owner.sync(bytes) }
        }
        assertFailsWith<BlindtallyException> { Shared.agent.tokenizePacked(TokenClass.App, byteArrayOf(-1, -1, -1, -1)) }
        refused("malformed.value") { Shared.owner.issueTicket(uses = 0) }
        refused("malformed.value") { Shared.owner.issueTicket(uses = 51) }
        refused("malformed.value") { Shared.owner.issueTicket(uses = -1) }
        assertFailsWith<BlindtallyException> { Shared.owner.redeliver("no id") }
        refused("owner.unknown-device") { Shared.owner.redeliver("0".repeat(32)) }
        refused("enrollment.name") { enroll(Shared.owner.issueTicket(now = NOW), "", identity("device1")) }
    }

    @Test
    fun `what is wiped or closed is an exception ever after`() {
        val (owner) = newAccount()
        val agent = enrolled(owner)
        val keys = owner.openingKeys()
        val token = agent.tokenize(TokenClass.App, "a")
        owner.close()
        assertFailsWith<IllegalStateException> { owner.reveal(token) }
        assertEquals("a", keys.reveal(token), "the opening keys hold the keys still")
        keys.close()
        keys.close()
        assertFailsWith<IllegalStateException> { keys.reveal(token) }
        agent.wipe()
        refused("binding.closed") { agent.tokenize(TokenClass.App, "a") }
        refused("binding.closed") { agent.exportState(null) }
        agent.wipe()
        agent.close()
        assertFailsWith<IllegalStateException> { agent.wipe() }
    }

    @Test
    fun `use wipes the keys, whoever holds them still`() {
        val keys = newAccount().owner.use { it.openingKeys().also { keys -> keys.account() } }
        refused("binding.closed") { keys.account() }
        val agent = Agent.fromState(Shared.agent.exportState(null))
        assertEquals("done", agent.use { it.close(); "done" })
        assertFailsWith<IllegalStateException> { agent.deviceId() }
        val identity = identity("device1")
        val failure = assertFailsWith<IllegalArgumentException> { identity.use { throw IllegalArgumentException("as it is") } }
        assertEquals("as it is", failure.message)
    }
}
