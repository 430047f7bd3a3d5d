package io.blindtally

import java.util.concurrent.Callable
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class ThreadTest {
    private fun <R> inThreads(number: Int, work: (Int) -> R): List<R> {
        val threads = Executors.newFixedThreadPool(number)
        try {
            val begin = CountDownLatch(1)
            val running = List(number) { threads.submit(Callable { begin.await(); work(it) }) }
            begin.countDown()
            return running.map { it.get() }
        } finally {
            threads.shutdownNow()
        }
    }

    @Test
    fun `one agent serves many threads while others apply policies, wipe and close it`() {
        val (owner) = newAccount()
        val agent = enrolled(owner)
        val value = "winword.exe"
        val tokens = setOf(agent.tokenize(TokenClass.App, value))
        val policies = List(3) { round ->
            val form = if (round % 2 == 0) CanonicalForm.ASCII_LOWERCASE else CanonicalForm.EXACT
            owner.setCanonicalForm(TokenClass.App, form, LATER).committed().policy!!
        }
        val ends = inThreads(6) { thread ->
            var (given, ended) = 0 to ""
            while (ended.isEmpty()) {
                try {
                    when {
                        thread == 0 -> {
                            policies.forEach { agent.applyPolicy(it) }
                            repeat(200) { agent.tokenize(TokenClass.App, value) }
                            agent.wipe()
                            agent.close()
                        }
                        thread % 2 == 0 -> assertTrue(agent.tokenize(TokenClass.App, value) in tokens)
                        else -> assertEquals(tokens, agent.tokenizeMany(TokenClass.App, List(20) { value }).toSet())
                    }
                    given++
                } catch (refused: BlindtallyException) {
                    ended = refused.code
                } catch (_: IllegalStateException) {
                    ended = "closed"
                }
            }
            given to ended
        }
        assertTrue(ends.all { (_, ended) -> ended in setOf("binding.closed", "closed") }, "$ends")
        assertTrue(ends.drop(1).sumOf { it.first } > 0)
    }

    @Test
    fun `streams in many threads do not meet each other`() {
        val blobs = inThreads(4) { thread ->
            val content = ByteArray(100_000) { (it + thread).toByte() }
            val output = java.io.ByteArrayOutputStream()
            repeat(5) {
                output.reset()
                Shared.agent.sealBlob(BlobClass.Voice, content.inputStream(), output)
                assertTrue(content.contentEquals(Shared.keys.openBlob(output.toByteArray().inputStream()).use { it.readBytes() }))
            }
            output.size()
        }
        assertEquals(1, blobs.toSet().size)
    }

    @Test
    fun `what one call at a time uses tells others that it is busy`() {
        val entered = CountDownLatch(1)
        val leave = CountDownLatch(1)
        val output = object : Output {
            @Volatile
            var holds = false

            override fun write(bytes: ByteArray) {
                if (holds) {
                    entered.countDown()
                    leave.await()
                }
            }
        }
        val writer = Shared.agent.blobWriter(BlobClass.Voice, output)
        output.holds = true
        val codes = inThreads(2) { thread ->
            if (thread == 0) {
                writer.write(ByteArray(1 shl 20))
                "written"
            } else {
                entered.await()
                try { writer.write(ByteArray(1)); "" } catch (refused: BlindtallyException) { refused.code } finally { leave.countDown() }
            }
        }
        assertEquals(listOf("written", "binding.busy"), codes)
        writer.finish()
    }
}
