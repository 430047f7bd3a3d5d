"""Prints the token of every value of a file of bindings/vectors/tokens.py, or the code of its refusal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from blindtally import Agent, BlindtallyError, TokenClass

given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
token_class, values = TokenClass(given["class"]), given["values"]


def line(agent: Agent, value: str) -> str:
    try:
        return agent.tokenize(token_class, value)
    except BlindtallyError as refused:
        return refused.code


with Agent.from_state(bytes.fromhex(given["state"])) as agent:
    lines = [line(agent, value) for value in values]
    results = agent.tokenize_many(token_class, values, errors="return")
many = [result.code if isinstance(result, BlindtallyError) else result for result in results]
if many != lines:
    sys.exit("tokens of many values are others than of each alone")
sys.stdout.writelines(f"{line}\n" for line in lines)
