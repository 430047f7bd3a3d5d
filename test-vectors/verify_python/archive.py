"""Archives: SPEC.md#archive. Making one, and opening one with or without its manifest."""

from blob import *

BLOCK = 512
ARCHIVE = 40
MANIFEST = "blindtally.manifest"
MAX_FILES, MAX_FILE, MAX_TIME, MAX_MANIFEST, MAX_PATH = 262_144, 8**11 - 1, 8**11 - 1, 50_331_648, 100

# Paths

SEGMENT = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\..*)?", re.IGNORECASE)

def is_path(path):
    segments = path.split("/")
    fit = all(SEGMENT.fullmatch(s) and not RESERVED.fullmatch(s) for s in segments)
    return fit and len(path) <= MAX_PATH and segments[0].lower() != MANIFEST

class Paths:
    """The paths of one archive: each can stand beside the others on every system."""

    def __init__(self):
        self.files, self.folders = set(), set()

    def take(self, path):
        """Whether the path is free; it is taken then."""
        name = path.lower()
        folders = {name[:at] for at, c in enumerate(name) if c == "/"}
        free = name not in self.files and name not in self.folders and not folders & self.files
        if free:
            self.files.add(name)
            self.folders |= folders
        return free

# The tar

def in_blocks(n): return -(-n // BLOCK) * BLOCK

def entry_header(path, length, modified):
    start = path.encode("latin-1").ljust(100, b"\x00") + b"0000644\x00" + b"0000000\x00" * 2 + b"%011o\x00%011o\x00" % (length, modified)
    end = b"0" + bytes(100) + b"ustar\x0000" + bytes(247)
    return start + b"%06o\x00 " % sum(start + b" " * 8 + end) + end

def parse_header(block):
    """(path, length, modified) if this section could have written the header."""
    name, numbers = block[:100].rstrip(b"\x00"), block[124:148]
    if not (name.isascii() and (name == MANIFEST.encode() or is_path(name.decode())) and re.fullmatch(rb"(?:[0-7]{11}\x00){2}", numbers)):
        return None
    found = name.decode(), int(numbers[:11], 8), int(numbers[12:23], 8)
    return found if entry_header(*found) == block else None

def entry(path, content, modified):
    return (entry_header(path, len(content), modified) + content).ljust(BLOCK + in_blocks(len(content)), b"\x00")

# The manifest

@dataclass
class Listed:
    path: str
    modified: int
    length: int
    sha256: bytes | None = None  # None: unlisted
    at: int = 0  # the place of its header in the tar

@dataclass
class Manifest:
    account_id: bytes
    made: int
    account: Public
    files: list

    def body(self):
        lines = b"".join(lp(f.path.encode("latin-1")) + u64(f.modified) + u64(f.length) + f.sha256 for f in self.files)
        start = b"BTA\x91" + self.account_id + u64(self.made) + self.account.encoded()
        return start + u32(len(self.files)) + lines

    @classmethod
    def parse(cls, data):
        """The manifest, what was signed, the signature, and what is behind it."""
        r = Reader(data)
        r.head(b"A", 0x91)
        account_id, made, account, n = r.take(16), r.u64(), Public.read(r), r.u32()
        need(n <= MAX_FILES, "archive.too-many")
        lines = [(r.lp(MAX_PATH), r.u64(), r.u64(), r.take(32)) for _ in range(n)]
        body, signature, rest = r.so_far(), r.lp(MAX_RSA), r.rest()
        need(len(rest) >= 8, "malformed.truncated")
        files = [Listed(path.decode("latin-1"), modified, length, digest) for path, modified, length, digest in lines]
        return cls(account_id, made, account, files), body, signature

def tail(signed, start, made):
    """The manifest's entry and the end of the tar."""
    content = signed.ljust(in_blocks(len(signed) + 8) - 8, b"\x00") + u64(start)
    return entry(MANIFEST, content, min(made // 1000, MAX_TIME)) + bytes(1024)

def make_tar(account_id, keys, made, files):
    """`files` are (path, modified, content)."""
    entries = b"".join(entry(path, content, modified) for path, modified, content in files)
    lines = [Listed(path, modified, len(content), sha256(content)) for path, modified, content in files]
    signed = keys.signed(b"archive", Manifest(account_id, made, keys, lines).body())
    return entries + tail(signed, len(entries), made)

# Opening

class Archive:
    """An open archive: its files, and `made`, which is None where the manifest is lost."""

    def __init__(self, keyring, file):
        self.account_id, self.account = keyring.account_id, keyring.account
        self.blob = BlobFile(keyring.master_keys, file, self.check_header)
        self.made, self.files = None, []
        try:
            found = self.find_manifest()
        except Refused as refusal:
            if refusal.code not in ("blob.tampered", "blob.truncated"):
                raise
            self.walk()
        else:
            self.take_manifest(*found)

    def check_header(self, header):
        need(header.cls == ARCHIVE, "malformed.value")
        need(header.device_id == self.account.device_id(self.account_id), "archive.other-account")

    def find_manifest(self):
        """Its place, and everything from there to the end of the tar."""
        need(self.blob.length is not None, "blob.truncated")
        end = self.blob.length - 1024
        need(end >= 8, "archive.layout")
        start = int.from_bytes(self.blob.read(end - 8, 8))
        need(start + BLOCK <= end, "archive.layout")
        need(end - start - BLOCK <= MAX_MANIFEST, "malformed.too-long")
        return start, self.blob.read(start, end - start + 1024)

    def take_manifest(self, start, data):
        manifest, body, signature = Manifest.parse(data[BLOCK:-1024])
        own = (self.account_id, self.account.fingerprint)
        need((manifest.account_id, manifest.account.fingerprint) == own, "archive.other-account")
        self.account.verify(b"archive", body, signature, "archive.signature")
        paths = Paths()
        need(all(is_path(f.path) and paths.take(f.path) for f in manifest.files), "archive.path")
        need(all(f.length <= MAX_FILE and f.modified <= MAX_TIME for f in manifest.files), "archive.too-long")
        at = 0
        for f in manifest.files:
            f.at = at
            at += BLOCK + in_blocks(f.length)
        need(at == start, "archive.layout")
        need(data == tail(body + lp(signature), start, manifest.made), "archive.layout")
        self.made, self.files = manifest.made, manifest.files

    def walk(self):
        """Headers from the start; a header that stands where it should says where the next one is."""
        at, headers, paths = 0, 0, Paths()
        end = self.blob.readable if self.blob.length is None else self.blob.length
        while at + BLOCK <= end:
            found = self.header_at(at)
            if found is None:
                at += BLOCK
                continue
            path, length, modified = found
            if path == MANIFEST:
                return
            headers += 1
            need(headers <= MAX_FILES, "archive.too-many")
            if paths.take(path):
                self.files.append(Listed(path, modified, length, at=at))
            at += BLOCK + in_blocks(length)

    def header_at(self, at):
        try:
            return parse_header(self.blob.read(at, BLOCK))
        except Refused:
            return None

    def content(self, file):
        """Piece by piece; only after the last one is it known whether the file is damaged."""
        hashed, left = hashlib.sha256(), file.length
        try:
            header = self.blob.read(file.at, BLOCK)
            need(header == entry_header(file.path, file.length, file.modified), "archive.damaged")
            for piece in self.blob.pieces(file.at + BLOCK, in_blocks(file.length)):
                hashed.update(piece[:left])
                need(not piece[left:].strip(b"\x00"), "archive.damaged")
                if left:
                    yield piece[:left]
                left -= min(left, len(piece))
            need(file.sha256 in (None, hashed.digest()), "archive.damaged")
        except Refused:
            raise Refused("archive.damaged") from None
