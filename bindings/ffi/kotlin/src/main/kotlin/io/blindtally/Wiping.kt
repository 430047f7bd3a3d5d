// `use` for what holds keys: it wipes them when the block ends, and closes the object.
//
// By itself, `close()` gives an object up: its keys are wiped once nothing else holds them, and the OpeningKeys of an owner
// do hold them, as does a call that is still under way in another thread. `wipe()` wipes them whoever holds them, and waits
// for calls that are under way. After either, every call is an exception.

package io.blindtally

/** Runs [block], then wipes the owner's keys, those of its [OpeningKeys] too, and closes it. */
@JvmSynthetic
public inline fun <R> Owner.use(block: (Owner) -> R): R =
    try { block(this) } finally { wipeAndClose(this) { wipe() } }

/** Runs [block], then wipes the keys of the backup, those of its [OpeningKeys] too, and closes it. */
@JvmSynthetic
public inline fun <R> Restored.use(block: (Restored) -> R): R =
    try { block(this) } finally { wipeAndClose(this) { wipe() } }

/** Runs [block], then wipes the agent's keys and closes it. */
@JvmSynthetic
public inline fun <R> Agent.use(block: (Agent) -> R): R =
    try { block(this) } finally { wipeAndClose(this) { wipe() } }

/** Runs [block], then wipes the agent's keys and closes it. */
@JvmSynthetic
public inline fun <R> PendingAgent.use(block: (PendingAgent) -> R): R =
    try { block(this) } finally { wipeAndClose(this) { wipe() } }

/** Runs [block], then wipes what the password was stretched into, and closes it. */
@JvmSynthetic
public inline fun <R> Login.use(block: (Login) -> R): R =
    try { block(this) } finally { wipeAndClose(this) { wipe() } }

/** Runs [block], then wipes the private keys and closes it. */
@JvmSynthetic
public inline fun <R> Identity.use(block: (Identity) -> R): R =
    try { block(this) } finally { wipeAndClose(this) { wipe() } }

/** Runs [block], then wipes the archive's key and closes it. */
@JvmSynthetic
public inline fun <R> Archive.use(block: (Archive) -> R): R =
    try { block(this) } finally { wipeAndClose(this) { wipe() } }

@PublishedApi
internal fun wipeAndClose(keyed: AutoCloseable, wipe: () -> Unit) {
    try {
        wipe()
    } catch (_: IllegalStateException) {
        // It is closed.
    } catch (_: BlindtallyException.Misuse) {
        // Another thread works with it still, and wipes it in the end.
    }
    keyed.close()
}
