"""Cases about blobs: SPEC.md#blob."""

from blob import *
from world import *

SEQ = 1_790_000_000_123
LENGTHS = [0, 1, 15, 16, 63, 64, 65, 1000]
LONG = [16_255, 16_256, 16_383, 16_384, 16_385, 32_767, 32_768, 40_000]

def content_of(n): return bytes((i * 2654435761 & 0xFFFFFFFF) >> 24 for i in range(n))

def edits_from(base, new, gap=24):
    """How `new` comes from `base`, by what differs place by place."""
    edits, at, common = [], 0, min(len(base), len(new))
    while at < common:
        if base[at] == new[at]:
            at += 1
            continue
        end = last = at + 1
        while end < common and end - last < gap:
            end += 1
            if base[end - 1] != new[end - 1]:
                last = end
        edits.append([at, last - at, new[at:last].hex()])
        at = end
    if len(base) != len(new):
        edits.append([common, len(base) - common, new[common:].hex()])
    return edits

def blob_file():
    file = File(
        "blob", "Blobs of one MasterKey: SPEC.md#blob. edits are to the group's blob: README.md#edits.",
        "Where only sha256 and length of a content are given, and the comment gives no other, byte i of it is (i * 2654435761 mod 2^32) >> 24.",
        "Many blobs of a group share blob_id and salt, so that they differ in few bytes. A writer never does that.",
    )
    master = MasterKey(random(16), 1, random(32))
    long_blobs(file, master)
    zeros(file, MasterKey(random(16), 1, random(32)))
    late = MasterKey(random(16), 65535, random(32))
    g = blob_group(file, late)
    for n in (0, 11, 1000):
        valid_blob(g, late, f"epoch 65535, {n} bytes", new_header(late), content_of(n))
    return file

def blob_group(file, master, blob=None):
    given = {} if blob is None else {"blob": blob}
    return file.group("Blob", masterKey=master.key, accountId=master.account_id, epoch=master.epoch, **given)

def new_header(master, **changed): return replace(BlobHeader(32, master.epoch, random(16), random(16), SEQ), **changed)

def about(header, content):
    shown = {"content": content} if len(content) <= 100 else {}
    fields = {"class": header.cls, "deviceId": header.device_id, "blobId": header.blob_id, "seq": header.seq}
    return {**fields, **shown, "length": len(content), "sha256": sha256(content)}

def valid_blob(g, master, comment, header, content):
    salt = random(24)
    g.valid(comment, blob=seal_blob(master, header, salt, content), salt=salt, **about(header, content))

def long_blobs(file, master):
    header, salt, content = new_header(master), random(24), content_of(40_000)
    base = seal_blob(master, header, salt, content)
    g = blob_group(file, master, base)
    for n in LENGTHS:
        valid_blob(g, master, f"{n} bytes", new_header(master), content_of(n))
    for n in LONG:
        made = seal_blob(master, header, salt, content_of(n))
        g.valid(f"{n} bytes", edits=edits_from(base, made), salt=salt, **about(header, content_of(n)))
    for cls in (33, 34, 40, 224, 255):
        valid_blob(g, master, f"class {cls}", new_header(master, cls=cls), b"a picture")
    valid_blob(g, master, "seq 0", new_header(master, seq=0), b"a picture")
    valid_blob(g, master, "the largest seq that JSON carries exactly", new_header(master, seq=2**53 - 1), b"a picture")
    for comment, n, new in (
        ("ends in 0x80", 99, b"\x80"), ("is 0x80", 0, b"\x80"), ("ends in 0x80 and fills its last block", 63, b"\x80"),
        ("ends in a zero", 40, bytes(1)), ("ends in zeros", 20, bytes(30)), ("is one zero", 0, bytes(1)),
        ("is zeros", 0, bytes(100)), ("is 0x80 bytes", 0, b"\x80" * 100), ("ends in 0x80 and zeros", 9, b"\x80" + bytes(30)),
        ("is 0x80 and zeros", 0, b"\x80" + bytes(15)), ("is not UTF-8", 0, b"\xff\xfe\xfd"),
    ):
        valid_blob(g, master, f"content that {comment}", new_header(master), content_of(n) + new)
    moved_chunks(g, master, base, header, salt, content)
    changed_starts(g, master)

def refuse(g, comment, code, released=b"", **given):
    g.invalid(comment, code, **given, released=sha256(released), releasedLength=len(released))

