// Prints the token of every value of a file of bindings/vectors/tokens.py, or the code of its refusal.

package io.blindtally

import java.io.File
import kotlin.system.exitProcess

internal object Tokens {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val given = Json(File(arguments[0]).readText()).value() as Map<*, *>
        val tokenClass = tokenClassOf(Math.toIntExact(given["class"] as Long))
        val values = (given["values"] as List<*>).map { it as String }
        Agent.fromState(unhex(given["state"] as String)).use { agent ->
            val lines = values.map { value ->
                try {
                    agent.tokenize(tokenClass, value)
                } catch (refused: BlindtallyException) {
                    refused.code
                }
            }
            val many = agent.tokenizeEach(tokenClass, values).map { it.text ?: it.error }
            if (many != lines) {
                System.err.println("tokens of many values are others than of each alone")
                exitProcess(1)
            }
            val out = StringBuilder()
            lines.forEach { out.append(it).append('\n') }
            System.out.write(out.toString().toByteArray())
            System.out.flush()
        }
    }
}
