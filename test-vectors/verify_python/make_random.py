"""Makes 1,000 random cases that are valid, for other implementations to open: `make_random.py DIR SEED`.

The seed chooses values, lengths, classes and epochs. Keys, nonces and salts are the operating system's.
"""

import json
import pathlib
import sys
from random import Random

from cases_blob import about, blob_group, new_header
from cases_agent import Scene
from cases_archive import Sealer, shown
from cases_owner import CHEAP, Locked
from cases_values import token_group, valid_record, valid_token
from archive import make_tar
from blob import seal_blob
from identity import Private
from verify import VECTORS
from world import *

KEYS = VECTORS.parent / "tests/keys"
NOW, DAY = 1_790_000_000, 86_400
WHITE = "\u0020\u00a0\u2003\t\n\u0085\u2028"
SCRIPTS = [
    "abcdefghijklmnopqrstuvwxyz .-_/\\:", "ABCXYZ0189@[`{~!?#", "\u00e9\u00fc\u00df\u0130\u212a\uff21\ufb01", "\u05d0\u05d1\u05e9 \u0645\u0633\u062a",
    "e\u0301\u0308\u0327n\u0303", "\U0001f469\u200d\U0001f4bb\U0001f512\U0001f1f8", "\x00\x01\x1f\x7f\x80\ufffd\uffff\U0010ffff", "\u65e5\u672c\u8a9e",
]
MEMBERS = {"token": sorted(TOKEN_CLASSES), "record": sorted(RECORD_CLASSES), "blob": sorted(BLOB_CLASSES - {40})}

class Known(Account):
    """An account of given keys, with a MasterKey for each of these epochs."""

    def __init__(self, keys, epochs):
        self.id, self.root, self.keys = random(16), random(32), keys
        self.masters = {epoch: MasterKey(self.id, epoch, random(32)) for epoch in epochs}

def kept(name):
    """Keys of the repository's, which cost nothing to make."""
    return Private(*((KEYS / f"{name}-{use}.pkcs8").read_bytes() for use in ("encryption", "signing")))

