// Blobs as streams and channels of the platform's, in constant memory.

@file:JvmName("Blobs")

package io.blindtally

import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import java.nio.ByteBuffer
import java.nio.channels.ClosedChannelException
import java.nio.channels.FileChannel
import java.nio.channels.NonWritableChannelException
import java.nio.channels.SeekableByteChannel
import java.time.Instant

/** Writes content to what it is given, and returns when that was all. */
public fun interface Writing<in T> {
    /** Writes all of the content to [to]. What it throws means that there is no more, and that this was not all. */
    @Throws(Exception::class)
    public fun write(to: T)
}

/**
 * Seals what [content] gives until it ends, and writes the blob to [output], which stays open.
 *
 * @param when of what it holds; now if none is given
 * @throws IOException whatever the streams throw, as it is; [output] holds no blob then
 */
@JvmOverloads
@Throws(BlindtallyException::class, IOException::class)
public fun Agent.sealBlob(
    blobClass: BlobClass,
    content: InputStream,
    output: OutputStream,
    `when`: Instant? = null,
): BlobHeader = sealBlob(blobClass, output, `when`) { content.copyTo(it) }

/**
 * Seals what [write] writes, and writes the blob to [output], which stays open. If [write] throws, the blob is given up: what
 * [output] holds does not open as if it were whole.
 *
 * @param when of what it holds; now if none is given
 * @throws IOException whatever [output] throws, as it is
 */
@JvmOverloads
@Throws(BlindtallyException::class, IOException::class)
public fun Agent.sealBlob(
    blobClass: BlobClass,
    output: OutputStream,
    `when`: Instant? = null,
    write: Writing<OutputStream>,
): BlobHeader {
    val adapter = StreamOutput(output)
    val writer = adapter.surfacing { blobWriter(blobClass, adapter, `when`) }
    val header = writer.header()
    SealingStream(writer, adapter).use { stream ->
        write.write(stream)
        stream.finish()
    }
    return header
}

/**
 * Opens the blob that [input] gives, while it is read. Closing it closes [input].
 *
 * @throws BlindtallyException `blob.no-key`, `malformed.`
 * @throws IOException whatever [input] throws, as it is
 */
@Throws(BlindtallyException::class, IOException::class)
public fun OpeningKeys.openBlob(input: InputStream): BlobInputStream = BlobInputStream(this, input)

/**
 * Opens any part of the blob in [file]. Closing the channel closes the file.
 *
 * @throws BlindtallyException `blob.no-key`, `malformed.`; `blob.truncated` or `blob.tampered` if its end is damaged
 * @throws IOException whatever reading [file] throws, as it is
 */
@Throws(BlindtallyException::class, IOException::class)
public fun OpeningKeys.openBlobChannel(file: File): BlobChannel {
    val channel = FileInputStream(file).channel
    try {
        return openBlobChannel(channel)
    } catch (failure: Throwable) {
        channel.close()
        throw failure
    }
}

/** As the one for files; closing it closes [channel], whose position nothing here changes. */
@Throws(BlindtallyException::class, IOException::class)
public fun OpeningKeys.openBlobChannel(channel: FileChannel): BlobChannel {
    val adapter = ChannelInput(channel)
    return BlobChannel(adapter.surfacing { blobFile(adapter) }, adapter, channel)
}

/** As the one for files, over [blob] in memory, which is not copied: it must stay as it is. */
@Throws(BlindtallyException::class)
public fun OpeningKeys.openBlobChannel(blob: ByteArray): BlobChannel {
    val adapter = ArrayInput(blob)
    return BlobChannel(blobFile(adapter), adapter, null)
}

/**
 * The content of a blob. What it gives is authentic, but it is the whole content only once it has ended without an exception:
 * a damaged or shortened blob is a [BlindtallyIOException] by then.
 */
public class BlobInputStream internal constructor(keys: OpeningKeys, private val input: InputStream) : InputStream() {
    private val adapter = StreamInput(input)
    private val reader = adapter.surfacing { keys.blobReader(adapter) }
    private var piece = ByteArray(0)
    private var taken = 0

    @Volatile
    private var closed = false

    /** What the blob says of itself. */
    public val header: BlobHeader = reader.header()

    @Throws(IOException::class)
    override fun read(): Int {
        val one = ByteArray(1)
        return if (read(one, 0, 1) == -1) -1 else one[0].toInt() and 0xff
    }

