"""Cases about archives: SPEC.md#archive."""

from archive import *
from cases_blob import content_of, edits_from
from world import *

MADE = 1_790_000_000_123
TIME = 1_789_999_999

class Sealer:
    """An account, the backup that opens its archives, and blobs that all have one blob_id and salt."""

    def __init__(self, name):
        self.account = Account(name, 2048)
        self.master, self.keys = self.account.masters[1], self.account.keys
        recovery_key, keyring = random(16), self.account.keyring()
        wrapped = Wrapped(b"K", NO_KDF, (), random(16), self.account.id, RECOVERY_KEY, keyring.generation, nonce=random(12))
        backup = wrapped.seal(wrapped.stretched(recovery_key), keyring.encode())
        self.opens_with = {
            "backup": backup_file(backup, self.keys.code, self.account.id, "recovery key"), "recoveryKey": checked_code(recovery_key),
        }
        self.salt = random(24)
        self.header = BlobHeader(ARCHIVE, 1, self.keys.device_id(self.account.id), random(16), MADE)

    def seal(self, tar, header=None, plaintext=None):
        header = header or self.header
        key, context = header.input_key(self.master), header.context(self.account.id)
        return seal_blob_padded(key, context, header, self.salt, pad(tar) if plaintext is None else plaintext)

    def tar(self, files): return make_tar(self.account.id, self.keys, MADE, files)

def entry_of(path, content, modified=TIME): return entry(path[:100], content, modified)
def line(path, content, modified=TIME): return Listed(path, modified, len(content), sha256(content))
def shown(path, content, modified=TIME): return {"path": path, "length": len(content), "modified": modified, "sha256": sha256(content)}
def damaged(path, length, modified=TIME): return {"path": path, "length": length, "modified": modified, "expect": "archive.damaged"}

class Cases:
    """A group, its archive, and tests that edit it."""

    def __init__(self, file, sealer, base):
        self.sealer, self.base = sealer, base
        self.group = file.group("Archive", **sealer.opens_with, archive=base)

    def signed(self, comment, archive, files, **changed):
        fields = {"listing": "signed", "made": MADE, "files": files, **changed}
        self.group.valid(comment, edits=edits_from(self.base, archive), **fields)

    def unlisted(self, comment, archive, files):
        self.group.valid(comment, edits=edits_from(self.base, archive), listing="unlisted", files=files)

    def refuse(self, comment, code, archive): self.group.invalid(comment, code, edits=edits_from(self.base, archive))

def archive_file():
    file = File(
        "archive", "Archives, and the backups that open them: SPEC.md#archive. edits are to the group's archive: README.md#edits.",
        "The archives of a group share blob_id and salt, so that they differ in few bytes. A writer never does that.",
    )
    sealer = Sealer("small account")
    small_archives(file, sealer)
    wrong_files(file, sealer)
    return file

def refused_file():
    file = File("archive", "More archives that are refused, by their paths and by their manifests: SPEC.md#archive. As archive.json.")
    sealer = Sealer("small account")
    hostile_paths(file, sealer)
    wrong_manifests(file, sealer)
    return file

def paths_file():
    file = File("archive", "Paths that are refused, and what is refused before them and behind them: SPEC.md#archive. As archive.json.")
    sealer = Sealer("small account")
    cases = Cases(file, sealer, sealer.seal(sealer.tar([("a/x", TIME, b"x")])))
    refuse_paths(cases, "below the manifest's own name", [MANIFEST + "/x"])
    refuse_paths(cases, "below the manifest's own name in capitals", [MANIFEST.upper() + "/a/x"])
    refuse_paths(cases, "a good path, then one below the manifest's own name", ["a", MANIFEST + "/x"])
    too_long = replace(line("a", b""), length=MAX_FILE + 1)
    refuse_lines(cases, "order: a file too long, then a path up and out", [too_long, line("../b", b"")], "archive.path")
    refuse_lines(cases, "a file too long, then a good path", [too_long, line("b", b"")], "archive.too-long")
    refuse_lines(cases, "order: a path that is not UTF-8, and not signed by the account", [line("\xff", b"")], "archive.signature", b"another label")
    return file

def damaged_file():
    file = File(
        "damaged archive", "Archives that were damaged or cut off, and the files that are left: SPEC.md#archive. As archive.json.",
        "Content and edits are as in blob.json. A reader that does not walk the headers refuses what is unlisted here.",
    )
    sealer = Sealer("damaged account")
    damaged_chunks(file, sealer)
    headers_walked(file, sealer)
    return file

