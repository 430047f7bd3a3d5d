// The driver of the Kotlin package: what bindings/vectors/README.md asks for, call by call.

package io.blindtally

import java.io.ByteArrayInputStream
import java.nio.ByteBuffer
import java.time.DateTimeException
import java.time.Instant

private val kept = HashMap<Long, Any>()
private var handles = 0L

/** The arguments of a call. */
private class Call(private val with: Map<*, *>, private val on: Any?) {
    inline fun <reified T> on(): T = on as T

    fun text(name: String) = with[name] as String

    fun number(name: String) = with[name] as Long

    fun int(name: String) = Math.toIntExact(number(name))

    /** As the binding itself says what an Int cannot: the greatest. */
    fun parameter(name: String) = number(name).coerceAtMost(Int.MAX_VALUE.toLong()).toInt()

    fun moment(name: String): Instant = Instant.ofEpochMilli(number(name))

    fun texts(name: String) = (with[name] as List<*>).map { it as String }

    fun bytes(name: String) = bytesOrNone(name)!!

    fun bytesOrNone(name: String) = (with[name] as Map<*, *>?)?.let { unhex(it["hex"] as String) }

    inline fun <reified T> kept(name: String) = keptOrNone<T>(name)!!

    inline fun <reified T> keptOrNone(name: String) = (with[name] as Map<*, *>?)?.let { kept[it["handle"] as Long] as T }

    fun prelogin(): Prelogin {
        val prelogin = with["prelogin"] as Map<*, *>
        val kdf = Call(prelogin["kdf"] as Map<*, *>, null)
        val made = when (kdf.text("name")) {
            "pbkdf2" -> Kdf.Pbkdf2(kdf.parameter("iterations"))
            else -> Kdf.Argon2id(kdf.parameter("memory_kib"), kdf.parameter("passes"), kdf.parameter("lanes"))
        }
        return Prelogin(made, Call(prelogin, null).bytes("salt"), prelogin["account"] as String)
    }

    /** The keys of an owner or of an opened backup. */
    fun opened(): OpeningKeys = when (on) {
        is Owner -> on.openingKeys()
        else -> (on as Restored).openingKeys()
    }
}

