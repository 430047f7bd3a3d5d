"""The test vectors pass by way of a driver as they do without, and a driver that is wrong does not pass."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info < (3, 11):
    pytest.skip("the independent implementation needs Python 3.11", allow_module_level=True)

ROOM = Path(__file__).parents[2] / "vectors"
DRIVER = ROOM / "drivers" / "python.py"
# One of every kind of call, and quick.
FILES = {
    "agent_state.json": None,
    "archive_paths.json": 6,
    "backup.json": 52,
    "blob.json": 173,
    "canonical.json": 43,
    "crockford.json": 56,
    "delivery.json": 40,
    "enrollment.json": 82,
    "identity.json": 22,
    "kept_login.json": 42,
    "record.json": 49,
    "scan.json": 50,
    "ticket.json": 30,
    "token.json": 105,
}


def run(files: list[str], *command: object) -> subprocess.CompletedProcess[str]:
    only = [argument for file in files for argument in ("--only", file)]
    arguments = [sys.executable, ROOM / "run.py", *only, "driven", *command]
    return subprocess.run(list(map(str, arguments)), capture_output=True, text=True, encoding="utf-8")


def altered(folder: Path, change: str) -> Path:
    """The driver of the package, with something else in it before it starts."""
    source = DRIVER.read_text(encoding="utf-8")
    start = 'if __name__ == "__main__":'
    assert source.count(start) == 1
    path = folder / "altered.py"
    path.write_text(source.replace(start, f"{change}\n\n{start}"), encoding="utf-8")
    return path


def test_the_cases_pass_through_the_driver_of_the_package() -> None:
    checked = run(list(FILES), sys.executable, DRIVER)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.splitlines() == [f"vectors: {file} driven {count}" for file, count in FILES.items() if count]
    assert checked.stderr == ""


LIES = {
    "a wrong token": (
        "token.json",
        "CALLS['Agent.tokenize'] = lambda on, kind, value: on.tokenize(bt.TokenClass(kind), value + ' ')",
    ),
    "a wrong value": ("token.json", "CALLS['Opened.reveal'] = lambda on, token: on.reveal(token) + ' '"),
    "another code": (
        "crockford.json",
        "honest = answer\ndef answer(request):\n"
        "    return {'error': 'token.malformed'} if 'error' in (reply := honest(request)) else reply",
    ),
    "a refusal that is none": ("ticket.json", "def answer(request):\n    return {'error': 'ticket.malformed'}"),
    "no refusal": (
        "canonical.json",
        "CALLS['Agent.tokenize'] = lambda on, kind, value: 'bt1.AAAA'",
    ),
    "less than a reader released": (
        "blob.json",
        "honest = read_blob\ndef read_blob(keys, blob, piece):\n"
        "    return {**(read := honest(keys, blob, piece)), 'pieces': [] if read['error'] else read['pieces']}",
    ),
    "places counted in bytes": (
        "scan.json",
        "CALLS['find_tokens'] = lambda text: {'unit': 'bytes', 'found': bt.find_tokens(text)}",
    ),
    "another header": (
        "blob.json",
        "honest = read_blob\ndef read_blob(keys, blob, piece):\n"
        "    read = honest(keys, blob, piece)\n"
        "    return {**read, 'header': read['header'] and {**read['header'], 'seq': read['header']['seq'] + 1}}",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_driver_that_lies_fails_with_the_names_of_cases(lie: str, tmp_path: Path) -> None:
    file, change = LIES[lie]
    checked = run([file], sys.executable, altered(tmp_path, change))
    assert checked.returncode == 1 and checked.stdout == ""
    assert re.search(rf"^{file}: case \d+ \(.*\): ", checked.stderr), checked.stderr
    assert "Traceback" not in checked.stderr


ENDINGS = {
    "dies": ("def answer(request):\n    sys.exit(7)", "the driver ended in the call Agent.from_state (exit code 7)"),
    "dies in the middle of a reply": (
        "honest = answer\ndef answer(request):\n"
        "    if request['call'] != 'Opened.reveal':\n"
        "        return honest(request)\n"
        "    sys.stdout.buffer.write(b'{\"ok\": ')\n"
        "    sys.exit(7)",
        "the driver ended in the call Opened.reveal (exit code 7)",
    ),
    "does not know a call": (
        "del CALLS['Opened.reveal']",
        "the driver answers driver.unknown to the call Opened.reveal",
    ),
    "does without what all bindings have": (
        "def answer(request):\n    return {'error': 'driver.unsupported'}",
        "the driver answers driver.unsupported to the call Agent.from_state",
    ),
    "answers with something else": (
        "def answer(request):\n    return {'okay': None}",
        "no reply to the call Agent.from_state: b'{\"okay\": null}",
    ),
    "gives an object that there is none of": (
        "def answer(request):\n    return {'ok': {'handle': 1, 'type': 'Person'}}",
        "no reply to the call Agent.from_state",
    ),
    "leaves out a field": (
        "CALLS['Opened.open_record'] = lambda on, record: {'value': on.open_record(record).value}",
        "the last call was Opened.open_record",
    ),
    "fails as it ends": (
        "honest = main\ndef main():\n    honest()\n    sys.exit(7)",
        "the driver ended with exit code 7, after the last call",
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_driver_that_fails_ends_the_run_and_names_the_call(ending: str, tmp_path: Path) -> None:
    change, said = ENDINGS[ending]
    file = "record.json" if "record" in said else "token.json"
    checked = run([file], sys.executable, altered(tmp_path, change))
    assert checked.returncode == 1
    assert said in checked.stderr
    if "after the last call" not in said:
        assert checked.stdout == "" and f"{file}: case " in checked.stderr


def test_a_command_that_does_not_start_fails() -> None:
    checked = run(["token.json"], ROOM / "no-such-driver")
    assert checked.returncode == 1 and "cannot start" in checked.stderr


def test_a_binding_without_random_access_is_named_and_passes(tmp_path: Path) -> None:
    change = "del CALLS['Opened.blob_file']\nhonest = answer\ndef answer(request):\n"
    change += "    return {'error': 'driver.unsupported'} if request['call'] == 'Opened.blob_file' else honest(request)"
    checked = run(["blob.json"], sys.executable, altered(tmp_path, change))
    assert (checked.returncode, checked.stdout) == (0, "vectors: blob.json driven 173\n")
    assert checked.stderr == "driven has no Opened.blob_file: nothing was compared with it\n"


@pytest.mark.parametrize(("unit", "encoding", "size"), [("bytes", "utf-8", 1), ("utf-16", "utf-16-le", 2)])
def test_a_binding_counts_text_in_its_own_way(tmp_path: Path, unit: str, encoding: str, size: int) -> None:
    change = f"def length(text):\n    return len(text.encode('{encoding}')) // {size}\n"
    change += "CALLS['find_tokens'] = lambda text: {'unit': '" + unit + "', 'found': [\n"
    change += "    [length(text[:start]), length(text[:end]), token] for start, end, token in bt.find_tokens(text)]}"
    checked = run(["scan.json"], sys.executable, altered(tmp_path, change))
    assert (checked.returncode, checked.stdout) == (0, "vectors: scan.json driven 50\n"), checked.stderr


def test_objects_that_nobody_needs_are_released(tmp_path: Path) -> None:
    change = "honest = answer\ndef answer(request):\n    assert len(kept) < 12, sorted(map(repr, kept.values()))\n"
    change += "    return honest(request)"
    checked = run(["backup.json", "ticket.json", "crockford.json"], sys.executable, altered(tmp_path, change))
    assert checked.returncode == 0, checked.stderr


def test_tokens_of_random_values_are_those_of_the_independent_implementation(tmp_path: Path) -> None:
    def printed(*arguments: object) -> bytes:
        return subprocess.run([sys.executable, *map(str, arguments)], check=True, capture_output=True).stdout

    values = tmp_path / "values.json"
    values.write_bytes(printed(ROOM / "tokens.py", 1000, 7))
    tokens = printed(Path(__file__).parent / "tokens.py", values).splitlines()
    assert tokens == printed(ROOM / "tokens.py", 1000, 7, "--expected").splitlines()
    assert len(tokens) == 1000 and 0 < tokens.count(b"tokenize.too-long") < 100
    state, token_class, *lines = printed(ROOM / "tokens.py", 1000, 7, "--lines").decode().splitlines()
    given = json.loads(values.read_text(encoding="utf-8"))
    # The keys within are wrapped at random.
    assert (len(state), int(token_class)) == (len(given["state"]), given["class"])
    assert lines == [value.encode().hex() for value in given["values"]]


def test_the_readme_names_every_call_and_no_other() -> None:
    call = re.compile(r"call\(\s*\"([\w.]+)\"")
    made = set(call.findall((ROOM / "driven.py").read_text(encoding="utf-8"))) | {"release"}
    table = re.findall(r"^\| `([\w.]+)` \|", (ROOM / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(table) == sorted(made)
    answered = set(re.findall(r"^    \"([\w.]+)\": lambda", DRIVER.read_text(encoding="utf-8"), re.MULTILINE))
    assert answered | {"release"} == made
