"""Prints random values, and the state of an agent whose tokens of them are equal in every language (README.md)."""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from vectors.sealed import agent_state, theirs  # noqa: E402 (found by the line above)

# The title of a window, whose values are taken exactly as they are.
CLASS = 2
MASTER_KEY = theirs.MasterKey(bytes(range(16)), 3, bytes(range(32)))

# Ranges of characters that values are made of: most of a value comes from one of them.
SCRIPTS = [
    [(0x20, 0x7E)],
    [(0x20, 0x7E)],
    [(0x00, 0x1F), (0x7F, 0x9F)],
    [(0xA0, 0x24F)],
    [(0x41, 0x5A), (0x300, 0x36F)],
    [(0x590, 0x6FF), (0x200E, 0x200F), (0x202A, 0x202E)],
    [(0x900, 0xDFF)],
    [(0x4E00, 0x9FFF), (0xAC00, 0xD7A3)],
    [(0x1F300, 0x1FAFF), (0x200D, 0x200D), (0xFE0F, 0xFE0F), (0x1F3FB, 0x1F3FF)],
    [(0x0000, 0xD7FF), (0xE000, 0x10FFFF)],
]
# Of each: how many characters at most.
LENGTHS = [15, 15, 15, 30, 30, 80, 80, 260, 1024, 4096]

# Lengths at which the padding changes, and 4,096 bytes, which is the most; what is easily lost on the way; what is equal
# only when it is normalised; and the ends of what Unicode has.
FIRST = [
    *("a" * length for length in (0, 1, 14, 15, 16, 31, 32, 47, 48, 63, 64, 65, 4080, 4095, 4096, 4097)),
    *("ü" * length for length in (2047, 2048, 2049)),
    *("🦀" * length for length in (1023, 1024, 1025)),
    *("\0", "\0\0", "a\0", "\0a", "\n", "\r\n", " ", " a ", "\\", '"', "\x7f"),
    *("\ufeff", "\ufeffa", "\u2028", "\u2029"),
    *("\u00e9", "e\u0301", "\u212b", "\u00c5", "A\u030a", "\ufb01", "ß", "ẞ", "İ", "ı", "Ａ"),
    *("\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff", "\U00010000", "\U0010fffe", "\U0010ffff"),
    *("👩‍👩‍👧‍👦", "🏳️‍🌈", "\u202eabc", "אבג", "مرحبا"),
]


def values_of(number: int, seed: int) -> list[str]:
    made = random.Random(seed)

    # The one method whose numbers are the same in every version of Python.
    def below(limit: int) -> int:
        return int(made.random() * limit)

    def character(ranges: list[tuple[int, int]]) -> str:
        at = below(sum(last - first + 1 for first, last in ranges))
        for first, last in ranges:
            if at <= last - first:
                return chr(first + at)
            at -= last - first + 1
        raise AssertionError("a number below the sum is in one of the ranges")

    values = FIRST[:number]
    while len(values) < number:
        if below(20) == 0:
            values.append(values[below(len(values))])
            continue
        most = SCRIPTS[below(len(SCRIPTS))]
        length = below(LENGTHS[below(len(LENGTHS))] + 1)
        scripts = (SCRIPTS[below(len(SCRIPTS))] if below(10) == 0 else most for _ in range(length))
        values.append("".join(map(character, scripts)))
    return values


def expected(value: str) -> str:
    try:
        key = MASTER_KEY.class_key(CLASS)
        token = theirs.tokenize(key, MASTER_KEY.account_id, CLASS, MASTER_KEY.epoch, value.encode())
    except theirs.Refused as refused:
        return str(refused)
    return theirs.token_text(token)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("number", type=int)
    arguments.add_argument("seed", type=int)
    form = arguments.add_mutually_exclusive_group()
    form.add_argument("--lines", action="store_true", help="for languages without JSON")
    form.add_argument("--expected", action="store_true", help="the tokens, by the independent implementation")
    given = arguments.parse_args()
    values = values_of(given.number, given.seed)
    if given.expected:
        lines = list(map(expected, values))
    else:
        state = agent_state(MASTER_KEY, [(CLASS, 0)]).hex()
        lines = [state, str(CLASS), *(value.encode().hex() for value in values)]
        if not given.lines:
            lines = [json.dumps({"state": state, "class": CLASS, "values": values}, ensure_ascii=False)]
    sys.stdout.buffer.writelines(line.encode() + b"\n" for line in lines)


if __name__ == "__main__":
    main()
