"""Cases that answer what implementers asked: which of two faults is found first, and what SPEC.md once left unsaid."""

import copy

from cases_agent import SEQ, VERSION, Scene
from cases_archive import Cases as Archives
from cases_archive import MADE, TIME, Sealer
from cases_archive import line as listed
from cases_blob import content_of
from cases_owner import DAY, NOW, Locked, device_of, rsa_of, spki_of
from identity import load_private
from archive import *
from world import *

def questions_file():
    file = File("questions", "What implementers asked, answered: SPEC.md#which-code, and the sections that the types belong to.")
    tokens_and_records(file)
    a, locked = account("small account", 2048), Locked(account("small account", 2048).id)
    vaults(file, a, locked)
    kept_logins(file, a, locked)
    backups(file, a)
    tickets(file, a)
    enrollments(file, a, locked)
    deliveries(file)
    policies(file)
    states(file)
    archives(file)
    return file

def questions_agent_file():
    file = File("questions", "Like questions.json, of an agent: what not every implementation has a call for.")
    s = Scene()
    g, own = file.group("QueueRecord", agentState=s.running), s.agent.device_id()

    def sealed(cls, epoch, device=own):
        header = record_header(cls, epoch, device, 1)
        return seal_record_padded(s.agent.queue_key, s.agent.account_id, header, random(12), pad(b"Kept until keys arrive"))

    def refuse(comment, code, record): g.invalid(comment, code, record="br1_" + b64(record))
    # SPEC.md#queue-class
    refuse("a record class with another epoch", "record.no-key", sealed(16, 1))
    refuse("order: a token class with another epoch, cut", "malformed.value", sealed(1, 1)[:30])
    refuse("order: of another device, cut", "malformed.truncated", sealed(1, 0, random(16))[:50])
    g = file.group("Policy", agentState=s.pending)
    g.invalid("to an agent that is pending", "state.phase", policy=s.policy)
    g.invalid("order: empty, to an agent that is pending", "state.phase", policy=b"")
    return file