def moved_chunks(g, master, base, header, salt, content):
    """The faults of a blob of three chunks, the last of 8,192 bytes; what is released is whole chunks."""
    one, two, three = START + SEALED_CHUNK, START + 2 * SEALED_CHUNK, len(base)
    first, both = content[:CHUNK], content[: 2 * CHUNK]
    early, late = "malformed.truncated", "blob.truncated"
    for n in (0, 1, 2, 3, 4, 5, 6, 7, 23, 39, 46, 47, 70, 71, 102):
        refuse(g, f"cut to {n} bytes", early, blob=base[:n])
    for n in (START, START + 1, START + 15):
        refuse(g, f"cut to {n} bytes: no chunk", late, blob=base[:n])
    for n in (START + 16, START + 17, START + 1000):
        refuse(g, f"cut to {n} bytes: inside the first chunk", "blob.tampered", edits=[[n, three - n, ""]])
    for n, code, released in (
        (one - 1, "blob.tampered", b""), (one, late, first), (one + 1, late, first), (one + 15, late, first),
        (one + 16, "blob.tampered", first), (two - 1, "blob.tampered", first), (two, late, both), (two + 15, late, both),
        (two + 16, "blob.tampered", both), (three - 16, "blob.tampered", both), (three - 1, "blob.tampered", both),
    ):
        refuse(g, f"cut to {n} bytes", code, released, edits=[[n, three - n, ""]])
    for comment, new in (("a zero byte", "00"), ("16 bytes", "00" * 16), ("its own last chunk", [two, three - two]), ("its own first chunk", [START, SEALED_CHUNK])):
        refuse(g, f"extended by {comment}", "blob.tampered", both, edits=[[three, 0, new]])
    chunks = Chunks(header.input_key(master), header.context(master.account_id), salt)
    refuse(g, "extended by a chunk that is valid in the next place", "blob.tampered", both, edits=[[three, 0, chunks.seal(3, b"x\x80").hex()]])
    shorter = seal_blob(master, header, salt, content_of(32_000))
    assert (len(shorter) - START) % SEALED_CHUNK == TAG, "its last chunk is empty"
    cut = edits_from(base, shorter)
    refuse(g, "without its last chunk, which is empty", late, content_of(32_000), edits=edits_from(base, shorter[:two]))
    refuse(g, "its first chunk behind its last one, which is empty", "blob.tampered", content_of(32_000), edits=[*cut, [three, 0, [START, SEALED_CHUNK]]])
    refuse(g, "the first two chunks changed over", "blob.tampered", edits=[[START, 2 * SEALED_CHUNK, [one, SEALED_CHUNK]], [two, 0, [START, SEALED_CHUNK]]])
    refuse(g, "the last two chunks changed over", "blob.tampered", first, edits=[[one, three - one, [two, three - two]], [three, 0, [one, SEALED_CHUNK]]])
    refuse(g, "the first chunk twice", "blob.tampered", first, edits=[[one, 0, [START, SEALED_CHUNK]]])
    refuse(g, "the second chunk twice", "blob.tampered", both, edits=[[two, 0, [one, SEALED_CHUNK]]])
    refuse(g, "the first chunk in place of the second", "blob.tampered", first, edits=[[one, SEALED_CHUNK, [START, SEALED_CHUNK]]])
    refuse(g, "without its first chunk", "blob.tampered", edits=[[START, SEALED_CHUNK, ""]])
    refuse(g, "without its second chunk", "blob.tampered", first, edits=[[one, SEALED_CHUNK, ""]])
    other = seal_blob(master, header, random(24), content)
    refuse(g, "the last chunk of a blob with another salt", "blob.tampered", both, edits=[[two, three - two, other[two:].hex()]])
    small, other = (seal_blob(master, replace(header, blob_id=random(16)), salt, b"a picture") for _ in range(2))
    refuse(g, "the only chunk of a blob with another blob_id", "blob.tampered", blob=small[:START] + other[START:])
    for comment, at, released in (
        ("the first chunk, its first byte", START, b""), ("the first chunk, its last byte", one - 17, b""),
        ("the tag of the first chunk", one - 1, b""), ("the second chunk", one, first), ("the tag of the second chunk", two - 16, first),
        ("the last chunk, its padding", three - 17, both), ("the tag of the last chunk", three - 1, both),
    ):
        refuse(g, f"a bit changed in {comment}", "blob.tampered", released, edits=[[at, 1, u8(base[at] ^ 1).hex()]])

