package io.blindtally

import java.time.Duration
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertNotEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

class FlowTest {
    @Test
    fun `a device enrolled with a ticket tokenizes, and the owner reveals`() {
        val (owner, first) = newAccount()
        assertEquals(0, first.expected())
        val (pending, request) = enrolling(owner)
        val inspection = owner.inspect(request, NOW)
        assertIs<Inspection.Verified>(inspection)
        assertEquals("laptop", inspection.request.name())
        assertEquals(pending.deviceId(), inspection.request.deviceId())
        val change = owner.approve(inspection.request, NOW)
        assertEquals(first.generation() + 1, change.generation())
        val agent = pending.accept(change.committed().deliveries.single().message)
        refused("binding.closed") { change.committed() }
        refused("binding.closed") { owner.approve(inspection.request, NOW) }

        val token = agent.tokenize(TokenClass.App, "winword.exe")
        assertEquals(token, agent.tokenize(TokenClass.App, "winword.exe"))
        assertNotEquals(token, agent.tokenize(TokenClass.Title, "winword.exe"))
        assertEquals("winword.exe", owner.reveal(token))
        assertEquals("3 h in winword.exe", owner.openingKeys().revealText("3 h in $token"))
        assertEquals(token, owner.tokenizeTyped(TokenClass.App, "winword.exe"))
        assertEquals(32, tokenIndex(token).length)

        val device = owner.devices().single()
        assertEquals("laptop" to DeviceStatus.ACTIVE, device.name to device.status)
        assertEquals(NOW, device.confirmedAt)
    }

    @Test
    fun `many values come back in order, and each may be refused for itself`() {
        val (agent, keys) = Shared.agent to Shared.keys
        val values = listOf("winword.exe", "", "😀 مرحبا", "a\u0000b", "x".repeat(4096), "winword.exe")
        val tokens = agent.tokenizeMany(TokenClass.App, values)
        assertEquals(values.map { agent.tokenize(TokenClass.App, it) }, tokens)
        assertEquals(values, keys.revealMany(tokens))

        val long = listOf("a", "x".repeat(4097))
        refused("tokenize.too-long") { agent.tokenizeMany(TokenClass.App, long) }
        val each = agent.tokenizeEach(TokenClass.App, long)
        assertEquals(agent.tokenize(TokenClass.App, "a"), each[0].text)
        assertEquals(BatchItem(null, "tokenize.too-long"), each[1])

        val found = findTokens("😀 ${tokens[0]}")
        assertEquals(listOf(tokens[0] to 3L), found.map { it.token to it.utf16Offset })
        assertEquals("malformed.", keys.revealEach(listOf("bt1_no-token")).single().error?.take(10))
        assertEquals(emptyList(), agent.tokenizeMany(TokenClass.App, emptyList()))
    }

    @Test
    fun `records open, one and many`() {
        val record = Shared.agent.sealRecord(RecordClass.Chat, "See you at nine.", NOW)
        val opened = Shared.keys.openRecord(record)
        assertEquals("See you at nine." to RecordClass.Chat, opened.value to opened.recordClass)
        assertEquals(NOW.toEpochMilli() to Shared.agent.deviceId(), opened.seq to opened.device)
        val (good, bad) = Shared.keys.openRecords(listOf(record, "btr1_"))
        assertEquals(opened, good.record)
        assertTrue(bad.error!!.startsWith("malformed."))
        refused("record.too-long") { Shared.agent.sealRecord(RecordClass.Chat, "x".repeat((1 shl 20) + 1)) }
    }

    @Test
    fun `a value queued before the keys is a token after`() {
        val (owner) = newAccount()
        val (pending, request) = enrolling(owner)
        val queued = pending.queue(TokenClass.App, "winword.exe", NOW)
        val agent = pending.accept(approved(owner, request).committed().deliveries.single().message)
        assertEquals(agent.tokenize(TokenClass.App, "winword.exe"), agent.dequeue(queued))
    }

    @Test
    fun `states go through a restart, wrapped or in the clear`() {
        val key = ByteArray(32) { it.toByte() }
        val token = Shared.agent.tokenize(TokenClass.App, "winword.exe")
        for (wrappingKey in listOf(key, null)) {
            val state = Shared.agent.exportState(wrappingKey)
            Agent.fromState(state, wrappingKey).use { assertEquals(token, it.tokenize(TokenClass.App, "winword.exe")) }
            assertIs<LoadedAgent.Ready>(loadAgent(state, wrappingKey)).use { }
        }
        refused("state.wrong-key") { Agent.fromState(Shared.agent.exportState(key), ByteArray(32)) }
        refused("state.wrapped") { Agent.fromState(Shared.agent.exportState(key)) }
        refused("state.not-wrapped") { Agent.fromState(Shared.agent.exportState(null), key) }
        val (pending) = enrolling(Shared.owner, "device2")
        assertIs<LoadedAgent.Pending>(loadAgent(pending.exportState(key), key))
        refused("state.phase") { Agent.fromState(pending.exportState(null)) }
    }

