"""What agents, vaults and backups hold around given keys, made by the independent implementation alone."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from .independent import VECTORS, load

theirs: Any = load()
KEYS = VECTORS.parent / "tests" / "keys"


@functools.lru_cache(maxsize=None)
def pair(name: str) -> Any:
    """The key pairs of "account", "device1" or "device2"."""
    return theirs.Private(*(Path(KEYS / f"{name}-{use}.pkcs8").read_bytes() for use in ("encryption", "signing")))


def signed_policy(master: Any, forms: list[tuple[int, int]]) -> bytes:
    policy = theirs.Policy(
        account_id=master.account_id,
        fingerprint=pair("account").fingerprint,
        version=1,
        issued_at=1_700_000_000,
        previous=bytes(32),
        floors=[0x11, 0x21, 0x31],
        epoch=master.epoch,
        key_id=master.key_id(),
        revoked=[],
        entries=[bytes([cls, form]) for cls, form in forms],
    )
    return policy.sign(pair("account"))


def keyring(*masters: Any, devices: tuple[Any, ...] = ()) -> Any:
    """Of MasterKeys in order of their epochs; the policy is of the last."""
    policy = signed_policy(masters[-1], [(1, 0)])
    made = theirs.Keyring(7, masters[-1].account_id, list(masters), pair("account"), policy, os.urandom(32))
    made.devices = list(devices)
    return made


def agent_state(master: Any, forms: list[tuple[int, int]]) -> bytes:
    """Of a device that has the keys of these classes, and a policy with their canonical forms; in the clear."""
    device, account = pair("device1"), pair("account")
    keys = [(cls, master.delivered(cls, device.device_id(master.account_id))) for cls, _ in forms]
    state = b"BTS\x81\x02" + master.account_id + b"\x01" + account.fingerprint + device.encoded_private()
    state += os.urandom(16) + os.urandom(32) + b"\x02" + os.urandom(32)
    state += account.encoded() + theirs.u64(1) + os.urandom(32) + theirs.u16(master.epoch) + master.key_id()
    state += theirs.lp32(signed_policy(master, forms))
    return state + theirs.u16(len(keys)) + b"".join(bytes([cls]) + key for cls, key in keys)
