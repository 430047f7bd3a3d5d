"""Tokens in the engine you have: functions for DuckDB, and a function for Spark that makes tokens where the data is.

Needs pyarrow, and DuckDB or PySpark (4.1 or later), whichever is used. The recipe around it is in docs/engines.md:
engines group, join and count tokens; the owner reveals the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.compute as pc  # type: ignore[import-untyped, unused-ignore]

from . import Agent, OpeningKeys, TokenClass
from .errors import ArgumentTypeError, ArgumentValueError, BlindtallyError

if TYPE_CHECKING:
    import duckdb

__all__ = ["register_duckdb", "spark_tokenize"]

Errors = Literal["raise", "null"]


def register_duckdb(
    con: duckdb.DuckDBPyConnection,
    *,
    agent: Agent | None = None,
    owner: OpeningKeys | None = None,
    errors: Errors = "raise",
) -> None:
    """Gives a DuckDB connection, and every other one of the same database, the functions

    - ``bt_tokenize(class, text)`` of an agent: the token of a text, its class by name (``'app'``) or id (``128``);
    - ``bt_reveal(token)`` of an owner or an opened backup: the text of a token.

    NULL stays NULL. With ``errors="null"``, what cannot be tokenized or revealed gives NULL too, but not a class that
    does not exist, an argument that is no text, or an agent or owner that is closed. DuckDB raises errors of ours as
    its own ``InvalidInputException``, with the code in the message. Registering again replaces what was registered
    before.

    Raises ArgumentTypeError: an argument is of another type. ArgumentValueError: neither an agent nor an owner is
    given, or ``errors`` is something else.
    """
    _check_errors(errors)
    if agent is None and owner is None:
        raise ArgumentValueError("python.value", "give an agent, an owner or both")
    if agent is not None and not isinstance(agent, Agent):
        raise ArgumentTypeError("python.type", "the agent is not an Agent with keys")
    if owner is not None and not isinstance(owner, OpeningKeys):
        raise ArgumentTypeError("python.type", "the owner is neither an Owner nor an opened backup")
    if agent is not None:
        _create(con, "bt_tokenize", 2, lambda classes, texts: _tokenize(agent, classes, texts, errors))
    if owner is not None:
        _create(con, "bt_reveal", 1, lambda tokens: _batch(lambda: owner.reveal_many(tokens, errors=errors)))


def spark_tokenize(
    state_path: str | os.PathLike[str], *, key_path: str | os.PathLike[str] | None = None, errors: Errors = "raise"
) -> Callable[..., Any]:
    """A function for Spark that makes tokens: ``tokenize(lit("app"), col("app"))``; NULL stays NULL.

    The paths are those of the executors: of an agent's exported state and, if it is wrapped, of the 32 bytes it is
    wrapped under. Each Python worker reads them when it first needs them, and again after they have changed; so this
    neither reads nor checks them. Nothing but the paths goes into a plan or to an executor. Whatever is refused there
    fails the query, with our code in the message of Spark's ``PythonException``; with ``errors="null"``, a text that
    cannot be tokenized gives NULL instead.

    Raises ArgumentTypeError: an argument is of another type. ArgumentValueError: a path is relative, or ``errors`` is
    something else.
    """
    # Its stubs leave it out.
    from pyspark.sql.functions import arrow_udf  # type: ignore[attr-defined, unused-ignore]
    from pyspark.sql.types import StringType

    _check_errors(errors)
    function = _SparkTokenize(_absolute(state_path), None if key_path is None else _absolute(key_path), errors)
    wrapped: Callable[..., Any] = arrow_udf(function, StringType())
    return wrapped


class _SparkTokenize:
    """What Spark pickles and sends: paths, and by its name this class."""

    def __init__(self, state_path: str, key_path: str | None, errors: Errors) -> None:
        self.state_path = state_path
        self.key_path = key_path
        self.errors = errors
        self.__name__ = "bt_tokenize"

    def __call__(self, classes: pa.Array, texts: pa.Array) -> pa.Array:
        return _tokenize(_agent_of(self.state_path, self.key_path), classes, texts, self.errors)

    # Spark would look for the names in them, and takes a function without any for what this is: columns to column.
    __call__.__annotations__.clear()


# The agents of this process, by their files, each with what its files looked like when it was read.
_agents: dict[tuple[str, str | None], tuple[list[tuple[int, ...]], Agent]] = {}


def _agent_of(state_path: str, key_path: str | None) -> Agent:
    paths = [state_path] if key_path is None else [state_path, key_path]
    try:
        looks = [_look(os.stat(path)) for path in paths]
        known = _agents.get((state_path, key_path))
        if known is not None and known[0] == looks:
            return known[1]
        _agents.pop((state_path, key_path), None)
        files = [_read(path) for path in paths]
    except OSError as error:
        raise BlindtallyError(
            "python.file", f"the state of the agent, or its key, cannot be read: {error.strerror}"
        ) from error
    contents = [content for _, content in files]
    try:
        agent = Agent.from_state(contents[0], contents[1] if key_path is not None else None)
    finally:
        for content in contents:
            content[:] = bytes(len(content))
    _agents[(state_path, key_path)] = ([look for look, _ in files], agent)
    return agent


def _look(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _read(path: str) -> tuple[tuple[int, ...], bytearray]:
    """The content of a file, in memory that can be wiped, and what exactly that file looked like."""
    with open(path, "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        content = bytearray(status.st_size)
        file.readinto(content)
        return _look(status), content


def _create(con: duckdb.DuckDBPyConnection, name: str, takes: int, function: Callable[..., pa.Array]) -> None:
    from duckdb import InvalidInputException
    from duckdb.func import FunctionNullHandling, PythonUDFType

    # Arguments of any type and number reach us, so that a class can be a name or an id, and so that what is wrong is
    # said by code.
    def checked(*arguments: Any) -> Any:
        if len(arguments) != takes:
            raise ArgumentTypeError("python.type", f"{name} takes {takes} argument(s)")
        return function(*arguments)

    try:
        con.remove_function(name)
    except InvalidInputException:
        pass
    # A constant is tokenized once, while the query is planned: the token of `app = bt_tokenize('app', 'winword.exe')`
    # is looked up.
    con.create_function(
        name,
        checked,
        None,
        "VARCHAR",
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
        side_effects=False,
    )


def _tokenize(agent: Agent, classes: Any, texts: Any, errors: Errors) -> Any:
    """The tokens of a column of texts, its classes being another."""
    classes, texts = _plain(_whole(classes)), _dense(_whole(texts))
    distinct = pc.unique(classes).to_pylist()
    named = {given: _token_class(given) for given in distinct if given is not None}
    if len(distinct) == len(named) == 1:
        return _batch(partial(agent.tokenize_many, *named.values(), texts, errors=errors))
    # Class by class, and then back into the order they came in. Without a class there is no token.
    parts = [pa.nulls(classes.null_count, pa.string())]
    places = [pc.indices_nonzero(pc.is_null(classes))]
    for given, token_class in named.items():
        chosen = pc.equal(classes, pa.scalar(given, classes.type))
        parts.append(_batch(partial(agent.tokenize_many, token_class, texts.filter(chosen), errors=errors)))
        places.append(pc.indices_nonzero(chosen))
    return pa.concat_arrays(parts).take(pc.sort_indices(pa.concat_arrays(places)))


def _batch(work: Callable[[], Any]) -> Any:
    """What a batch gives, as an array of strings."""
    try:
        return _plain(pa.array(work())).cast(pa.string())
    except BlindtallyError as error:
        # A place in a vector that an engine has cut as it liked tells nobody anything.
        error.index = None
        raise


def _dense(texts: Any) -> Any:
    """With a dictionary, if that is short: values repeat, and each is tokenized once. To find that out costs little."""
    if not pa.types.is_string(texts.type) and not pa.types.is_large_string(texts.type):
        return texts
    encoded = texts.dictionary_encode()
    return encoded if 2 * len(encoded.dictionary) <= len(encoded) else texts


def _whole(column: Any) -> Any:
    """In one piece: DuckDB gives pieces, Spark does not."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _plain(column: Any) -> Any:
    """Without a dictionary, which the values of an ENUM come in."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _token_class(given: Any) -> TokenClass:
    if isinstance(given, bool) or not isinstance(given, (str, int)):
        raise ArgumentTypeError("python.type", "a class is neither a name nor an id; it comes first, and then the text")
    try:
        return TokenClass.named(given) if isinstance(given, str) else TokenClass(given)
    except BlindtallyError as error:
        # Not which: in the wrong order, the arguments would put a text into a log.
        raise type(error)(error.code, "there is no such class of tokens; it comes first, and then the text") from None


def _check_errors(errors: str) -> None:
    if errors not in ("raise", "null"):
        raise ArgumentValueError("python.value", 'errors is "raise" or "null"')


def _absolute(path: str | os.PathLike[str]) -> str:
    try:
        text = os.fspath(path)
    except TypeError:
        text = None
    if not isinstance(text, str):
        raise ArgumentTypeError("python.type", "a path is a str or an os.PathLike of one")
    if not os.path.isabs(text):
        raise ArgumentValueError("python.value", "a path is relative, which would mean another place at each executor")
    return text