    @Synchronized
    @Throws(IOException::class)
    override fun read(b: ByteArray, off: Int, len: Int): Int {
        checkRange(b, off, len)
        if (closed) throw IOException("the stream is closed")
        if (len == 0) return 0
        if (taken == piece.size) {
            piece.fill(0)
            piece = inStreams { adapter.surfacing { reader.read(PIECE) } }
            taken = 0
            if (piece.isEmpty()) return -1
        }
        val read = minOf(len, piece.size - taken)
        piece.copyInto(b, off, taken, taken + read)
        taken += read
        return read
    }

    /** Wipes the blob's key, and closes the stream that it came from. */
    @Throws(IOException::class)
    override fun close() {
        closed = true
        wipeAndClose(reader) { reader.wipe() }
        input.close()
    }
}

/** The content of a blob, to read anywhere in. What it gives is authentic. One thread at a time. */
public class BlobChannel internal constructor(
    private val blob: BlobFile,
    private val adapter: Adapter,
    private val source: FileChannel?,
) : SeekableByteChannel {
    private var position = 0L

    @Volatile
    private var closed = false

    /** What the blob says of itself. */
    public val header: BlobHeader = blob.header()

    @Throws(IOException::class)
    override fun read(dst: ByteBuffer): Int {
        requireOpen()
        if (!dst.hasRemaining()) return 0
        val piece = inStreams { adapter.surfacing { blob.readAt(position, dst.remaining()) } }
        if (piece.isEmpty()) return -1
        dst.put(piece)
        piece.fill(0)
        position += piece.size
        return piece.size
    }

    @Throws(IOException::class)
    override fun position(): Long {
        requireOpen()
        return position
    }

    @Throws(IOException::class)
    override fun position(newPosition: Long): BlobChannel {
        requireOpen()
        require(newPosition >= 0) { "a position is not negative" }
        position = newPosition
        return this
    }

    /** Bytes of content. */
    @Throws(IOException::class)
    override fun size(): Long {
        requireOpen()
        return blob.length()
    }

    override fun isOpen(): Boolean = !closed

    /** Always throws [NonWritableChannelException]. */
    override fun write(src: ByteBuffer): Int = throw NonWritableChannelException()

    /** Always throws [NonWritableChannelException]. */
    override fun truncate(size: Long): BlobChannel = throw NonWritableChannelException()

    /** Wipes the blob's key, and closes the file that it is in. */
    @Throws(IOException::class)
    override fun close() {
        closed = true
        wipeAndClose(blob) { blob.wipe() }
        source?.close()
    }

    private fun requireOpen() {
        if (closed) throw ClosedChannelException()
    }
}

/** What `sealBlob` gives to write to. It ends the blob by [finish] alone, never by being closed. */
private class SealingStream(private val writer: BlobWriter, private val adapter: StreamOutput) : OutputStream() {
    private val piece = ByteArray(PIECE)
    private var held = 0
    private var closed = false

    override fun write(b: Int) = write(byteArrayOf(b.toByte()), 0, 1)

    @Synchronized
    override fun write(b: ByteArray, off: Int, len: Int) {
        checkRange(b, off, len)
        if (closed) throw IOException("the stream is closed")
        var from = off
        while (from < off + len) {
            val next = minOf(off + len - from, PIECE - held)
            b.copyInto(piece, held, from, from + next)
            held += next
            from += next
            if (held == PIECE) pass()
        }
    }

    @Synchronized
    fun finish() {
        pass()
        adapter.surfacing { writer.finish() }
    }

    /** What is not finished is given up. */
    @Synchronized
    override fun close() {
        closed = true
        piece.fill(0)
        wipeAndClose(writer) { writer.wipe() }
    }

    private fun pass() {
        if (held == 0) return
        val content = piece.copyOf(held)
        held = 0
        try {
            inStreams { adapter.surfacing { writer.write(content) } }
        } finally {
            content.fill(0)
        }
    }
}

private inline fun <R> inStreams(call: () -> R): R =
    try {
        call()
    } catch (refused: BlindtallyException) {
        throw BlindtallyIOException(refused)
    }

private fun checkRange(bytes: ByteArray, from: Int, length: Int) {
    if (from < 0 || length < 0 || length > bytes.size - from) throw IndexOutOfBoundsException()
}

/** So many bytes cross at once. */
private const val PIECE = 64 shl 10
