"""What the owner of an account does with it, by itself and with agents."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
import threading
from datetime import datetime, timedelta, timezone

import pytest
from accounts import CHEAP, LATER, LOGIN, NOW, PASSWORD, enrolled, identity, new_owner, refused
from blindtally import (
    Agent,
    BlobClass,
    Change,
    ClosedError,
    CredentialError,
    Identity,
    Login,
    MalformedError,
    OpeningKeys,
    Owner,
    OwnerError,
    RecordClass,
    RecordError,
    RevealError,
    Ticket,
    TokenClass,
    TokenizeError,
    UnlockError,
    find_tokens,
    token_index,
)

UNKNOWN = "00" * 16


@pytest.fixture(scope="module")
def account():
    return new_owner()


@pytest.fixture(scope="module")
def owner(account) -> Owner:
    """For tests that leave it as it is, but for generation and policy."""
    return account[0]


@pytest.fixture(scope="module")
def agent(owner) -> Agent:
    return enrolled(owner)


def again(owner: Owner, vault: bytes) -> Owner:
    """Another client of the same account."""
    return Login.resume(LOGIN, owner.keep_unlocked(), owner.prelogin).unlock(vault)


def test_a_new_account_says_what_the_service_is_to_store(account):
    owner, change = account
    assert isinstance(owner, OpeningKeys)
    assert (change.expected, change.generation) == (0, 1)
    assert owner.login == LOGIN
    assert owner.prelogin.kdf == CHEAP and owner.prelogin.account == owner.account
    assert len(owner.login_proof()) == len(owner.recovery_proof()) == 32
    assert owner.login_proof() != owner.recovery_proof()
    assert len(owner.account) == 32 and len(owner.fingerprint) == 64
    assert owner.fingerprint == identity("account").fingerprint
    assert len(owner.account_code.replace("-", "")) == 50


def test_a_change_is_committed_once_and_its_vault_stays_readable():
    owner, change = new_owner()
    vault = change.vault
    outbox = change.committed()
    assert outbox.policy == owner.policy.signed
    assert (outbox.deliveries, outbox.delivery, outbox.revoked) == ([], b"", [])
    assert change.vault == vault and change.generation == owner.generation
    assert isinstance(refused("python.closed", change.committed), ClosedError)


def test_the_first_policy_lists_every_named_class_and_hosts_in_one_form(account):
    owner, _ = account
    policy = owner.policy
    classes = dict(policy.classes)
    assert classes[TokenClass.HOST] == "host" and classes[TokenClass.APP] == "exact"
    assert RecordClass.CHAT in classes and BlobClass.SCREENSHOT in classes
    assert policy.issued_at == NOW and policy.issued_at.tzinfo is timezone.utc
    assert policy.version >= 1 and len(policy.key_id) == 32 and policy.revoked == []


def test_what_an_agent_seals_the_owner_opens(owner, agent):
    token = agent.tokenize(TokenClass.APP, "winword.exe")
    assert owner.reveal(token) == "winword.exe"
    assert owner.tokenize_typed(TokenClass.APP, "winword.exe") == token
    host = agent.tokenize(TokenClass.HOST, "example.com")
    assert owner.tokenize_typed(TokenClass.HOST, "https://Example.com/a") == host
    assert token_index(token) == token_index(owner.retokenize(token)) and len(token_index(token)) == 32
    record = agent.seal_record(RecordClass.CHAT, "hello, Zoë", LATER)
    opened = owner.open_record(record)
    assert (opened.value, opened.record_class, opened.device) == ("hello, Zoë", RecordClass.CHAT, agent.device_id)
    assert opened.seq == int(LATER.timestamp() * 1000) and opened.epoch == owner.policy.epoch


def test_tokens_are_found_and_revealed_in_text_by_characters(owner, agent):
    token = agent.tokenize(TokenClass.TITLE, "Zoë 🙂")
    foreign = new_owner()[0].tokenize_typed(TokenClass.TITLE, "not ours")
    text = f"🙂 é {token}, {foreign} and bt1_no token, {token}!"
    assert owner.reveal_text(text) == f"🙂 é Zoë 🙂, {foreign} and bt1_no token, Zoë 🙂!"
    found = find_tokens(text)
    assert [found_token for _, _, found_token in found] == [token, foreign, token]
    assert all(text[start:end] == found_token for start, end, found_token in found)
    assert find_tokens("nothing") == [] and owner.reveal_text("nothing") == "nothing"


def test_what_does_not_open_says_why(owner, agent):
    token = agent.tokenize(TokenClass.APP, "a")
    foreign = new_owner()[0].tokenize_typed(TokenClass.APP, "a")
    assert isinstance(refused("reveal.tampered", owner.reveal, foreign), RevealError)
    assert isinstance(refused("malformed.encoding", owner.reveal, token + "!"), RevealError)
    assert isinstance(refused("reveal.tampered", owner.retokenize, foreign), RevealError)
    assert isinstance(refused("malformed.encoding", token_index, "winword.exe"), MalformedError)
    assert isinstance(refused("malformed.encoding", owner.open_record, "br1_?"), RecordError)
    assert isinstance(refused("tokenize.too-long", owner.tokenize_typed, TokenClass.APP, "x" * 4097), TokenizeError)


def test_a_batch_of_records_has_a_result_for_each(owner, agent):
    good = [agent.seal_record(RecordClass.CHAT, text) for text in ("one", "two")]
    bad = good[0][:-1] + ("A" if good[0][-1] != "A" else "Q")
    assert [record.value for record in owner.open_records(iter(good))] == ["one", "two"]
    assert owner.open_records([]) == [] and owner.open_records([None]) == [None]
    assert refused("record.tampered", owner.open_records, [good[0], bad, "br1_?"]).index == 1
    one, error, two = owner.open_records((good[0], bad, good[1]), errors="return")
    assert (one.value, two.value) == ("one", "two")
    assert isinstance(error, RecordError) and error.index == 1
    assert owner.open_records([bad, None], errors="null") == [None, None]
    assert refused("python.type", owner.open_records, [good[0], 7]).index == 1
    assert refused("python.type", owner.open_records, [7], errors="null").index == 0
    assert owner.open_records(["\ud800"], errors="return")[0].code == "python.surrogate"
    refused("python.type", owner.open_records, good[0])
    refused("python.type", owner.open_records, 7)
    refused("python.value", owner.open_records, [], errors="ignore")


def test_an_error_of_the_iterable_comes_through(owner):
    def records():
        yield "br1_"
        raise LookupError("of the caller's")

    with pytest.raises(LookupError, match="of the caller's"):
        owner.open_records(records())


def test_rotation_gives_every_device_new_keys_and_old_tokens_stay_readable():
    owner, _ = new_owner()
    agent = enrolled(owner)
    old = agent.tokenize(TokenClass.APP, "winword.exe")
    change = owner.rotate(now=LATER)
    outbox = change.committed()
    assert [device for device, _ in outbox.deliveries] == [agent.device_id]
    assert agent.accept(outbox.delivery) == "updated"
    new = agent.tokenize(TokenClass.APP, "winword.exe")
    assert new != old and owner.retokenize(old) == new
    assert owner.reveal(old) == owner.reveal(new) == "winword.exe"
    assert owner.policy.epoch == 2 and owner.policy.issued_at == LATER


@pytest.mark.parametrize(("rotate", "epoch"), [(True, 2), (False, 1)])
def test_a_revoked_device_gets_nothing_any_more(rotate, epoch):
    owner, _ = new_owner()
    agent = enrolled(owner)
    outbox = owner.revoke(agent.device_id, rotate=rotate, now=LATER).committed()
    assert outbox.revoked == owner.policy.revoked == [agent.device_id]
    assert outbox.deliveries == [] and owner.policy.epoch == epoch
    assert agent.apply_policy(outbox.policy) == "revoked"
    assert [device.status for device in owner.devices] == ["revoked"]
    assert isinstance(refused("owner.device-revoked", owner.redeliver, agent.device_id), OwnerError)


def test_a_device_is_delivered_to_again():
    owner, _ = new_owner()
    agent = enrolled(owner)
    outbox = owner.redeliver(agent.device_id, now=LATER).committed()
    assert outbox.policy is None and len(outbox.deliveries) == 1
    assert agent.accept(outbox.delivery) in ("updated", "unchanged")
    assert isinstance(refused("owner.unknown-device", owner.redeliver, UNKNOWN), OwnerError)
    refused("owner.unknown-device", owner.revoke, UNKNOWN)
    assert isinstance(refused("malformed.encoding", owner.redeliver, "laptop"), MalformedError)


def test_a_canonical_form_makes_agents_group():
    owner, _ = new_owner()
    outbox = owner.set_canonical_form(TokenClass.APP, "ascii-lowercase", now=LATER).committed()
    assert dict(owner.policy.classes)[TokenClass.APP] == "ascii-lowercase" and outbox.policy == owner.policy.signed
    typed = owner.tokenize_typed
    assert typed(TokenClass.APP, "WINWORD.exe") == typed(TokenClass.APP, "winword.exe")
    refused("python.value", owner.set_canonical_form, TokenClass.APP, "upper")
    refused("python.type", owner.set_canonical_form, RecordClass.CHAT, "exact")


def test_clients_that_both_changed_something_are_reconciled():
    first, created = new_owner()
    second = again(first, created.vault)
    one = first.set_canonical_form(TokenClass.APP, "ascii-lowercase", now=NOW)
    assert second.sync(one.vault) == "adopted"
    assert second.sync(one.vault) == "same" and second.generation == one.generation
    device = enrolled(first).device_id
    agent = enrolled(second, "device2")
    mine, theirs = first.cancel_ticket(UNKNOWN, now=NOW), second.cancel_ticket(UNKNOWN, now=NOW)
    assert (mine.expected, mine.generation) == (theirs.expected, theirs.generation)
    merged = second.sync(mine.vault, now=LATER)
    assert isinstance(merged, Change) and merged.expected == mine.generation
    assert {known.id for known in second.devices} == {device, agent.device_id}
    assert first.sync(merged.vault) == "adopted" and first.generation == merged.generation


def test_a_vault_of_another_account_is_not_taken_over(owner):
    stranger, change = new_owner()
    assert isinstance(refused("unlock.other-account", owner.sync, change.vault), UnlockError)
    refused("malformed.truncated", owner.sync, b"")


def test_a_naive_datetime_is_refused_and_any_time_zone_is_taken(owner):
    naive = datetime(2026, 1, 2, 3, 4, 5)
    for call in (owner.rotate, owner.issue_ticket):
        refused("python.value", call, now=naive)
        refused("python.type", call, now=1_767_322_645)
        refused("python.type", call, now="2026-01-02")
    ticket = owner.issue_ticket(now=NOW.astimezone(timezone(timedelta(hours=-7))))
    assert ticket.expiry == NOW + timedelta(days=7)


def test_weak_or_costly_parameters_are_refused_and_the_identity_stays_usable():
    keys = identity("account")
    for kdf, code in [
        (type(CHEAP).pbkdf2(599_999), "kdf.below-floor"),
        (type(CHEAP).argon2id(1024, 3, 1), "kdf.below-floor"),
        (type(CHEAP).pbkdf2(10_000_001), "kdf.above-ceiling"),
    ]:
        error = refused(code, Owner.create, LOGIN, PASSWORD, kdf=kdf, identity=keys)
        assert isinstance(error, CredentialError) and isinstance(error, ValueError)
    refused("login.invalid", Owner.create, " ", PASSWORD, identity=keys)
    refused("password.invalid", Owner.create, LOGIN, "", identity=keys)
    owner, _ = Owner.create(LOGIN, PASSWORD, kdf=CHEAP, identity=keys)
    assert owner.fingerprint == keys.fingerprint
    refused("python.closed", Owner.create, LOGIN, PASSWORD, kdf=CHEAP, identity=keys)


def test_an_identity_is_generated_where_none_is_given():
    keys = Identity.generate(2048)
    assert len(keys.fingerprint) == 64 and keys.encryption_spki != keys.signing_spki
    assert keys.fingerprint != Identity.generate(bits=2048).fingerprint
    refused("python.value", Identity.generate, 1024)
    refused("malformed.private-key", Identity.from_pkcs8, b"", b"")
    assert keys.fingerprint[:8] not in repr(keys)
    owner, _ = Owner.create(LOGIN, PASSWORD, kdf=CHEAP)
    assert owner.fingerprint not in (keys.fingerprint, identity("account").fingerprint)


def test_a_closed_owner_does_nothing(agent):
    owner, change = new_owner()
    token = owner.tokenize_typed(TokenClass.APP, "a")
    with owner as same:
        assert same is owner
    calls = [
        lambda: owner.account,
        lambda: owner.fingerprint,
        lambda: owner.login,
        lambda: owner.account_code,
        lambda: owner.prelogin,
        lambda: owner.generation,
        lambda: owner.policy,
        lambda: owner.devices,
        owner.login_proof,
        owner.recovery_proof,
        owner.keep_unlocked,
        owner.issue_ticket,
        owner.rotate,
        owner.backup_with_recovery_key,
        owner.__enter__,
        lambda: owner.reveal(token),
        lambda: owner.retokenize(token),
        lambda: owner.reveal_text(token),
        lambda: owner.reveal_many([token]),
        lambda: owner.open_record(agent.seal_record(RecordClass.CHAT, "a")),
        lambda: owner.open_records([]),
        lambda: owner.inspect(b""),
        lambda: owner.sync(change.vault),
        lambda: owner.redeliver(UNKNOWN),
        lambda: owner.revoke(UNKNOWN),
        lambda: owner.cancel_ticket(UNKNOWN),
        lambda: owner.set_canonical_form(TokenClass.APP, "exact"),
        lambda: owner.change_password("new"),
        lambda: owner.backup_with_passphrase("new"),
        lambda: owner.tokenize_typed(TokenClass.APP, "a"),
    ]
    for call in calls:
        assert isinstance(refused("python.closed", call), ClosedError)
    owner.close()
    assert repr(owner) == "Owner(closed)"


def test_what_is_held_is_neither_pickled_nor_copied_nor_made_by_hand(account):
    owner, change = account
    held = [owner, change, identity("device1"), owner.issue_ticket(), owner.policy]
    for thing in held:
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                duplicate(thing)
        with pytest.raises(TypeError):
            type(thing)()


def test_nothing_secret_is_printed(account, agent):
    owner, change = account
    ticket = owner.issue_ticket()
    secret = "a secret value"
    record = owner.open_record(agent.seal_record(RecordClass.CHAT, secret))
    things = [owner, change, ticket, record, owner.policy, *owner.devices, identity("device1")]
    for thing in things:
        for shown in (repr(thing), str(thing)):
            assert secret not in shown and PASSWORD not in shown and LOGIN not in shown and "laptop" not in shown
            assert ticket.to_text()[-60:] not in shown and len(shown) < 200
    assert repr(owner).startswith(f"Owner({owner.account}")


SECRET = "a secret text"
WRONG = [None, b"bytes", 7, 1.5, object(), ["list"]]


def test_every_argument_of_a_wrong_type_has_a_code(owner, account):
    change = account[1]
    calls = [
        (Owner.create, [LOGIN, PASSWORD], {"kdf": CHEAP, "identity": identity("account"), "now": NOW}),
        (owner.reveal, ["text"], {}),
        (owner.reveal_text, ["text"], {}),
        (owner.open_record, ["text"], {}),
        (owner.open_records, [[]], {"errors": "raise"}),
        (owner.issue_ticket, [1, timedelta(hours=1)], {"now": NOW}),
        (owner.inspect, [b""], {"now": NOW}),
        (owner.redeliver, [UNKNOWN], {"now": NOW}),
        (owner.revoke, [UNKNOWN], {"rotate": True, "now": NOW}),
        (owner.cancel_ticket, [UNKNOWN], {"now": NOW}),
        (owner.set_canonical_form, [TokenClass.APP, "exact"], {"now": NOW}),
        (owner.sync, [change.vault], {"now": NOW}),
        (owner.tokenize_typed, [TokenClass.APP, "text"], {}),
        (owner.retokenize, ["text"], {}),
        (Identity.generate, [2048], {}),
        (Identity.from_pkcs8, [b"", b""], {}),
        (Ticket.parse, [SECRET], {}),
        (find_tokens, ["text"], {}),
        (token_index, ["text"], {}),
    ]
    tried = 0
    for call, args, options in calls:
        for place in [*range(len(args)), *options]:
            right = args[place] if isinstance(place, int) else options[place]
            for wrong in WRONG:
                if takes(right, wrong, place):
                    continue
                wrong_args, wrong_options = list(args), dict(options)
                if isinstance(place, int):
                    wrong_args[place] = wrong
                else:
                    wrong_options[place] = wrong
                error = refused("python.type", call, *wrong_args, **wrong_options)
                assert isinstance(error, TypeError)
                tried += 1
    assert tried > 100


def takes(right: object, wrong: object, place: object) -> bool:
    """Whether an argument like `right` takes `wrong` as well: secret texts come as bytes, options may be None."""
    if wrong is None:
        return place in ("now", "kdf", "identity") or isinstance(right, timedelta)
    if isinstance(right, list):
        return isinstance(wrong, list)
    secret = isinstance(right, str) and right in (PASSWORD, SECRET)
    return type(wrong) is type(right) or (secret and isinstance(wrong, bytes))


def test_signatures_can_be_read_by_tools():
    assert str(inspect.signature(Owner.revoke)) == "(self, /, device, *, rotate=True, now=None)"
    for name in ("create", "restore", "issue_ticket", "sync", "open_records"):
        assert inspect.signature(getattr(Owner, name)) and getattr(Owner, name).__doc__


def test_other_threads_run_while_the_owner_works(owner):
    entered, done = threading.Event(), threading.Event()

    def work():
        entered.set()
        owner.backup_with_passphrase("a passphrase")
        done.set()

    worker = threading.Thread(target=work)
    interval = sys.getswitchinterval()
    # Nobody is interrupted: this thread goes on only where the worker lets it.
    sys.setswitchinterval(1000)
    try:
        worker.start()
        entered.wait()
        beside = not done.is_set()
    finally:
        sys.setswitchinterval(interval)
    worker.join()
    assert beside and done.is_set()


def test_an_owner_is_read_by_threads_while_another_closes_it():
    owner, _ = new_owner()
    tokens = [owner.tokenize_typed(TokenClass.APP, str(number)) for number in range(50)]
    started, closed = threading.Barrier(5), []

    def read():
        started.wait()
        try:
            while True:
                assert [owner.reveal(token) for token in tokens] == [str(number) for number in range(50)]
        except ClosedError as error:
            closed.append(error.code)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    started.wait()
    owner.close()
    for thread in threads:
        thread.join()
    assert closed == ["python.closed"] * 4
