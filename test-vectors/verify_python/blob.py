"""Blobs: SPEC.md#blob. Sealing, and reading in the memory of one chunk, as a stream and at any place."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from blindtally import *

CHUNK, TAG = 16_384, 16
SEALED_CHUNK = CHUNK + TAG
START = 47 + 24 + 32
C2SP = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"

@dataclass
class BlobHeader:
    cls: int
    epoch: int
    device_id: bytes
    blob_id: bytes
    seq: int

    @classmethod
    def read(cls, r):
        r.head(b"B", 0x31)
        return cls(r.one_of(*BLOB_CLASSES), r.epoch(), r.take(16), r.take(16), r.u64())

    def encode(self):
        return b"BTB\x31" + u8(self.cls) + u16(self.epoch) + self.device_id + self.blob_id + u64(self.seq)

    def input_key(self, master): return purpose(master.device_key(self.cls, self.device_id), b"blob", 0x31, 32)
    def context(self, account_id): return b"blindtally/v1/blob" + account_id + self.encode()

class Chunks:
    """The chunks of one message, each of which seals and opens at its place alone."""

    def __init__(self, input_key, context, salt):
        okm = HKDFExpand(hashes.SHA512(), 76, C2SP + salt + context).derive(input_key)
        self.aead, self.nonce, self.commitment = AESGCM(okm[:32]), int.from_bytes(okm[32:44]), okm[44:]

    def nonce_of(self, i): return (self.nonce ^ i).to_bytes(12)
    def seal(self, i, plaintext): return self.aead.encrypt(self.nonce_of(i), plaintext, None)

    def open(self, i, sealed):
        try:
            return self.aead.decrypt(self.nonce_of(i), sealed, None)
        except InvalidTag:
            raise Refused("blob.tampered") from None

def seal_blob_padded(input_key, context, header, salt, plaintext):
    """The last chunk is shorter than the others, so that there is one of no bytes behind 16,384."""
    chunks = Chunks(input_key, context, salt)
    pieces = [plaintext[at : at + CHUNK] for at in range(0, len(plaintext) + 1, CHUNK)]
    sealed = b"".join(chunks.seal(i, piece) for i, piece in enumerate(pieces))
    return header.encode() + salt + chunks.commitment + sealed

def seal_blob(master, header, salt, content):
    return seal_blob_padded(header.input_key(master), header.context(master.account_id), header, salt, pad(content))

@dataclass
class Start:
    """The first 103 bytes."""

    header: BlobHeader
    salt: bytes
    commitment: bytes

    @classmethod
    def parse(cls, data):
        r = Reader(data)
        return cls(BlobHeader.read(r), r.take(24), r.take(32))

    def chunks(self, master_keys):
        """Under the one key that makes the commitment."""
        for master in master_keys:
            if master.epoch == self.header.epoch:
                chunks = Chunks(self.header.input_key(master), self.header.context(master.account_id), self.salt)
                if hmac.compare_digest(chunks.commitment, self.commitment):
                    return chunks
        raise Refused("blob.no-key")

class Unpadder:
    """Holds back 0x80 and the zeros after it while they may be the padding; of the zeros it keeps the number."""

    def __init__(self):
        self.length, self.zeros, self.total = 0, None, 0

    def update(self, piece):
        """The parts of the content that are now known to be content."""
        self.total += len(piece)
        kept = piece.rstrip(b"\x00")
        if self.zeros is not None and not kept:
            self.zeros += len(piece)
            return
        if self.zeros is not None:
            yield from self.release(b"\x80")
            for at in range(0, self.zeros, CHUNK):
                yield from self.release(bytes(min(CHUNK, self.zeros - at)))
        marked = kept.endswith(b"\x80")
        self.zeros = len(piece) - len(kept) if marked else (None if piece else self.zeros)
        yield from self.release(kept[:-1] if marked else piece)

    def release(self, piece):
        self.length += len(piece)
        yield piece

    def finish(self):
        need(self.zeros is not None and padded_len(self.length) == self.total, "blob.plaintext")

def read_exactly(stream, n):
    """n bytes, or fewer at the end of the stream."""
    parts = []
    while n and (part := stream.read(n)):
        parts.append(part)
        n -= len(part)
    return b"".join(parts)

def open_blob(master_keys, stream):
    """The content piece by piece: whoever uses a piece learns only at the end whether it was the whole."""
    chunks = Start.parse(read_exactly(stream, START)).chunks(master_keys)
    unpadder, i, last = Unpadder(), 0, False
    while not last:
        sealed = read_exactly(stream, SEALED_CHUNK)
        last = len(sealed) < SEALED_CHUNK
        need(len(sealed) >= TAG, "blob.truncated")
        yield from unpadder.update(chunks.open(i, sealed))
        i += 1
    unpadder.finish()

class BlobFile:
    """A blob with random access. `length` is that of the content: None where it cannot be known, because the blob was
    cut off or what tells it does not open; every chunk that opens is authentic nevertheless."""

    def __init__(self, master_keys, file, check=lambda header: None):
        self.file = file
        file.seek(0)
        start = Start.parse(read_exactly(file, START))
        self.header = start.header
        check(self.header)
        self.chunks = start.chunks(master_keys)
        self.full, rest = divmod(file.seek(0, 2) - START, SEALED_CHUNK)
        self.readable = self.full * CHUNK
        self.length, self.cached = None, (None, b"")
        try:
            need(rest >= TAG, "blob.truncated")
            self.find_end(rest - TAG)
        except Refused as refusal:
            if refusal.code == "blob.plaintext":
                raise

    def find_end(self, in_last):
        """Opens the last chunk first, then goes back over zeros to the marker."""
        last = self.chunk(self.full)
        padded = self.readable = self.full * CHUNK + in_last
        i = self.full
        while not (kept := last.rstrip(b"\x00")) and i > 0:
            i -= 1
            last = self.chunk(i)
        need(kept.endswith(b"\x80"), "blob.plaintext")
        length = i * CHUNK + len(kept) - 1
        need(padded_len(length) == padded, "blob.plaintext")
        self.length = length

    def chunk(self, i):
        if self.cached[0] != i:
            self.file.seek(START + i * SEALED_CHUNK)
            self.cached = i, self.chunks.open(i, read_exactly(self.file, SEALED_CHUNK))
        return self.cached[1]

    def pieces(self, at, n):
        """n bytes of the content from `at`, chunk by chunk."""
        need(at + n <= (self.readable if self.length is None else self.length), "blob.truncated")
        while n:
            i, inside = divmod(at, CHUNK)
            piece = self.chunk(i)[inside : inside + n]
            yield piece
            at, n = at + len(piece), n - len(piece)

    def read(self, at, n): return b"".join(self.pieces(at, n))