class Maker:
    def __init__(self, seed):
        self.rng = Random(seed)
        epochs = [1, 65535, *self.rng.sample(range(2, 65535), 3)]
        self.devices = [kept("device1"), kept("device2"), pair("fresh device")]
        self.accounts = [Known(keys, sorted(epochs)) for keys in (kept("account"), pair("fresh account"))]

    def text(self, limit=4096):
        """Most are short; of the long ones, some are as long as may be."""
        rng = self.rng
        length = rng.choice([0, 1, rng.randrange(16), rng.randrange(64), rng.randrange(300), rng.choice([limit, rng.randrange(limit + 1)])])
        script = rng.choice(SCRIPTS)
        if rng.random() < 0.2:
            script = "".join(SCRIPTS)
        made = "".join(rng.choices(script, k=min(length, limit)))
        return made.encode()[:limit].decode(errors="ignore")

    def short(self, limit):
        """One byte at least."""
        return self.text(limit) or "x"

    def epoch(self): return self.rng.choice([1, 65535, self.rng.randrange(1, 65536)])
    def seq(self): return self.rng.choice([0, 2**53 - 1, self.rng.randrange(2**53), 1_790_000_000_000])
    def master(self): return MasterKey(random(16), self.epoch(), random(32))

    def token(self):
        file = File("token")
        for _ in range(20):
            master = self.master()
            group = token_group(file, master)
            for _ in range(25):
                valid_token(group, master, "random", self.rng.choice(MEMBERS["token"]), self.text().encode())
        return file

    def record(self):
        file = File("record")
        for at in range(10):
            master = self.master()
            group = file.group("Record", masterKey=master.key, accountId=master.account_id, epoch=master.epoch)
            for number in range(15):
                long = at == number == 0
                value = "\u05d0".encode() * (MAX_RECORD // 2) if long else self.text(20_000).encode()
                valid_record(group, master, "random", self.rng.choice(MEMBERS["record"]), random(16), self.seq(), value)
        return file

    def blob(self):
        file = File("blob")
        for at in range(6):
            master = self.master()
            group = blob_group(file, master)
            for number in range(10):
                length = self.rng.choice([0, self.rng.randrange(100), self.rng.randrange(3000), self.rng.randrange(40_000)])
                if at == 0:
                    length = {0: 16_383, 1: 32_767, 2: 100_000, 3: 16_384}.get(number, length)
                content = self.rng.randbytes(length // 2) + bytes(length - length // 2 - min(length, 1)) + b"\x80" * min(length, 1)
                header, salt = new_header(master, cls=self.rng.choice(MEMBERS["blob"]), seq=self.seq()), random(24)
                group.valid("random", blob=seal_blob(master, header, salt, content), salt=salt, **about(header, content))
        return file

    def ticket(self):
        file = File("ticket")
        for account in self.accounts:
            group = file.group("Ticket", ticketRoot=account.root)
            for _ in range(30):
                ticket = account.ticket(self.seq(), self.rng.choice([1, 50, self.rng.randrange(1, 51)]))
                mac, name, auth = ticket.keys()
                fields = {"accountId": account.id, "fingerprint": ticket.fingerprint, "ticketId": ticket.ticket_id, "secret": ticket.secret}
                fields |= {"expiry": ticket.expiry, "uses": ticket.uses, "macKey": mac, "nameKey": name, "authKey": auth}
                text = self.rng.choice(["", "blindtally:"]) + ticket.text()
                group.valid("random", text=text, **fields, authenticatorHash=sha256(auth))
        return file

    def keyring(self, account, **changed):
        """With the MasterKeys of all epochs, the policy of one of them, and devices."""
        epoch = self.rng.choice(list(account.masters))
        policy = account.policy(epoch=epoch, version=self.seq(), issued_at=self.seq(), **self.forms()).sign(account.keys)
        devices = [
            Device(device, random(16), self.rng.choice([None, random(16)]), self.short(128).encode(), self.rng.choice([1, 2]), self.seq(), self.seq())
            for device in self.rng.sample(self.devices, self.rng.randrange(3))
        ]
        devices.sort(key=lambda d: d.public.device_id(account.id))
        cancelled = sorted(random(16) for _ in range(self.rng.randrange(3)))
        fields = {"master_keys": list(account.masters.values()), "devices": devices, "cancelled": cancelled, **changed}
        return account.keyring(policy, self.seq(), **fields)

    def forms(self):
        """Entries of a policy: classes with their canonical forms."""
        classes = sorted(self.rng.sample(sorted(CLASSES), self.rng.randrange(4, 12)) + [1])
        return {"entries": entries([(cls, self.rng.randrange(3) if cls in TOKEN_CLASSES else 0) for cls in sorted(set(classes))])}

    def locked(self, account, kdf):
        secret = self.rng.choice([None, checked_code(random(16))])
        return Locked(account.id, kdf, login=f"anna{self.rng.randrange(1000)}@example.com", password=self.short(200), secret=secret)

    def vault(self):
        file = File("vault")
        for account, kdf in zip(self.accounts, (ARGON2ID, PBKDF2)):
            locked = self.locked(account, kdf)
            group = file.group("Vault", **locked.inputs())
            for _ in range(2):
                keyring = self.keyring(account)
                reveals = []
                for master in keyring.master_keys:
                    cls, value = self.rng.choice(MEMBERS["token"]), self.text().encode()
                    made = tokenize(master.class_key(cls), account.id, cls, master.epoch, value)
                    reveals.append({"token": token_text(made), "value": value})
                locked.valid(group, "random", keyring, seen=self.rng.randrange(keyring.generation + 1), reveals=reveals)
        return file

    def kept_login(self):
        file = File("kept login")
        for account, kdf in zip(self.accounts, (ARGON2ID, PBKDF2)):
            locked, keyring = self.locked(account, kdf), self.keyring(account)
            wrap, commit = (expand(locked.s, f"blindtally/v1/password/{n}".encode(), 32) for n in ("wrap", "commit"))
            secret = locked.secret and parse_checked_code(locked.secret)
            made = KeptLogin(normal_login(locked.login), locked.prelogin, login_proof(locked.s), wrap, commit, secret)
            fields = {"loginProof": made.login, "wrapKey": wrap, "commit": commit, "accountSecret": locked.secret}
            inputs = {name: value for name, value in locked.inputs().items() if name in ("login", "prelogin")}
            for _ in range(2):
                vault = locked.seal(keyring.encode(), keyring.generation)
                group = file.group("KeptLogin", **inputs, vault=vault)
                group.valid("random", kept=made.encode(), **fields, generation=keyring.generation)
        return file

    def backup(self):
        file = File("backup")
        for number in range(8):
            account = self.accounts[number % 2]
            keyring, key, phrase = self.keyring(account), random(16), self.short(200)
            by_key = number < 6
            kdf = NO_KDF if by_key else (ARGON2ID, PBKDF2)[number % 2]
            purpose = RECOVERY_KEY if by_key else PASSPHRASE
            params = () if by_key else CHEAP[kdf]
            made = Wrapped(b"K", kdf, params, random(16), account.id, purpose, keyring.generation, nonce=random(12))
            sealed = made.seal(made.stretched(key if by_key else normal_password(phrase)), keyring.encode())
            typed_key = self.loosely(checked_code(key))
            group = file.group("Backup", passphrase=None if by_key else phrase, recoveryKey=typed_key if by_key else None)
            text = backup_file(sealed, account.keys.code, account.id, "recovery key" if by_key else "passphrase")
            group.valid("random", file=text, keyring=keyring.encode(), accountId=account.id, generation=keyring.generation)
        return file

    def enrollment(self):
        file = File("enrollment")
        for account, kdf in zip(self.accounts, (ARGON2ID, PBKDF2)):
            locked, keyring = self.locked(account, kdf), self.keyring(account, devices=[])
            group = file.group("Enrollment", **locked.inputs(vault=locked.seal(keyring.encode(), keyring.generation)), now=NOW)
            for _ in range(20):
                device = self.rng.choice(self.devices)
                fields = {"deviceId": device.device_id(account.id)}
                if self.rng.random() < 0.7:
                    ticket = account.ticket(self.rng.choice([NOW + 1, 2**53 - 1, NOW + self.rng.randrange(1, 30 * DAY)]), self.rng.randrange(1, 51))
                    name = self.short(128)
                    request = enroll(ticket, device, random(16), random(12), name.encode())
                    fields |= {"name": name, "needsComparison": False}
                else:
                    request = enroll_by_code(account.id, account.keys.fingerprint[:15], device, random(32), random(16))
                    fields |= {"typedCode": self.loosely(device.code), "needsComparison": True}
                group.valid("random", request=request, **fields)
        return file

    def scene(self):
        made = object.__new__(Scene)
        made.account, made.device = self.rng.choice(self.accounts), self.rng.choice(self.devices)
        made.pending = made.account.state(made.device, self.rng.random() < 0.5)
        made.agent = Agent.restore(made.pending)
        made.epoch = self.rng.choice(list(made.account.masters)[:-1])
        made.version, made.seq = self.rng.randrange(2**52), self.rng.randrange(2**52)
        made.policy, made.first = self.delivery_of(made, made.epoch, made.version, made.seq)
        made.agent.accept(made.first)
        made.running = made.agent.save()
        return made

    def delivery_of(self, scene, epoch, version, seq, **changed):
        """A policy, and a delivery of it with keys for most of its classes."""
        policy = scene.account.policy(version, epoch, **{**self.forms(), **changed})
        classes = [entry[0] for entry in policy.entries if self.rng.random() < 0.9]
        signed = policy.sign(scene.account.keys)
        bundle = bundle_of(signed, scene.account.class_keys(scene.agent, epoch, classes))
        return signed, scene.deliver(signed, epoch, bundle, seq=seq)

    def tokens(self, agent):
        """What an agent makes of values, by its keys and its policy."""
        made = []
        for cls in self.rng.sample(MEMBERS["token"], 3) + [cls for cls in agent.keys if cls in TOKEN_CLASSES]:
            value = self.text(600)
            try:
                made.append({"class": cls, "value": value, "token": agent.tokenize(cls, value)})
            except Refused as refusal:
                made.append({"class": cls, "value": value, "expect": refusal.code})
        return made

    def delivery(self):
        file = File("delivery")
        for _ in range(10):
            scene = self.scene()
            group = file.group("Delivery", agentState=scene.pending)
            self.accepted(group, scene.pending, scene.first)
            group = file.group("Delivery", agentState=scene.running)
            later = [epoch for epoch in scene.account.masters if epoch >= scene.epoch]
            for _ in range(2):
                version, epoch = scene.version + self.rng.randrange(1, 9), self.rng.choice(later)
                previous = self.rng.choice([bytes(32), sha256(scene.policy)])
                _, delivery = self.delivery_of(scene, epoch, version, scene.seq + self.rng.randrange(1, 99), previous=previous)
                self.accepted(group, scene.running, delivery)
            self.accepted(group, scene.running, scene.first)
        return file

    def accepted(self, group, state, delivery):
        agent = Agent.restore(state)
        outcome = agent.accept(delivery)
        group.valid("random", delivery=delivery, outcome=outcome, phase=agent.phase, tokens=self.tokens(agent))

    def policy(self):
        file = File("policy")
        for _ in range(8):
            scene = self.scene()
            group = file.group("Policy", agentState=scene.running)
            own = scene.agent.device_id()
            for _ in range(5):
                revoked = sorted(random(16) for _ in range(self.rng.randrange(4))) if self.rng.random() < 0.7 else [own]
                epoch = self.rng.choice([scene.epoch, scene.epoch, list(scene.account.masters)[-1]])
                policy = scene.account.policy(scene.version + self.rng.randrange(2, 2**50), epoch, revoked=revoked, previous=random(32), **self.forms())
                signed, agent = policy.sign(scene.account.keys), Agent.restore(scene.running)
                outcome = agent.apply_policy(signed)
                group.valid("random", policy=signed, outcome=outcome, phase=agent.phase, tokens=self.tokens(agent))
        return file

    def agent_state(self):
        file = File("agent state")
        group = file.group("AgentState")
        scenes = [self.scene() for _ in range(10)]
        for scene in scenes:
            gone = Agent.restore(scene.running)
            gone.apply_policy(scene.sign(version=scene.version + 2, epoch=scene.epoch, revoked=[gone.device_id()]))
            for state in (scene.pending, scene.running, gone.save()):
                agent, key = Agent.restore(state), self.rng.choice([None, random(32)])
                fields = {} if key is None else {"wrapKey": key}
                tokens = {"tokens": self.tokens(agent)} if agent.account else {}
                group.valid("random", state=agent.save(key, random(12)), **fields, phase=agent.phase, deviceId=agent.device_id(), **tokens)
        for scene in scenes[:5]:
            agent, group = scene.agent, file.group("QueueRecord", agentState=scene.running)
            can = [cls for cls in agent.keys if cls in TOKEN_CLASSES] or [16]
            for cls in (self.rng.choice(can), self.rng.choice(MEMBERS["record"])):
                seq, nonce, value = self.seq(), random(12), self.text(600).encode()
                made = seal_record(agent.queue_key, agent.account_id, cls, 0, agent.device_id(), seq, nonce, value)
                group.valid("random", **{"class": cls}, seq=seq, nonce=nonce, value=value, record="br1_" + b64(made))
        return file

    def loosely(self, code):
        """As a person might type it."""
        swapped = {"0": "0Oo", "1": "1IiLl", "-": ["-", "", " ", "--", self.rng.choice(WHITE)]}
        return "".join(self.rng.choice(swapped.get(c, c + c.lower())) for c in code)

    def crockford(self):
        file = File("codes that people type")
        group = file.group("CheckedCode")
        for _ in range(20):
            key = random(16)
            group.valid("random", typed=self.loosely(checked_code(key)), key=key, code=checked_code(key))
        group = file.group("AccountCode")
        for _ in range(20):
            account_id, prefix = random(16), random(15)
            code = account_code(account_id, prefix)
            group.valid("random", typed=self.loosely(code), accountId=account_id, fingerprintPrefix=prefix, code=code)
        return file

    def identity(self):
        file = File("identity")
        pairs = [*self.devices, *(account.keys for account in self.accounts)]
        for _ in range(10):
            account_id = random(16)
            public = Public(self.rng.choice(pairs).spkis[0], self.rng.choice(pairs).spkis[1])
            fields = {"fingerprint": public.fingerprint, "code": public.code, "deviceId": public.device_id(account_id)}
            group = file.group("Identity", accountId=account_id)
            group.valid("random", encryptionKey=public.spkis[0], signingKey=public.spkis[1], **fields)
        return file

    def archive(self):
        file = File("archive")
        sealer = Sealer("archives")
        for number in range(4):
            files = []
            for at in range(self.rng.randrange(12)):
                content = self.rng.randbytes(self.rng.choice([0, 511, 512, 513, self.rng.randrange(2000), self.rng.randrange(30_000)]))
                name = "".join(self.rng.choices("azAZ09-_", k=self.rng.randrange(1, 40)))
                folder = self.rng.choice(["", "log/", "a.b/c-d/"])
                files.append((f"{folder}{at}{name}", self.rng.choice([0, 8**11 - 1, self.rng.randrange(8**11)]), content))
            made = self.rng.randrange(2**53)
            sealer.salt, sealer.header = random(24), replace(sealer.header, blob_id=random(16), seq=self.seq())
            sealed = sealer.seal(make_tar(sealer.account.id, sealer.keys, made, files))
            about_files = [shown(path, content, modified) for path, modified, content in files]
            group = file.group("Archive", **sealer.opens_with, archive=sealed)
            group.valid("random", edits=[], listing="signed", made=made, files=about_files)
        return file

FILES = (
    "token", "record", "blob", "ticket", "enrollment", "delivery", "policy", "agent_state", "crockford", "identity", "backup", "vault",
    "kept_login", "archive",
)

if __name__ == "__main__":
    folder, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    maker, count = Maker(seed), 0
    for name in FILES:
        file = getattr(maker, name)()
        count += file.count
        (folder / f"{name}.json").write_text(json.dumps(file.as_json(), indent=1) + "\n")
    assert count == 1000, f"{count} cases"
