"""Proves and measures totals by token in Spark: `python bench/spark.py [--events N] [--only NAME]` prints rows as
`cargo xtask bench` shows them, in JSON.

Events are tokenized by a cluster of two executors (`local-cluster`: JVMs of their own) and written; then they are
counted, added up, sorted and joined with categories by tokens alone, and the owner reveals the result, which is that of
the same query on the words. Both inputs are Parquet files that Spark wrote from the same file of words, and the rounds
take turns. What Spark leaves behind is searched for words and keys.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyspark
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import col, lit

from blindtally import Agent, Identity, Owner, TokenClass
from blindtally.sql import spark_tokenize

EVENTS = 10_000_000
ROUNDS = 7
SEED = 20261122
FILES = 8
# Parts of every app and of every title, to be looked for where no word may be.
WORDS = [b"winword", b"Quarterly"]
APPS = [f"winword-{number:03}.exe" for number in range(300)]
TITLES = [f"Quarterly report {number:05} – client {number % 97} – Editor" for number in range(20_000)]
CATEGORIES = ["writing", "meetings", "code", "mail", "other"]

# On is Spark's default.
TWO_MAPS = "spark.sql.codegen.aggregate.map.twolevel.enabled"
REPORT = """
    WITH totals AS (SELECT app, count(*) AS events, sum(seconds) AS seconds FROM {events} GROUP BY app)
    SELECT app, category, events, seconds FROM totals JOIN {categories} USING (app) ORDER BY seconds DESC, events DESC
"""


class Account:
    """An owner, an agent of theirs, and that agent's state in files as an executor would have them."""

    def __init__(self, folder: Path) -> None:
        self.owner, change = Owner.create(
            "anna@example.com", "correct horse battery staple", identity=Identity.generate(2048)
        )
        change.committed()
        self.agent = self.enrolled("cluster")
        self.key = os.urandom(32)
        self.wrapped = self.agent.export_state(self.key)
        self.state_path, self.key_path = folder / "agent.state", folder / "agent.key"
        for path, content in ((self.state_path, self.wrapped), (self.key_path, self.key)):
            path.touch(mode=0o600)
            path.write_bytes(content)

    def enrolled(self, name: str) -> Agent:
        pending, request = Agent.enroll(self.owner.issue_ticket(), name, identity=Identity.generate(2048))
        change = self.owner.approve(self.owner.inspect(request))
        return pending.accept(change.committed().delivery)