def small_archives(file, sealer):
    pair_of_files = [("log/a/1.jsonl", TIME, b"{}\n"), ("voice/a.ogg", TIME, b"a voice")]
    cases = Cases(file, sealer, sealer.seal(sealer.tar(pair_of_files)))
    longest = "/".join(["x" * 24] * 4) + "y"
    assert len(longest) == 100
    for comment, files in {
        "no file": [], "one file": pair_of_files[:1], "two files": pair_of_files, "an empty file": [("a", TIME, b"")],
        "a path of 100 bytes": [(longest, TIME, b"x")], "a file of 511 bytes": [("a", TIME, content_of(511))],
        "a file of 512 bytes": [("a", TIME, content_of(512))], "a file of 513 bytes": [("a", TIME, content_of(513))],
        "modified in 1970": [("a", 0, b"x")], "modified at the last second there is": [("a", MAX_TIME, b"x")],
        "files that share folders": [(p, TIME, p.encode()) for p in ("a/b/c", "a/b/d", "a/e", "b", "ab")],
        "files not in the order of their names": [(p, TIME, p.encode()) for p in ("z", "a", "m")],
        "paths with every character": [("azAZ09-_/a.b..c-_", TIME, b"x"), ("-", TIME, b"-"), ("_", TIME, b"_")],
        "paths that are nearly reserved": [(p, TIME, b"") for p in ("console", "com10", "x.con", "lpt", "aux-", "-nul", "x/prn1")],
        "zeros at the end of a file": [("a", TIME, b"a" + bytes(100)), ("b", TIME, bytes(512))],
        "a file that looks like an entry": [("a", TIME, entry("b", b"inner", TIME))],
    }.items():
        contents = [shown(path, content, modified) for path, modified, content in files]
        cases.signed(comment, sealer.seal(sealer.tar(files)), contents)
    tar = make_tar(sealer.account.id, sealer.keys, 0, pair_of_files)
    all_shown = [shown(path, content, modified) for path, modified, content in pair_of_files]
    cases.signed("made in 1970", sealer.seal(tar), all_shown, made=0)
    late = (MAX_TIME + 1) * 1000
    cases.signed("made in the second 8^11, which no header can say", sealer.seal(make_tar(sealer.account.id, sealer.keys, late, pair_of_files)), all_shown, made=late)
    cases.signed("seq other than made", sealer.seal(sealer.tar(pair_of_files), replace(sealer.header, seq=7)), all_shown)
    wrong_blobs(cases, pair_of_files)

def hostile_paths(file, sealer):
    cases = Cases(file, sealer, sealer.seal(sealer.tar([("a/x", TIME, b"x")])))
    single = {
        "up and out": "../x", "up and out from inside": "a/../../x", "up and in again": "a/../x", "absolute": "/etc/passwd", "empty": "",
        "a slash alone": "/", "an empty segment": "a//x", "a slash at its end": "a/", "a segment .": "a/./x", "the segment . alone": ".",
        "the segment .. alone": "..", "a dot at its start": ".ssh/x", "a dot at the start of a later segment": "a/.x", "a dot at the end of a segment": "a./x",
        "a dot at its end": "x.", "three dots": "...", "a backslash": "a\\x", "a way out with backslashes": "a\\..\\..\\x", "a drive": "C:x", "a colon: a stream": "a:x",
        "a control character": "a\nx", "DEL": "a\x7f", "NUL": "a\x00x", "a space": "a b", "not ASCII, in UTF-8": "\u00e4".encode().decode("latin-1"),
        "not UTF-8": "\xff", "right-to-left override": "\u202e".encode().decode("latin-1") + "gnp", "an asterisk": "a*", "a tilde": "~",
        "the manifest's own name": MANIFEST, "the manifest's own name in capitals": MANIFEST.upper(),
        **{f"reserved: {p}": p for p in ("CON", "nul.txt", "Aux.tar.gz", "a/prn", "com0", "LPT9.x", "COM1/x")},
    }
    for comment, path in single.items():
        refuse_paths(cases, f"a path: {comment}", [path])
    refuse_paths(cases, "a path: 101 bytes", ["x" * 101], "malformed.too-long")
    for comment, paths in {
        "twice the same path": ["a/b", "a/b"], "twice the same path but for case": ["a/b", "A/B"], "a file, then a folder of its name": ["a", "a/b"],
        "a folder, then a file of its name": ["a/b/c", "a/b"], "a file and a folder of its name but for case": ["A", "a/b"],
        "not side by side: a file and a folder of its name": ["a", "a-b", "b", "a/b"],
    }.items():
        refuse_paths(cases, comment, paths)