private val CALLS: Map<String, (Call) -> Any?> = mapOf(
    "find_tokens" to { call ->
        val found = findTokens(call.text("text"))
        val places = found.map { listOf(it.utf16Offset, it.utf16Offset + it.token.length, it.token) }
        mapOf("unit" to "utf-16", "found" to places)
    },
    "token_index" to { tokenIndex(it.text("token")) },
    "load_agent" to { call ->
        when (val agent = loadAgent(call.bytes("state"), call.bytesOrNone("wrapping_key"))) {
            is LoadedAgent.Pending -> agent.agent
            is LoadedAgent.Ready -> agent.agent
        }
    },
    "Agent.from_state" to { Agent.fromState(it.bytes("state"), it.bytesOrNone("wrapping_key")) },
    "Agent.enroll_by_code" to { call ->
        enrollByCode(call.text("code"), call.kept("identity")).let { listOf(it.pending, it.request) }
    },
    "Agent.status" to { call ->
        val kind = when (call.on<Agent>().status()) {
            is AgentStatus.Encrypted -> "encrypted"
            AgentStatus.NeedsUpgrade -> "needs-upgrade"
            AgentStatus.Revoked -> "revoked"
        }
        mapOf("kind" to kind)
    },
    "Agent.tokenize" to { it.on<Agent>().tokenize(tokenClassOf(it.int("class")), it.text("value")) },
    "Agent.tokenize_many" to { it.on<Agent>().tokenizeMany(tokenClassOf(it.int("class")), it.texts("values")) },
    "Agent.seal_record" to {
        it.on<Agent>().sealRecord(recordClassOf(it.int("class")), it.text("value"), it.moment("seq"))
    },
    "Agent.seal_blob" to { it.on<Agent>().sealBlob(blobClassOf(it.int("class")), it.bytes("content"), it.moment("seq")) },
    "Agent.accept" to { it.on<Agent>().accept(it.bytes("delivery")) },
    "Agent.apply_policy" to { it.on<Agent>().applyPolicy(it.bytes("policy")) },
    "Agent.export_state" to { it.on<Agent>().exportState(it.bytesOrNone("wrapping_key")) },
    "PendingAgent.accept" to { it.on<PendingAgent>().accept(it.bytes("delivery")) },
    "PendingAgent.export_state" to { it.on<PendingAgent>().exportState(it.bytesOrNone("wrapping_key")) },
    "Owner.login_proof" to { it.on<Owner>().loginProof() },
    "Owner.keep_unlocked" to { it.on<Owner>().keepUnlocked() },
    "Owner.devices" to { call ->
        call.on<Owner>().devices().map {
            mapOf(
                "id" to it.id,
                "name" to it.name,
                "status" to it.status.name.lowercase(),
                "confirmed_at" to it.confirmedAt,
                "fingerprint" to it.fingerprint,
                "code" to it.code,
            )
        }
    },
    "Owner.inspect" to { call ->
        when (val inspection = call.on<Owner>().inspect(call.bytes("request"), call.moment("now"))) {
            is Inspection.Verified -> inspection.request
            is Inspection.NeedsComparison -> inspection.request
        }
    },
    "Owner.backup_with_recovery_key" to { call ->
        call.on<Owner>().backupWithRecoveryKey().let { listOf(it.backup, it.key) }
    },
    "ComparisonRequest.confirm" to { it.on<ComparisonRequest>().confirm(it.text("code_shown"), it.text("name")) },
    "Opened.reveal" to { it.opened().reveal(it.text("token")) },
    "Opened.reveal_many" to { it.opened().revealMany(it.texts("tokens")) },
    "Opened.open_record" to { call ->
        val opened = call.opened().openRecord(call.text("record"))
        mapOf(
            "value" to opened.value,
            "class" to opened.recordClass.id(),
            "device" to opened.device,
            "seq" to opened.seq,
            "epoch" to opened.epoch,
        )
    },
    "Opened.open_blob" to { it.opened().openBlob(it.bytes("blob")) },
    "Opened.read_blob" to { readBlob(it.opened(), it.bytes("blob"), it.int("piece")) },
    "Opened.blob_file" to { call ->
        call.opened().openBlobChannel(call.bytes("blob")).use { channel ->
            val content = ByteBuffer.allocate(Math.toIntExact(channel.size()) + 1)
            try {
                while (channel.read(content) != -1) {}
            } catch (failure: BlindtallyIOException) {
                throw failure.cause
            }
            content.array().copyOf(content.position())
        }
    },
    "Opened.open_archive" to { it.opened().openArchive(it.bytes("archive")) },
    "Opened.recovery_proof" to { it.opened().recoveryProof() },
    "Archive.read" to { it.on<Archive>().read(it.int("file")) },
    "Login.start" to {
        Login.start(it.text("login"), it.text("password"), it.prelogin(), it.keptOrNone("account_secret"))
    },
    "Login.resume" to { Login.resume(it.text("login"), it.bytes("kept"), it.prelogin()) },
    "Login.proof" to { it.on<Login>().proof() },
    "Login.unlock" to { it.on<Login>().unlock(it.bytes("vault"), it.number("seen")) },
    "AccountSecret.parse" to { AccountSecret.parse(it.text("text")) },
    "RecoveryKey.parse" to { RecoveryKey.parse(it.text("text")) },
    "Backup.parse" to { Backup.parse(it.text("text")) },
    "Backup.open_with_passphrase" to { it.on<Backup>().openWithPassphrase(it.text("passphrase")) },
    "Backup.open_with_recovery_key" to { it.on<Backup>().openWithRecoveryKey(it.kept("key")) },
    "Ticket.parse" to { call ->
        Ticket.parse(call.text("text")).use {
            mapOf(
                "id" to it.id(),
                "account" to it.account(),
                "uses" to it.uses(),
                "expiry" to momentOrNone { it.expiry() },
                "authenticator_hash" to it.authenticatorHash(),
                "text" to it.toText(),
                "link" to it.toLink(),
            )
        }
    },
    "Identity.from_pkcs8" to { Identity.fromPkcs8(it.bytes("encryption"), it.bytes("signing")) },
)

