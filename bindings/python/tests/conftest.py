"""What tests share: modules beside them and beside the bindings, and both ends of an account."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[2]))

from accounts import enrolled, new_owner  # noqa: E402 (found by the line above)

import blindtally as bt  # noqa: E402


class Ends(NamedTuple):
    """An owner and an agent of one account, and tokens of two epochs and several classes with their values."""

    owner: bt.Owner
    agent: bt.Agent
    mixed: list[tuple[str, str]]


@pytest.fixture(scope="session")
def ends() -> Iterator[Ends]:
    owner, change = new_owner()
    change.committed()
    agent = enrolled(owner)
    classes = [bt.TokenClass.APP, bt.TokenClass.TITLE, bt.TokenClass.URL]
    mixed = []
    for epoch in (1, 2):
        if epoch == 2:
            [(_, delivery)] = owner.rotate().committed().deliveries
            assert agent.accept(delivery) == "updated"
        for number in range(70):
            value = f"{epoch}-{number}-ü" * (number % 5)
            mixed.append((agent.tokenize(classes[number % 3], value), value))
    yield Ends(owner, agent, mixed)
    owner.close()
    agent.close()


@pytest.fixture(scope="session")
def foreign_token() -> str:
    """Of another account."""
    owner, change = new_owner()
    change.committed()
    with owner, enrolled(owner, "device2") as agent:
        return agent.tokenize(bt.TokenClass.TITLE, "of another account")
