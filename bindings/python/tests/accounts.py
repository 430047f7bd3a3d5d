"""Accounts and devices for tests, with key pairs that were generated once."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from blindtally import Agent, BlindtallyError, Change, Identity, Kdf, Owner, PendingAgent, VerifiedRequest

KEYS = Path(__file__).parents[3] / "tests" / "keys"
LOGIN = "anna@example.com"
PASSWORD = "correct horse battery staple"
CHEAP = Kdf.pbkdf2(600_000)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
LATER = NOW + timedelta(hours=1)


def identity(name: str) -> Identity:
    """The key pairs of "account", "device1" or "device2"."""
    encryption, signing = ((KEYS / f"{name}-{use}.pkcs8").read_bytes() for use in ("encryption", "signing"))
    return Identity.from_pkcs8(encryption, signing)


def new_owner(**options: Any) -> tuple[Owner, Change]:
    return Owner.create(LOGIN, PASSWORD, kdf=CHEAP, identity=identity("account"), now=NOW, **options)


def enrolling(owner: Owner, device: str = "device1", name: str = "laptop") -> tuple[PendingAgent, bytes]:
    ticket = owner.issue_ticket(now=NOW)
    return Agent.enroll(ticket, name, identity=identity(device))


def enrolled(owner: Owner, device: str = "device1", name: str = "laptop") -> Agent:
    pending, request = enrolling(owner, device, name)
    verified = owner.inspect(request, now=NOW)
    assert isinstance(verified, VerifiedRequest)
    change = owner.approve(verified, now=NOW)
    return pending.accept(change.committed().delivery)


def refused(code: str, call, *args, **options) -> BlindtallyError:
    """What the call raises, which must have this code."""
    with pytest.raises(BlindtallyError) as caught:
        call(*args, **options)
    assert caught.value.code == code
    return caught.value
