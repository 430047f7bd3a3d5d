"""Passwords: the login, the vault it opens, and a new password for it."""

from __future__ import annotations

import copy
import pickle

import pytest
from accounts import CHEAP, LOGIN, NOW, PASSWORD, identity, new_owner, refused
from blindtally import (
    AccountSecret,
    ClosedError,
    CredentialError,
    Kdf,
    Login,
    Owner,
    Prelogin,
    TokenClass,
    UnlockError,
    normal_login_name,
)


@pytest.fixture(scope="module")
def account():
    return new_owner()


@pytest.fixture(scope="module")
def owner(account) -> Owner:
    return account[0]


@pytest.fixture(scope="module")
def vault(account) -> bytes:
    return account[1].vault


@pytest.mark.parametrize("given", [PASSWORD, PASSWORD.encode(), bytearray(PASSWORD.encode())], ids=type)
def test_a_login_proves_the_password_and_opens_the_vault(owner, vault, given):
    login = Login.start("ANNA@example.com", given, owner.prelogin)
    assert login.proof() == owner.login_proof()
    with login.unlock(vault, owner.generation) as again:
        assert again.account == owner.account and again.generation == owner.generation
        token = again.tokenize_typed(TokenClass.APP, "winword.exe")
    assert owner.reveal(token) == "winword.exe"
    assert isinstance(refused("python.closed", login.proof), ClosedError)
    refused("python.closed", login.unlock, vault)


def test_a_login_that_fails_can_be_used_again(owner, vault):
    login = Login.start(LOGIN, PASSWORD, owner.prelogin)
    _, stranger = new_owner()
    assert isinstance(refused("unlock.rolled-back", login.unlock, vault, owner.generation + 1), UnlockError)
    refused("unlock.other-account", login.unlock, stranger.vault)
    refused("malformed.truncated", login.unlock, vault[:40])
    refused("unlock.wrong", login.unlock, vault[:-1] + bytes([vault[-1] ^ 1]))
    refused("python.type", login.unlock, "vault")
    assert login.proof() == owner.login_proof()
    assert login.unlock(memoryview(vault)).account == owner.account


def test_a_wrong_password_opens_nothing(owner, vault):
    login = Login.start(LOGIN, PASSWORD + "!", owner.prelogin)
    assert login.proof() != owner.login_proof()
    assert isinstance(refused("unlock.wrong", login.unlock, vault), UnlockError)


def test_a_service_that_changes_its_mind_about_the_salt_is_caught(owner, vault):
    prelogin = Prelogin(kdf=owner.prelogin.kdf, salt=b"s" * 16, account=owner.account)
    refused("unlock.header", Login.start(LOGIN, PASSWORD, prelogin).unlock, vault)


def test_parameters_out_of_bounds_are_refused_before_anything_is_derived(owner):
    for kdf, code in [
        (Kdf.pbkdf2(1), "kdf.below-floor"),
        (Kdf.argon2id(19_455, 2, 1), "kdf.below-floor"),
        (Kdf.pbkdf2(4_000_000_000), "kdf.above-ceiling"),
        (Kdf.argon2id(4_000_000_000, 16, 4), "kdf.above-ceiling"),
    ]:
        prelogin = Prelogin(kdf=kdf, salt=b"s" * 16, account=owner.account)
        assert isinstance(refused(code, Login.start, LOGIN, PASSWORD, prelogin), CredentialError)


def test_a_kept_login_spares_the_password_and_knows_its_account(owner, vault):
    kept = owner.keep_unlocked()
    assert Login.resume(LOGIN, kept, owner.prelogin).unlock(vault).account == owner.account
    refused("unlock.kept-login", Login.resume, "bert@example.com", kept, owner.prelogin)
    refused("unlock.kept-login", Login.resume, LOGIN, kept, new_owner()[0].prelogin)
    mangled = kept[:-1] + bytes([kept[-1] ^ 1])
    assert isinstance(refused("malformed.checksum", Login.resume, LOGIN, mangled, owner.prelogin), UnlockError)


def test_an_account_secret_is_needed_beside_the_password():
    secret = AccountSecret.generate()
    owner, change = new_owner(account_secret=secret)
    without = Login.start(LOGIN, PASSWORD, owner.prelogin)
    refused("unlock.wrong", without.unlock, change.vault)
    typed = AccountSecret.parse(secret.to_text().lower().replace("-", " "))
    login = Login.start(LOGIN, PASSWORD, owner.prelogin, account_secret=typed)
    assert login.unlock(change.vault).account == owner.account
    refused("recovery-key.invalid", AccountSecret.parse, "0" * 28)
    assert secret.to_text() not in repr(secret)


