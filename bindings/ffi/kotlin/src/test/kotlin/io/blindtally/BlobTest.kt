package io.blindtally

import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import java.nio.ByteBuffer
import java.nio.channels.ClosedChannelException
import java.nio.channels.FileChannel
import java.nio.channels.NonWritableChannelException
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertSame

class BlobTest {
    private val agent = Shared.agent
    private val keys = Shared.keys
    private val content = ByteArray(300_000) { (it * 31).toByte() }

    private fun sealed(): ByteArray {
        val output = ByteArrayOutputStream()
        val header = agent.sealBlob(BlobClass.Voice, ByteArrayInputStream(content), output, NOW)
        assertEquals(NOW.toEpochMilli() to agent.deviceId(), header.seq to header.device)
        return output.toByteArray()
    }

    @Test
    fun `a blob in memory opens`() {
        val blob = agent.sealBlob(BlobClass.Screenshot, content)
        assertContentEquals(content, keys.openBlob(blob))
        refused("blob.tampered") { keys.openBlob(blob.also { it[it.size / 2]++ }) }
        assertContentEquals(ByteArray(0), keys.openBlob(agent.sealBlob(BlobClass.Camera, ByteArray(0))))
    }

    @Test
    fun `a blob sealed from a stream opens as a stream, however it is read`() {
        val blob = sealed()
        keys.openBlob(ByteArrayInputStream(blob)).use { stream ->
            assertEquals(BlobClass.Voice, stream.header.blobClass)
            assertEquals(content[0].toInt() and 0xff, stream.read())
            assertEquals(0, stream.read(ByteArray(3), 1, 0))
            assertContentEquals(content.copyOfRange(1, content.size), stream.readBytes())
            assertEquals(-1, stream.read())
            assertFailsWith<IndexOutOfBoundsException> { stream.read(ByteArray(3), 2, 2) }
        }
        // Less than it is asked for, as streams may.
        val slow = object : InputStream() {
            val inner = ByteArrayInputStream(blob)
            override fun read() = inner.read()
            override fun read(b: ByteArray, off: Int, len: Int) = inner.read(b, off, minOf(len, 997))
        }
        assertContentEquals(content, keys.openBlob(slow).use { it.readBytes() })
    }

    @Test
    fun `a blob is written piece by piece`() {
        val output = ByteArrayOutputStream()
        agent.sealBlob(BlobClass.Voice, output) { stream ->
            stream.write(content[0].toInt())
            stream.write(content, 1, 70_000)
            stream.flush()
            stream.write(content, 70_001, content.size - 70_001)
            assertFailsWith<IndexOutOfBoundsException> { stream.write(content, 1, content.size) }
        }
        assertContentEquals(content, keys.openBlob(output.toByteArray()))
    }

    @Test
    fun `a blob that its writer did not end does not open`() {
        val output = ByteArrayOutputStream()
        val escaped = arrayOfNulls<OutputStream>(1)
        val reason = Exception("no more")
        val thrown = assertFailsWith<Exception> {
            agent.sealBlob(BlobClass.Voice, output) { stream ->
                escaped[0] = stream
                stream.write(content)
                throw reason
            }
        }
        assertSame(reason, thrown)
        refused("blob.truncated") { keys.openBlob(output.toByteArray()) }
        assertFailsWith<IOException> { escaped[0]!!.write(1) }
    }

    @Test
    fun `what a stream of the caller's throws comes out as it is`() {
        val blob = sealed()
        for (failure in listOf(IOException("no disk"), IllegalStateException("no"), StackOverflowError())) {
            val output = object : OutputStream() {
                override fun write(b: Int) = throw failure
            }
            val input = object : InputStream() {
                override fun read(): Int = throw failure
                override fun read(b: ByteArray, off: Int, len: Int): Int = throw failure
            }
            fun comesOut(call: () -> Unit) = assertSame(failure, assertFailsWith<Throwable> { call() })
            comesOut { agent.sealBlob(BlobClass.Voice, content.inputStream(), output) }
            comesOut { agent.sealBlob(BlobClass.Voice, input, ByteArrayOutputStream()) }
            comesOut { keys.openBlob(input) }
            val late = object : InputStream() {
                val inner = ByteArrayInputStream(blob)
                override fun read() = throw failure
                override fun read(b: ByteArray, off: Int, len: Int): Int {
                    if (inner.available() < 100_000) throw failure
                    return inner.read(b, off, minOf(len, 5_000))
                }
            }
            comesOut { keys.openBlob(late).use { it.readBytes() } }
        }
    }

    @Test
    fun `a stream that does not do what streams do is an exception`() {
        for (claim in listOf(0, -2, 1 shl 30, Int.MAX_VALUE)) {
            val input = object : InputStream() {
                override fun read() = 0
                override fun read(b: ByteArray, off: Int, len: Int) = claim
            }
            assertFailsWith<IOException> { keys.openBlob(input) }
        }
        refused("binding.stream") {
            keys.blobReader(object : Input {
                override fun read(most: Int) = ByteArray(most + 1)
            })
        }
        refused("binding.stream") {
            keys.blobFile(object : RandomInput {
                override fun length() = -1L
                override fun readAt(offset: Long, most: Int) = ByteArray(0)
            })
        }
    }

