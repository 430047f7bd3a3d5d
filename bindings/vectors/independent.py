"""The independent implementation in test-vectors/verify_python, which makes what holds the keys that a vector gives."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

VECTORS = Path(__file__).resolve().parents[2] / "test-vectors"


def load() -> ModuleType:
    """Its main module is called as the package is: it gets another name here."""
    folder = VECTORS / "verify_python"
    spec = importlib.util.spec_from_file_location("independent_blindtally", folder / "blindtally.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module
