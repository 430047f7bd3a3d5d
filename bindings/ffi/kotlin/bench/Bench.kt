// Measures one call for many values beside one call for each, and prints a list of figures in JSON.

package io.blindtally.bench

import io.blindtally.Identity
import io.blindtally.Inspection
import io.blindtally.Kdf
import io.blindtally.TokenClass
import io.blindtally.createAccount
import io.blindtally.enroll
import java.io.File

private const val VALUES = 1_000
private const val ROUNDS = 31
private const val GOAL = 10.0

private fun identity(keys: File, name: String) = Identity.fromPkcs8(
    keys.resolve("$name-encryption.pkcs8").readBytes(),
    keys.resolve("$name-signing.pkcs8").readBytes(),
)

private fun median(times: List<Long>) = times.sorted()[times.size / 2].toDouble() / VALUES

/** Nanoseconds for each value, by both, in alternating rounds after as many to warm up. */
private fun compared(many: () -> Unit, one: () -> Unit): Pair<Double, Double> {
    fun time(call: () -> Unit): Long {
        val start = System.nanoTime()
        call()
        return System.nanoTime() - start
    }
    repeat(ROUNDS) { many(); one() }
    val times = List(ROUNDS) { time(many) to time(one) }
    return median(times.map { it.first }) to median(times.map { it.second })
}

/** `Bench KEYS [--only NAME]`, where KEYS is the folder of key pairs for tests. */
fun main(arguments: Array<String>) {
    val keys = File(arguments[0])
    val only = if (arguments.getOrNull(1) == "--only") arguments[2] else ""
    val (owner) = createAccount("anna@example.com", "correct horse battery staple".toByteArray(), Kdf.Pbkdf2(600_000), null, identity(keys, "account"))
    val (pending, request) = enroll(owner.issueTicket(), "laptop", identity(keys, "device1"))
    val change = owner.approve((owner.inspect(request) as Inspection.Verified).request)
    val agent = pending.accept(change.committed().deliveries.single().message)
    val figures = ArrayList<String>()
    for (length in listOf(11, 45, 93)) {
        val values = List(VALUES) { "%06d".format(it).padEnd(length, 'x') }
        val tokens = agent.tokenizeMany(TokenClass.Title, values)
        check(owner.revealMany(tokens) == values)
        val calls = listOf(
            "tokenize" to Pair({ agent.tokenizeMany(TokenClass.Title, values); Unit }, { values.forEach { agent.tokenize(TokenClass.Title, it) } }),
            "reveal" to Pair({ owner.revealMany(tokens); Unit }, { tokens.forEach { owner.reveal(it) } }),
        )
        for ((name, pair) in calls) {
            val figure = "kotlin $name $length B, ns per value: 1,000 in a call, 1 in a call"
            if (!figure.startsWith(only)) continue
            val (ours, peer) = compared(pair.first, pair.second)
            val ratio = peer / ours
            figures += "{\"figure\": \"$figure\", \"ours\": ${Math.round(ours)}, \"peer\": ${Math.round(peer)}, " +
                "\"ratio\": ${Math.round(ratio * 100) / 100.0}, \"goal\": $GOAL, \"holds\": ${ratio >= GOAL}}"
        }
    }
    println(figures.joinToString(",\n ", "[", "]"))
}