    @Test
    fun `a stream that calls back into what called it is told so`() {
        val seen = ArrayList<String>()
        lateinit var writer: BlobWriter
        val output = object : Output {
            override fun write(bytes: ByteArray) {
                seen += if (seen.isEmpty()) "the beginning" else assertFailsWith<BlindtallyException> { writer.write(bytes) }.code
            }
        }
        writer = agent.blobWriter(BlobClass.Voice, output)
        writer.write(content)
        writer.finish()
        // What ends a blob has taken it away by then.
        assertEquals(setOf("the beginning", "binding.busy", "binding.closed"), seen.toSet())

        lateinit var stream: BlobInputStream
        var calls = 0
        val source = object : InputStream() {
            val inner = ByteArrayInputStream(sealed())
            override fun read() = inner.read()
            override fun read(b: ByteArray, off: Int, len: Int): Int {
                if (calls++ > 0) stream.read(ByteArray(1))
                return inner.read(b, off, minOf(len, 5_000))
            }
        }
        stream = keys.openBlob(source)
        assertEquals("binding.busy", assertFailsWith<BlindtallyIOException> { stream.readBytes() }.code)
    }

    @Test
    fun `damage is an IOException with the code, after what was whole`() {
        val blob = sealed()
        val cut = keys.openBlob(ByteArrayInputStream(blob, 0, blob.size - 20_000))
        val failure = assertFailsWith<BlindtallyIOException> { cut.readBytes() }
        assertEquals("blob.tampered" to "blob.tampered", failure.code to failure.cause.code)
        blob[blob.size / 2]++
        val whole = ByteArrayOutputStream()
        val tampered = keys.openBlob(ByteArrayInputStream(blob))
        assertEquals("blob.tampered", assertFailsWith<BlindtallyIOException> { tampered.copyTo(whole) }.code)
        assertContentEquals(content.copyOf(whole.size()), whole.toByteArray())
        assertFalse(whole.size() == 0)
        val plain = assertFailsWith<BlindtallyException> { keys.openBlob(ByteArrayInputStream(content)) }
        assertEquals("malformed.", plain.code.take(10))
    }

    @Test
    fun `any part of a blob opens, from a file, a channel or memory`() {
        val file = File.createTempFile("blindtally", ".blob")
        try {
            file.writeBytes(sealed())
            val open = FileChannel.open(file.toPath())
            val inMemory = keys.openBlobChannel(file.readBytes())
            for (channel in listOf(keys.openBlobChannel(file), keys.openBlobChannel(open), inMemory)) {
                channel.use {
                    assertEquals(content.size.toLong(), it.size())
                    assertEquals(BlobClass.Voice, it.header.blobClass)
                    for (place in listOf(250_000, 0, 16_383, content.size - 3)) {
                        val part = ByteBuffer.allocate(10)
                        val read = it.position(place.toLong()).read(part)
                        assertContentEquals(content.copyOfRange(place, place + read), part.array().copyOf(read))
                        assertEquals(place.toLong() + read, it.position())
                    }
                    assertEquals(-1, it.position(Long.MAX_VALUE).read(ByteBuffer.allocate(1)))
                    assertEquals(0, it.read(ByteBuffer.allocate(0)))
                    assertFailsWith<IllegalArgumentException> { it.position(-1) }
                    assertFailsWith<NonWritableChannelException> { it.write(ByteBuffer.allocate(1)) }
                    assertFailsWith<NonWritableChannelException> { it.truncate(0) }
                }
                assertFalse(channel.isOpen)
                assertFailsWith<ClosedChannelException> { channel.read(ByteBuffer.allocate(1)) }
            }
            assertFalse(open.isOpen, "closed with the channel over it")
            val closed = keys.openBlobChannel(FileChannel.open(file.toPath()).also { open.close() })
            closed.use { it.read(ByteBuffer.allocate(1)) }
            assertFailsWith<ClosedChannelException> { keys.openBlobChannel(open) }
        } finally {
            file.delete()
        }
        refused("malformed.magic") { keys.openBlobChannel(ByteArray(3)) }
    }

    @Test
    fun `a closed stream is closed, and so is what it came from`() {
        var closed = false
        val source = object : ByteArrayInputStream(sealed()) {
            override fun close() {
                closed = true
            }
        }
        val stream = keys.openBlob(source)
        stream.read()
        stream.close()
        stream.close()
        assertEquals(true, closed)
        assertFailsWith<IOException> { stream.read() }
    }

    @Test
    fun `numbers that nothing has are refused`() {
        val file = keys.blobFile(object : RandomInput {
            val blob = sealed()
            override fun length() = blob.size.toLong()
            override fun readAt(offset: Long, most: Int) = blob.copyOfRange(offset.toInt(), minOf(blob.size, offset.toInt() + most))
        })
        refused("binding.value") { file.readAt(-1, 1) }
        refused("binding.value") { file.readAt(0, 0) }
        refused("binding.value") { file.readAt(0, -1) }
        assertContentEquals(ByteArray(0), file.readAt(Long.MAX_VALUE, Int.MAX_VALUE))
        file.wipe()
        refused("binding.closed") { file.readAt(0, 1) }
        file.close()
        assertFailsWith<IllegalStateException> { file.readAt(0, 1) }
    }
}
