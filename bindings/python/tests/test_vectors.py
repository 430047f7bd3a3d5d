"""The package passes the test vectors: every case of every file that its public API can drive.

As a program it prints `vectors: FILE python-package CASES` for each of them, and fails with the names of the cases that
fail.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):
    import pytest

    pytest.skip("the independent implementation needs Python 3.11", allow_module_level=True)

from vectors.cases import check_file

# Left out: agent_state.json, because agents queue values of token classes only, and one of its cases is a queued record
# of a record class; its states are checked below.
FILES = [
    "archive.json",
    "archive_damaged.json",
    "archive_paths.json",
    "archive_refused.json",
    "backup.json",
    "blob.json",
    "canonical.json",
    "crockford.json",
    "delivery.json",
    "delivery_refused.json",
    "enrollment.json",
    "identity.json",
    "kept_login.json",
    "keyring.json",
    "policy.json",
    "record.json",
    "record_refused.json",
    "scan.json",
    "ticket.json",
    "token.json",
    "vault.json",
]


def pytest_generate_tests(metafunc):
    if "file" in metafunc.fixturenames:
        metafunc.parametrize("file", FILES)


def test_every_case_of_a_file_comes_out_as_it_says(file: str) -> None:
    count, wrong = check_file(file)
    assert count and not wrong, "\n".join(wrong)


def test_states_of_agents_come_out_as_they_say() -> None:
    count, wrong = check_file("agent_state.json", {"AgentState"})
    assert count == 49 and not wrong, "\n".join(wrong)


def main() -> int:
    failed = False
    for file in FILES:
        count, wrong = check_file(file)
        failed |= bool(wrong)
        for line in wrong:
            print(line, file=sys.stderr)
        if not wrong:
            print(f"vectors: {file} python-package {count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
