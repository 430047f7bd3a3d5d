"""Spark counts tokens as it counts words and sees nothing else; an executor without keys fails by code.

Runs a cluster of two executors on this machine.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examples import examples

from blindtally import TokenClass
from blindtally.errors import ArgumentTypeError, ArgumentValueError, BlindtallyError

pytest.importorskip("pyspark")

import pyarrow as pa  # noqa: E402 (PySpark needs it too)
import pyarrow.parquet as pq  # noqa: E402
from pyspark import cloudpickle  # noqa: E402
from pyspark.errors import PythonException  # noqa: E402
from pyspark.sql.functions import col, lit  # noqa: E402

from blindtally.sql import _agent_of, spark_tokenize  # noqa: E402

EVENTS = 100_000


def bench() -> Any:
    """The benchmark's program, whose proof this is, of fewer events."""
    spec = importlib.util.spec_from_file_location("bench_spark", Path(__file__).parents[1] / "bench/spark.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Running:
    def __init__(self, spark: Any, proof: Any, folder: Path) -> None:
        self.spark, self.proof, self.account, self.folder = spark, proof, proof.account, folder

    def tokens(self, tokenize: Any, texts: list[str | None], kind: Any = "app") -> list[str | None]:
        frame = self.spark.createDataFrame([(text,) for text in texts], "text string").coalesce(1)
        return [row[0] for row in frame.select(tokenize(lit(kind), col("text"))).collect()]

    def refused(self, tokenize: Any, kind: Any = "app", text: str = "winword.exe") -> str:
        with pytest.raises(PythonException) as raised:
            self.tokens(tokenize, [text], kind)
        return str(raised.value)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("spark")
    module = bench()
    proof = module.Proof(folder, EVENTS)
    with module.cluster(folder) as spark:
        yield Running(spark, proof, folder)


def test_totals_of_tokens_are_those_of_words_and_spark_sees_only_tokens(running: Running) -> None:
    running.proof.write(running.spark)
    running.proof.compare(running.spark, EVENTS)
    running.proof.search(running.spark)


def test_tokens_are_those_of_the_agent_null_stays_null(running: Running) -> None:
    tokenize = spark_tokenize(running.account.state_path, key_path=running.account.key_path)
    texts = ["winword.exe", None, "", "日本語 👩‍💻", "winword.exe"]
    expected = running.account.agent.tokenize_many(TokenClass.APP, texts)
    assert running.tokens(tokenize, texts) == expected == running.tokens(tokenize, texts, 1)
    frame = running.spark.createDataFrame(
        [("app", "x"), ("title", "x"), (None, "x"), ("app", None)], "kind string, text string"
    )
    found = [row[0] for row in frame.coalesce(1).select(tokenize(col("kind"), col("text"))).collect()]
    assert found == [
        *(running.account.agent.tokenize(TokenClass.named(kind), "x") for kind in ("app", "title")),
        None,
        None,
    ]


def test_an_executor_without_its_keys_fails_by_code(running: Running) -> None:
    account, folder = running.account, running.folder

    def written(name: str, content: bytes) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    plain = account.agent.export_state(None)
    garbled = bytearray(account.wrapped)
    garbled[100] ^= 1
    other_key = written("other.key", os.urandom(32))
    pending, _ = type(account.agent).enroll(account.owner.issue_ticket(), "waiting")
    for state, key, code in [
        (folder / "none.state", None, "python.file"),
        (folder, None, "python.file"),
        (account.state_path, folder / "none.key", "python.file"),
        (account.state_path, None, "state.wrapped"),
        (account.state_path, other_key, "state.wrong-key"),
        (account.state_path, written("short.key", b"short"), "python.value"),
        (written("garbled.state", garbled), account.key_path, "state.wrong-key"),
        (written("plain.state", plain), account.key_path, "state.not-wrapped"),
        (written("foreign.state", b"another program's file"), None, "malformed."),
        (written("empty.state", b""), None, "malformed."),
        (written("cut.state", plain[:-1]), None, "malformed."),
        (written("pending.state", pending.export_state(None)), None, "state.phase"),
    ]:
        # None of them becomes null, or a word.
        for errors in ("raise", "null") if code == "python.file" else ("raise",):
            message = running.refused(spark_tokenize(state, key_path=key, errors=errors))  # type: ignore[arg-type]
            assert f"[{code}" in message, message


def test_what_is_refused_is_said_by_code_and_not_quoted(running: Running) -> None:
    tokenize = spark_tokenize(running.account.state_path, key_path=running.account.key_path)
    message = running.refused(tokenize, text="my secret" * 1000)
    assert "[tokenize.too-long]" in message and "my secret" not in message
    assert "[python.value]" in running.refused(tokenize, "nothing")
    assert "[python.type]" in running.refused(tokenize, 1.5)
    message = running.refused(lambda kind, text: tokenize(text, kind), text="my secret")
    assert "[python.value]" in message and "my secret" not in message
    null = spark_tokenize(running.account.state_path, key_path=running.account.key_path, errors="null")
    assert running.tokens(null, ["x" * 5000, None]) == [None, None]


def test_the_recipe_for_spark_runs(running: Running) -> None:
    folder = running.folder / "recipe"
    folder.mkdir()
    pq.write_table(
        pa.table({"app": ["a", "b", "a"], "title": ["x", "y", None], "seconds": [60, 45, 30]}), folder / "words"
    )
    found = examples("spark")
    assert found
    for code in found:
        code = code.replace("/secure/", f"{running.folder}/").replace("/data/", f"{folder}/")
        names: dict[str, Any] = {"spark": running.spark, "owner": running.account.owner}
        exec(code, names)
        assert names["report"] == [("a", 90), ("b", 45)]
        reveal = {"owner": running.account.owner, "rows": names["rows"]}
        exec(examples("reveal")[0], reveal)
        assert reveal["seconds"] == {"a": 90, "b": 45}


def test_what_is_pickled_is_paths() -> None:
    function = spark_tokenize("/secure/agent.state", key_path="/secure/agent.key").func  # type: ignore[attr-defined]
    for pickled in (pickle.dumps(function), cloudpickle.dumps(function)):
        assert b"/secure/agent.state" in pickled and b"_SparkTokenize" in pickled
        assert len(pickled) < 300
    assert vars(pickle.loads(pickle.dumps(function))) == vars(function)


def test_paths_that_cannot_mean_the_same_everywhere_are_refused() -> None:
    for wrong in ("agent.state", "./agent.state", ""):
        with pytest.raises(ArgumentValueError):
            spark_tokenize(wrong)
        with pytest.raises(ArgumentValueError):
            spark_tokenize("/secure/agent.state", key_path=wrong)
    given: Any
    for given in (None, 5, b"/secure/agent.state"):
        with pytest.raises(ArgumentTypeError):
            spark_tokenize(given)
    given = "return"
    with pytest.raises(ArgumentValueError):
        spark_tokenize("/secure/agent.state", errors=given)


def test_a_state_is_read_once_and_again_when_its_file_or_key_changed(tmp_path: Path) -> None:
    account = bench().Account(tmp_path)
    files = str(account.state_path), str(account.key_path)
    first = _agent_of(*files)
    assert _agent_of(*files) is first
    # As it should be replaced: by a new file of that name.
    new_key = os.urandom(32)
    for name, content in (("agent.state", account.enrolled("another").export_state(new_key)), ("agent.key", new_key)):
        (tmp_path / "new").write_bytes(content)
        (tmp_path / "new").rename(tmp_path / name)
    second = _agent_of(*files)
    assert second.device_id != first.device_id
    account.state_path.unlink()
    with pytest.raises(BlindtallyError) as raised:
        _agent_of(*files)
    assert raised.value.code == "python.file"
