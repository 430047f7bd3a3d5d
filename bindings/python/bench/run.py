"""Measures the package beside its peers: `run.py [--only NAME]` prints rows as `cargo xtask bench` shows them, in JSON.

Times are nanoseconds a value; the ratio says how many times as long the peer takes. Whatever is compared takes turns in
one process, and the best of many rounds counts: others use the machine too.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import threading
from time import perf_counter_ns
from typing import Any, Callable, Dict, List, Optional

import account
import peers
import pyarrow as pa
from blindtally import TokenClass

LENGTHS = (11, 45, 93)
VALUES = 10_000
ROUNDS = 40
# The distinct values of a column whose rows repeat them.
WORDS = 100
# Batches that each thread tokenizes.
BATCHES = 50

Row = Dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    only = parser.parse_args().only
    agent = account.agent()
    rows: List[Row] = []
    for name, measure in MEASUREMENTS.items():
        if name.startswith(only) or only.startswith(name):
            print(f"Measuring {name}", file=sys.stderr)
            rows += measure(agent)
    json.dump(rows, sys.stdout)


def lists(agent: Any) -> List[Row]:
    """A list of str to a list of str."""
    rows = []
    goals = {"tink": 8, "pyca AESGCMSIV": 15, "pymongocrypt": 300, "echo of PyO3": 0.4545}
    tink, pyca, mongo = peers.tink_siv(), peers.pyca_gcm_siv(), peers.mongocrypt()
    for length in LENGTHS:
        values = distinct(VALUES, length)
        # One call of it takes as long as hundreds of the others: some values are enough.
        few = values[:500]
        work = {
            "ours": Work(lambda: agent.tokenize_many(TokenClass.APP, values), VALUES),
            "tink": Work(lambda: tink(values), VALUES, rounds=10),
            "pyca AESGCMSIV": Work(lambda: pyca(values), VALUES, rounds=10),
            "pymongocrypt": Work(lambda: mongo(few), len(few), rounds=10),
            "echo of PyO3": Work(lambda: peers.echo(values), VALUES),
        }
        times = race(work)
        figure = f"python: tokenize list of 10,000, {length} bytes"
        rows += [row(f"{figure} / {peer}", times["ours"], times[peer], goal) for peer, goal in goals.items()]
    return rows


def columns(agent: Any) -> List[Row]:
    """A column in Arrow memory to another, against lists; and one of repeated values that is encoded as such."""
    rows = []
    for length in LENGTHS:
        values = distinct(VALUES, length)
        plain = pa.array(values)
        repeated = random.choices(distinct(WORDS, length), k=VALUES)
        unencoded, encoded = pa.array(repeated), pa.array(repeated).dictionary_encode()
        times = race({
            "list": Work(lambda: agent.tokenize_many(TokenClass.APP, values), VALUES),
            "Arrow": Work(lambda: pa.array(agent.tokenize_many(TokenClass.APP, plain)), VALUES),
            "unencoded": Work(lambda: pa.array(agent.tokenize_many(TokenClass.APP, unencoded)), VALUES),
            "encoded": Work(lambda: pa.array(agent.tokenize_many(TokenClass.APP, encoded)), VALUES),
        })
        figure = f"python: tokenize Arrow column of 10,000, {length} bytes"
        rows.append(row(f"{figure} / list", times["Arrow"], times["list"], 1.0))
        rows.append(row(f"{figure}, dictionary of {WORDS} / plain column", times["encoded"], times["unencoded"], None))
    return rows


def threads(agent: Any) -> List[Row]:
    """Two threads, each with as much to do as the one."""
    column = pa.array(distinct(VALUES, 45))

    def work() -> None:
        for _ in range(BATCHES):
            agent.tokenize_many(TokenClass.APP, column)

    def both() -> None:
        pair = [threading.Thread(target=work) for _ in range(2)]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()

    values = BATCHES * VALUES
    times = race({"one": Work(work, values), "two": Work(both, 2 * values)})
    figure = "python: tokenize in two threads, Arrow columns of 10,000, 45 bytes"
    return [row(f"{figure} / one thread", times["two"], times["one"], 1.7)]


MEASUREMENTS: Dict[str, Callable[[Any], List[Row]]] = {
    "python: tokenize list": lists,
    "python: tokenize Arrow column": columns,
    "python: tokenize in two threads": threads,
}


class Work:
    """What is timed, how many values it takes, and in how many rounds it takes part."""

    def __init__(self, call: Callable[[], object], values: int, rounds: int = ROUNDS) -> None:
        self.call = call
        self.values = values
        self.rounds = rounds


def race(entries: Dict[str, Work]) -> Dict[str, float]:
    """The best time of each, in nanoseconds a value."""
    for work in entries.values():
        work.call()
    best = dict.fromkeys(entries, float("inf"))
    gc.collect()
    gc.disable()
    try:
        for turn in range(ROUNDS):
            for name, work in entries.items():
                # Spread over the whole race.
                if turn % (ROUNDS // work.rounds) == 0:
                    start = perf_counter_ns()
                    # The result is kept until the clock is read: to free it is the caller's.
                    result = work.call()
                    best[name] = min(best[name], (perf_counter_ns() - start) / work.values)
                    del result
    finally:
        gc.enable()
    return best


def distinct(count: int, length: int) -> List[str]:
    """Different values of so many bytes."""
    return [f"{number:05}-{'activity window title ' * 5}"[:length] for number in range(count)]


def row(figure: str, ours: float, peer: float, goal: Optional[float]) -> Row:
    ratio = peer / ours
    return {
        "figure": figure,
        "ours": round(ours, 2),
        "peer": round(peer, 2),
        "ratio": round(ratio, 2),
        "goal": goal,
        "holds": None if goal is None else ratio >= goal,
    }


if __name__ == "__main__":
    main()
