"""DuckDB counts tokens as it counts words, and says by code what it was refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from accounts import enrolled, enrolling, new_owner
from examples import examples

from blindtally import Agent, Owner, TokenClass
from blindtally.errors import ArgumentTypeError, ArgumentValueError

duckdb = pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")

from blindtally.sql import register_duckdb  # noqa: E402 (it needs pyarrow)


def account() -> tuple[Owner, Agent]:
    owner, change = new_owner()
    change.committed()
    return owner, enrolled(owner)


@pytest.fixture(scope="module")
def ends() -> tuple[Owner, Agent]:
    return account()


@pytest.fixture(scope="module")
def stranger() -> Agent:
    return account()[1]


@pytest.fixture
def con(ends: tuple[Owner, Agent]) -> Iterator[Any]:
    owner, agent = ends
    with duckdb.connect() as con:
        register_duckdb(con, agent=agent, owner=owner)
        yield con


def refused(con: Any, query: str) -> str:
    with pytest.raises(duckdb.Error) as raised:
        con.sql(query).fetchall()
    return str(raised.value)


def test_totals_of_tokens_are_those_of_words(con: Any) -> None:
    con.execute(
        """
        CREATE TABLE plain AS SELECT 'app ' || (i * i % 37) AS app, 'title ' || (i % 501) AS title, i % 60 AS seconds
        FROM range(20000) r(i);
        CREATE TABLE sealed AS
        SELECT bt_tokenize('app', app) AS app, bt_tokenize('title', title) AS title, seconds FROM plain;
        """
    )
    assert con.sql("SELECT count(*) FROM sealed WHERE app NOT LIKE 'bt1_%' OR title NOT LIKE 'bt1_%'").fetchall() == [
        (0,)
    ]
    for by in ("app", "title"):
        totals = "SELECT {what} AS word, sum(seconds), count(*) FROM (FROM {table}) GROUP BY {by} ORDER BY ALL"
        sealed = con.sql(totals.format(what=f"bt_reveal({by})", table="sealed", by=by)).fetchall()
        assert sealed == con.sql(totals.format(what=by, table="plain", by=by)).fetchall()


def test_a_word_is_looked_up_by_its_token(con: Any) -> None:
    con.execute("CREATE TABLE sealed AS SELECT bt_tokenize('app', 'app ' || (i % 10)) AS app FROM range(100) r(i)")
    assert con.sql("SELECT count(*) FROM sealed WHERE app = bt_tokenize('app', 'app 3')").fetchall() == [(10,)]


def test_a_million_rows_go_in_vectors_not_in_rows(con: Any, ends: tuple[Owner, Agent]) -> None:
    calls: list[int] = []

    class Counted:
        def reveal_many(self, tokens: Any, *, errors: Any) -> Any:
            calls.append(len(tokens))
            return ends[0].reveal_many(tokens, errors=errors)

    import blindtally.sql

    blindtally.sql._create(
        con, "counted", 1, lambda tokens: blindtally.sql._batch(lambda: Counted().reveal_many(tokens, errors="raise"))
    )
    query = "SELECT count(DISTINCT counted(bt_tokenize('title', 'title ' || (i % 20000)))) FROM range(1000000) r(i)"
    assert con.sql(query).fetchall() == [(20_000,)]
    assert sum(calls) == 1_000_000
    assert len(calls) < 1000


def test_null_stays_null(con: Any) -> None:
    assert con.sql("SELECT bt_tokenize('app', NULL), bt_tokenize(NULL, 'x'), bt_reveal(NULL)").fetchall() == [
        (None, None, None)
    ]
    con.execute(
        "CREATE TABLE t AS SELECT CASE WHEN i % 3 = 0 THEN NULL ELSE 'x' || i % 7 END AS x, i FROM range(9000) r(i)"
    )
    query = "SELECT count(*) FROM t WHERE bt_reveal(bt_tokenize('app', x)) IS DISTINCT FROM x"
    assert con.sql(query).fetchall() == [(0,)]


def test_the_class_is_a_name_or_an_id_and_may_differ_by_row(con: Any, ends: tuple[Owner, Agent]) -> None:
    owner, agent = ends
    assert con.sql("SELECT bt_tokenize(1, 'x') = bt_tokenize('app', 'x')").fetchall() == [(True,)]
    con.execute(
        """
        CREATE TYPE kind AS ENUM ('app', 'title', 'host');
        CREATE TABLE mixed AS SELECT i, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'app' WHEN 2 THEN 'title' ELSE 'host'
        END AS class,
            CASE WHEN i % 5 > 0 THEN 'value ' || (i % 100) END AS value FROM range(10000) r(i)
        """
    )
    for column in ("class", "class::kind"):
        rows = con.sql(f"SELECT class, value, bt_tokenize({column}, value) FROM mixed ORDER BY i").fetchall()
        assert len(rows) == 10_000
        for kind, value, token in rows[:300]:
            expected = None if kind is None or value is None else agent.tokenize(TokenClass.named(kind), value)
            assert token == expected


def test_an_enum_is_text(con: Any) -> None:
    con.execute(
        "CREATE TYPE app AS ENUM ('word', 'excel'); CREATE TABLE e AS SELECT 'excel'::app AS app FROM range(3000)"
    )
    assert con.sql("SELECT DISTINCT bt_reveal(bt_tokenize('app', app)) FROM e").fetchall() == [("excel",)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("bt_tokenize('nothing', 'x')", "python.value"),
        ("bt_tokenize(7.5, 'x')", "python.type"),
        ("bt_tokenize(true, 'x')", "python.type"),
        ("bt_tokenize(16, 'x')", "malformed.value"),
        ("bt_tokenize(100000, 'x')", "python.value"),
        ("bt_tokenize(200, 'x')", "malformed.value"),
        ("bt_tokenize('app', 5)", "python.type"),
        ("bt_tokenize('app', 'x'::BLOB)", "python.type"),
        ("bt_tokenize('app', ['x'])", "python.type"),
        ("bt_tokenize('app')", "python.type"),
        ("bt_tokenize('app', repeat('x', 5000))", "tokenize.too-long"),
        ("bt_reveal(5)", "python.type"),
        ("bt_reveal('x', 'y')", "python.type"),
        ("bt_reveal('winword.exe')", "malformed."),
    ],
)
def test_what_is_refused_is_said_by_code(con: Any, query: str, code: str) -> None:
    message = refused(con, f"SELECT {query}")
    assert f"[{code}" in message
    # It is of a vector that the engine has cut.
    assert "(item" not in message


def test_a_message_does_not_quote_a_text(con: Any) -> None:
    con.execute("CREATE TABLE t AS SELECT 'my secret' AS app")
    for query in ("bt_tokenize(app, 'app')", "bt_reveal(app)", "bt_tokenize('app', repeat(app, 1000))"):
        assert "my secret" not in refused(con, f"SELECT {query} FROM t")


def test_a_foreign_token_is_refused_or_null(con: Any, ends: tuple[Owner, Agent], stranger: Agent) -> None:
    owner, agent = ends
    tokens = [agent.tokenize(TokenClass.APP, "word"), stranger.tokenize(TokenClass.APP, "word"), "bt1_x", None]
    given = pa.table({"token": tokens})
    con.register("given", given)
    assert "[reveal.tampered]" in refused(con, "SELECT bt_reveal(token) FROM given WHERE token <> 'bt1_x'")
    register_duckdb(con, agent=agent, owner=owner, errors="null")
    assert con.sql("SELECT bt_reveal(token) FROM given").fetchall() == [("word",), (None,), (None,), (None,)]
    assert con.sql("SELECT bt_tokenize('app', repeat('x', 5000))").fetchall() == [(None,)]
    # A mistake of the query's is no bad value.
    assert "[python.value]" in refused(con, "SELECT bt_tokenize('nothing', 'x')")
    assert "[python.type]" in refused(con, "SELECT bt_tokenize('app', 5)")


def test_what_is_closed_says_so(ends: tuple[Owner, Agent]) -> None:
    owner, agent = ends
    agent = Agent.from_state(agent.export_state(None))
    backup, key = owner.backup_with_recovery_key()
    restored = backup.open_with_recovery_key(key)
    with duckdb.connect() as con:
        register_duckdb(con, agent=agent, owner=restored)
        assert con.sql("SELECT bt_reveal(bt_tokenize('app', 'word'))").fetchall() == [("word",)]
        agent.close()
        restored.close()
        assert "[python.closed]" in refused(con, "SELECT bt_tokenize('app', 'word')")
        assert "[python.closed]" in refused(con, "SELECT bt_reveal('bt1_x')")


def test_no_key_is_in_a_plan(con: Any, ends: tuple[Owner, Agent]) -> None:
    con.execute("CREATE TABLE t AS SELECT 'word' AS app")
    plan = con.sql("EXPLAIN ANALYZE SELECT bt_reveal(bt_tokenize('app', app)) FROM t").fetchall()[0][1]
    assert "bt_tokenize" in plan and "bt_reveal" in plan
    state = ends[1].export_state(None)
    assert "Agent" not in plan and not any(state[at : at + 16].hex() in plan.lower() for at in range(len(state) - 16))


def test_only_what_is_given_is_registered(ends: tuple[Owner, Agent]) -> None:
    owner, agent = ends
    with duckdb.connect() as con:
        register_duckdb(con, agent=agent)
        assert "bt_reveal" in refused(con, "SELECT bt_reveal('bt1_x')")
        register_duckdb(con, owner=owner)
        assert con.cursor().sql("SELECT bt_reveal(bt_tokenize('app', 'word'))").fetchall() == [("word",)]


def test_what_cannot_be_registered_is_refused(ends: tuple[Owner, Agent]) -> None:
    owner, agent = ends
    pending, _ = enrolling(owner, "device2")
    with duckdb.connect() as con:
        wrong: Any
        for wrong in ({"agent": owner}, {"owner": agent}, {"agent": pending}, {"agent": "agent"}):
            with pytest.raises(ArgumentTypeError) as raised:
                register_duckdb(con, **wrong)
            assert raised.value.code == "python.type"
        for wrong in ({}, {"agent": agent, "errors": "return"}, {"agent": agent, "errors": None}):
            with pytest.raises(ArgumentValueError) as invalid:
                register_duckdb(con, **wrong)
            assert invalid.value.code == "python.value"


def test_the_recipe_for_duckdb_runs(ends: tuple[Owner, Agent], tmp_path: Path) -> None:
    owner, agent = ends
    state = tmp_path / "agent.state"
    state.write_bytes(agent.export_state(None))
    found = examples("duckdb")
    assert found
    for code in found:
        names: dict[str, Any] = {"owner": owner}
        exec(code.replace("/secure/agent.state", str(state)).replace("/data/", f"{tmp_path}/"), names)
        assert names["report"] == [("winword.exe", "writing", 90), ("teams.exe", "meetings", 45)]
