"""The package passes the test vectors: every case of every file that its public API can drive.

As a program it prints `vectors: FILE python-package CASES` for each of them, and fails with the names of the cases that
fail.
"""

from __future__ import annotations

import sys
from pathlib import Path

if sys.version_info < (3, 11):
    import pytest

    pytest.skip("the independent implementation needs Python 3.11", allow_module_level=True)

sys.path.append(str(Path(__file__).parents[2]))

from vectors.cases import FILES, check_file, check_states, report  # noqa: E402 (found by the line above)


def pytest_generate_tests(metafunc):
    if "file" in metafunc.fixturenames:
        metafunc.parametrize("file", FILES)


def test_every_case_of_a_file_comes_out_as_it_says(file: str) -> None:
    count, wrong = check_file(file)
    assert count and not wrong, "\n".join(wrong)


def test_states_of_agents_come_out_as_they_say() -> None:
    count, wrong = check_states()
    assert count == 51 and not wrong, "\n".join(wrong)


if __name__ == "__main__":
    sys.exit(report("python-package"))