def refuse_paths(cases, comment, paths, code="archive.path"):
    entries = b"".join(entry_of(path, b"x") for path in paths)
    refuse_lines(cases, comment, [line(path, b"x") for path in paths], code, entries=entries)

def refuse_lines(cases, comment, lines, code, label=b"archive", entries=b""):
    sealer = cases.sealer
    signed = sealer.keys.signed(label, Manifest(sealer.account.id, MADE, sealer.keys, lines).body())
    cases.refuse(comment, code, sealer.seal(entries + tail(signed, len(entries), MADE)))

def wrong_manifests(file, sealer):
    other = pair("device 0", 2048)
    own, contents = sealer.keys, [("a", b"abc"), ("b", b"")]
    cases = Cases(file, sealer, sealer.seal(sealer.tar([(path, TIME, content) for path, content in contents])))
    entries, lines = b"".join(entry_of(*c) for c in contents), [line(*c) for c in contents]

    def body(account_id=sealer.account.id, made=MADE, keys=own, lines=lines): return Manifest(account_id, made, keys, lines).body()
    def refuse(comment, code, signed=None, entries=entries, end=None, tar=None):
        end = end or tail(signed or own.signed(b"archive", body()), len(entries), MADE)
        cases.refuse(comment, code, sealer.seal(tar if tar is not None else entries + end))

    refuse("another account_id", "archive.other-account", own.signed(b"archive", body(account_id=flip(sealer.account.id))))
    refuse("keys of another account", "archive.other-account", other.signed(b"archive", body(keys=other)))
    mixed = Private(own.pkcs8[0], other.pkcs8[1])
    refuse("another signing key beside the account's encryption key", "archive.other-account", mixed.signed(b"archive", body(keys=mixed)))
    refuse("the two keys changed over", "archive.other-account", own.signed(b"archive", body(keys=Public(*reversed(own.spkis)))))
    refuse("signed by another key", "archive.signature", other.signed(b"archive", body()))
    refuse("signed by the encryption key", "archive.signature", Private(own.pkcs8[1], own.pkcs8[0]).signed(b"archive", body()))
    refuse("signed under the label of a policy", "archive.signature", own.signed(b"policy", body()))
    good = own.signed(b"archive", body())
    for comment, at in (("made", 20), ("a path", len(body()) - 49), ("modified", len(body()) - 41), ("the SHA-256 of a file", len(body()) - 1), ("the signature", -1)):
        changed = flip(good, at)
        if comment == "made":
            changed = put(good, 27, u8(good[27] ^ 1))
        refuse(f"a bit changed in {comment}", "archive.signature", changed)
    refuse("a signature one byte short", "archive.signature", body() + lp(good[-256:-1]))
    refuse("an empty signature", "archive.signature", body() + lp(b""))
    files_of_another = own.signed(b"archive", body(lines=[line("a", b"abd"), line("b", b"")]))
    refuse("the signature of another list of files", "archive.signature", body() + files_of_another[-258:])

    def again(changed): return own.signed(b"archive", changed)
    start = good[:28]
    spki = own.spkis[0]
    for comment, code, changed in (
        ("magic", "malformed.magic", b"bT" + body()[2:]), ("kind of a policy", "malformed.kind", put(body(), 2, b"P")),
        ("suite 0x92", "malformed.suite", put(body(), 3, u8(0x92))), ("suite of a blob", "malformed.suite", put(body(), 3, u8(0x31))),
        ("a key that is not DER", "malformed.public-key", start + lp(spki_with_long_length(spki)) + body()[28 + 2 + len(spki) :]),
        ("one key in both places", "malformed.public-key", start + lp(spki) + lp(spki) + body()[28 + 2 * (2 + len(spki)) :]),
        ("a key of 601 bytes", "malformed.too-long", start + lp(bytes(601)) + body()[28 + 2 + len(spki) :]),
    ):
        refuse(f"manifest: {comment}", code, again(changed))
    refuse("manifest: a signature of 513 bytes", "malformed.too-long", body() + lp(bytes(513)))
    cut = tail(b"", len(entries), MADE)
    refuse("manifest: empty", "malformed.magic", tar=entries + cut)
    many = body(lines=[])[:-4] + u32(MAX_FILES + 1)
    refuse("order: 262,145 files, and the manifest ends before them", "archive.too-many", again(many))
    refuse("order: 2^32 - 1 files, and the manifest ends before them", "archive.too-many", again(many[:-4] + b"\xff" * 4))
    long = [replace(lines[0], length=MAX_FILE + 1), lines[1]]
    refuse("order: a length of 8^11 bytes, which the tar has not", "archive.too-long", again(body(lines=long)))
    refuse("order: a length of 2^64 - 1 bytes, which the tar has not", "archive.too-long", again(body(lines=[replace(lines[0], length=2**64 - 1), lines[1]])))
    refuse("a length of 8^11 - 1 bytes, which the tar has not", "archive.layout", again(body(lines=[replace(lines[0], length=MAX_FILE), lines[1]])))
    refuse("modified 8^11, which no header can say", "archive.too-long", again(body(lines=[replace(lines[0], modified=MAX_TIME + 1), lines[1]])))
    wrong_layouts(cases, refuse, again, body, entries, lines, good)