    @Test
    fun `without a ticket, a person compares codes`() {
        val (owner) = newAccount()
        val (pending, request) = enrollByCode(owner.accountCode(), identity("device1"))
        val inspection = owner.inspect(request, NOW)
        assertIs<Inspection.NeedsComparison>(inspection)
        refused("enrollment.code") { inspection.request.confirm("AAAA", "laptop") }
        val verified = inspection.request.confirm(pending.deviceCode(), "laptop")
        val agent = pending.accept(owner.approve(verified, NOW).committed().deliveries.single().message)
        assertEquals("x", owner.reveal(agent.tokenize(TokenClass.Title, "x")))
        assertNull(agent.claimTicket())
    }

    @Test
    fun `rotation, revocation and redelivery reach the agents`() {
        val (owner) = newAccount()
        val agent = enrolled(owner)
        val other = enrolled(owner, "device2", "desktop")
        val before = agent.tokenize(TokenClass.App, "a")
        val rotation = owner.rotate(LATER).committed()
        assertEquals(2, rotation.deliveries.size)
        assertEquals(Outcome.DELIVERY_NEEDED, agent.applyPolicy(rotation.policy!!))
        val mine = rotation.deliveries.single { it.device == agent.deviceId() }
        assertEquals(Outcome.UPDATED, agent.accept(mine.message))
        assertEquals(Outcome.UNCHANGED, agent.accept(mine.message))
        assertEquals(2, (agent.status() as AgentStatus.Encrypted).epoch)
        val after = agent.tokenize(TokenClass.App, "a")
        assertNotEquals(before, after)
        assertEquals(listOf("a", "a"), owner.revealMany(listOf(before, after)))
        assertEquals(after, owner.retokenize(before))

        val again = owner.redeliver(other.deviceId(), LATER).committed().deliveries.single()
        assertEquals(Outcome.UPDATED, other.accept(again.message))

        val revocation = owner.revoke(other.deviceId(), now = LATER).committed()
        assertEquals(listOf(other.deviceId()), revocation.revoked)
        assertEquals(Outcome.REVOKED, other.applyPolicy(revocation.policy!!))
        assertEquals(AgentStatus.Revoked, other.status())
        refused("agent.revoked") { other.tokenize(TokenClass.App, "a") }
        refused("owner.device-revoked") { owner.redeliver(other.deviceId()) }
        refused("accept.refused") { agent.accept(again.message) }
    }

    @Test
    fun `a canonical form makes one token of several spellings`() {
        val (owner) = newAccount()
        val agent = enrolled(owner)
        val change = owner.setCanonicalForm(TokenClass.App, CanonicalForm.ASCII_LOWERCASE, LATER)
        assertEquals(Outcome.UPDATED, agent.applyPolicy(change.committed().policy!!))
        assertEquals(agent.tokenize(TokenClass.App, "winword.exe"), agent.tokenize(TokenClass.App, "WinWord.EXE"))
        val forms = agent.policy().classes.associate { it.sealedClass to it.form }
        assertEquals(CanonicalForm.ASCII_LOWERCASE, forms[SealedClass.Token(TokenClass.App)])
    }

    @Test
    fun `a cancelled ticket enrols nobody`() {
        val (owner) = newAccount()
        val ticket = owner.issueTicket(uses = 2, lifetime = Duration.ofHours(2), now = NOW)
        assertEquals(NOW + Duration.ofHours(2) to 2, ticket.expiry() to ticket.uses())
        assertEquals(ticket.id(), Ticket.parse(ticket.toLink()).id())
        val (_, request) = enroll(ticket, "laptop", identity("device1"))
        refused("ticket.expired") { owner.inspect(request, NOW + Duration.ofDays(9)) }
        owner.cancelTicket(ticket.id(), NOW)
        refused("ticket.cancelled") { owner.inspect(request, NOW) }
    }

    @Test
    fun `two owners of one account take over what the other did`() {
        val (owner, first) = newAccount()
        val prelogin = owner.prelogin()
        val other = Login.start(LOGIN, PASSWORD, prelogin).use { it.unlock(first.vault()) }
        val mine = owner.rotate(NOW)
        assertEquals(SyncOutcome.Adopted, other.sync(mine.vault(), NOW))
        assertEquals(SyncOutcome.Same, other.sync(mine.vault(), NOW))
        enrolled(other)
        other.use { theirs ->
            val union = owner.setCanonicalForm(TokenClass.Host, CanonicalForm.HOST, NOW)
            val merged = assertIs<SyncOutcome.Store>(theirs.sync(union.vault(), NOW))
            assertEquals(SyncOutcome.Adopted, owner.sync(merged.change.vault(), NOW))
        }
        assertEquals(1, owner.devices().size)
    }

    @Test
    fun `classes are their ids`() {
        assertEquals(TokenClass.App, tokenClassOf(TokenClass.App.id()))
        assertEquals(TokenClass.Application(130), tokenClassOf(130))
        assertEquals(RecordClass.Keystrokes, recordClassOf(RecordClass.Keystrokes.id()))
        assertEquals(BlobClass.Voice, blobClassOf(BlobClass.Voice.id()))
        refused("malformed.value") { tokenClassOf(0) }
        for (id in listOf(-1, 256, Int.MAX_VALUE)) refused("malformed.value") { tokenClassOf(id) }
        refused("malformed.value") { Shared.agent.tokenize(TokenClass.Application(TokenClass.App.id()), "x") }
        assertContentEquals(Shared.owner.policy().signed, Shared.agent.policy().signed)
    }
}
