// What every exception of this package carries, whichever class of the sealed family it is.

@file:JvmName("Errors")

package io.blindtally

import java.io.IOException

/** The stable code, the same in every language, such as `malformed.checksum`: [errorCodes] lists them all. */
@get:JvmName("codeOf")
public val BlindtallyException.code: String
    get() = parts().first

/** One sentence for people, without a value, a token or a key in it. */
@get:JvmName("detailOf")
public val BlindtallyException.detail: String
    get() = parts().second

/**
 * What a stream of this package throws where streams of the platform throw an [IOException]: the blob is damaged, cut off, or
 * of another account, or the stream is used wrongly. Its message is `code: detail`.
 *
 * @property cause the exception of this package that says why
 */
public class BlindtallyIOException internal constructor(override val cause: BlindtallyException) :
    IOException("${cause.code}: ${cause.detail}", cause) {
    /** The stable code, as that of [cause]. */
    public val code: String
        get() = cause.code
}

internal fun misuse(code: String): BlindtallyException.Misuse =
    BlindtallyException.Misuse(code, errorCodes().first { it.code == code }.detail)

// Each class has fields of its own, since UniFFI gives the sealed base none.
private fun BlindtallyException.parts(): Pair<String, String> =
    when (this) {
        is BlindtallyException.Malformed -> code to detail
        is BlindtallyException.Entropy -> code to detail
        is BlindtallyException.Tokenize -> code to detail
        is BlindtallyException.Reveal -> code to detail
        is BlindtallyException.Record -> code to detail
        is BlindtallyException.Blob -> code to detail
        is BlindtallyException.Archive -> code to detail
        is BlindtallyException.Credential -> code to detail
        is BlindtallyException.Unlock -> code to detail
        is BlindtallyException.Owner -> code to detail
        is BlindtallyException.Enrollment -> code to detail
        is BlindtallyException.Accept -> code to detail
        is BlindtallyException.State -> code to detail
        is BlindtallyException.Misuse -> code to detail
    }