def test_a_new_password_opens_the_new_vault_and_the_old_one_nothing():
    owner, created = new_owner()
    kept, old = owner.keep_unlocked(), owner.prelogin
    changed = owner.change_password("another password", kdf=Kdf.argon2id(19_456, 2, 1))
    vault = changed.change.vault
    assert changed.prelogin == owner.prelogin and changed.prelogin.kdf.name == "argon2id"
    assert changed.new_proof() == owner.login_proof() != changed.old_proof()
    assert changed.old_proof() == Login.resume(LOGIN, kept, old).proof()
    assert (changed.change.expected, changed.change.generation) == (created.generation, owner.generation)
    assert Login.start(LOGIN, "another password", changed.prelogin).unlock(vault).account == owner.account
    refused("unlock.wrong", Login.start(LOGIN, PASSWORD, changed.prelogin).unlock, vault)
    refused("unlock.kept-login", Login.resume, LOGIN, kept, changed.prelogin)
    assert changed.change.committed().deliveries == []
    refused("python.closed", changed.change.committed)
    refused("kdf.below-floor", owner.change_password, "x", kdf=Kdf.pbkdf2(1))
    refused("password.invalid", owner.change_password, "x" * 1025)
    assert changed.new_proof().hex() not in repr(changed)


def test_parameters_are_values():
    assert Kdf.pbkdf2() == Kdf.pbkdf2(1_000_000) != Kdf.pbkdf2(600_000)
    assert len({Kdf.pbkdf2(), Kdf.pbkdf2(iterations=1_000_000), Kdf.argon2id(), Kdf.argon2id(65_536, 3, 1)}) == 2
    assert Kdf.pbkdf2() != 1_000_000 and Kdf.pbkdf2() is not None
    kdf = Kdf.argon2id(memory_kib=20_000, passes=4, lanes=2)
    assert (kdf.name, kdf.iterations, kdf.memory_kib, kdf.passes, kdf.lanes) == ("argon2id", None, 20_000, 4, 2)
    assert (CHEAP.name, CHEAP.iterations) == ("pbkdf2", 600_000)
    assert (CHEAP.memory_kib, CHEAP.passes, CHEAP.lanes) == (None, None, None)
    assert eval(repr(kdf)) == kdf and eval(repr(CHEAP)) == CHEAP
    refused("python.value", Kdf.pbkdf2, 2**32)
    refused("python.value", Kdf.pbkdf2, -1)
    refused("python.type", Kdf.pbkdf2, 1e6)


def test_what_the_service_answers_is_a_value(owner):
    prelogin = Prelogin(kdf=CHEAP, salt=bytearray(range(16)), account=owner.account)
    same = Prelogin(kdf=Kdf.pbkdf2(600_000), salt=bytes(range(16)), account=owner.account)
    assert prelogin == same != owner.prelogin and len({prelogin, same}) == 1
    assert (prelogin.kdf, prelogin.salt, prelogin.account) == (CHEAP, bytes(range(16)), owner.account)
    assert eval(repr(prelogin)) == prelogin
    refused("python.value", Prelogin, kdf=CHEAP, salt=b"short", account=owner.account)
    refused("malformed.encoding", Prelogin, kdf=CHEAP, salt=b"s" * 16, account="anna")
    refused("python.type", Prelogin, kdf=None, salt=b"s" * 16, account=owner.account)


def test_a_login_name_is_normalised():
    assert normal_login_name("Ａnna@EXAMPLE.com") == LOGIN
    assert isinstance(refused("login.invalid", normal_login_name, " anna"), CredentialError)
    refused("python.surrogate", normal_login_name, "\ud800")
    refused("python.type", normal_login_name, b"anna")


def test_arguments_of_a_wrong_type_have_a_code(owner, vault):
    prelogin, kept = owner.prelogin, owner.keep_unlocked()
    login = Login.resume(LOGIN, kept, prelogin)
    for wrong in (None, 7, object()):
        refused("python.type", Login.start, wrong, PASSWORD, prelogin)
        refused("python.type", Login.start, LOGIN, wrong, prelogin)
        refused("python.type", Login.start, LOGIN, PASSWORD, wrong)
        refused("python.type", Login.resume, wrong, kept, prelogin)
        refused("python.type", Login.resume, LOGIN, wrong, prelogin)
        refused("python.type", Login.resume, LOGIN, kept, wrong)
        refused("python.type", login.unlock, wrong)
        refused("python.type", owner.change_password, wrong)
        refused("python.type", AccountSecret.parse, wrong)
    refused("python.type", Login.start, LOGIN, PASSWORD, prelogin, account_secret="secret")
    refused("python.type", login.unlock, vault, None)
    refused("python.value", login.unlock, vault, -1)
    refused("python.value", Login.start, LOGIN, b"\xff", prelogin)
    refused("python.surrogate", Login.start, LOGIN, "pass\ud800word", prelogin)


def test_a_login_is_closed_and_neither_printed_nor_pickled(owner):
    with Login.resume(LOGIN, owner.keep_unlocked(), owner.prelogin) as login:
        assert login.proof().hex() not in repr(login) and LOGIN not in repr(login)
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                duplicate(login)
            with pytest.raises(TypeError):
                duplicate(AccountSecret.generate())
    assert isinstance(refused("python.closed", login.proof), ClosedError)
    refused("python.closed", login.__enter__)
    assert repr(login) == "Login(closed)"


def test_credentials_refused_at_creation_name_themselves():
    keys = identity("account")
    for login, password, code in [("\n", PASSWORD, "login.invalid"), (LOGIN, "", "password.invalid")]:
        error = refused(code, Owner.create, login, password, kdf=CHEAP, identity=keys, now=NOW)
        assert isinstance(error, CredentialError) and PASSWORD not in str(error)