private fun readBlob(keys: OpeningKeys, blob: ByteArray, piece: Int): Map<String, Any?> {
    val pieces = ArrayList<ByteArray>()
    try {
        keys.openBlob(ByteArrayInputStream(blob)).use { stream ->
            val room = ByteArray(piece)
            while (true) {
                val read = stream.read(room)
                if (read == -1) break
                pieces += room.copyOf(read)
            }
            return mapOf("pieces" to pieces, "error" to null, "header" to fields(stream.header))
        }
    } catch (failure: BlindtallyIOException) {
        return mapOf("pieces" to pieces, "error" to failure.code, "header" to null)
    } catch (refused: BlindtallyException) {
        return mapOf("pieces" to pieces, "error" to refused.code, "header" to null)
    }
}

private fun fields(header: BlobHeader) = mapOf(
    "class" to header.blobClass.id(),
    "epoch" to header.epoch,
    "device" to header.device,
    "id" to header.id,
    "seq" to header.seq,
)

/** None for a moment that is later than the language has any. */
private fun momentOrNone(get: () -> Instant): Instant? = try { get() } catch (_: DateTimeException) { null }

private fun encoded(value: Any?): Any? = when (value) {
    null, is String, is Boolean, is Int, is Long -> value
    is ByteArray -> mapOf("hex" to hex(value))
    is Instant -> try { value.toEpochMilli() } catch (_: ArithmeticException) { null }
    is List<*> -> value.map(::encoded)
    is Map<*, *> -> value.mapValues { encoded(it.value) }
    is Outcome -> value.name.lowercase().replace('_', '-')
    else -> {
        val handle = ++handles
        kept[handle] = value
        mapOf("handle" to handle, "type" to value.javaClass.simpleName) + fieldsOf(value).mapValues { encoded(it.value) }
    }
}

/** The fields that are given with an object. */
private fun fieldsOf(value: Any): Map<String, Any?> = when (value) {
    is AccountSecret -> mapOf("text" to value.toText())
    is Agent -> mapOf("device_id" to value.deviceId(), "account" to value.account())
    is Archive -> mapOf(
        "listing" to if (value.isSigned()) "signed" else "unlisted",
        "made" to value.made(),
        "files" to value.files().map { mapOf("path" to it.path, "modified" to it.modified, "length" to it.length) },
    )
    is Backup -> mapOf("account" to value.account(), "text" to value.toText())
    is ComparisonRequest -> mapOf("device_id" to value.deviceId())
    is Identity, is Login -> mapOf()
    is Owner -> mapOf(
        "account" to value.account(),
        "fingerprint" to value.openingKeys().fingerprint(),
        "generation" to value.generation(),
    )
    is PendingAgent -> mapOf("device_id" to value.deviceId(), "account" to value.account())
    is RecoveryKey -> mapOf("text" to value.toText())
    is Restored -> value.openingKeys().use { mapOf("account" to it.account(), "fingerprint" to it.fingerprint()) }
    is VerifiedRequest -> mapOf("device_id" to value.deviceId(), "name" to value.name())
    else -> error("${value.javaClass} has no place in the protocol")
}

private fun answer(request: Map<*, *>): Map<String, Any?> {
    val name = request["call"] as String
    if (name == "release") {
        (kept.remove(request["on"] as Long) as AutoCloseable).close()
        return mapOf("ok" to null)
    }
    val make = CALLS[name] ?: return mapOf("error" to "driver.unknown")
    val call = Call(request["with"] as Map<*, *>, request["on"]?.let { kept.getValue(it as Long) })
    return try {
        mapOf("ok" to encoded(make(call)))
    } catch (refused: BlindtallyException) {
        mapOf("error" to refused.code)
    }
}

fun main() {
    for (line in System.`in`.bufferedReader(Charsets.UTF_8).lineSequence()) {
        val reply = Json.write(answer(Json(line).value() as Map<*, *>)).append('\n')
        System.out.write(reply.toString().toByteArray())
        System.out.flush()
    }
}
