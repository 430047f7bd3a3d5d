"""Values and tokens that are refused, and what an exception must not tell."""

from __future__ import annotations

from typing import Any

import blindtally as bt


def flipped(token: str, at: int = 20) -> str:
    """With another character at that place: of the right form, and damaged."""
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


def tells_nothing_of(error: BaseException, *secrets: str) -> None:
    """An exception of ours holds none of these texts, nor does anything that hangs on it."""
    assert isinstance(error, bt.BlindtallyError), repr(error)
    assert error.code in bt.error_codes()
    seen: list[Any] = [str(error), repr(error), error.args, vars(error), error.__cause__, error.__context__]
    frame = error.__traceback__
    while frame is not None:
        # Frames of tests hold what tests hold.
        if "blindtally" in frame.tb_frame.f_globals.get("__name__", ""):
            seen.append(frame.tb_frame.f_locals)
        frame = frame.tb_next
    assert error.__cause__ is None and error.__context__ is None
    for secret in secrets:
        assert secret not in repr(seen)
