// Streams of the platform's as those that the core calls. What a stream throws is kept, and comes out again as it is.

package io.blindtally

import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/** Remembers what the caller's stream threw, since only words of it can cross the core. */
internal abstract class Adapter {
    @Volatile
    private var thrown: Throwable? = null

    /** Calls the caller's stream. */
    protected fun <R> ask(call: () -> R): R =
        try {
            call().also { thrown = null }
        } catch (failure: Throwable) {
            // Errors too: they would end in the middle of the core's frames.
            thrown = failure
            throw StreamException.Failed(failure.javaClass.name)
        }

    /** Calls the core, which calls [ask]. */
    fun <R> surfacing(call: () -> R): R {
        try {
            return call()
        } catch (failure: BlindtallyException.Misuse) {
            throw if (failure.code == "binding.stream") thrown ?: failure else failure
        }
    }
}

internal class StreamOutput(private val output: OutputStream) : Adapter(), Output {
    override fun write(bytes: ByteArray) = ask { output.write(bytes) }
}

internal class StreamInput(private val input: InputStream) : Adapter(), Input {
    override fun read(most: Int): ByteArray = ask {
        val piece = ByteArray(most)
        when (val read = input.read(piece)) {
            -1 -> ByteArray(0)
            in 1..most -> piece.copyOf(read)
            else -> throw IOException("a stream says it has read $read of $most bytes")
        }
    }
}

internal class ChannelInput(private val channel: FileChannel) : Adapter(), RandomInput {
    override fun length(): Long = ask { channel.size() }

    override fun readAt(offset: Long, most: Int): ByteArray = ask {
        val piece = ByteBuffer.allocate(most)
        // By its place: the channel's own position stays where it is.
        val read = channel.read(piece, offset)
        piece.array().copyOf(maxOf(read, 0))
    }
}

internal class ArrayInput(private val bytes: ByteArray) : Adapter(), RandomInput {
    override fun length(): Long = bytes.size.toLong()

    override fun readAt(offset: Long, most: Int): ByteArray {
        val from = minOf(offset, bytes.size.toLong()).toInt()
        return bytes.copyOfRange(from, from + minOf(most, bytes.size - from))
    }
}
