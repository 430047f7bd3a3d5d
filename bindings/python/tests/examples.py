"""The Python examples of docs/engines.md: each follows a comment that says with what it is run."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/engines.md"


def examples(kind: str) -> list[str]:
    return re.findall(rf"<!-- example: {kind} -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
