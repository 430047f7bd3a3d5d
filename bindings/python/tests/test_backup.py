"""Backups: they open without the service, and make an owner again."""

from __future__ import annotations

import copy
import pickle
from datetime import timedelta

import pytest
from accounts import CHEAP, LATER, LOGIN, NOW, enrolled, enrolling, new_owner, refused
from blindtally import (
    Backup,
    ClosedError,
    CredentialError,
    Kdf,
    Login,
    MalformedError,
    OpeningKeys,
    Owner,
    RecordClass,
    RecoveryKey,
    TokenClass,
    UnlockError,
)

PASSPHRASE = "a long passphrase"
NEW = "a new password"


@pytest.fixture(scope="module")
def owner() -> Owner:
    return new_owner()[0]


@pytest.fixture(scope="module")
def agent(owner):
    return enrolled(owner)


@pytest.fixture(scope="module")
def kept(owner, agent) -> tuple[Backup, RecoveryKey]:
    return owner.backup_with_recovery_key()


def test_a_backup_opens_with_its_passphrase_and_reads_everything(owner, agent):
    backup = owner.backup_with_passphrase(PASSPHRASE, kdf=CHEAP)
    assert (backup.lock, backup.account) == ("passphrase", owner.account)
    text = "From: Anna\r\n\r\n" + backup.to_text().replace("\n", "  \r\n") + "-- \r\nsent from afar"
    with Backup.parse(text).open_with_passphrase(PASSPHRASE.encode()) as restored:
        assert isinstance(restored, OpeningKeys) and not isinstance(restored, Owner)
        assert (restored.account, restored.fingerprint) == (owner.account, owner.fingerprint)
        token = agent.tokenize(TokenClass.APP, "winword.exe")
        record = agent.seal_record(RecordClass.CHAT, "hello")
        assert restored.reveal(token) == "winword.exe"
        assert restored.reveal_many([token, None]) == ["winword.exe", None]
        assert restored.reveal_text(f"[{token}]") == "[winword.exe]"
        assert restored.open_record(record).value == "hello"
        assert restored.recovery_proof() == owner.recovery_proof()
        assert repr(restored).startswith(f"Restored({owner.account}")
    assert isinstance(refused("python.closed", restored.reveal, token), ClosedError)
    assert repr(restored) == "Restored(closed)"
    assert isinstance(refused("unlock.wrong", backup.open_with_passphrase, PASSPHRASE + "!"), UnlockError)


def test_a_backup_opens_with_its_recovery_key_as_typed(owner, kept):
    backup, key = kept
    assert backup.lock == "recovery-key"
    typed = RecoveryKey.parse(key.to_text().lower().replace("-", " "))
    assert Backup.parse(backup.to_text()).open_with_recovery_key(typed).account == owner.account
    _, other = owner.backup_with_recovery_key()
    assert isinstance(refused("unlock.wrong", backup.open_with_recovery_key, other), UnlockError)


def test_each_backup_says_what_opens_it(owner, kept):
    backup, key = kept
    refused("unlock.needs-recovery-key", backup.open_with_passphrase, PASSPHRASE)
    other = owner.backup_with_passphrase(PASSPHRASE, kdf=CHEAP)
    refused("unlock.needs-passphrase", other.open_with_recovery_key, key)


def test_a_damaged_backup_or_key_is_told_from_a_wrong_one(kept):
    backup, key = kept
    lines = backup.to_text().splitlines()
    lines[7] = lines[7][::-1]
    assert isinstance(refused("malformed.checksum", Backup.parse, "\n".join(lines)), MalformedError)
    refused("malformed.magic", Backup.parse, "no backup")
    text = key.to_text()
    mistyped = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert isinstance(refused("recovery-key.invalid", RecoveryKey.parse, mistyped), CredentialError)