def changed_starts(g, master):
    header, salt, content = new_header(master), random(24), b"a picture"
    good = seal_blob(master, header, salt, content)
    for comment, code, at, new in (
        ("magic: first byte", "malformed.magic", 0, b"b"), ("magic: second byte", "malformed.magic", 1, b"t"),
        ("kind of a vault", "malformed.kind", 2, b"V"), ("kind of an archive manifest", "malformed.kind", 2, b"A"),
        ("suite 0x32", "malformed.suite", 3, u8(0x32)), ("suite 0x30", "malformed.suite", 3, u8(0x30)), ("suite of an archive manifest", "malformed.suite", 3, u8(0x91)),
        *((f"class {cls}, which is no blob class", "malformed.value", 4, u8(cls)) for cls in (0, 1, 16, 31, 35, 39, 41, 128, 192, 223)),
        ("epoch 0", "malformed.value", 5, u16(0)),
    ):
        changed = put(good, at, new)
        if code == "malformed.value":
            wrong = replace(header, cls=changed[4], epoch=int.from_bytes(changed[5:7]))
            changed = seal_blob(master, wrong, salt, content)
        refuse(g, comment, code, blob=changed)
    refuse(g, "order: another magic, and cut to 2 bytes", "malformed.magic", blob=b"BX")
    for n in (47, 102):
        refuse(g, f"order: class 16, and cut to {n} bytes", "malformed.value", blob=put(good, 4, u8(16))[:n])
    refuse(g, "order: epoch 0, and cut to 47 bytes", "malformed.value", blob=put(good, 5, u16(0))[:47])
    refuse(g, "order: a salt that was changed, and cut behind the commitment", "blob.no-key", blob=flip(good, 47)[:START])
    for comment, at in (
        ("class, to another blob class", 4), ("epoch", 5), ("device_id, first byte", 7), ("device_id, last byte", 22), ("blob_id, first byte", 23),
        ("blob_id, last byte", 38), ("seq, first byte", 39), ("seq, last byte", 46), ("salt, first byte", 47), ("salt, last byte", 70),
        ("commitment, first byte", 71), ("commitment, last byte", 102),
    ):
        refuse(g, f"a bit changed in {comment}", "blob.no-key", blob=flip(good, at))
    for comment, at in (("the ciphertext", START), ("the tag, first byte", -16), ("the tag, last byte", -1)):
        refuse(g, f"a bit changed in {comment}", "blob.tampered", blob=flip(good, at))
    resealed(g, master, header, salt, content)
    bad_padding(g, master, header, salt)

def resealed(g, master, header, salt, content):
    """The header of the good one over chunks and commitment under another key: nothing but the key is wrong."""
    key, context, padded = header.input_key(master), header.context(master.account_id), pad(content)

    def under(comment, key=key, context=context, header=header):
        refuse(g, comment, "blob.no-key", blob=seal_blob_padded(key, context, header, salt, padded))

    stranger = replace(master, account_id=random(16))
    under("sealed for another account", header.input_key(stranger), header.context(stranger.account_id))
    under("the right key with another account in the context", context=header.context(random(16)))
    under("under the key of another MasterKey", header.input_key(replace(master, key=random(32))))
    under("under the key of another epoch", header.input_key(replace(master, epoch=2)))
    under("of another epoch", header=replace(header, epoch=2))
    of_two = replace(header, epoch=2)
    second = replace(master, epoch=2)
    refuse(g, "of an epoch for which there is no key", "blob.no-key", blob=seal_blob(second, of_two, salt, content))
    under("under the key of another device", replace(header, device_id=random(16)).input_key(master))
    under("under the key of another class", replace(header, cls=33).input_key(master))
    for name, other in (("class", replace(header, cls=33)), ("device_id", flip_field(header, "device_id")), ("blob_id", flip_field(header, "blob_id")), ("seq", replace(header, seq=SEQ + 1))):
        under(f"another {name} in the context than in the header", context=other.context(master.account_id))
    device_key = master.device_key(32, header.device_id)
    under("under the ClassKey in place of the DeviceKey", purpose(master.class_key(32), b"blob", 0x31, 32))
    under("under the DeviceKey itself", device_key)
    under("under the DeviceKey's key for records", purpose(device_key, b"record", 0x21, 32))
    under("the context of a record", context=b"blindtally/v1/record" + context[len(b"blindtally/v1/blob") :])
    under("no context", context=b"")