@contextmanager
def cluster(folder: Path) -> Iterator[SparkSession]:
    """Two executors of one core on this machine, without a network. Everything they write lies in the folder."""
    home = folder / "spark"
    home.mkdir()
    # Executors are started in, and leave their logs in, `work` of what is called the home.
    package = Path(pyspark.__file__).parent
    for part in ("bin", "jars"):
        (home / part).symlink_to(package / part)
    (home / "events").mkdir()
    settings = {
        "spark.executor.memory": "1024m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
        # A task for each of the files that a job writes, however long the titles in them are.
        "spark.sql.files.maxPartitionBytes": "2g",
        "spark.sql.files.minPartitionNum": "2",
        "spark.task.maxFailures": "1",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": (home / "events").as_uri(),
        "spark.sql.warehouse.dir": (home / "warehouse").as_uri(),
        "spark.local.dir": str(home / "local"),
    }
    variables = {"SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("totals")
    session = builder.config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def write_events(folder: Path, events: int) -> None:
    """Events in words, as a collector would have written them: a few apps and titles have most of the time."""
    folder.mkdir()
    random = np.random.default_rng(SEED)
    apps, titles = pa.array(APPS), pa.array(TITLES)
    for number, rows in enumerate(np.array_split(np.arange(events), FILES)):
        app = (len(APPS) * random.random(len(rows)) ** 4).astype(np.int32)
        title = (len(TITLES) * random.random(len(rows)) ** 3).astype(np.int32)
        columns = {
            "time": pa.array(1_790_000_000_000 + rows * 997, pa.timestamp("ms", "UTC")),
            "device": pa.array(random.integers(0, 500, len(rows), np.int32)),
            "app": pa.DictionaryArray.from_arrays(app, apps),
            "title": pa.DictionaryArray.from_arrays(title, titles),
            "seconds": pa.array(random.integers(1, 600, len(rows), np.int32)),
        }
        pq.write_table(pa.table(columns), folder / f"{number}.parquet", store_schema=False, row_group_size=500_000)


def write_categories(plain: Path, tokens: Path, agent: Agent) -> None:
    """App to category, in words and in tokens."""
    categories = [CATEGORIES[number % len(CATEGORIES)] for number in range(len(APPS))]
    pq.write_table(pa.table({"app": APPS, "category": categories}), plain)
    sealed = {
        "app": agent.tokenize_many(TokenClass.APP, APPS),
        "category": agent.tokenize_many(TokenClass.LABEL, categories),
    }
    pq.write_table(pa.table(sealed), tokens)


def tokenized(events: DataFrame, account: Account) -> DataFrame:
    tokenize = spark_tokenize(account.state_path, key_path=account.key_path)
    return events.withColumn("app", tokenize(lit("app"), col("app"))).withColumn(
        "title", tokenize(lit("title"), col("title"))
    )


class Proof:
    """The events in words and in tokens, and the report on either."""

    def __init__(self, folder: Path, events: int) -> None:
        self.folder = folder
        self.account = Account(folder)
        write_events(folder / "words", events)
        write_categories(folder / "plain-categories.parquet", folder / "tokens-categories.parquet", self.account.agent)

    def words(self, spark: SparkSession) -> DataFrame:
        return spark.read.parquet(str(self.folder / "words"))

    def write(self, spark: SparkSession) -> dict[str, float]:
        """Has Spark write the events again, as they are and in tokens. Gives the seconds either took."""
        seconds = {}
        for kind, events in {"plain": self.words(spark), "tokens": tokenized(self.words(spark), self.account)}.items():
            started = time.perf_counter()
            events.write.parquet(str(self.folder / kind))
            seconds[kind] = time.perf_counter() - started
        return seconds

    def report(self, spark: SparkSession, kind: str) -> DataFrame:
        # Either as it is fastest: the map that Spark puts before its hash map hashes a text byte by byte, which short
        # words gain by and tokens lose by.
        spark.conf.set(TWO_MAPS, "true" if kind == "plain" else "false")
        categories = f"{kind}-categories"
        spark.read.parquet(str(self.folder / kind)).createOrReplaceTempView(kind)
        spark.read.parquet(str(self.folder / f"{categories}.parquet")).createOrReplaceTempView(f"{kind}_categories")
        return spark.sql(REPORT.format(events=kind, categories=f"{kind}_categories"))

    def revealed(self, rows: list[Any]) -> list[tuple[str, str, int, int]]:
        """What the owner makes of the report: the only place where tokens become words."""
        apps = self.account.owner.reveal_many([row.app for row in rows])
        categories = self.account.owner.reveal_many([row.category for row in rows])
        return [(app, category, row.events, row.seconds) for app, category, row in zip(apps, categories, rows)]

    def compare(self, spark: SparkSession, events: int) -> None:
        words = [tuple(row) for row in self.report(spark, "plain").collect()]
        sealed = self.report(spark, "tokens").collect()
        assert all(row.app.startswith("bt1_") and row.category.startswith("bt1_") for row in sealed)
        ours = self.revealed(sealed)
        # Apps with the same totals may stand in any order.
        assert [row[2:] for row in ours] == [row[2:] for row in words], "the totals are sorted alike"
        assert sorted(ours) == sorted(words), "the totals are the same"
        assert len(ours) == len(APPS) and sum(row[2] for row in ours) == events, "nothing is missing"

    def search(self, spark: SparkSession) -> None:
        """Nothing that Spark was given for the report, wrote or logged has a word or a key in it."""
        for file in sorted((self.folder / "tokens").glob("*.parquet")):
            table = pq.read_table(file, columns=["app", "title"], read_dictionary=["app", "title"])
            for column in table.columns:
                for chunk in column.chunks:
                    assert pc.all(pc.match_substring_regex(chunk.dictionary, "^bt1_[A-Za-z0-9_-]{48,}$")).as_py()
        explained = tokenized(self.words(spark), self.account)
        mode = spark._jvm.org.apache.spark.sql.execution.ExplainMode.fromString("extended")  # type: ignore[union-attr]
        function = spark_tokenize(self.account.state_path, key_path=self.account.key_path)
        pickled = pyspark.cloudpickle.dumps(function.func)  # type: ignore[attr-defined]
        assert b"_SparkTokenize" in pickled and len(pickled) < 400
        plan: str = explained._jdf.queryExecution().explainString(mode)  # type: ignore[operator]
        told = {"plan": plan.encode(), "pickled": pickled}
        logs = [
            path for part in ("events", "work") for path in (self.folder / "spark" / part).rglob("*") if path.is_file()
        ]
        told.update((str(path), path.read_bytes()) for path in logs)
        assert any(b"bt_tokenize" in content for content in told.values()), "plans are logged"
        for name, content in told.items():
            for word in WORDS + secrets(self.account):
                assert word not in content, f"{name} has what it must not have"
        for path in [*(self.folder / "tokens").iterdir(), self.folder / "tokens-categories.parquet"]:
            content = path.read_bytes()
            for word in [*WORDS, self.account.key]:
                assert word not in content, f"{path} has what it must not have"


def secrets(account: Account) -> list[bytes]:
    """The key and pieces of both forms of the state, as they are, in hexadecimal and in base64 at any offset."""
    import base64

    pieces = [account.key]
    for state in (account.wrapped, account.agent.export_state(None)):
        pieces += [state[start : start + 24] for start in range(64, len(state) - 24, 61)]
    forms = list(pieces)
    for piece in pieces:
        forms.append(piece.hex().encode())
        forms += [base64.b64encode(piece[offset : offset + (len(piece) - offset) // 3 * 3]) for offset in range(3)]
    return forms


def rounded(number: float) -> float:
    return round(number, 2)


def figures(events: int, rounds: int) -> list[dict[str, Any]]:
    folder = Path(tempfile.mkdtemp(prefix="blindtally-spark-"))
    try:
        proof = Proof(folder, events)
        with cluster(folder) as spark:
            # Whatever starts only once has started.
            tokenized(proof.words(spark).limit(20_000), proof.account).write.format("noop").mode("overwrite").save()
            took = proof.write(spark)
            say(f"written in {took['plain']:.1f} s, tokenized in {took['tokens']:.1f} s")
            proof.compare(spark, events)
            proof.search(spark)
            seconds: dict[str, list[float]] = {"tokens": [], "plain": []}
            for number in range(rounds):
                for kind in sorted(seconds, reverse=number % 2 == 0):
                    report = proof.report(spark, kind)
                    started = time.perf_counter()
                    report.collect()
                    seconds[kind].append(time.perf_counter() - started)
                say(f"round {number + 1}: " + ", ".join(f"{kind} {times[-1]:.2f} s" for kind, times in seconds.items()))
    finally:
        shutil.rmtree(folder)
    # The fastest of each: whatever else the machine does only adds to it.
    ours, peer = min(seconds["tokens"]), min(seconds["plain"])
    return [
        {
            "figure": f"Spark: GROUP BY over {events:,} events, tokens / plaintext (s)",
            "ours": rounded(ours),
            "peer": rounded(peer),
            "ratio": rounded(peer / ours),
            "goal": 0.8,
            "holds": peer / ours >= 0.8,
        },
        {
            "figure": f"Spark: {events:,} events from Parquet to Parquet, app and title tokenized / as they are (s)",
            "ours": rounded(took["tokens"]),
            "peer": rounded(took["plain"]),
            "ratio": rounded(took["plain"] / took["tokens"]),
            "goal": None,
            "holds": None,
        },
    ]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    wanted = "Spark".startswith(arguments.only) or arguments.only.startswith("Spark")
    rows = figures(arguments.events, arguments.rounds) if wanted else []
    print(json.dumps([row for row in rows if row["figure"].startswith(arguments.only)], indent=2))


if __name__ == "__main__":
    main()
