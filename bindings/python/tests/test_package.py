"""What is installed is the wheel, and whole."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path

import blindtally

SOURCES = Path(__file__).resolve().parents[1]
METADATA = metadata.metadata("blindtally")


def files() -> list[str]:
    return [str(file) for file in metadata.files("blindtally") or []]


def test_the_installed_package_is_imported_and_not_the_sources() -> None:
    imported = Path(blindtally.__file__).resolve()
    assert Path(sys.prefix).resolve() in imported.parents
    assert SOURCES / "python" not in imported.parents


def test_the_version_is_that_of_the_workspace() -> None:
    assert METADATA["Version"] == os.environ.get("BLINDTALLY_VERSION", METADATA["Version"])


def test_the_readme_is_the_page_of_the_package() -> None:
    assert METADATA["Description-Content-Type"].startswith("text/markdown")
    assert str(METADATA.get_payload()).strip() == (SOURCES / "README.md").read_text(encoding="utf-8").strip()


def test_both_licenses_are_inside() -> None:
    assert METADATA["License-Expression"] == "MIT OR Apache-2.0"
    assert METADATA.get_all("License-File") == ["LICENSE-MIT", "LICENSE-APACHE"]
    for name in ["LICENSE-MIT", "LICENSE-APACHE"]:
        inside = metadata.distribution("blindtally").read_text(f"licenses/{name}")
        assert inside == (SOURCES.parents[1] / name).read_text(encoding="utf-8")


def test_nothing_else_is_needed_but_by_those_who_ask() -> None:
    assert METADATA["Requires-Python"] == ">=3.9"
    assert METADATA.get_all("Provides-Extra") == ["duckdb", "spark"]
    assert all("extra ==" in requirement for requirement in METADATA.get_all("Requires-Dist", []))


def test_types_are_inside_and_no_source_of_rust_or_rubbish() -> None:
    names = files()
    assert {"blindtally/py.typed", "blindtally/_blindtally.pyi"} <= set(names)
    native = [name for name in names if name.endswith((".so", ".pyd", ".dylib"))]
    assert len(native) == 1
    packed = {Path(name).name for name in names if name.startswith("blindtally/") and "__pycache__" not in name}
    sources = {file.name for file in (SOURCES / "python/blindtally").iterdir() if file.suffix in (".py", ".pyi")}
    assert packed == {*sources, "py.typed", Path(native[0]).name}


def test_the_stable_abi_of_the_oldest_python_is_all_that_is_used() -> None:
    wheel = metadata.distribution("blindtally").read_text("WHEEL") or ""
    free_threaded = not getattr(sys, "_is_gil_enabled", lambda: True)()
    expected = "Tag: cp310-abi3-" if sys.version_info >= (3, 10) else "Tag: cp39-abi3-"
    assert (expected in wheel) != free_threaded
