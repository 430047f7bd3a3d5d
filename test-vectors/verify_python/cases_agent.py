"""Cases about what an agent accepts: deliveries, policies, and its own saved state."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from cases_owner import rsa_of, salted
from identity import load_private, oaep, spki_of
from world import *

VERSION, SEQ = 1_700_000_000, 1_700_000_000_000

class Scene:
    """An account, one device, and an agent that runs since a first delivery, of epoch 1 unless told."""

    def __init__(self, by_code=False, epoch=1):
        self.account, self.device = account() if by_code else account("small account", 2048), pair("device 0")
        self.pending = self.account.state(self.device, by_code)
        self.agent = Agent.restore(self.pending)
        self.policy = self.account.policy(VERSION, epoch).sign(self.account.keys)
        self.first = self.deliver(self.policy, epoch)
        self.agent.accept(self.first)
        self.running = self.agent.save()

    def sign(self, **changed): return self.account.policy(**changed).sign(self.account.keys)

    def next_policy(self, **changed):
        """The policy after the stored one."""
        return self.sign(**{"version": VERSION + 1, "previous": sha256(self.policy), **changed})

    def bundle(self, policy, epoch=1): return bundle_of(policy, self.account.class_keys(self.agent, epoch))

    def deliver(self, policy, epoch=1, bundle=None, by=None, to=None, **header):
        h = self.account.delivery_header(self.agent, policy, epoch, **header)
        return seal_delivery(h.encode(), to or self.device, by or self.account.keys, bundle or self.bundle(policy, epoch))

    def tokens(self, epoch=1):
        """What an agent with the usual policy makes of these."""
        made = []
        for cls, value in VALUES:
            form = dict(CLASS_FORMS)[cls]
            key = self.account.masters[epoch].class_key(cls)
            token = tokenize(key, self.account.id, cls, epoch, canonical(form, value).encode())
            made.append({"class": cls, "value": value, "token": token_text(token)})
        return made + [{"class": 7, "value": "no key for labels", "expect": "tokenize.no-key"}]

VALUES = [
    (1, "WinWord.EXE"), (2, "Report 2026.docx - Word"), (2, ""), (3, "https://Anna@Example.COM:8443/x?y"),
    (128, "\U0001f512 \u00c9"), (1, "x" * 4096),
]
TOO_LONG = {"class": 2, "value": "x" * 4097, "expect": "tokenize.too-long"}
UPGRADE = [{"class": c, "value": "WinWord.EXE", "expect": "agent.needs-upgrade"} for c in (1, 2, 16)]
REVOKED = [{"class": c, "value": "WinWord.EXE", "expect": "agent.revoked"} for c in (1, 16)]

def delivery_file():
    file = File("delivery", "Deliveries, in the order of SPEC.md#accepting. Each test starts from the agent state of its group.")
    scene, coded = Scene(), Scene(by_code=True)
    for s, how in ((scene, "a ticket"), (coded, "an account code")):
        g = file.group("Delivery", agentState=s.pending)
        g.valid(f"the first, to an agent that waits with {how}", delivery=s.first, outcome="accepted", phase="encrypted", tokens=s.tokens() + [TOO_LONG])
        foreign = Account("other account", 2048)
        by_foreign = s.deliver(s.policy, by=foreign.keys, account_fingerprint=foreign.keys.fingerprint)
        g.invalid("1: of another account's keys", "accept.refused", delivery=by_foreign)
        g.invalid("1: of another account's keys, with the pinned fingerprint in the header", "accept.refused", delivery=s.deliver(s.policy, by=foreign.keys))
        if s is coded:
            tail = flip(s.account.keys.fingerprint)
            odd = s.deliver(s.policy, account_fingerprint=tail)
            g.invalid("4: another account fingerprint from the 16th byte on", "accept.refused", delivery=odd)
            continue
        third = s.sign(epoch=3, version=VERSION + 9)
        g.valid("the first, of epoch 3", delivery=s.deliver(third, 3), outcome="accepted", phase="encrypted", tokens=s.tokens(3))
        g.valid("the first, of seq 0", delivery=s.deliver(s.policy, seq=0), outcome="accepted")
        odd = s.sign(previous=random(32))
        g.valid("the first, of a policy with a history", delivery=s.deliver(odd), outcome="accepted")
        bundles(g, s)
    g = file.group("Delivery", agentState=scene.running)
    replays(g, scene)
    later = Scene(epoch=2)
    g = file.group("Delivery", agentState=later.running)
    first = later.sign(version=VERSION + 2, previous=sha256(later.policy))
    g.invalid("3: of an earlier epoch, seq and version above", "accept.stale", delivery=later.deliver(first, 1, seq=SEQ + 1))
    third = later.sign(version=VERSION + 2, previous=sha256(later.policy), epoch=3)
    g.valid("of the next epoch", delivery=later.deliver(third, 3, seq=SEQ + 1), outcome="accepted", tokens=later.tokens(3))
    revoked = Agent.restore(scene.running)
    revoked.apply_policy(scene.next_policy(revoked=[revoked.device_id()]))
    g = file.group("Delivery", agentState=revoked.save())
    again = scene.sign(version=VERSION + 2)
    g.invalid("to an agent that was revoked", "agent.revoked", delivery=scene.deliver(again, seq=SEQ + 1))
    return file

def delivery_refused_file():
    file = File("delivery", "Deliveries with one fault each, to an agent that runs: steps 1, 2, 4, 5, 6 and 8 of SPEC.md#accepting.")
    scene = Scene()
    refusals(file.group("Delivery", agentState=scene.running), scene)
    return file

def bundles(g, s):
    def welcome(comment, keys, **more):
        g.valid(comment, delivery=s.deliver(s.policy, bundle=bundle_of(s.policy, keys)), outcome="accepted", **more)

    keys = s.account.class_keys(s.agent)
    no_app = [{"class": 1, "value": "x", "expect": "tokenize.no-key"}]
    welcome("fewer classes than the policy has", keys[1:], tokens=s.tokens()[1:3] + no_app)
    welcome("no classes", [], tokens=no_app)
    welcome("a class that is not known, and not in the policy", keys[:1] + [(8, random(32))] + keys[3:], tokens=s.tokens()[:1])
    for comment, changed in upgrades().items():
        policy = s.sign(**changed)
        g.valid(f"a policy that needs an upgrade: {comment}", delivery=s.deliver(policy), outcome="accepted", tokens=UPGRADE)

def upgrades():
    odd = entries()
    return {
        # SPEC.md#policy-floor, SPEC.md#needs-upgrade
        "a newer token suite": {"floors": [0x11, 0x12]}, "a family that is not known": {"floors": [0x11, 0x91]},
        "a suite below all that are registered": {"floors": [0x10]}, "a record class with canonical form 3": {"entries": [*odd[:3], b"\x10\x03", odd[4]]},
        "canonical form 3": {"entries": [b"\x01\x03", *odd[1:]]},
        "further bytes in the entry of a known class": {"entries": [b"\x01\x01\x00", *odd[1:]]},
    }

def replays(g, s):
    """Steps 3, 7 and 8 for an agent that runs, and what it does accept."""
    def refuse(comment, code, delivery): g.invalid(comment, code, delivery=delivery)
    def welcome(comment, delivery, **more): g.valid(comment, delivery=delivery, outcome="accepted", **more)

    g.valid("the stored delivery again", delivery=s.first, outcome="unchanged", phase="encrypted", tokens=s.tokens())
    welcome("the same policy with a higher seq", s.deliver(s.policy, seq=SEQ + 1), tokens=s.tokens())
    next_policy = s.next_policy(entries=entries([(1, 0), (2, 1), (3, 0), (16, 0), (128, 0)]))
    key = s.account.masters[1].class_key
    forms = [{"class": c, "value": v, "token": token_text(tokenize(key(c), s.account.id, c, 1, w.encode()))}
             for c, v, w in ((1, "A.EXE", "A.EXE"), (2, "Title", "title"), (3, "http://A.B/", "http://A.B/"))]
    welcome("the next policy, with other canonical forms", s.deliver(next_policy, seq=SEQ + 1), tokens=forms)
    welcome("the next version, previous zero", s.deliver(s.sign(version=VERSION + 1), seq=SEQ + 1))
    welcome("two versions on, any previous", s.deliver(s.sign(version=VERSION + 2, previous=random(32)), seq=SEQ + 1))
    second = s.next_policy(epoch=2)
    welcome("the next epoch", s.deliver(second, 2, seq=SEQ + 1), phase="encrypted", tokens=s.tokens(2))
    fourth = s.next_policy(epoch=3)
    welcome("an epoch left out", s.deliver(fourth, 3, seq=SEQ + 1), tokens=s.tokens(3))
    refuse("3: seq one below", "accept.stale", s.deliver(s.policy, seq=SEQ - 1))
    refuse("3: seq below, with a newer policy", "accept.stale", s.deliver(next_policy, seq=SEQ - 1))
    refuse("3: the stored seq in another delivery", "accept.refused", s.deliver(s.policy))
    before = s.sign(version=VERSION - 1)
    refuse("7: version below the stored one", "accept.stale", s.deliver(before, seq=SEQ + 1))
    resigned = s.sign(version=VERSION)
    assert resigned != s.policy
    refuse("7: the stored version, signed again", "accept.refused", s.deliver(resigned, seq=SEQ + 1))
    fewer = s.sign(version=VERSION, entries=entries([(1, 1)]))
    bundle = bundle_of(fewer, s.account.class_keys(s.agent, classes=[1]))
    refuse("7: the stored version with other content", "accept.refused", s.deliver(fewer, seq=SEQ + 1, bundle=bundle))
    refuse("7: the next version with another previous", "accept.refused", s.deliver(s.next_policy(previous=random(32)), seq=SEQ + 1))
    other_key = random(16)
    swapped = s.next_policy(key_id=other_key)
    older = s.sign(version=VERSION - 1, entries=entries([(1, 1)]))
    refuse("order: 7 before 8, version below and a class that is not listed", "accept.stale", s.deliver(older, seq=SEQ + 1))
    foreign = Account("other account", 2048)
    late = s.deliver(s.policy, seq=SEQ - 1, by=foreign.keys, account_fingerprint=foreign.keys.fingerprint)
    # SPEC.md#accept-order
    refuse("order: 1 before 3, another account and seq below", "accept.refused", late)
    refuse("order: 3 before 4, seq below and another nonce", "accept.stale", s.deliver(s.policy, seq=SEQ - 1, nonce=random(16)))
    refuse("8: another key_id within the epoch", "accept.refused", s.deliver(swapped, seq=SEQ + 1, key_id=other_key))

def refusals(g, s):
    """Everything else that one message can have wrong, each with right signatures unless the signature is the fault."""
    seq = SEQ + 1

    def refuse(comment, delivery, code="accept.refused"): g.invalid(comment, code, delivery=delivery)
    good = s.deliver(s.policy, seq=seq)
    body = good[: -2 - 256]

    def signed(comment, changed, code="accept.refused"): refuse(comment, s.account.keys.signed(b"delivery", changed), code)
    header = s.account.delivery_header(s.agent, s.policy, seq=seq)

    for comment, at, new, code in (
        ("wrong magic", 0, b"bt", "magic"), ("another kind", 2, b"E", "kind"), ("suite 0x62", 3, u8(0x62), "suite"),
        ("type 0", 4, u8(0), "value"), ("type 2", 4, u8(2), "value"), ("epoch 0", 4 + 1 + 16 + 16, u16(0), "value"),
    ):
        data = put(header.encode(), at, new)
        refuse(comment, seal_delivery(data, s.device, s.account.keys, s.bundle(s.policy)), f"malformed.{code}")
    refuse("empty", b"", "malformed.truncated")
    refuse("ends early", good[:-1], "malformed.truncated")
    refuse("header alone", good[: len(header.encode())], "malformed.truncated")
    refuse("a byte after the end", good + b"\x00", "malformed.trailing")
    refuse("a signature of 513 bytes", body + lp(bytes(513)), "malformed.too-long")
    big = header.encode() + s.account.keys.encoded() + lp(bytes(256)) + u32(147_457)
    refuse("a ciphertext longer than a delivery", big, "malformed.too-long")
    keys = s.account.keys
    for comment, key in (("1024 bits", rsa_of("weak", 1024)), ("exponent 3", rsa_of("three", 2048, 3))):
        start = header.encode() + lp(spki_of(key))
        rest = body[len(header.encode()) + len(lp(keys.spkis[0])) :]
        signed(f"an account key of {comment}", start + rest, "malformed.public-key")
    start = header.encode() + lp(keys.spkis[1]) + lp(keys.spkis[1])
    signed("an account with one key for both", start + body[len(start) :], "malformed.public-key")
    foreign = Account("other account", 2048)
    refuse("1: of another account, running agent", s.deliver(s.policy, seq=seq, by=foreign.keys, account_fingerprint=foreign.keys.fingerprint))
    turned = Private(keys.pkcs8[1], keys.pkcs8[0])
    refuse("1: the account's two keys changed over", s.deliver(s.policy, seq=seq, by=turned))
    refuse("2: signature flipped", flip(good))
    refuse("2: header changed after signing", flip(good, 47))
    refuse("2: ciphertext changed after signing", flip(good, len(body) - 1))
    refuse("2: signed by another account", foreign.keys.signed(b"delivery", body))
    refuse("2: signed by the encryption key", turned.signed(b"delivery", body))
    refuse("2: signed under the label of a policy", keys.signed(b"policy", body))
    refuse("2: signed under no label", keys.signed(b"", body))
    refuse("2: a salt of 0 bytes", salted(keys, b"delivery", body, 0))
    refuse("2: a salt of 20 bytes", salted(keys, b"delivery", body, 20))
    refuse("2: PKCS#1 v1.5", salted(keys, b"delivery", body, None))
    refuse("2: no signature", body + u16(0))
    other = pair("device 1")
    for comment, changed in (
        ("account id", {"account_id": random(16)}), ("device id", {"device_id": random(16)}),
        ("device fingerprint", {"device_fingerprint": other.fingerprint}),
        ("account fingerprint", {"account_fingerprint": foreign.keys.fingerprint}),
        ("account fingerprint, from the 16th byte on", {"account_fingerprint": flip(keys.fingerprint, 15)}),
        ("enrollment nonce", {"nonce": random(16)}),
    ):
        refuse(f"4: another {comment}", s.deliver(s.policy, seq=seq, **changed))
    elsewhere = {"device_id": other.device_id(s.account.id), "device_fingerprint": other.fingerprint}
    refuse("4: another device's delivery", s.deliver(s.policy, seq=seq, to=other, **elsewhere))
    refuse("5: encrypted to another device", s.deliver(s.policy, seq=seq, to=other))
    h, bundle = header.encode(), s.bundle(s.policy)

    def made(comment, label=None, cek=random(32), data=None, nonce=bytes(12), salt=None, key=None, kem=None, scheme=None):
        scheme = scheme or oaep(label if label is not None else sha256(h).hex().encode())
        kem = kem or s.device.encryption.encrypt(cek, scheme)
        key = key or hkdf(salt or sha256(h), cek, b"blindtally/v1/delivery", 32)
        ct = seal(key, nonce, bundle, h + lp(kem) if data is None else data)
        signed(comment, h + keys.encoded() + lp(kem) + lp32(ct))

    made("5: OAEP with an empty label", label=b"")
    made("5: OAEP with an upper-case label", label=sha256(h).hex().upper().encode())
    made("5: OAEP with the hash itself as label", label=sha256(h))
    sha1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA256(), sha256(h).hex().encode())
    made("5: OAEP with MGF1 over SHA-1", scheme=sha1)
    made("5: RSAES-PKCS1-v1_5", scheme=padding.PKCS1v15())
    made("5: a cek of 16 bytes", cek=random(16))
    made("5: a cek of 33 bytes", cek=random(33))
    made("5: sealed under another key", key=random(32))
    made("5: another salt for HKDF", salt=bytes(32))
    made("5: sealed under another nonce", nonce=bytes(11) + b"\x01")
    made("5: associated data without the RSA ciphertext", data=h)
    made("5: an RSA ciphertext of 255 bytes", kem=random(255))
    made("5: an RSA ciphertext above the modulus", kem=b"\xff" * 256)
    signed("5: no RSA ciphertext", h + keys.encoded() + lp(b"") + lp32(seal(random(32), bytes(12), bundle, h + lp(b""))))
    kem_at = len(h) + len(keys.encoded()) + 2
    signed("5: RSA ciphertext changed", flip(body, kem_at + 100))
    signed("5: ciphertext changed", flip(body, kem_at + 256 + 4))
    signed("5: tag changed", flip(body))
    class_keys = s.account.class_keys(s.agent)

    def holding(comment, data): refuse(comment, s.deliver(s.policy, seq=seq, bundle=data))
    holding("bundle: ends early", bundle[:-1])
    holding("bundle: a byte after its end", bundle + b"\x00")
    holding("bundle: classes not ascending", bundle_of(s.policy, [class_keys[1], class_keys[0]]))
    holding("bundle: a class twice", bundle_of(s.policy, [class_keys[0], class_keys[0]]))
    holding("8: a known class that is not in the policy", bundle_of(s.policy, [*class_keys[:3], (7, random(32)), *class_keys[3:]]))
    holding("8: a known record class that is not in the policy", bundle_of(s.policy, [*class_keys[:4], (17, random(32)), *class_keys[4:]]))
    policies(s, seq, refuse, foreign)

def policies(s, seq, refuse, foreign):
    """Step 6, and what a parser of policies refuses."""
    def carrying(comment, policy, **header): refuse(comment, s.deliver(policy, seq=seq, **header))
    good = s.next_policy()
    carrying("6: the hash of another policy", good, policy_hash=sha256(s.policy))
    carrying("6: policy signature flipped", flip(good))
    carrying("6: policy signed by another account", s.account.policy(version=VERSION + 1).sign(foreign.keys))
    carrying("6: policy signed under the label of a delivery", s.account.keys.signed(b"delivery", s.account.policy(version=VERSION + 1).body()))
    carrying("6: policy of another epoch", s.next_policy(epoch=2), key_id=s.account.masters[2].key_id())
    carrying("6: policy of another key_id", s.next_policy(key_id=random(16)))
    carrying("6: this device is revoked", s.next_policy(revoked=[s.agent.device_id()]))
    for comment, (changed, _) in bad_policies().items():
        carrying(f"6: policy {comment}", s.next_policy(**changed))
    carrying("6: policy ends early", good[:-1])
    carrying("6: a byte after the policy", good + b"\x00")

def epoch_zero(s):
    body = s.account.policy(version=VERSION + 1).body()
    at = body.index(s.account.masters[1].key_id()) - 2
    return put(body, at, u16(0))

def resign(s, body): return s.account.keys.signed(b"policy", body)

def bad_policies():
    """What is changed, and the code where the policy is seen by itself."""
    refused, value, order, truncated = "accept.refused", "malformed.value", "malformed.order", "malformed.truncated"
    return {
        "of another account id": ({"account_id": random(16)}, refused),
        "of another account fingerprint": ({"fingerprint": random(32)}, refused),
        "of mode 0": ({"mode": 0}, value), "of mode 2": ({"mode": 2}, value),
        "with floors not ascending": ({"floors": [0x21, 0x11]}, order), "with a floor twice": ({"floors": [0x11, 0x11]}, order),
        "with revoked devices not ascending": ({"revoked": [b"\x02" * 16, b"\x01" * 16]}, order),
        "with a revoked device twice": ({"revoked": [b"\x02" * 16] * 2}, order),
        "with classes not ascending": ({"entries": [*entries(), b"\x02\x01"]}, order),
        "with a class twice": ({"entries": [b"\x01\x01", *entries()]}, order),
        "with a class that is not known twice": ({"entries": [*entries()[:3], b"\x08\x00", b"\x08", *entries()[3:]]}, order),
        "with an empty entry": ({"entries": [b"", *entries()]}, truncated),
        "with a known class without a form": ({"entries": [b"\x01", *entries()[1:]]}, truncated),
    }

def policy_file():
    file = File("policy", "Signed policies that come by themselves: SPEC.md#policy-alone. Each test starts from the agent state of its group.")
    s = Scene()
    g = file.group("Policy", agentState=s.running)

    def outcome(comment, what, policy, tokens=None, phase="encrypted"):
        more = {} if tokens is None else {"tokens": tokens}
        g.valid(comment, policy=policy, outcome=what, phase=phase, **more)

    def refuse(comment, policy, code="accept.refused"): g.invalid(comment, code, policy=policy)
    outcome("the stored one", "unchanged", s.policy, s.tokens())
    outcome("the next", "updated", s.next_policy(), s.tokens())
    outcome("the next, previous zero", "updated", s.next_policy(previous=bytes(32)))
    outcome("two versions on, any previous", "updated", s.next_policy(version=VERSION + 2, previous=random(32)))
    outcome("issued earlier than the stored one", "updated", s.next_policy(issued_at=1))
    lower = [{"class": 2, "value": "Title", "token": lower_title(s)}]
    outcome("another canonical form for titles", "updated", s.next_policy(entries=entries([(1, 1), (2, 1), (3, 2), (16, 0), (128, 0)])), lower)
    outcome("a class for which no key was delivered", "updated", s.next_policy(entries=entries([*CLASS_FORMS[:3], (7, 0), *CLASS_FORMS[3:]])), s.tokens())
    strange = [*entries(CLASS_FORMS[:3]), b"\x08\x09\x00\x00", b"\x09", *entries(CLASS_FORMS[3:])]
    outcome("classes that are not known", "updated", s.next_policy(entries=strange), s.tokens())
    every = [0x11, 0x21, 0x31, 0x41, 0x51, 0x61, 0x71, 0x81, 0x82]
    outcome("a floor for every suite that is registered", "updated", s.next_policy(floors=every), s.tokens())
    fewer = s.next_policy(entries=entries([(2, 0), (3, 2)]))
    gone = [{"class": 1, "value": "WinWord.EXE", "expect": "tokenize.no-key"}, {"class": 16, "value": "typed", "expect": "record.no-key"}]
    outcome("classes that are sealed no more", "updated", fewer, s.tokens()[1:4] + gone)
    outcome("no floors", "updated", s.next_policy(floors=[]), s.tokens())
    outcome("another device is revoked", "updated", s.next_policy(revoked=[flip(s.agent.device_id())]), s.tokens())
    for comment, changed in upgrades().items():
        outcome(f"needs an upgrade: {comment}", "updated", s.next_policy(**changed), UPGRADE)
    own = s.agent.device_id()
    outcome("this device is revoked", "revoked", s.next_policy(revoked=[own]), REVOKED, "revoked")
    among = sorted([own, bytes(16), b"\xff" * 16])
    outcome("this device is revoked among others, and the epoch is the next", "revoked", s.next_policy(revoked=among, epoch=2), REVOKED, "revoked")
    outcome("the next epoch", "delivery-needed", s.next_policy(epoch=2), s.tokens())
    outcome("the next epoch, with a canonical form that is not known", "delivery-needed", s.next_policy(epoch=2, entries=[b"\x01\x03"]), s.tokens())
    refuse("the version before", s.sign(version=VERSION - 1), "accept.stale")
    refuse("version 0", s.sign(version=0), "accept.stale")
    refuse("the stored version, signed again", s.sign(version=VERSION))
    refuse("the stored version, revoking this device", s.sign(version=VERSION, revoked=[own]))
    refuse("the next version with another previous", s.next_policy(previous=random(32)))
    refuse("another key_id within the epoch", s.next_policy(key_id=random(16)))
    good, foreign = s.next_policy(), Account("other account", 2048)
    body = s.account.policy(version=VERSION + 1, previous=sha256(s.policy)).body()
    refuse("signature flipped", flip(good))
    refuse("version changed after signing", flip(good, 4 + 16 + 32 + 7))
    refuse("signed by another account", foreign.keys.signed(b"policy", body))
    refuse("signed by this device", s.device.signed(b"policy", body))
    refuse("signed under the label of a delivery", s.account.keys.signed(b"delivery", body))
    refuse("a salt of 20 bytes", salted(s.account.keys, b"policy", body, 20))
    refuse("PKCS#1 v1.5", salted(s.account.keys, b"policy", body, None))
    refuse("revoking this device, signed by another account", s.account.policy(version=VERSION + 2, revoked=[own]).sign(foreign.keys))
    for comment, (changed, code) in bad_policies().items():
        refuse(comment, s.next_policy(**changed), code)
    refuse("wrong magic", resign(s, put(body, 0, b"bt")), "malformed.magic")
    refuse("another kind", resign(s, put(body, 2, b"D")), "malformed.kind")
    refuse("suite 0x72", resign(s, put(body, 3, u8(0x72))), "malformed.suite")
    refuse("epoch 0", resign(s, epoch_zero(s)), "malformed.value")
    refuse("ends early", good[:-1], "malformed.truncated")
    refuse("a byte after the end", good + b"\x00", "malformed.trailing")
    refuse("empty", b"", "malformed.truncated")
    refuse("a signature of 513 bytes", body + lp(bytes(513)), "malformed.too-long")
    later = Scene(epoch=2)
    g = file.group("Policy", agentState=later.running)
    g.invalid("an earlier epoch, version above", "accept.refused", policy=later.next_policy(epoch=1))
    return file

def lower_title(s):
    return token_text(tokenize(s.account.masters[1].class_key(2), s.account.id, 2, 1, b"title"))

def agent_state_file():
    file = File("agent state", "Saved states of agents: SPEC.md#agent-state. wrapKey is the caller's key; without it the state is opened as plain.")
    s, coded = Scene(), Scene(by_code=True)
    g, key, nonce = file.group("AgentState"), random(32), random(12)
    own = s.agent.device_id()

    def wrapped(state, key=key): return b"BTS\x82" + nonce + seal(key, nonce, state, b"BTS\x82")
    def refuse(comment, code, state, **more): g.invalid(comment, code, state=state, **more)
    revoked = Agent.restore(s.running)
    revoked.apply_policy(s.next_policy(revoked=[own]))
    gone = revoked.save()
    states = {
        "pending, with a ticket": (s, s.pending, "pending", []), "pending, by account code": (coded, coded.pending, "pending", []),
        "running, with a ticket": (s, s.running, "encrypted", s.tokens()),
        "running, by account code: the whole fingerprint is pinned": (coded, coded.running, "encrypted", coded.tokens()),
        "revoked": (s, gone, "revoked", REVOKED),
    }
    for comment, (scene, state, phase, tokens) in states.items():
        fields = {"phase": phase, "deviceId": scene.agent.device_id(), "tokens": tokens}
        g.valid(f"{comment}, plain", state=state, **fields)
        if scene is s:
            g.valid(f"{comment}, wrapped", state=wrapped(state), wrapKey=key, **fields)
    good = wrapped(s.running)
    refuse("wrapped, opened without a key", "state.wrapped", good)
    refuse("plain, opened with a key", "state.not-wrapped", s.running, wrapKey=key)
    refuse("another key", "state.wrong-key", good, wrapKey=random(32))
    refuse("nonce changed", "state.wrong-key", flip(good, 4), wrapKey=key)
    refuse("ciphertext flipped", "state.wrong-key", flip(good, 16), wrapKey=key)
    refuse("tag flipped", "state.wrong-key", flip(good), wrapKey=key)
    refuse("a byte after the end of a wrapped state", "state.wrong-key", good + b"\x00", wrapKey=key)
    refuse("sealed without associated data", "state.wrong-key", b"BTS\x82" + nonce + seal(key, nonce, s.running, b""), wrapKey=key)
    refuse("a wrapped state in a wrapped state", "state.wrapped", wrapped(wrapped(s.pending)), wrapKey=key)
    refuse("a wrapped state that ends in its nonce", "malformed.truncated", good[:10], wrapKey=key)
    pending, running = s.pending, s.running
    for comment, code, at, new in (
        ("wrong magic", "malformed.magic", 0, b"bt"), ("another kind", "malformed.kind", 2, b"D"),
        ("suite 0x83", "malformed.suite", 3, u8(0x83)), ("phase 0", "malformed.value", 4, u8(0)),
        ("phase 4", "malformed.value", 4, u8(4)), ("neither ticket nor code", "malformed.value", 21, u8(0)),
        ("a third way to pin", "malformed.value", 21, u8(3)), ("private key is no DER", "malformed.private-key", 58, b"\x00"),
    ):
        refuse(comment, code, put(pending, at, new))
    refuse("another kind, opened with a key", "malformed.kind", put(good, 2, b"D"), wrapKey=key)
    way = len(pending) - 32 - 16 - 1
    refuse("a third way to enrol", "malformed.value", put(pending, way, u8(3)))
    for comment, state in (("pending", pending), ("running", running), ("revoked", gone)):
        refuse(f"{comment}, ends early", "malformed.truncated", state[:-1])
        refuse(f"{comment}, a byte after its end", "malformed.trailing", state + b"\x00")
    refuse("empty", "malformed.truncated", b"")
    refuse("phase 2 of a state that has no delivery", "malformed.truncated", put(pending, 4, u8(2)))
    refuse("phase 1 of a state that has a delivery", "malformed.trailing", put(running, 4, u8(1)))
    refuse("keys in a revoked state", "malformed.value", put(running, 4, u8(3)))
    # SPEC.md#state-pinned
    refuse("another account fingerprint is pinned than that of the account's keys", "malformed.value", flip(running, 22))
    by_code = coded.running[:21] + u8(2) + coded.running[22:37] + coded.running[54:]
    refuse("an account code is pinned though a delivery came", "malformed.value", by_code)
    refuse("a class that is not assigned", "malformed.value", put(running, len(running) - 33, u8(127)))
    at = running.index(s.policy) + len(s.policy) - 1
    refuse("policy signature flipped", "malformed.value", flip(running, at))
    weak = Agent.restore(pending)
    weak.device.pkcs8 = (rsa_key("weak", 1024), weak.device.pkcs8[1])
    refuse("a device key of 1024 bits", "malformed.private-key", weak.save())
    whole = Agent.restore(pending).device.pkcs8[0]
    private = load_private(whole).private_numbers()
    for what, n in (("exponent of its first prime", private.dmp1), ("coefficient", private.iqmp)):
        at = pending.index(n.to_bytes(128)) + 127
        refuse(f"a private key with a wrong {what}", "malformed.private-key", flip(pending, at))
    strange = der(0x30, whole[4:], b"\xa0\x00")
    changed = Agent.restore(pending)
    changed.device.pkcs8 = (strange, changed.device.pkcs8[1])
    refuse("a private key with attributes", "malformed.private-key", changed.save())
    start = len(running) - 33 * 5
    refuse("classes not ascending", "malformed.order", running[:start] + running[start + 33 : start + 66] + running[start : start + 33] + running[start + 66 :])
    refuse("a class twice", "malformed.order", put(running, start + 33, u8(1)))
    refuse("epoch 0", "malformed.value", put(running, running.index(s.agent.key_id) - 2, u16(0)))
    queue_records(file, s)
    return file

def queue_records(file, s):
    """What the agent kept for itself while it was pending, under the queue key in its state."""
    g, agent = file.group("QueueRecord", agentState=s.running), s.agent
    own = agent.device_id()

    def sealed(plaintext, cls=1, device=own, seq=1, nonce=random(12), key=agent.queue_key):
        return seal_record_padded(key, agent.account_id, record_header(cls, 0, device, seq), nonce, plaintext)

    def refuse(comment, code, record): g.invalid(comment, code, record="br1_" + b64(record))
    for cls in (1, 2, 16, 128):
        nonce, value = random(12), b"Kept until keys arrive"
        fields = {"class": cls, "seq": cls, "nonce": nonce, "value": value}
        g.valid(f"class {cls}", **fields, record="br1_" + b64(sealed(pad(value), cls, seq=cls, nonce=nonce)))
    good = sealed(pad(b"Kept until keys arrive"))
    refuse("tag flipped", "record.tampered", flip(good))
    refuse("class changed", "record.tampered", put(good, 1, u8(2)))
    refuse("under another key", "record.tampered", sealed(pad(b"x"), key=random(32)))
    refuse("of another device", "record.no-key", sealed(pad(b"x"), device=random(16)))
    refuse("of another epoch", "malformed.value", put(good, 2, u16(1)))
    refuse("of a blob class", "malformed.value", put(good, 1, u8(32)))
    refuse("invalid UTF-8", "record.plaintext", sealed(pad(b"\xff")))

FILES = {"delivery": delivery_file, "delivery_refused": delivery_refused_file, "policy": policy_file, "agent_state": agent_state_file}