def flip_field(header, name): return replace(header, **{name: flip(getattr(header, name))})

def bad_padding(g, master, header, salt):
    key, context, value = header.input_key(master), header.context(master.account_id), b"a picture"
    for comment, plaintext, released in (
        ("no plaintext at all", b"", b""), ("no marker: zeros alone", bytes(16), bytes(16)), ("no marker: last byte not 0x80", b"sixteen bytes ..", b"sixteen bytes .."),
        ("0x80 followed by 0x01", b"a\x80" + bytes(13) + b"\x01", b"a\x80" + bytes(13) + b"\x01"),
        ("the marker alone, without zeros", b"\x80", b""), ("one zero too few", (value + b"\x80").ljust(15, b"\x00"), value),
        ("16 zeros too many", (value + b"\x80").ljust(32, b"\x00"), value), ("padded to 80 bytes where 64 are enough", (content_of(63) + b"\x80").ljust(80, b"\x00"), content_of(63)),
        ("padded to a length that Padm\u00e9 skips", (content_of(500) + b"\x80").ljust(528, b"\x00"), content_of(500)),
    ):
        refuse(g, comment, "blob.plaintext", released, blob=seal_blob_padded(key, context, header, salt, plaintext))

def zeros(file, master):
    """Contents that look like padding, over the borders of chunks."""
    header, salt, n = new_header(master), random(24), 33_000
    base = seal_blob(master, header, salt, bytes(n))
    g = blob_group(file, master, base)
    g.valid("content that is 33,000 zeros", edits=[], salt=salt, **about(header, bytes(n)))
    marks = {
        "is 0x80 and 32,999 zeros": (0,), "has 0x80 in its last byte": (n - 1,), "is 16,383 zeros, 0x80, and zeros": (CHUNK - 1,),
        "is 16,384 zeros, 0x80, and zeros": (CHUNK,), "is zeros with 0x80 at both sides of a border of chunks": (CHUNK - 1, CHUNK),
        "is zeros with 0x80 in each chunk": (0, CHUNK + 5, 2 * CHUNK + 5),
    }
    def marked(length, places):
        made = bytearray(length)
        for at in places:
            made[at] = 0x80
        return bytes(made)

    for comment, places in marks.items():
        content = marked(n, places)
        g.valid(f"content that {comment}", edits=edits_from(base, seal_blob(master, header, salt, content)), salt=salt, **about(header, content))
    for length in (CHUNK, 2 * CHUNK, 32_000):
        content = marked(length, (0,))
        g.valid(f"content that is 0x80 and {length - 1} zeros", edits=edits_from(base, seal_blob(master, header, salt, content)), salt=salt, **about(header, content))
    content = marked(n, (0,))
    held = seal_blob(master, header, salt, content)
    def bad(comment, code, blob, released=b""): refuse(g, comment, code, released, edits=edits_from(base, blob))
    at = START + SEALED_CHUNK
    # SPEC.md#blob-held-back
    bad("0x80 and zeros, a bit changed in the second chunk: all of it is held back", "blob.tampered", flip(held, at))
    bad("0x80 and zeros, cut off behind the first chunk: all of it is held back", "blob.truncated", held[:at])
    bad("zeros, cut off behind the first chunk: no 0x80 is before them", "blob.truncated", base[:at], bytes(CHUNK))
    end = seal_blob(master, header, salt, marked(n, (100, CHUNK - 1)))
    bad("0x80 at the end of the first chunk, cut off behind it: that byte is held back", "blob.truncated", end[:at], marked(CHUNK - 1, (100,)))
    key, context = header.input_key(master), header.context(master.account_id)
    def padded(plaintext): return seal_blob_padded(key, context, header, salt, plaintext)
    bad("0x80 and 32,768 zeros: padding over three chunks where 16 bytes are enough", "blob.plaintext", padded(b"\x80" + bytes(2 * CHUNK)))
    bad("33,000 zeros and no marker", "blob.plaintext", padded(bytes(n)), bytes(n))
    bad("no marker in a last chunk that is empty", "blob.plaintext", padded(bytes(CHUNK)), bytes(CHUNK))

FILES = {"blob": blob_file}
