package io.blindtally

import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertSame
import kotlin.test.assertTrue

class ArchiveTest {
    private val big = ByteArray(200_000) { it.toByte() }

    private fun written(): ByteArray {
        val output = ByteArrayOutputStream()
        Shared.owner.writeArchive(output, NOW) { archive ->
            archive.add("notes/today.txt", "See you at nine.".toByteArray(), NOW)
            archive.add("pictures/1.png", ByteArrayInputStream(big), big.size.toLong(), NOW)
            assertEquals(2, archive.files().size)
        }
        return output.toByteArray()
    }

    @Test
    fun `an archive opens as it was written`() {
        Shared.keys.openArchive(written()).use { archive ->
            assertTrue(archive.isSigned())
            assertEquals(NOW, archive.made())
            assertEquals(listOf("notes/today.txt" to NOW, "pictures/1.png" to NOW), archive.files().map { it.path to it.modified })
            assertEquals("See you at nine.", archive.read(0).decodeToString())
            val output = ByteArrayOutputStream()
            archive.copy(1, output)
            assertContentEquals(big, output.toByteArray())
            archive.check(1)
            refused("archive.no-file") { archive.read(2) }
            refused("archive.no-file") { archive.read(-1) }
        }
    }

    @Test
    fun `an archive is read from a file and files are added from there`() {
        val file = File.createTempFile("blindtally", ".archive")
        val source = File.createTempFile("blindtally", ".txt")
        try {
            source.writeText("on disk")
            file.outputStream().use { output -> Shared.owner.writeArchive(output) { it.add("a.txt", source) } }
            assertEquals("on disk", Shared.keys.openArchive(file) { it.read(0).decodeToString() })
        } finally {
            file.delete()
            source.delete()
        }
    }

    @Test
    fun `a damaged archive gives the files that are whole`() {
        val archive = written().also { it[it.size / 2]++ }
        Shared.keys.openArchive(archive).use {
            assertEquals("See you at nine.", it.read(0).decodeToString())
            refused("archive.damaged") { it.read(1) }
        }
    }

    @Test
    fun `what a stream of the caller's throws comes out as it is, and the archive is none`() {
        val failure = IOException("no disk")
        val broken = object : OutputStream() {
            override fun write(b: Int) = throw failure
        }
        assertSame(failure, assertFailsWith<IOException> { Shared.owner.writeArchive(broken) { it.add("a", big) } })
        val unreadable = object : InputStream() {
            override fun read(): Int = throw failure
            override fun read(b: ByteArray, off: Int, len: Int): Int = throw failure
        }
        val output = ByteArrayOutputStream()
        assertSame(failure, assertFailsWith<IOException> { Shared.owner.writeArchive(output) { it.add("a", unreadable, 5) } })
        Shared.keys.openArchive(output.toByteArray()).use { assertFalse(it.isSigned()) }
        Shared.keys.openArchive(written()).use { archive ->
            assertSame(failure, assertFailsWith<IOException> { archive.copy(1, broken) })
            assertEquals("See you at nine.", archive.read(0).decodeToString())
        }
    }

    @Test
    fun `a file of another length than was said gives the archive up`() {
        for (length in listOf(4L, 6L)) {
            val output = ByteArrayOutputStream()
            val code = assertFailsWith<BlindtallyException> {
                Shared.owner.writeArchive(output) { it.add("a", ByteArrayInputStream(ByteArray(5)), length) }
            }.code
            assertTrue(code.startsWith("archive.") || code == "blob.truncated" || code == "binding.stream", code)
        }
        refused("binding.value") { Shared.owner.writeArchive(ByteArrayOutputStream()) { it.add("a", ByteArrayInputStream(big), -1) } }
        refused("archive.path") { Shared.owner.writeArchive(ByteArrayOutputStream()) { it.add("../a", big) } }
    }
}
