// JSON for the driver: as much as it needs, rather than a library for the tests alone.

package io.blindtally

internal class Json(private val text: String) {
    private var at = 0

    /** Maps, lists, strings, longs, booleans and null. */
    fun value(): Any? {
        space()
        return when (val first = text[at]) {
            '{' -> {
                val map = LinkedHashMap<String, Any?>()
                items('}') { map[string().also { space(); take(':') }] = value() }
                map
            }
            '[' -> ArrayList<Any?>().also { list -> items(']') { list += value() } }
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            else -> {
                require(first == '-' || first.isDigit()) { "unexpected $first at $at" }
                val from = at++
                while (at < text.length && text[at].isDigit()) at++
                text.substring(from, at).let { it.toLongOrNull() ?: it.toBigInteger() }
            }
        }
    }

    private fun items(end: Char, item: () -> Unit) {
        at++
        space()
        if (text[at] == end) { at++; return }
        while (true) {
            space()
            item()
            space()
            if (text[at] == end) { at++; return }
            take(',')
        }
    }

    private fun string(): String {
        take('"')
        val out = StringBuilder()
        while (true) {
            when (val char = text[at++]) {
                '"' -> return out.toString()
                '\\' -> when (val escaped = text[at++]) {
                    'b' -> out.append('\b')
                    'f' -> out.append('\u000c')
                    'n' -> out.append('\n')
                    'r' -> out.append('\r')
                    't' -> out.append('\t')
                    'u' -> out.append(text.substring(at, at + 4).toInt(16).toChar()).also { at += 4 }
                    else -> out.append(escaped)
                }
                else -> out.append(char)
            }
        }
    }

    private fun <T> word(word: String, value: T): T {
        require(text.startsWith(word, at)) { "unexpected text at $at" }
        at += word.length
        return value
    }

    private fun take(char: Char) = require(text[at++] == char) { "$char is missing at ${at - 1}" }

    private fun space() {
        while (at < text.length && text[at].isWhitespace()) at++
    }

    companion object {
        fun write(value: Any?, out: StringBuilder = StringBuilder()): StringBuilder {
            when (value) {
                is Map<*, *> -> {
                    out.append('{')
                    value.entries.forEachIndexed { number, (name, item) ->
                        if (number > 0) out.append(',')
                        write(name, out).append(':')
                        write(item, out)
                    }
                    out.append('}')
                }
                is List<*> -> {
                    out.append('[')
                    value.forEachIndexed { number, item -> if (number > 0) out.append(','); write(item, out) }
                    out.append(']')
                }
                is String -> {
                    out.append('"')
                    for (char in value) when {
                        char == '"' || char == '\\' -> out.append('\\').append(char)
                        char < ' ' || char.isSurrogate() -> out.append("\\u%04x".format(char.code))
                        else -> out.append(char)
                    }
                    out.append('"')
                }
                else -> out.append(value)
            }
            return out
        }
    }
}

internal fun hex(bytes: ByteArray): String = bytes.joinToString("") { "%02x".format(it) }

internal fun unhex(text: String): ByteArray =
    ByteArray(text.length / 2) { text.substring(2 * it, 2 * it + 2).toInt(16).toByte() }