def test_a_restored_account_goes_on_above_what_the_service_shows():
    owner, _ = new_owner()
    agent, gone = enrolled(owner), enrolled(owner, "device2", "gone")
    backup, key = owner.backup_with_recovery_key()
    change = owner.revoke(gone.device_id, now=LATER)
    policy = change.committed().policy
    restored = backup.open_with_recovery_key(key)
    proof = restored.recovery_proof()
    later = LATER + timedelta(days=1)
    again, stored = Owner.restore(
        restored, LOGIN, NEW, generation=change.generation, policy=policy, kdf=CHEAP, now=later
    )
    refused("python.closed", restored.recovery_proof)
    assert proof == again.recovery_proof() == owner.recovery_proof()
    assert stored.expected == change.generation < stored.generation
    assert again.policy.version > owner.policy.version and again.policy.epoch > owner.policy.epoch
    status = {device.id: device.status for device in again.devices}
    assert status == {agent.device_id: "active", gone.device_id: "revoked"}
    outbox = stored.committed()
    assert [device for device, _ in outbox.deliveries] == [agent.device_id]
    assert agent.accept(outbox.delivery) == "updated"
    assert again.reveal(agent.tokenize(TokenClass.APP, "a")) == "a"
    login = Login.start(LOGIN, NEW, again.prelogin)
    assert login.unlock(stored.vault, stored.generation).account == owner.account


def test_tickets_of_before_a_restoration_are_void():
    owner, _ = new_owner()
    _, request = enrolling(owner)
    backup, key = owner.backup_with_recovery_key()
    again, _ = Owner.restore(backup.open_with_recovery_key(key), LOGIN, NEW, kdf=CHEAP, now=LATER)
    refused("enrollment.mac", again.inspect, request, now=LATER)


def test_a_restoration_that_is_refused_leaves_the_backup_open(kept):
    backup, key = kept
    restored = backup.open_with_recovery_key(key)
    refused("kdf.below-floor", Owner.restore, restored, LOGIN, NEW, kdf=Kdf.pbkdf2(1))
    refused("login.invalid", Owner.restore, restored, "", NEW)
    refused("password.invalid", Owner.restore, restored, LOGIN, "")
    refused("python.value", Owner.restore, restored, LOGIN, NEW, generation=-1)
    owner, _ = Owner.restore(restored, LOGIN, NEW, kdf=CHEAP, policy=b"not the account's", now=LATER)
    assert owner.account == backup.account
    refused("python.closed", Owner.restore, restored, LOGIN, NEW, kdf=CHEAP)
    # The sealed file is not used up.
    assert backup.open_with_recovery_key(key).account == owner.account


def test_arguments_of_a_wrong_type_have_a_code(owner, kept):
    backup, key = kept
    restored = backup.open_with_recovery_key(key)
    for wrong in (None, 7, object()):
        refused("python.type", Backup.parse, wrong)
        refused("python.type", RecoveryKey.parse, wrong)
        refused("python.type", backup.open_with_passphrase, wrong)
        refused("python.type", backup.open_with_recovery_key, wrong)
        refused("python.type", owner.backup_with_passphrase, wrong)
        refused("python.type", Owner.restore, wrong, LOGIN, NEW)
        refused("python.type", Owner.restore, restored, wrong, NEW)
        refused("python.type", Owner.restore, restored, LOGIN, wrong)
    refused("python.type", backup.open_with_recovery_key, key.to_text())
    refused("python.type", Backup.parse, b"bytes")
    refused("python.type", Owner.restore, owner, LOGIN, NEW)
    for name in ("generation", "policy", "kdf", "account_secret", "now"):
        refused("python.type", Owner.restore, restored, LOGIN, NEW, **{name: "text"})
    refused("python.type", owner.backup_with_passphrase, PASSPHRASE, kdf=600_000)
    refused("kdf.below-floor", owner.backup_with_passphrase, PASSPHRASE, kdf=Kdf.pbkdf2(1))


def test_keys_are_neither_printed_nor_pickled(kept):
    backup, key = kept
    restored = backup.open_with_recovery_key(key)
    assert repr(key) == str(key) == "RecoveryKey(..)" and len(repr(backup)) < 100
    for held in (key, restored):
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                duplicate(held)
