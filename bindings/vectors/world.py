"""Backups, vaults and states of agents around given keys: sealed by the independent implementation, opened by ours."""

from __future__ import annotations

import os
from typing import Any

import blindtally as bt

from .sealed import agent_state, keyring, pair, theirs

__all__ = ["agent", "keyring", "owner", "pair", "restored", "theirs"]


def restored(keys: Any) -> bt.Restored:
    """A keyring in a backup, which a recovery key opens: no password is stretched."""
    recovery_key = os.urandom(16)
    sealed = theirs.Wrapped(
        b"K", theirs.NO_KDF, (), os.urandom(16), keys.account_id, theirs.RECOVERY_KEY, keys.generation
    )
    backup = sealed.seal(sealed.stretched(recovery_key), keys.encode())
    text = theirs.backup_file(backup, keys.account.code, keys.account_id, "recovery key")
    return bt.Backup.parse(text).open_with_recovery_key(bt.RecoveryKey.parse(theirs.checked_code(recovery_key)))


def owner(keys: Any) -> bt.Owner:
    """A keyring in a vault, which a kept login opens: no password is stretched."""
    prelogin = theirs.Prelogin(theirs.PBKDF2, (600_000,), os.urandom(16), keys.account_id)
    kept = theirs.KeptLogin(b"anna", prelogin, *(os.urandom(32) for _ in range(3)), None)
    vault = theirs.Wrapped(
        b"V", prelogin.kdf, prelogin.params, prelogin.salt, keys.account_id, theirs.LOGIN, keys.generation
    )
    vault.commit, vault.nonce = kept.commit, os.urandom(12)
    vault.sealed = theirs.seal(kept.wrap, vault.nonce, keys.encode(), vault.header())
    ours = bt.Prelogin(kdf=bt.Kdf.pbkdf2(600_000), salt=prelogin.salt, account=keys.account_id.hex())
    return bt.Login.resume("anna", kept.encode(), ours).unlock(vault.encode())


def agent(master: Any, forms: list[tuple[int, int]]) -> bt.Agent:
    """A device that has the keys of these classes, and a policy with their canonical forms."""
    return bt.Agent.from_state(agent_state(master, forms))
