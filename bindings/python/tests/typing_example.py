"""The API as a program with types uses it. Never run: mypy and pyright read it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, BinaryIO, List, Optional, Union

from blindtally import (
    Agent,
    Backup,
    BlindtallyError,
    BlobClass,
    Change,
    Column,
    ComparisonRequest,
    Identity,
    Kdf,
    Login,
    OpenedRecord,
    OpeningKeys,
    Owner,
    PendingAgent,
    Prelogin,
    RecordClass,
    RecoveryKey,
    Restored,
    TokenClass,
    VerifiedRequest,
    find_tokens,
    load_agent,
)
from blindtally.errors import ArgumentTypeError, RevealError
from typing_extensions import assert_never, assert_type


def enroll(owner: Owner, code: str) -> Agent:
    ticket = owner.issue_ticket(2, timedelta(days=7), now=datetime.now(timezone.utc))
    pending, request = Agent.enroll(ticket, "laptop", identity=Identity.generate(2048))
    assert_type(pending, PendingAgent)
    seen = owner.inspect(request)
    if isinstance(seen, ComparisonRequest):
        verified = seen.confirm(code, "laptop")
    elif isinstance(seen, VerifiedRequest):
        verified = seen
    else:
        assert_never(seen)
    change = owner.approve(verified)
    assert_type(change, Change)
    outbox = change.committed()
    for device, delivery in outbox.deliveries:
        assert_type(device, str)
        assert_type(delivery, bytes)
    return pending.accept(outbox.delivery)


def tokens(agent: Agent, words: List[str], holes: List[Optional[str]]) -> None:
    assert_type(agent.tokenize(TokenClass.APP, "winword.exe"), str)
    assert_type(agent.tokenize_many(TokenClass.APP, words), List[str])
    assert_type(agent.tokenize_many(TokenClass.APP, ("a", "b"), errors="raise"), List[str])
    assert_type(agent.tokenize_many(TokenClass.APP, holes), List[Optional[str]])
    assert_type(agent.tokenize_many(TokenClass.APP, words, errors="null"), List[Optional[str]])
    assert_type(agent.tokenize_many(TokenClass.APP, holes, errors="return"), List[Union[str, BlindtallyError, None]])
    assert_type(agent.tokenize_many(TokenClass.APP, (word for word in words)), List[Optional[str]])
    again: Column = agent.tokenize_many(TokenClass.named("title"), Arrow(), errors="null")
    assert_type(agent.tokenize_many(TokenClass.APP, again), Column)
    assert_type(again.to_list(), List[Optional[str]])
    assert_type(len(again) - again.null_count, int)


class Arrow:
    """What any library's column is to this package."""

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        raise NotImplementedError


def reveal(keys: OpeningKeys, tokens: List[str]) -> List[str]:
    assert_type(keys.reveal_many(tokens, errors="return"), List[Union[str, BlindtallyError, None]])
    assert_type(keys.reveal_many(Arrow()), Column)
    assert_type(keys.open_records(tokens), List[OpenedRecord])
    for opened in keys.open_records(tokens, errors="return"):
        if isinstance(opened, BlindtallyError):
            assert_type(opened.index, Optional[int])
        else:
            assert_type(opened.record_class, RecordClass)
    for begin, end, token in find_tokens(keys.reveal_text("text")):
        assert_type((begin, end, token), "tuple[int, int, str]")
    try:
        return keys.reveal_many(tokens)
    except RevealError as error:
        assert_type(error.code, str)
        return []
    except (ArgumentTypeError, TypeError):
        return []


def account(password: bytearray) -> Restored:
    owner, change = Owner.create("anna@example.com", password, kdf=Kdf.argon2id(passes=3))
    with owner as same:
        assert_type(same, Owner)
        backup, key = same.backup_with_recovery_key()
        assert_type(backup, Backup)
        assert_type(key, RecoveryKey)
        change = same.set_canonical_form(TokenClass.HOST, "host")
        met = same.sync(change.vault)
        if met == "same" or met == "adopted":
            pass
        else:
            assert_type(met, Change)
        prelogin = Prelogin(kdf=same.prelogin.kdf, salt=same.prelogin.salt, account=same.account)
    with Login.start("anna@example.com", password, prelogin) as login:
        assert_type(login.unlock(memoryview(change.vault), seen=change.generation), Owner)
    return Backup.parse(backup.to_text()).open_with_recovery_key(key)


def state(stored: bytes) -> Agent:
    loaded = load_agent(stored, bytearray(32))
    if isinstance(loaded, PendingAgent):
        return loaded.accept(b"")
    status = loaded.status.kind
    if status == "encrypted" or status == "needs-upgrade" or status == "revoked":
        return loaded
    assert_never(status)


def blobs(agent: Agent, keys: OpeningKeys, file: BinaryIO) -> bytes:
    sealed = agent.seal_blob(BlobClass.SCREENSHOT, memoryview(b""), datetime.now(timezone.utc))
    with agent.blob_writer(BlobClass.VOICE, file, when=1_700_000_000_000) as writer:
        writer.write(b"...")
    with keys.blob_reader(file) as reader:
        head: bytes = reader.read(1)
    return head + keys.open_blob(sealed)
