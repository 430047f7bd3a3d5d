"""Cases about single values: tokens, tokens in text, records, canonical forms, identities, typed codes."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import PublicFormat

from world import *

LENGTHS = [0, 1, 14, 15, 16, 31, 32, 47, 48, 62, 63, 64, 65, 100, 127, 128, 255, 256, 1000, 4095, 4096]
STRINGS = {
    "the worked example": "winword.exe",
    "emoji outside the basic plane": "\U0001f469\u200d\U0001f4bb \U0001f512",
    "right to left": "\u05d7\u05e9\u05d1\u05d5\u05df \u0645\u0633\u062a\u0646\u062f",
    "a combining accent": "cafe\u0301",
    "the same word precomposed: another token": "caf\u00e9",
    "NUL inside": "a\x00b",
    "NUL at the end": "a\x00",
    "0x80 as the last byte of the value": "\u0100",
}

def text_of(n): return ("Blindtally counts what it cannot read. " * 110)[:n].encode()

def token_file():
    file = File("token", "Tokens of one MasterKey: SPEC.md#token. value is UTF-8 in hexadecimal.")
    account_id, other_account = bytes(range(0xA0, 0xB0)), random(16)
    master = MasterKey(account_id, 1, bytes(range(32)))
    g = token_group(file, master)
    for n in LENGTHS:
        valid_token(g, master, f"a value of {n} bytes", 1, text_of(n))
    for comment, value in STRINGS.items():
        valid_token(g, master, comment, 1, value.encode())
    for cls in sorted(TOKEN_CLASSES - {1}):
        if cls < 130 or cls in (160, 191):
            valid_token(g, master, f"class {cls}", cls, b"winword.exe")
    for epoch in (1, 2, 65535):
        other = MasterKey(random(16), epoch, random(32))
        h = token_group(file, other)
        for n in (0, 11, 64, 300):
            valid_token(h, other, f"epoch {epoch}, {n} bytes", 7, text_of(n))
    refused_tokens(g, master, other_account)
    return file

def token_group(file, master):
    return file.group("Token", masterKey=master.key, accountId=master.account_id, epoch=master.epoch)

def valid_token(g, master, comment, cls, value):
    token = tokenize(master.class_key(cls), master.account_id, cls, master.epoch, value)
    g.valid(comment, **{"class": cls}, value=value, token=token_text(token), index=token_index(token))

def refused_tokens(g, master, other_account):
    value = b"winword.exe"
    good = tokenize(master.class_key(1), master.account_id, 1, 1, value)

    def refuse(comment, code, token): g.invalid(comment, code, token=token_text(token))
    def under_tag(comment, plaintext):
        made = seal_padded(master.class_key(1), master.account_id, token_header(1, 1), plaintext)
        refuse(comment, "reveal.plaintext", made)

    foreign = replace(master, account_id=other_account)
    refuse("made for another account", "reveal.tampered", tokenize(foreign.class_key(1), other_account, 1, 1, value))
    same_key = tokenize(master.class_key(1), other_account, 1, 1, value)
    refuse("the right key with another account in the associated data", "reveal.tampered", same_key)
    other = replace(master, key=random(32))
    refuse("made with another MasterKey", "reveal.tampered", tokenize(other.class_key(1), master.account_id, 1, 1, value))
    refuse("class changed from 1 to 2", "reveal.tampered", put(good, 1, u8(2)))
    second = replace(master, epoch=2)
    of_two = tokenize(second.class_key(1), master.account_id, 1, 2, value)
    refuse("of an epoch for which there is no key", "reveal.no-key", of_two)
    refuse("epoch changed from 2 to 1", "reveal.tampered", put(of_two, 2, u16(1)))
    for at, what in ((4, "first byte of the ciphertext"), (19, "last byte of the ciphertext"), (20, "first byte of the tag")):
        refuse(f"{what} flipped", "reveal.tampered", flip(good, at))
    refuse("last byte of the tag flipped", "reveal.tampered", flip(good))
    long = tokenize(master.class_key(1), master.account_id, 1, 1, text_of(40))
    refuse("cut to another legal length", "reveal.tampered", long[:36])
    refuse("extended to another legal length", "reveal.tampered", good + bytes(16))
    refuse("ends one byte early", "malformed.truncated", good[:-1])
    refuse("header alone", "malformed.truncated", good[:4])
    refuse("one byte more", "malformed.value", good + b"\x00")
    refuse("a length that Padm\u00e9 skips", "malformed.value", good[:4] + bytes(528 + 16))
    refuse("longer than any token", "malformed.too-long", good[:4] + bytes(4352 + 256 + 16))
    for suite in (0x10, 0x12, 0x21, 0x00):
        refuse(f"suite 0x{suite:02x}", "malformed.suite", put(good, 0, u8(suite)))
    for cls in (0, 8, 127, 16, 32, 192, 255):
        refuse(f"class {cls}, which is no token class", "malformed.value", put(good, 1, u8(cls)))
    refuse("epoch 0", "malformed.value", put(good, 2, u16(0)))
    # SPEC.md#token-order
    under_tag("padded to 32 bytes where 16 are enough", (value + b"\x80").ljust(32, b"\x00"))
    under_tag("no padding marker: zeros alone", bytes(16))
    under_tag("no padding marker: last byte not 0x80", b"sixteen bytes ..")
    under_tag("0x80 followed by 0x01", (value + b"\x80").ljust(15, b"\x00") + b"\x01")
    under_tag("a marker at the start of the last of five blocks, which four could hold", text_of(64) + b"\x80" + bytes(31))
    under_tag("invalid UTF-8", pad(b"\xff\xfe"))
    under_tag("UTF-8 of a surrogate", pad(b"\xed\xa0\x80"))
    under_tag("over-long UTF-8", pad(b"\xc0\xaf"))
    under_tag("a value cut inside a character", pad("\u00e9".encode()[:1]))
    under_tag("a value of 4,097 bytes", pad(text_of(4097)))
    text = token_text(good)
    shorter = token_text(tokenize(master.class_key(1), master.account_id, 1, 1, text_of(16)))
    last = "AQgw"["AQgw".index(shorter[-1])] if shorter[-1] in "AQgw" else None
    assert last, "52 bytes leave four unused bits"
    bits = shorter[:-1] + chr(ord(last) + 1)
    g.invalid("unused bits of the last character set", "malformed.encoding", token=bits)
    g.invalid("with padding", "malformed.encoding", token=shorter + "==")
    g.invalid("the standard alphabet", "malformed.encoding", token="bt1_" + "EQEAAZwb2DWzXhtXuvBpx77WOG/zPmvqS9qNF52Y51Y9u9Br")
    g.invalid("a length that base64 cannot have", "malformed.encoding", token=text + "A")
    g.invalid("white space at the end", "malformed.encoding", token=text + "\n")
    g.invalid("white space inside", "malformed.encoding", token=text[:20] + " " + text[20:])
    g.invalid("white space before", "malformed.encoding", token=" " + text)
    for wrong in ("br1_", "BT1_", "bt2_", "bt1-", ""):
        g.invalid(f"prefix {wrong!r}", "malformed.encoding", token=wrong + text[4:])
    g.invalid("empty", "malformed.encoding", token="")
    g.invalid("prefix alone", "malformed.truncated", token="bt1_")
    g.invalid("a value too long to tokenize", "tokenize.too-long", **{"class": 1}, value=text_of(4097))

def scan_file():
    file = File("token text", "Where tokens begin and end in text, in bytes of UTF-8: SPEC.md#token-text.")
    g, master = file.group("Scan"), MasterKey(random(16), 1, random(32))

    def one(n=11, cls=1): return token_text(tokenize(master.class_key(cls), master.account_id, cls, 1, text_of(n)))
    def case(comment, *parts):
        """Parts that are pairs hold a token that must be found."""
        text, found = "", []
        for part in parts:
            if isinstance(part, tuple):
                start = len(text.encode())
                found.append([start, start + len(part[0])])
                part = part[0]
            text += part
        g.valid(comment, text=text, tokens=found)

    t, u, longest = one(), one(300, 2), one(4096)
    case("a token alone", (t,))
    case("no text", "")
    case("no token", "the prefix bt1_ alone is no token")
    case("tokens at both ends", (t,), " and ", (u,))
    case("the longest token", "<", (longest,), ">")
    case("after text of several bytes a character", "caf\u00e9 \U0001f512 ", (t,), " \u05d0")
    case("letters beside it that are not base64url", "\u00e9", (t,), "\u00e9")
    for left, right in ("()", "[]", "\"\"", "<>", ",,", "..", ":;", "==", "++", "//", "\t\n", "\x00\x00"):
        case(f"between {left!r} and {right!r}", left, (t,), right)
    case("in JSON", '{"app":"', (t,), '","n":1}')
    case("in a query string", "?a=", (t,), "&b=", (u,), "#x")
    case("two with a comma between", (t,), ",", (u,))
    case("two with a hyphen between: one run", t + "-" + u)
    case("two with nothing between: one run", t + u)
    for c in "aZ0-_":
        case(f"{c!r} before it", c + t)
        case(f"{c!r} after it", t + c)
    case("a run that starts with the prefix twice", "bt1_" + t)
    case("a good one after a bad one", t + "x ", (t,))
    case("a run longer than any token", "bt1_" + "A" * 5831, " ", (t,))
    case("a run shorter than any token", t[:-1])
    case("a run of legal characters that is no token", "bt1_" + "A" * 48)
    case("suite 0x12", "bt1_Eg" + t[6:])
    case("class 0", token_text(put(parse_token(t), 1, u8(0))))
    case("a record class", token_text(put(parse_token(t), 1, u8(16))))
    case("epoch 0", token_text(put(parse_token(t), 2, u16(0))))
    case("a length that no value has", "bt1_" + b64(parse_token(t) + bytes(3)))
    sixteen = one(16)
    case("unused bits set", sixteen[:-1] + chr(ord(sixteen[-1]) + 1))
    case("with padding characters after it", (sixteen,), "==")
    case("cut to another legal length: the run decides, not the tag", (one(40)[:52],))
    case("upper-case prefix", "BT1_" + t[4:])
    case("a record is no token", "br1_" + t[4:])
    case("a ticket's prefix", "btt1_" + t[4:])
    return file

def record_file():
    file = File("record", "Records of one MasterKey: SPEC.md#record. value is UTF-8 in hexadecimal.")
    master, device = MasterKey(random(16), 1, random(32)), random(16)
    late = MasterKey(random(16), 65535, random(32))
    for m in (master, late):
        g = file.group("Record", masterKey=m.key, accountId=m.account_id, epoch=m.epoch)
        for n in (0, 1, 15, 16, 63, 64, 100, 5000) if m is master else (11,):
            valid_record(g, m, f"a value of {n} bytes", 16, random(16), 1, (text_of(4000) * 2)[:n])
        for cls in (17, 18, 192, 223):
            valid_record(g, m, f"class {cls}", cls, device, 0, b"typed words")
        valid_record(g, m, "the largest seq that JSON carries exactly", 16, device, 2**53 - 1, b"typed words")
        if m is master:
            valid_record(g, m, "longer than a token may be, not ASCII", 18, device, 2, "\u05d0\U0001f512".encode() * 700)
            refused_records(g, m, device)
    return file

def valid_record(g, master, comment, cls, device, seq, value):
    nonce = random(12)
    made = seal_record(master.device_key(cls, device), master.account_id, cls, master.epoch, device, seq, nonce, value)
    fields = {"class": cls, "deviceId": device, "seq": seq, "nonce": nonce, "value": value}
    g.valid(comment, **fields, record="br1_" + b64(made))

def refused_records(g, master, device):
    header, nonce, key = record_header(16, 1, device, 5), random(12), master.device_key(16, device)
    good = seal_record_padded(key, master.account_id, header, nonce, pad(b"typed words"))

    def refuse(comment, code, record): g.invalid(comment, code, record="br1_" + b64(record))
    def under_tag(comment, plaintext):
        refuse(comment, "record.plaintext", seal_record_padded(key, master.account_id, header, nonce, plaintext))

    foreign = seal_record_padded(key, random(16), header, nonce, pad(b"typed words"))
    refuse("the right key with another account in the associated data", "record.tampered", foreign)
    refuse("another MasterKey", "record.tampered",
           seal_record_padded(replace(master, key=random(32)).device_key(16, device), master.account_id, header, nonce, pad(b"x")))
    refuse("the ClassKey in place of the DeviceKey", "record.tampered",
           seal_record_padded(master.class_key(16), master.account_id, header, nonce, pad(b"x")))
    # SPEC.md#seq-authentic
    changes = {"class": (1, u8(17)), "device id": (4, flip(device)), "seq": (20, u64(6)), "nonce": (28, flip(nonce))}
    for what, (at, new) in changes.items():
        refuse(f"{what} changed", "record.tampered", put(good, at, new))
    refuse("of an epoch for which there is no key", "record.no-key", put(good, 2, u16(2)))
    refuse("ciphertext flipped", "record.tampered", flip(good, 40))
    refuse("tag flipped", "record.tampered", flip(good))
    refuse("extended to another legal length", "record.tampered", good + bytes(16))
    refuse("ends one byte early", "malformed.truncated", good[:-1])
    refuse("header alone", "malformed.truncated", good[:40])
    refuse("one byte more", "malformed.value", good + b"\x00")
    # SPEC.md#record-length
    refuse("a length that Padm\u00e9 skips", "malformed.value", good[:40] + bytes(528 + 16))
    refuse("suite 0x22", "malformed.suite", put(good, 0, u8(0x22)))
    refuse("suite of a token", "malformed.suite", put(good, 0, u8(0x11)))
    # SPEC.md#queue-class
    for cls in (0, 1, 19, 32, 128, 224):
        refuse(f"class {cls}, which is no record class", "malformed.value", put(good, 1, u8(cls)))
    refuse("epoch 0: a queue record", "record.no-key", put(good, 2, u16(0)))
    under_tag("padded to 32 bytes where 16 are enough", (b"x\x80").ljust(32, b"\x00"))
    under_tag("no padding marker", bytes(16))
    under_tag("invalid UTF-8", pad(b"\xff"))
    g.invalid("prefix of a token", "malformed.encoding", record="bt1_" + b64(good))
    g.invalid("with padding", "malformed.encoding", record="br1_" + b64(good[:-16] + bytes(17)) + "=")

def refused_record_file():
    file = File(
        "record", "More records that are refused: SPEC.md#record, SPEC.md#strict. As record.json.",
        "followed is a number of characters A that follow the record: zero bytes, too many for a file.",
    )
    master, device = MasterKey(random(16), 1, random(32)), random(16)
    g = file.group("Record", masterKey=master.key, accountId=master.account_id, epoch=1)
    valid_record(g, master, "a value of 11 bytes, which the others are made from", 16, device, 5, b"typed words")
    text = g.data["tests"][0]["record"]
    data = prefixed(text, "br1_")
    key, nonce = master.device_key(16, device), random(12)

    def refuse(comment, code, text, **more): g.invalid(comment, code, record=text, **more)
    def changed(comment, code, data): refuse(comment, code, "br1_" + b64(data))
    def padded(comment, plaintext):
        changed(comment, "record.plaintext", seal_record_padded(key, master.account_id, record_header(16, 1, device, 5), nonce, plaintext))

    for wrong in ("BR1_", "br2_", "br1-", "br1", ""):
        refuse(f"prefix {wrong!r}", "malformed.encoding", wrong + text[4:])
    refuse("empty", "malformed.encoding", "")
    refuse("prefix alone", "malformed.truncated", "br1_")
    short = seal_record(key, master.account_id, 16, 1, device, 5, nonce, b"x" * 16)
    assert len(short) % 3 == 1
    standing = "br1_" + b64(short)
    refuse("unused bits of the last character set", "malformed.encoding", standing[:-1] + ALPHABET64[ALPHABET64.index(standing[-1]) + 1])
    refuse("with padding", "malformed.encoding", standing + "==")
    refuse("a length that base64 cannot have", "malformed.encoding", standing[:-1])
    for comment, at, new in (("the standard alphabet: +", 40, "+"), ("the standard alphabet: /", 40, "/"), ("a space inside", 40, " "), ("a character that is not ASCII", 40, "\u00e9")):
        refuse(comment, "malformed.encoding", text[:at] + new + text[at + 1 :])
    refuse("a line end behind it", "malformed.encoding", text + "\n")
    refuse("white space before it", "malformed.encoding", " " + text)
    for n in (1, 2, 4, 20, 28, 39, 41, 55, 71):
        changed(f"cut to {n} bytes", "malformed.truncated", data[:n])
    for suite in (0x00, 0x20, 0x31):
        changed(f"suite 0x{suite:02x}", "malformed.suite", put(data, 0, u8(suite)))
    for cls in (2, 7, 15, 33, 34, 40, 127, 191, 255):
        changed(f"class {cls}, which is no record class", "malformed.value", put(data, 1, u8(cls)))
    longest = put(data[:40], 0, b"\x21") + bytes(2)
    assert len(longest) % 3 == 0
    over = padded_len(MAX_RECORD) + 16 - 2
    for extra in (16, 1 << 15):
        more = -(-(over + extra) // 3) * 4
        refuse(f"longer than any record by {more // 4 * 3 - over} bytes", "malformed.too-long", "br1_" + b64(longest), followed=more)
    for seq in (0, 4, 2**63 + 5):
        changed(f"seq changed to {seq}", "record.tampered", put(data, 20, u64(seq)))
    changed("tag: first byte flipped", "record.tampered", flip(data, -16))
    changed("tag: every byte flipped", "record.tampered", data[:-16] + bytes(b ^ 255 for b in data[-16:]))
    under = {"no associated data": b"", "a token's associated data": b"blindtally/v1/token" + master.account_id + data[:28], "associated data without the header": b"blindtally/v1/record" + master.account_id}
    for comment, aad in under.items():
        changed(comment, "record.tampered", data[:28] + nonce + seal(purpose(key, b"record", 0x21, 32), nonce, pad(b"typed words"), aad))
    own = master.device_key(16, device)
    changed("the DeviceKey itself in place of the record's key", "record.tampered", data[:28] + nonce + seal(own, nonce, pad(b"typed words"), b"blindtally/v1/record" + master.account_id + data[:28]))
    padded("no marker: last byte not 0x80", b"sixteen bytes ..")
    padded("0x80 followed by 0x01", b"a\x80" + bytes(13) + b"\x01")
    padded("a surrogate in UTF-8", pad(b"\xed\xa0\x80"))
    padded("UTF-8 that is longer than it need be", pad(b"\xc0\x80"))
    padded("UTF-8 that ends early", pad(b"\xe2\x82"))
    return file

ALPHABET64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

def canonical_file():
    file = File("canonical form", "What an agent does to a value before it tokenizes: SPEC.md#canonical.")
    exact, lower, host = (file.group("CanonicalForm", form=n) for n in (0, 1, 2))
    for value in ("", "WinWord.EXE", " spaced ", "\u00c9\u0130\u212a"):
        exact.valid("unchanged", input=value, output=value)
    cases = {"WinWord.EXE": "winword.exe", "": "", "az AZ @[`{": "az az @[`{", "\u00c9cole.EXE": "\u00c9cole.exe",
             "\u0130\u212a\u1e9e": "\u0130\u212a\u1e9e", "\uff21": "\uff21", " A\tB ": " a\tb "}
    for given, wanted in cases.items():
        lower.valid("only A to Z change", input=given, output=wanted)
    cases = {
        "https://Example.COM/path?q#f": "example.com", "example.com": "example.com", "EXAMPLE.com:8080": "example.com",
        "https://user:pass@example.com/": "example.com", "https://a@b@example.com/": "example.com",
        "https://example.com/@x": "example.com", "https://example.com?u=@x": "example.com",
        "https://example.com#@x:1": "example.com", "http://[2001:DB8::1]:80/x": "[2001:db8::1]",
        "[::1": "[", "[::1/x": "[", "[": "[", "http://[a]b]c": "[a]", "u@[::1]:1": "[::1]",
        "": "", "://": "", "http://": "", "a://b://c": "b", "//example.com/x": "", "mailto:a@b": "b",
        "https:/example.com": "https", "about:blank": "about", "http://user@/x": "", "http://\u00c9.COM": "\u00c9.com",
        "http://example.com.": "example.com.", "http://example.com\\@evil": "evil", " https://a.b ": "a.b ",
        "x]y:1": "x]y", "http://a:1@b:2": "b", "http://xn--E.Com": "xn--e.com", "file:///C:/x": "", "?://x": "x",
    }
    for given, wanted in cases.items():
        assert canonical(2, given) == wanted, (given, canonical(2, given))
        host.valid("host", input=given, output=wanted)
    return file

def identity_file():
    file = File("identity", "Two RSA public keys, their fingerprint, code and device id: SPEC.md#identity.")
    account_id = random(16)
    g = file.group("Identity", accountId=account_id)
    for name, bits in (("device 0", 2048), ("account", 3072), ("large", 4096)):
        p = pair(name, bits)
        fields = {"fingerprint": p.fingerprint, "code": p.code, "deviceId": p.device_id(account_id)}
        g.valid(f"{bits} bits", encryptionKey=p.spkis[0], signingKey=p.spkis[1], **fields)
    enc, sig = pair("device 0").spkis
    mixed = Public(enc, pair("account", 3072).spkis[1])
    fields = {"fingerprint": mixed.fingerprint, "code": mixed.code, "deviceId": mixed.device_id(account_id)}
    g.valid("2048 and 3072 bits", encryptionKey=mixed.spkis[0], signingKey=mixed.spkis[1], **fields)

    def spki(key): return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    def fresh(bits, e=65537): return spki(rsa.generate_private_key(e, bits))
    bad = {
        # SPEC.md#rsa-keys
        "1024 bits": fresh(1024), "2047 bits": fresh(2047), "2560 bits": fresh(2560), "exponent 3": fresh(2048, 3),
        "OID of RSASSA-PSS without parameters": spki_with(enc, der(0x30, PSS_OID)),
        "OID of RSASSA-PSS with NULL": spki_with(enc, der(0x30, PSS_OID, NULL)),
        "rsaEncryption without NULL": spki_with(enc, der(0x30, RSA_OID)),
        "outer length not minimal": spki_with_long_length(enc),
        "an even modulus": flip(enc, -6), "a byte after the end": enc + b"\x00", "ends early": enc[:-1], "empty": b"",
        "PKCS#1 in place of SPKI": enc[24:], "an elliptic curve key": spki(ec.generate_private_key(ec.SECP256R1())),
    }
    for what, key in bad.items():
        g.invalid(f"encryption key: {what}", "malformed.public-key", encryptionKey=key, signingKey=sig)
    for what in ("1024 bits", "exponent 3", "a byte after the end"):
        g.invalid(f"signing key: {what}", "malformed.public-key", encryptionKey=enc, signingKey=bad[what])
    # SPEC.md#two-keys
    g.invalid("the same key twice", "malformed.public-key", encryptionKey=enc, signingKey=enc)
    return file

def crockford_file():
    file = File("codes that people type", "Checked codes and account codes: SPEC.md#crockford, SPEC.md#ticket.")
    g = file.group("CheckedCode")
    for key in (bytes(16), b"\xff" * 16, bytes(range(16)), random(16)):
        g.valid("as written", typed=checked_code(key), key=key, code=checked_code(key))
    key = bytes.fromhex("0044208c1062106210844218c6318c63")
    code = checked_code(key)
    assert "0" in code and "1" in code
    for what, typed_text in variants(code).items():
        g.valid(what, typed=typed_text, key=key, code=code)
    for what, typed_text in refusals(code).items():
        g.invalid(what, "recovery-key.invalid", typed=typed_text)
    for at in (0, 12, 33):
        c = "2" if code[at] != "2" else "3"
        g.invalid(f"character {at} mistyped", "recovery-key.invalid", typed=code[:at] + c + code[at + 1 :])
    swapped = next(i for i in range(3) if code[i] != code[i + 1])
    text = code[:swapped] + code[swapped + 1] + code[swapped] + code[swapped + 2 :]
    g.invalid("two characters changed over", "recovery-key.invalid", typed=text)
    g = file.group("AccountCode")
    for account_id, prefix in ((bytes(16), bytes(15)), (b"\xff" * 16, b"\xff" * 15), (random(16), random(15))):
        code = account_code(account_id, prefix)
        g.valid("as written", typed=code, accountId=account_id, fingerprintPrefix=prefix, code=code)
    account_id, prefix = key, bytes.fromhex("0044208c1062106210844218c6318c")
    code = account_code(account_id, prefix)
    for what, typed_text in variants(code).items():
        g.valid(what, typed=typed_text, accountId=account_id, fingerprintPrefix=prefix, code=code)
    for what, typed_text in refusals(code).items():
        g.invalid(what, "malformed.encoding", typed=typed_text)
    bare = typed(code)
    g.invalid("unused bits of the account id set", "malformed.encoding", typed=bare[:25] + ALPHABET[ALPHABET.index(bare[25]) + 1] + bare[26:])
    return file

def variants(code):
    return {
        # SPEC.md#code-spacing, SPEC.md#code-lookalikes
        "no hyphens": code.replace("-", ""), "lower case": code.lower(), "O for 0": code.replace("0", "O"),
        "o for 0": code.replace("0", "o"), "I for 1": code.replace("1", "I"), "l for 1": code.replace("1", "l"),
        "L and i for 1": code.replace("1", "L", 1).replace("1", "i"), "spaces for hyphens": code.replace("-", " "),
        "white space around and inside": "\n " + code.replace("-", "\r\n\t") + " ", "hyphens everywhere": "-".join(code) + "--",
        "white space that is not ASCII": code.replace("-", "\u2003\u00a0\u0085\u2028"),
    }

def refusals(code):
    return {
        # SPEC.md#code-refused
        "empty": "", "one character short": code[:-1], "one character more": code + "0", "U in it": code[:-1] + "U",
        "a full stop in it": code.replace("-", ".", 1), "a letter that is not ASCII": code[:-1] + "\u0410",
        "a separator that is no white space": code.replace("-", "\x1f"), "a zero-width space": code.replace("-", "\u200b"),
        "a full-width digit": code[:-1] + "\uff10", "a dotless i": code[:-1] + "\u0131", "a long s": code[:-1] + "\u017f",
    }

FILES = {
    "token": token_file, "scan": scan_file, "record": record_file, "record_refused": refused_record_file, "canonical": canonical_file,
    "identity": identity_file, "crockford": crockford_file,
}