def wrong_layouts(cases, refuse, again, body, entries, lines, good):
    layout, n = "archive.layout", len(entries)
    refuse("a file in the tar that the manifest does not list", layout, again(body(lines=lines[:1])), entries)
    refuse("a file in the manifest that the tar has not", layout, again(body(lines=[*lines, line("c", b"")])), entries)
    refuse("no file in the tar", layout, good, b"")
    refuse("a block of zeros before the manifest", layout, good, entries + bytes(BLOCK))
    refuse("a block before the first file", layout, good, bytes(BLOCK) + entries)
    refuse("a byte before the manifest, which start counts", layout, good, entries + b"\x00")
    refuse("a block of zeros too many behind the signature", layout, end=tail(good + bytes(BLOCK), n, MADE))
    refuse("a byte between the signature and the zeros", layout, good + b"\x01")
    proper = tail(good, n, MADE)
    size = len(proper) - BLOCK - 1024
    for comment, start in (("behind the end", 1 << 40), ("2^64 - 1", 2**64 - 1), ("at the end", n + len(proper)), ("at the manifest's last block, so that nothing fits behind it", n + BLOCK + size - BLOCK + 8)):
        refuse(f"start {comment}", layout, end=proper[: BLOCK + size - 8] + u64(start) + bytes(1024))
    refuse("start at the first file", "malformed.magic", end=proper[: BLOCK + size - 8] + u64(0) + bytes(1024))
    for comment, header in (
        ("another time than made", entry_header(MANIFEST, size, MADE // 1000 + 1)), ("another name", entry_header("blindtally.manifes", size, MADE // 1000)),
        ("another length", entry_header(MANIFEST, size + 1, MADE // 1000)), ("a wrong sum", put(proper[:BLOCK], 148, b"000000")),
        ("zeros in its place", bytes(BLOCK)),
    ):
        refuse(f"the manifest's own header: {comment}", layout, end=header + proper[BLOCK:])
    refuse("a byte in the last block of zeros", layout, end=proper[:-1] + b"\x01")
    refuse("a byte in the first block of zeros behind the manifest", layout, end=proper[:-1024] + b"\x01" + bytes(1023))
    for comment, tar, code in (
        ("an empty tar", b"", layout), ("a tar of 1,024 zeros", bytes(1024), layout), ("a tar of 1,032 zeros", bytes(1032), layout), ("a tar of 1,536 zeros: a header and no manifest", bytes(1536), "malformed.truncated"),
        ("a tar of 2,048 zeros: no manifest where start says", bytes(2048), "malformed.magic"), ("a tar of 100 bytes", content_of(100), layout),
    ):
        refuse(comment, code, tar=tar)

def wrong_blobs(cases, files):
    sealer = cases.sealer
    tar, good = sealer.tar(files), cases.base
    device = random(16)
    def with_header(**changed): return sealer.seal(tar, replace(sealer.header, **changed))
    cases.refuse("sealed by a device", "archive.other-account", with_header(device_id=device))
    cases.refuse("sealed by a device with the account's fingerprint in another account", "archive.other-account", with_header(device_id=sealer.keys.device_id(random(16))))
    cases.refuse("a bit changed in device_id", "archive.other-account", flip(good, 7))
    for cls in (32, 224):
        cases.refuse(f"class {cls}", "malformed.value", with_header(cls=cls))
    # SPEC.md#archive-order
    cases.refuse("order: class 32, and sealed by a device", "malformed.value", with_header(cls=32, device_id=device))
    cases.refuse("order: sealed by a device, and a commitment that was changed", "archive.other-account", flip(with_header(device_id=device), 71))
    for comment, code, archive in (
        ("magic", "malformed.magic", put(good, 1, b"X")), ("kind", "malformed.kind", put(good, 2, b"K")), ("suite", "malformed.suite", put(good, 3, u8(0x32))),
        ("class 39", "malformed.value", put(good, 4, u8(39))), ("epoch 0", "malformed.value", put(good, 5, u16(0))),
        ("empty", "malformed.truncated", b""), ("cut to 102 bytes", "malformed.truncated", good[:102]), ("an epoch for which there is no key", "blob.no-key", put(good, 5, u16(2))),
        ("blob_id changed", "blob.no-key", flip(good, 23)), ("salt changed", "blob.no-key", flip(good, 47)), ("commitment changed", "blob.no-key", flip(good, 71)),
        ("another MasterKey", "blob.no-key", seal_blob_padded(sealer.header.input_key(sealer.account.masters[2]), sealer.header.context(sealer.account.id), sealer.header, sealer.salt, pad(tar))),
        ("padding of the blob: not minimal", "blob.plaintext", sealer.seal(tar, plaintext=pad(tar) + bytes(16))),
        ("padding of the blob: no marker", "blob.plaintext", sealer.seal(tar, plaintext=bytes(2048))),
    ):
        cases.refuse(f"blob: {comment}", code, archive)

def wrong_files(file, sealer):
    """Right manifests over entries that are not what they say: the files beside them are intact."""
    first, last = ("a", b"first"), ("c", b"last")
    cases = Cases(file, sealer, sealer.seal(sealer.tar([(p, TIME, c) for p, c in (first, ("b", b"abc"), last)])))
    lines = [line(*first), line("b", b"abc"), line(*last)]
    signed = sealer.keys.signed(b"archive", Manifest(sealer.account.id, MADE, sealer.keys, lines).body())
    right = entry_of("b", b"abc")
    for comment, wrong in {
        "all as it should be": right, "content that is not what was signed": entry_of("b", b"abd"), "another path in its header": entry_of("d", b"abc"),
        "another length in its header": entry_of("b", b"ab"), "another time in its header": entry_of("b", b"abc", TIME + 1), "another mode in its header": put(right, 100, b"0000755"),
        "an owner in its header": put(right, 265, b"root"), "a link in its header": put(right, 156, b"2"), "a sum of five digits and a space": put(right, 148, b" "),
        "zeros in place of its header": bytes(BLOCK) + right[BLOCK:], "a byte behind its end": put(right, BLOCK + 3, b"\x01"), "a byte at the end of its last block": put(right, 2 * BLOCK - 1, b"\x01"),
    }.items():
        entries = entry_of(*first) + wrong + entry_of(*last)
        result = shown("b", b"abc") if wrong == right else damaged("b", 3)
        archive = sealer.seal(entries + tail(signed, len(entries), MADE))
        cases.signed(f"a file: {comment}", archive, [shown(*first), result, shown(*last)])

class Long:
    """An archive of four chunks: what is in each of them, and what is left of it."""

    INNER = b"x" * 600

    def __init__(self, sealer, start):
        """`start` is the place of the manifest."""
        nested = content_of(512) + entry("found/in/a/file", self.INNER, TIME) + content_of(300)
        self.files = [
            ("devices.json", b'{"devices":[]}\n'), ("voice/a/1.ogg", content_of(15_000)), ("empty", b""), ("log/a/1.jsonl", b"{}\n" * 500),
            ("voice/a/2.ogg", content_of(11_776)[::-1]), ("nested.tar", nested), ("end", content_of(start - 35_328)),
        ]
        self.places, at = [], 0
        for _, content in self.files:
            self.places.append((at, at + BLOCK + in_blocks(len(content))))
            at = self.places[-1][1]
        assert at == start and self.places[5][0] == 2 * CHUNK - 1024, "the inner header is the first of chunk 2"
        self.archive = sealer.seal(sealer.tar([(path, TIME, content) for path, content in self.files]))
        self.chunks = -(-(len(self.archive) - START) // SEALED_CHUNK)

    def left(self, bad):
        """Every file, where these chunks do not open."""
        def under(place): return set(range(place[0] // CHUNK, (place[1] - 1) // CHUNK + 1))
        return [damaged(p, len(c)) if under(place) & bad else shown(p, c) for (p, c), place in zip(self.files, self.places)]

    def found(self, bad):
        """The files whose headers open, and what stands in the place of a lost header."""
        found = [f for f, place in zip(self.left(bad), self.places) if place[0] // CHUNK not in bad]
        if 1 in bad and 2 not in bad:
            found.insert(-1, shown("found/in/a/file", self.INNER))
        return found

    def flipped(self, *chunks):
        changed = self.archive
        for i in chunks:
            changed = flip(changed, min(START + i * SEALED_CHUNK + 5, len(changed) - 1))
        return changed

def damaged_chunks(file, sealer):
    long = Long(sealer, 3 * CHUNK - 1024)
    cases, base, n = Cases(file, sealer, long.archive), long.archive, len(long.archive)
    assert long.chunks == 4
    cases.signed("whole", base, long.left(set()))
    cases.signed("a bit changed in chunk 0", long.flipped(0), long.left({0}))
    cases.signed("a bit changed in chunk 1", long.flipped(1), long.left({1}))
    cases.signed("a bit changed in chunks 0 and 1", long.flipped(0, 1), long.left({0, 1}))
    for comment, bad in (
        ("chunk 2, with the beginning of the manifest", {2}), ("chunk 3, with the end of the manifest", {3}), ("chunks 2 and 3", {2, 3}), ("chunks 0 and 3", {0, 3}),
        ("chunks 1 and 3: bytes of a file are taken for a header", {1, 3}), ("chunks 1 and 2", {1, 2}), ("all chunks", {0, 1, 2, 3}),
    ):
        cases.unlisted(f"a bit changed in {comment}", long.flipped(*bad), long.found(bad))
    places = [START + i * SEALED_CHUNK for i in range(4)]
    for length, whole in (
        (START, 0), (START + 15, 0), (START + 16, 0), (places[1] - 1, 0), (places[1], 1), (places[1] + 15, 1), (places[1] + 16, 1), (places[1] + 1000, 1), (places[2], 2),
        (places[2] + 7, 2), (places[3], 3), (places[3] + 15, 3), (places[3] + 16, 3), (n - 1, 3),
    ):
        found = [f for f, place in zip(long.left(set(range(whole, 5))), long.places) if place[0] < whole * CHUNK]
        cases.unlisted(f"cut to {length} bytes, {whole} whole chunks", base[:length], found)
    cases.unlisted("a byte behind its end", base + b"\x00", long.found({3}))
    first, second, rest = ([place, SEALED_CHUNK] for place in places[:3])
    rest[1] = n - places[2]

    def moved(comment, listing, files, *edits):
        made = {"made": MADE} if listing == "signed" else {}
        cases.group.valid(comment, edits=list(edits), listing=listing, **made, files=files)
    moved("chunks 0 and 1 changed over", "signed", long.left({0, 1}), [places[0], 2 * SEALED_CHUNK, second], [places[2], 0, first])
    moved("chunk 0 in place of chunk 1", "signed", long.left({1}), [places[1], SEALED_CHUNK, first])
    moved("chunk 0 twice", "unlisted", long.found({1, 2, 3}), [places[1], 0, first])
    moved("without chunk 1", "unlisted", long.found({1, 2, 3}), [places[1], SEALED_CHUNK, ""])
    moved("without chunk 0", "unlisted", [], [places[0], SEALED_CHUNK, ""])

    header = Long(sealer, 3 * CHUNK - 512)
    cases.signed("whole, with the manifest's header alone in chunk 2", header.archive, header.left(set()))
    cases.unlisted("with the manifest's header alone in chunk 2: a bit changed there", header.flipped(2), header.found({2}))
    empty = Long(sealer, 45_568)
    assert empty.chunks == 4 and (len(empty.archive) - START) % SEALED_CHUNK == TAG
    cases.signed("whole, with a last chunk that is empty", empty.archive, empty.left(set()))
    cases.unlisted("with a last chunk that is empty: a bit changed in it", empty.flipped(3), empty.found({3}))
    cases.unlisted("without its last chunk, which is empty", empty.archive[:-TAG], empty.found({3}))

def headers_walked(file, sealer):
    """One chunk of entries, and zeros; what was behind it is cut off."""
    def cut(entries): return sealer.seal(entries.ljust(2 * CHUNK, b"\x00"))[: START + SEALED_CHUNK]
    one, two = entry_of("a/1", b"one"), entry_of("b", b"two")
    first, second = shown("a/1", b"one"), shown("b", b"two")
    cases = Cases(file, sealer, cut(one + two))

    def walk(comment, *parts):
        """Parts are bytes, or pairs of bytes and the file that is found there."""
        entries = b"".join(p if isinstance(p, bytes) else p[0] for p in parts)
        cases.unlisted(comment, cut(entries), [p[1] for p in parts if not isinstance(p, bytes)])

    inner, inside = (entry_of("i", b"inner"), shown("i", b"inner"))
    def wrapping(path): return entry_of(path, inner)
    walk("two files", (one, first), (two, second))
    walk("nothing but zeros")
    walk("zeros before, between and behind", bytes(1024), (one, first), bytes(BLOCK), (two, second))
    walk("other bytes between", (one, first), content_of(1024), (two, second))
    walk("a header that is not at a multiple of 512", (one, first), bytes(100), two)
    walk("a path twice: the first is listed", (one, first), entry_of("a/1", b"two"), (two, second))
    walk("a path twice but for case", (one, first), entry_of("A/1", b"two"), (two, second))
    walk("a folder of a file's name", (two, second), entry_of("b/1", b"x"), (one, first))
    walk("a file of a folder's name", (one, first), entry_of("A", b"x"), (two, second))
    walk("a path twice, the second with a file in its content", (one, first), wrapping("a/1"), (two, second))
    walk("a file with a file in its content", (wrapping("w"), shown("w", inner)), (two, second))
    for path in ("../x", "/x", "a//x", ".x", "C:x", "nul.txt", "a\\x", "\xff"):
        walk(f"the path {ascii(path)}: no header of this format", (one, first), entry_of(path, b""), (two, second))
    walk("the path ../x, with a file in its content: that is found", wrapping("../x")[:BLOCK], (inner, inside), (two, second))
    walk("the manifest's own name: nothing is behind it", (one, first), wrapping(MANIFEST), two)
    walk("the manifest's own name in capitals: no header of this format", (one, first), wrapping(MANIFEST.upper())[:BLOCK], (inner, inside), (two, second))
    for comment, at, new in (("another mode", 100, b"0000755"), ("a link", 156, b"2"), ("a wrong sum", 148, b"000000"), ("an owner", 265, b"root"), ("a number without its zero", 135, b" "), ("a space in its length", 124, b" ")):
        changed = put(two, at, new)
        if at not in (148,):
            header = changed[:148] + b" " * 8 + changed[156:BLOCK]
            changed = put(changed, 148, b"%06o" % sum(header))
        walk(f"{comment}: no header of this format", (one, first), changed)
    walk("not zeros behind a file", (put(one, BLOCK + 5, b"x"), damaged("a/1", 3)), (two, second))
    walk("a file that goes on behind the cut", (one, first), (entry_header("b", 17_000, TIME), damaged("b", 17_000)), two)
    walk("a file whose last block is behind the cut", (entry_header("b", CHUNK - BLOCK + 1, TIME), damaged("b", CHUNK - BLOCK + 1)), two)
    whole = bytes(CHUNK - BLOCK)
    walk("a file that ends at the cut", (entry_header("b", len(whole), TIME), shown("b", whole)))
    walk("the longest length and the latest time", (one, first), (entry_header("b", MAX_FILE, MAX_TIME), damaged("b", MAX_FILE, MAX_TIME)), two)
    walk("a header in the last block", (entry_of("z", bytes(CHUNK - 1024)), shown("z", bytes(CHUNK - 1024))), (entry_header("b", 0, TIME), shown("b", b"")))

FILES = {"archive": archive_file, "archive_refused": refused_file, "archive_paths": paths_file, "archive_damaged": damaged_file}