def tokens_and_records(file):
    master, device = MasterKey(random(16), 1, random(32)), random(16)
    inputs = {"masterKey": master.key, "accountId": master.account_id, "epoch": 1}
    g = file.group("Token", **inputs)
    long = bytes(MAX_TOKEN - 4 + 1)
    for comment, code, text in (
        ("order: longer than any token, suite 0x12", "malformed.too-long", token_text(b"\x12\x01\x00\x01" + long)),
        ("order: longer than any token, prefix of a record", "malformed.too-long", "br1_" + b64(token_header(1, 1) + long)),
        ("order: longer than any token, not base64url", "malformed.too-long", "bt1_" + "*" * 5831),
        ("as long as a token may be, not base64url", "malformed.encoding", "bt1_" + "*" * 5830),
        ("order: suite 0x12, a record class", "malformed.suite", token_text(b"\x12\x10\x00\x01" + bytes(32))),
        ("order: a record class, no ciphertext", "malformed.value", token_text(token_header(16, 1))),
        ("order: epoch 0, no ciphertext", "malformed.value", token_text(token_header(1, 0))),
        ("order: of another epoch, a length that no token has", "malformed.value", token_text(token_header(1, 2) + bytes(33))),
    ):
        g.invalid(comment, code, token=text)
    g = file.group("Record", **inputs)

    def record(cls=16, epoch=1): return record_header(cls, epoch, device, 5) + random(12) + bytes(32)
    def refuse(comment, code, data, **more): g.invalid(comment, code, record="br1_" + b64(data), **more)
    longest = -(-MAX_RECORD_BYTES * 4 // 3) - len(b64(record()))
    refuse("order: longer than any record by a byte, suite 0x22", "malformed.too-long", put(record(), 0, u8(0x22)), followed=longest + 1)
    refuse("as long as a record may be, suite 0x22", "malformed.suite", put(record(), 0, u8(0x22)), followed=longest)
    refuse("order: a token class with an epoch, cut", "malformed.value", record(1)[:20])
    # SPEC.md#queue
    refuse("a queue record of a token class", "record.no-key", record(1, 0))
    refuse("order: epoch 0, cut", "malformed.truncated", record(16, 0)[:-1])
    refuse("order: of an epoch for which there is no key, a length that no record has", "malformed.value", record(16, 2) + b"\x00")

def reordered(private):
    """The key with its primes changed over."""
    n = load_private(private).private_numbers()
    return pkcs8_of(n.public_numbers.n, n.d, n.q, n.p, n.dmq1, n.dmp1, pow(n.p, -1, n.q))

def with_large_exponent(private):
    """The key with an exponent that does the same, but is not below the modulus."""
    n = load_private(private).private_numbers()
    period = (n.p - 1) * (n.q - 1)
    d = n.d + -(-(n.public_numbers.n - n.d) // period) * period
    return pkcs8_of(n.public_numbers.n, d, n.p, n.q, n.dmp1, n.dmq1, n.iqmp)

def pkcs8_of(n, d, p, q, *rest):
    def integer(x): return der(0x02, x.to_bytes(x.bit_length() // 8 + 1))
    key = der(0x30, *map(integer, (0, n, 65537, d, p, q, *rest)))
    return der(0x30, integer(0), der(0x30, RSA_OID, NULL), der(0x04, key))

def with_keys(account, encryption, signing):
    """As if it had these private keys, which are not looked at."""
    changed = copy.copy(account)
    changed.pkcs8 = (encryption, signing)
    return changed

def vaults(file, a, locked):
    base = a.keyring()
    for params in ((19_455, 17, 1), (1_048_577, 1, 1), (19_456, 17, 0)):
        g = file.group("Vault", **Locked(a.id, ARGON2ID, params).inputs())
        # SPEC.md#kdf-bounds
        g.invalid(f"order: parameters {params}, below the floor and above the ceiling", "kdf.below-floor", vault=b"")
    g = file.group("Vault", **locked.inputs())

    def refuse(comment, code, keyring=base, end=b"", **fields): g.invalid(comment, code, vault=locked.seal(keyring.encode() + end), **fields)
    refuse("order: keyring of another generation, a byte after it", "malformed.trailing", replace(base, generation=8), b"\x00")
    refuse("order: keyring of another generation, its policy's signature flipped", "malformed.value", replace(base, generation=8, policy=flip(base.policy)))
    refuse("order: generation below the one seen, keyring of another", "unlock.header", replace(base, generation=8), seen=9)
    refuse("order: generation below the one seen, a byte after the keyring", "malformed.trailing", base, b"\x00", seen=9)
    g.invalid("order: generation below the one seen, tag flipped", "unlock.wrong", vault=flip(locked.seal(base.encode())), seen=9)
    devices = sorted((device_of(f"device {n}") for n in range(3)), key=lambda d: d.public.device_id(a.id))
    backwards, keyless = devices[::-1], [a.masters[2]]
    refuse("order: policy signature flipped, devices not ascending", "malformed.value", replace(base, policy=flip(base.policy), devices=backwards))
    refuse("order: no MasterKey of the policy's epoch, devices not ascending", "malformed.order", replace(base, master_keys=keyless, devices=backwards))
    refuse("order: no MasterKey, a byte after the end", "malformed.trailing", replace(base, master_keys=[]), b"\x00")
    refuse("order: devices not ascending, the last of status 3", "malformed.value", replace(base, devices=[*backwards[:2], replace(backwards[2], status=3)]))
    refuse("order: epochs not ascending, and the last is 0", "malformed.value", replace(base, master_keys=[a.masters[2], a.masters[1], MasterKey(a.id, 0, random(32))]))
    encryption, signing = a.keys.pkcs8
    refuse("one private key in both places", "malformed.private-key", replace(base, account=with_keys(a.keys, encryption, encryption)))
    refuse("order: a private key that is no DER, the other of 4,097 bytes", "malformed.too-long", replace(base, account=with_keys(a.keys, bytes(32), bytes(4097))))
    # SPEC.md#private-key-follows
    refuse("a private exponent that is not below the modulus", "malformed.private-key", replace(base, account=with_keys(a.keys, encryption, with_large_exponent(signing))))
    locked.valid(g, "private keys with their primes changed over", replace(base, account=Private(reordered(encryption), reordered(signing))))

def kept_logins(file, a, locked):
    p = locked.prelogin
    kept = KeptLogin(b"anna@example.com", p, random(32), random(32), random(32), None)
    good = kept.encode()
    g = file.group("KeptLogin", login="anna@example.com", prelogin=locked.inputs()["prelogin"], vault=b"")
    for comment, code, data in (
        ("order: 489 bytes, wrong magic", "malformed.too-long", put(good, 0, b"bt").ljust(489, b"\x00")),
        ("order: a name with a space at its end, wrong checksum", "malformed.value", flip(replace(kept, name=b"anna ").encode())),
        ("order: KDF 4, a byte after the end", "malformed.value", put(good, 6 + len(kept.name), u8(4)) + b"\x00"),
        ("order: neither with an account secret nor without, a byte after the end", "malformed.value", put(good, len(good) - 5, u8(2)) + b"\x00"),
        ("order: a byte after the end, wrong checksum", "malformed.trailing", flip(good) + b"\x00"),
    ):
        g.invalid(comment, code, kept=data)

def backups(file, a):
    keyring, recovery = a.keyring(), random(16)
    about = {"keyring": keyring.encode(), "generation": 7, "accountId": a.id}

    def wrap(purpose=RECOVERY_KEY, kdf=NO_KDF, params=(), secret=None):
        made = Wrapped(b"K", kdf, params, random(16), a.id, purpose, 7, nonce=random(12))
        return made.seal(random(32) if secret is None else made.stretched(secret), keyring.encode())

    data = wrap(secret=recovery)
    while backup_check(data).upper() == backup_check(data):
        data = wrap(secret=recovery)
    text, check, code = backup_file(data, a.keys.code, a.id, "recovery key"), backup_check(data), a.keys.code
    wrong_check, other = flip(bytes.fromhex(check)).hex(), pair("account", 3072).code
    mistyped = code[:-1] + "U"
    g = file.group("Backup", passphrase=None, recoveryKey=checked_code(recovery))

    def show(backup=data, fields=(f"Fingerprint: {code}", f"Checksum: {check}"), body=None):
        body = b64(backup) if body is None else body
        return "\n".join([BEGIN, *fields, body[:64], body[64:], END])

    def valid(comment, shown): g.valid(comment, file=shown, **about)
    def refuse(comment, code, shown): g.invalid(comment, code, file=shown)
    # SPEC.md#backup-fields
    valid("no line of its own for the first line and the last", "x" + show().replace(BEGIN + "\n", BEGIN).replace("\n" + END, END) + "x")
    valid("a last line before the first", END + "\n" + text)
    valid("two backups: the first", text + show(body="A"))
    begun = text.replace(b64(data)[:64], b64(data)[:64] + "\n" + BEGIN + "A")
    refuse("a first line inside the body, which is part of it", "malformed.checksum", begun)
    valid("Checksum twice, the last is right", show(fields=(f"Checksum: {wrong_check}", f"Fingerprint: {code}", f"Checksum: {check}")))
    refuse("Checksum twice, the first is right", "malformed.checksum", show(fields=(f"Checksum: {check}", f"Fingerprint: {code}", f"Checksum: {wrong_check}")))
    valid("Fingerprint twice, the last is right", show(fields=(f"Fingerprint: {mistyped}", f"Fingerprint: {code}", f"Checksum: {check}")))
    refuse("Fingerprint twice, the last of another account", "unlock.other-account", show(fields=(f"Fingerprint: {code}", f"Fingerprint: {other}", f"Checksum: {check}")))
    valid("white space around names", text.replace("Fingerprint:", "\t Fingerprint \u00a0:").replace("Checksum:", "Checksum\t:"))
    refuse("Checksum in upper case", "malformed.checksum", text.replace(check, check.upper()))
    refuse("Checksum with a space inside", "malformed.checksum", text.replace(check, check[:4] + " " + check[4:]))
    refuse("checksum: another name", "malformed.truncated", text.replace("Checksum:", "checksum:"))
    refuse("Finger print: another name", "malformed.truncated", text.replace("Fingerprint:", "Finger print:"))
    odd = b64(data) + "="
    refuse("order: no Fingerprint, body with padding", "malformed.truncated", show(fields=(f"Checksum: {check}",), body=odd))
    refuse("order: body with padding, checksum changed", "malformed.encoding", show(fields=(f"Fingerprint: {code}", f"Checksum: {wrong_check}"), body=odd))
    refuse("order: checksum changed, Fingerprint mistyped", "malformed.checksum", show(fields=(f"Fingerprint: {mistyped}", f"Checksum: {wrong_check}")))
    newer = put(data, 3, u8(0x42))
    refuse("order: Fingerprint mistyped, suite 0x42", "malformed.encoding", show(newer, (f"Fingerprint: {mistyped}", f"Checksum: {backup_check(newer)}")))
    refuse("order: checksum changed, suite 0x42", "malformed.checksum", show(newer, (f"Fingerprint: {code}", f"Checksum: {wrong_check}")))
    weak = wrap(PASSPHRASE, ARGON2ID, (8, 1, 1))
    by_word = show(weak, (f"Fingerprint: {code}", f"Checksum: {backup_check(weak)}"))
    refuse("order: opens with its passphrase, parameters below the floor", "unlock.needs-passphrase", by_word)
    typo = checked_code(recovery)
    typo = typo[:-1] + ("2" if typo[-1] != "2" else "3")
    g = file.group("Backup", passphrase=None, recoveryKey=typo)
    g.invalid("order: recovery key mistyped, opens with its passphrase", "recovery-key.invalid", file=by_word)
    g = file.group("Backup", passphrase="", recoveryKey=None)
    g.invalid("order: empty passphrase, opens with its recovery key", "password.invalid", file=text)

def tickets(file, a):
    g = file.group("Ticket", ticketRoot=a.root)
    made = a.ticket(NOW + DAY, 51)
    text = made.text()
    data = prefixed(text, "btt1_")
    # SPEC.md#ticket-refused
    g.invalid("order: 51 uses, checksum flipped", "malformed.checksum", text="btt1_" + b64(flip(data)))
    g.invalid("order: 51 uses, a byte after the end", "malformed.trailing", text="btt1_" + b64(data + b"\x00"))
    g.invalid("order: wrong magic, checksum flipped", "malformed.magic", text="btt1_" + b64(put(flip(data), 0, b"bt")))

def enrollments(file, a, locked):
    fresh, gone, both = pair("device 0"), pair("device 1"), device_of("device 2")
    week, cancelled = a.ticket(NOW + 7 * DAY), a.ticket(NOW - DAY)
    spent, old = a.ticket(NOW - DAY), a.ticket(NOW + DAY)
    devices = [both, device_of("device 3", spent.ticket_id), device_of("device 4", old.ticket_id)]
    devices.sort(key=lambda d: d.public.device_id(a.id))
    revoked = sorted(d.device_id(a.id) for d in (gone, both.public))
    cancelled_ids = sorted([cancelled.ticket_id, old.ticket_id])
    keyring = a.keyring(a.policy(revoked=revoked).sign(a.keys), devices=devices, cancelled=cancelled_ids)
    g = file.group("Enrollment", **locked.inputs(vault=locked.seal(keyring.encode())), now=NOW)

    def ask(ticket, device=fresh, nonce=None): return enroll(ticket, device, nonce or random(16), random(12), b"Anna's laptop")
    def by_code(device): return enroll_by_code(a.id, a.keys.fingerprint[:15], device, random(32), random(16))
    def refuse(comment, code, request): g.invalid(comment, code, request=request)
    # SPEC.md#inspect
    refuse("a device that only the policy revokes", "enrollment.revoked", ask(week, gone))
    refuse("a device that only the policy revokes, without a ticket", "enrollment.revoked", by_code(gone))
    refuse("a device that is active in the table, and that the policy revokes", "enrollment.revoked", ask(week, both.public))
    refuse("the same with its own ticket and nonce", "enrollment.revoked", ask(replace(week, ticket_id=both.ticket_id), both.public, both.nonce))
    refuse("order: cancelled and expired", "ticket.cancelled", ask(cancelled))
    refuse("order: cancelled and spent", "ticket.cancelled", ask(old))
    refuse("order: expired and spent", "ticket.expired", ask(spent))
    known = devices[-1] if devices[-1] is not both else devices[0]
    about = {"name": None, "deviceId": known.public.device_id(a.id), "needsComparison": True}
    request = enroll_by_code(a.id, a.keys.fingerprint[:15], known.public, random(32), known.nonce)
    g.valid("a device in the table, with its nonce and without a ticket", request=request, **about)
    start = part1(week, fresh, random(16), random(12))
    k_mac, k_name, _ = week.keys()

    def named(sealed):
        part2 = start + lp(sealed)
        return fresh.signed(b"enrollment", part2 + hmac.digest(k_mac, part2, "sha256"))
    def under_tag(padded): return named(seal(k_name, start[-12:], padded, start))
    refuse("a sealed name of 0 bytes, right MAC", "enrollment.mac", named(b""))
    refuse("a sealed name of 15 bytes, right MAC", "enrollment.mac", named(bytes(15)))
    refuse("a sealed name that is a tag alone", "enrollment.name", under_tag(b""))
    refuse("a sealed name of 40 bytes", "enrollment.name", under_tag(b"x" * 23 + b"\x80"))
    refuse("a sealed name of 161 bytes", "malformed.too-long", named(bytes(161)))
    body = ask(week)[: -2 - 256]
    uses_at = 4 + 16 + 1 + 32 + 16 + 8
    refuse("order: 51 uses, ends early", "malformed.value", put(body, uses_at, u16(51))[:300])
    refuse("order: 4,097 bytes, wrong magic", "malformed.too-long", put(body, 0, b"bt").ljust(4097, b"\x00"))
    odd = copy.copy(fresh)
    odd.spkis = (spki_of(rsa_of("weak", 1024)), bytes(601))
    refuse("order: a key of 1024 bits, the other of 601 bytes", "malformed.too-long", enroll(week, odd, random(16), random(12), b"name"))

def deliveries(file):
    s, later = Scene(), Scene(epoch=2)
    g = file.group("Delivery", agentState=s.running)

    def refuse(comment, code, delivery): g.invalid(comment, code, delivery=delivery)
    refuse("order: 3 and 4: seq below, another enrollment nonce", "accept.stale", s.deliver(s.policy, seq=SEQ - 1, nonce=random(16)))
    before = s.sign(version=VERSION - 1)
    refuse("order: 5 and 7: version below, a byte after the bundle", "accept.refused", s.deliver(before, seq=SEQ + 1, bundle=s.bundle(before) + b"\x00"))
    turned = s.account.class_keys(s.agent)[::-1]
    refuse("order: 5 and 7: version below, classes not ascending", "accept.refused", s.deliver(before, seq=SEQ + 1, bundle=bundle_of(before, turned)))
    refuse("order: 7 and 8: version below, another key_id", "accept.stale", key_of_another(s, before))
    g = file.group("Delivery", agentState=later.running)
    earlier = later.sign(version=VERSION + 1, epoch=1)
    g.invalid("order: the stored seq in another delivery, of an earlier epoch", "accept.stale", delivery=later.deliver(earlier, 1))
    gone = Agent.restore(s.running)
    gone.apply_policy(s.next_policy(revoked=[gone.device_id()]))
    # SPEC.md#accept-order
    file.group("Delivery", agentState=gone.save()).invalid("order: empty, to an agent that was revoked", "agent.revoked", delivery=b"")
    file.group("Policy", agentState=gone.save()).invalid("order: empty, to an agent that was revoked", "agent.revoked", policy=b"")

def key_of_another(s, before):
    key_id = random(16)
    policy = s.sign(version=VERSION - 1, key_id=key_id)
    return s.deliver(policy, seq=SEQ + 1, key_id=key_id)

def policies(file):
    """What of an agent's state is left, to the byte: SPEC.md#policy-alone."""
    s = Scene()
    own = s.agent.device_id()
    g = file.group("Policy", agentState=s.running)
    for comment, policy in {
        "this device is revoked": s.next_policy(revoked=[own]),
        "this device is revoked, in the next epoch": s.next_policy(revoked=[own], epoch=2),
        "this device is revoked, in the same epoch with another key_id": s.next_policy(revoked=[own], key_id=random(16)),
        "the stored policy": s.policy, "the next": s.next_policy(), "the next epoch": s.next_policy(epoch=2),
    }.items():
        agent = Agent.restore(s.running)
        outcome = agent.apply_policy(policy)
        g.valid(f"the state afterwards: {comment}", policy=policy, outcome=outcome, phase=agent.phase, after=agent.save())

def states(file):
    s = Scene()
    g, key, nonce, own = file.group("AgentState"), random(32), random(12), s.agent.device_id()

    def valid(comment, agent, tokens, phase="encrypted"): g.valid(comment, state=agent.save(), phase=phase, deviceId=own, tokens=tokens)
    def refuse(comment, code, state, **more): g.invalid(comment, code, state=state, **more)
    url = "https://Example.com/" + "x" * 5000
    host = token_text(tokenize(s.account.masters[1].class_key(3), s.account.id, 3, 1, b"example.com"))
    valid("values longer than a token may hold, and what is shorter in its canonical form", s.agent, [
        {"class": 3, "value": url, "token": host}, {"class": 3, "value": "x" * 4097, "expect": "tokenize.too-long"},
        {"class": 1, "value": "X" * 4097, "expect": "tokenize.too-long"}, {"class": 7, "value": "x" * 4097, "expect": "tokenize.no-key"},
    ])
    upgrade, moved, gone = (Agent.restore(s.running) for _ in range(3))
    upgrade.apply_policy(s.next_policy(floors=[0x12]))
    valid("a policy that needs an upgrade, and classes without a key", upgrade, [
        {"class": c, "value": "x" * 4097, "expect": "agent.needs-upgrade"} for c in (1, 7)])
    # SPEC.md#state-pinned
    moved.key_id = random(16)
    valid("epoch and key_id that are not the policy's", moved, s.tokens())
    gone.apply_policy(s.next_policy(revoked=[own], epoch=2))
    valid("revoked by a policy of the next epoch", gone, [{"class": 1, "value": "x", "expect": "agent.revoked"}], "revoked")
    refuse("wrapped, and too short for a tag", "state.wrong-key", b"BTS\x82" + nonce + bytes(15), wrapKey=key)
    refuse("wrapped, and nothing behind the nonce", "state.wrong-key", b"BTS\x82" + nonce, wrapKey=key)
    refuse("order: wrapped, ends behind its suite, opened without a key", "state.wrapped", b"BTS\x82")
    refuse("order: plain, ends behind its suite, opened with a key", "state.not-wrapped", b"BTS\x81", wrapKey=key)
    running = s.running
    pinned, trailing = flip(running, 22), running + b"\x00"
    refuse("order: another fingerprint is pinned, ends early", "malformed.truncated", pinned[:-1])
    strange = Agent.restore(running)
    strange.policy = s.sign(floors=[0x21, 0x11])
    refuse("order: another fingerprint is pinned, floors of the policy not ascending", "malformed.order", flip(strange.save(), 22))
    refuse("order: another fingerprint is pinned, a byte after the end", "malformed.value", flip(trailing, 22))
    refuse("order: keys in a revoked state, a byte after the end", "malformed.value", put(trailing, 4, u8(3)))
    start = len(running) - 33 * 5
    turned = running[:start] + running[start + 33 : start + 66] + running[start : start + 33] + running[start + 66 :]
    refuse("order: classes not ascending, the last not assigned", "malformed.value", put(turned, len(turned) - 33, u8(127)))
    refuse("order: classes not ascending, ends early", "malformed.truncated", turned[:-1])
    changed = Agent.restore(s.pending)
    first = changed.device.pkcs8[0]
    changed.device.pkcs8 = (first, first)
    refuse("one private key in both places", "malformed.private-key", changed.save())
    changed.device.pkcs8 = (bytes(32), bytes(4097))
    refuse("order: a private key that is no DER, the other of 4,097 bytes", "malformed.too-long", changed.save())

def archives(file):
    sealer = Sealer("small account")
    cases = Archives(file, sealer, sealer.seal(sealer.tar([("a", TIME, b"x")])))
    foreign, own = flip(sealer.account.id), sealer.keys

    def refuse(comment, code, lines=(), account_id=foreign, tail_of=None, end=b"", label=b"archive"):
        body = Manifest(account_id, MADE, own, list(lines)).body() + end
        cases.refuse(comment, code, sealer.seal(tail(tail_of or own.signed(label, body), 0, MADE)))
    many = Manifest(foreign, MADE, own, []).body()[:-4] + u32(MAX_FILES + 1)
    # SPEC.md#archive-manifest
    refuse("order: 262,145 files, of another account", "archive.too-many", tail_of=many)
    refuse("order: a path of 101 bytes, of another account", "malformed.too-long", [listed("x" * 101, b"")])
    long_signature = Manifest(foreign, MADE, own, []).body() + lp(bytes(513))
    refuse("order: a signature of 513 bytes, of another account", "malformed.too-long", tail_of=long_signature)
    refuse("order: of another account, signed under another label", "archive.other-account", label=b"policy")
    far = replace(listed("a", b""), modified=MAX_TIME + 1)
    refuse("order: modified 8^11, then a path up and out", "archive.path", [far, listed("../b", b"")], sealer.account.id)
    content = content_of(40_000)
    tar = sealer.tar([("a", TIME, content)])
    lost = flip(sealer.seal(tar[:-1032] + u64(1 << 40) + bytes(1024)), START + 100)
    cases.refuse("order: start behind the end, a chunk of a file damaged", "archive.layout", lost)
    # SPEC.md#blob-padding
    cases.refuse("order: wrong padding, a chunk of a file damaged", "blob.plaintext", flip(sealer.seal(tar, plaintext=pad(tar) + bytes(16)), START + 100))

FILES = {"questions": questions_file, "questions_agent": questions_agent_file}
