// Archives in files and streams of the platform's.

@file:JvmName("Archives")

package io.blindtally

import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import java.nio.channels.FileChannel
import java.time.Instant

/** Reads what it is given, and says what came of it. */
public fun interface Reading<in T, out R> {
    /** Reads [from]. */
    @Throws(Exception::class)
    public fun read(from: T): R
}

/**
 * Writes an archive to [output], which stays open: the files that [write] adds, and the manifest that the account signs. If
 * [write] throws, the archive is given up.
 *
 * @throws IOException whatever [output] throws, as it is
 */
@JvmOverloads
@Throws(BlindtallyException::class, IOException::class)
public fun Owner.writeArchive(output: OutputStream, now: Instant? = null, write: Writing<ArchiveWriter>) {
    val adapter = StreamOutput(output)
    adapter.surfacing {
        val writer = archiveWriter(adapter, now)
        try {
            write.write(writer)
            writer.finish()
        } finally {
            wipeAndClose(writer) { writer.wipe() }
        }
    }
}

/**
 * Adds a file of exactly [length] bytes, in constant memory; [content] stays open. If it has fewer or more, or fails, the
 * archive is given up.
 *
 * @param modified when it last changed; now if none is given
 * @throws BlindtallyException as [ArchiveWriter.addStream]
 * @throws IOException whatever [content] throws, as it is
 */
@JvmOverloads
@Throws(BlindtallyException::class, IOException::class)
public fun ArchiveWriter.add(path: String, content: InputStream, length: Long, modified: Instant? = null) {
    val adapter = StreamInput(content)
    adapter.surfacing { addStream(path, adapter, length, modified) }
}

/**
 * Adds a file of this computer's under [path].
 *
 * @throws BlindtallyException as [ArchiveWriter.addStream]
 * @throws IOException whatever reading [file] throws, as it is
 */
@Throws(BlindtallyException::class, IOException::class)
public fun ArchiveWriter.add(path: String, file: File): Unit =
    FileInputStream(file).use { add(path, it, it.channel.size(), Instant.ofEpochMilli(file.lastModified())) }

/**
 * Opens the archive in [file] for as long as [read] runs.
 *
 * @throws BlindtallyException as [OpeningKeys.openArchive]
 * @throws IOException whatever reading [file] throws, as it is
 */
@Throws(BlindtallyException::class, IOException::class)
public fun <R> OpeningKeys.openArchive(file: File, read: Reading<Archive, R>): R =
    FileInputStream(file).channel.use { openArchive(it, read) }

/** As the one for files; [channel] stays open, and its position where it is. */
@Throws(BlindtallyException::class, IOException::class)
public fun <R> OpeningKeys.openArchive(channel: FileChannel, read: Reading<Archive, R>): R {
    val adapter = ChannelInput(channel)
    return adapter.surfacing { openArchive(adapter).use { read.read(it) } }
}

/** Opens [archive] in memory, which is not copied: it must stay as it is. */
@Throws(BlindtallyException::class)
public fun OpeningKeys.openArchive(archive: ByteArray): Archive = openArchive(ArrayInput(archive))

/**
 * Writes the content of the file of that number to [output], in constant memory; [output] stays open. Only after this has
 * returned is what was written the file.
 *
 * @throws BlindtallyException as [Archive.read]
 * @throws IOException whatever [output] throws, as it is
 */
@Throws(BlindtallyException::class, IOException::class)
public fun Archive.copy(number: Int, output: OutputStream) {
    val adapter = StreamOutput(output)
    adapter.surfacing { copy(number, adapter) }
}
