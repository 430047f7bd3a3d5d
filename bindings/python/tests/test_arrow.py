"""Columns in Arrow memory give what lists give, whoever made them; and what is wrong in their memory does no harm."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import pytest
from damage import flipped, tells_nothing_of
from hypothesis import given, settings
from hypothesis import strategies as st

import blindtally as bt
from blindtally import TokenClass

pa = pytest.importorskip("pyarrow")
if int(pa.__version__.split(".")[0]) < 14:
    pytest.skip("this pyarrow has no PyCapsule interface", allow_module_level=True)

TITLE = TokenClass.TITLE
VALUES = ["winword.exe", None, "", "ü" * 30, "winword.exe", "a rather long title of some window", None, "x"]

INDEX_TYPES = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
STRING_TYPES = [pa.string(), pa.large_string()] + ([pa.string_view()] if hasattr(pa, "string_view") else [])


def dictionary(values: list[str | None], index: Any, text: Any) -> Any:
    distinct = list(dict.fromkeys(value for value in values if value is not None))
    indices = [None if value is None else distinct.index(value) for value in values]
    return pa.DictionaryArray.from_arrays(pa.array(indices, index), pa.array(distinct, text))


def reader_of(values: list[str | None]) -> Any:
    schema = pa.schema([("title", pa.string())])
    batches = [pa.record_batch([pa.array(part, pa.string())], schema=schema) for part in (values[:3], [], values[3:])]
    return pa.RecordBatchReader.from_batches(schema, batches)


MADE: dict[str, Any] = {f"{text}": lambda values, text=text: pa.array(values, text) for text in STRING_TYPES}
MADE.update(
    {
        f"dictionary {index} {text}": lambda values, index=index, text=text: dictionary(values, index, text)
        for index in INDEX_TYPES
        for text in STRING_TYPES[:2]
    }
)
MADE.update(
    {
        "slice": lambda values: pa.array(["before", None, *values, "after"])[2:-1],
        "slice of large": lambda values: pa.array(["before", None, *values, "after"], pa.large_string())[2:-1],
        "slice of dictionary": lambda values: dictionary(["before", *values, "after"], pa.int8(), pa.string())[1:-1],
        "chunked": lambda values: pa.chunked_array([values[:3], [], values[3:]], pa.string()),
        "chunked slices": lambda values: pa.chunked_array([["y", *values[:3]], [*values[3:], "z"]])[1:-1],
        "chunked dictionaries": lambda values: pa.chunked_array(
            [dictionary(values[:3], pa.int8(), pa.string()), dictionary(values[3:], pa.int8(), pa.string())]
        ),
        "dictionary with a null value": lambda values: pa.DictionaryArray.from_arrays(
            pa.array(range(len(values)), pa.int8()), pa.array(values)
        ),
        "record batch": lambda values: pa.record_batch([pa.array(values)], names=["title"]),
        "sliced record batch": lambda values: pa.record_batch([pa.array(["y", *values])], names=["title"])[1:],
        "table": lambda values: pa.table({"title": pa.chunked_array([values[:2], values[2:]])}),
        "struct": lambda values: pa.StructArray.from_arrays([pa.array(values)], ["title"]),
        "sliced struct": lambda values: pa.StructArray.from_arrays([pa.array(["y", *values])], ["title"])[1:],
        "reader": reader_of,
    }
)


def polars_series(values: list[str | None]) -> Any:
    return pytest.importorskip("polars").Series(values, dtype=pytest.importorskip("polars").String)


def polars_categorical(values: list[str | None]) -> Any:
    return polars_series(values).cast(pytest.importorskip("polars").Categorical)


def polars_enum(values: list[str | None]) -> Any:
    distinct = list(dict.fromkeys(value for value in values if value is not None))
    return polars_series(values).cast(pytest.importorskip("polars").Enum(distinct))


def polars_sliced(values: list[str | None]) -> Any:
    return polars_series(["y", *values, "z"]).slice(1, len(values))


def polars_frame(values: list[str | None]) -> Any:
    return pytest.importorskip("polars").DataFrame({"title": polars_series(values)})


def pandas_series(kind: str) -> Any:
    def made(values: list[str | None]) -> Any:
        pandas = pytest.importorskip("pandas")
        if kind == "object":
            series = pandas.Series(values, dtype=object)
        elif kind == "category":
            series = pandas.Series(pandas.Categorical(values))
        else:
            series = pandas.Series(values, dtype=kind)
        if not hasattr(series, "__arrow_c_stream__"):
            pytest.skip("this pandas has no PyCapsule interface for a series")
        return series

    return made


# Older ones end with the connection.
CONNECTIONS: list[Any] = []


def duckdb_relation(values: list[str | None]) -> Any:
    duckdb = pytest.importorskip("duckdb")
    table = pa.table({"row": range(len(values)), "title": pa.array(values, pa.string())})
    if not hasattr(duckdb.DuckDBPyRelation, "__arrow_c_stream__"):
        pytest.skip("this DuckDB has no PyCapsule interface")
    CONNECTIONS.append(duckdb.connect())
    return CONNECTIONS[-1].from_arrow(table).order("row").project("title")


def duckdb_enum(values: list[str | None]) -> Any:
    return duckdb_relation(values).project(
        "title::ENUM('winword.exe', '', '" + "ü" * 30 + "', 'a rather long title of some window', 'x') AS title"
    )


for maker in (
    polars_series,
    polars_categorical,
    polars_enum,
    polars_sliced,
    polars_frame,
    duckdb_relation,
    duckdb_enum,
):
    MADE[maker.__name__] = maker
for kind in ("object", "str", "string", "category", "large_string[pyarrow]", "string[pyarrow]"):
    MADE[f"pandas {kind}"] = pandas_series(kind)


def listed(column: bt.Column) -> list[str | None]:
    """All of its ways out agree."""
    values = column.to_list()
    assert len(column) == len(values) and column.null_count == values.count(None)
    assert pa.chunked_array(column).to_pylist() == values
    assert pa.array(column).to_pylist() == values
    return values


@pytest.mark.parametrize("maker", MADE.values(), ids=MADE.keys())
def test_a_column_gives_the_tokens_that_its_values_give_one_by_one(ends, maker) -> None:
    expected = [value if value is None else ends.agent.tokenize(TITLE, value) for value in VALUES]
    tokens = ends.agent.tokenize_many(TITLE, maker(VALUES))
    assert isinstance(tokens, bt.Column)
    assert listed(tokens) == expected
    assert listed(ends.owner.reveal_many(tokens)) == VALUES
    assert listed(ends.owner.reveal_many(tokens, errors="null")) == VALUES
    assert listed(ends.owner.reveal_many(maker(expected))) == VALUES if "enum" not in maker.__name__ else True


def test_a_dictionary_stays_one_and_large_stays_large(ends) -> None:
    for index in INDEX_TYPES:
        for text in STRING_TYPES:
            given = dictionary(VALUES, index, text)
            tokens = pa.array(ends.agent.tokenize_many(TITLE, given))
            kept = pa.large_string() if text == pa.large_string() else pa.string()
            assert tokens.type == pa.dictionary(index, kept)
            assert tokens.indices.equals(given.indices)
            assert pa.array(ends.owner.reveal_many(tokens)).to_pylist() == VALUES
    assert pa.array(ends.agent.tokenize_many(TITLE, pa.array(VALUES, pa.large_string()))).type == pa.large_string()


def test_columns_go_to_polars_pandas_and_duckdb(ends) -> None:
    for given in (pa.array(VALUES), dictionary(VALUES, pa.uint32(), pa.string()), MADE["chunked"](VALUES)):
        tokens = ends.agent.tokenize_many(TITLE, given)
        polars = pytest.importorskip("polars")
        assert polars.Series(tokens).to_list() == tokens.to_list()
        values = ends.owner.reveal_many(polars.Series(tokens))
        assert polars.Series(values).to_list() == VALUES
    pandas = pytest.importorskip("pandas")
    if hasattr(pandas.Series, "from_arrow"):
        assert list(pandas.Series.from_arrow(ends.owner.reveal_many(tokens)).fillna("-")) == [
            v or "-" if v is None else v for v in VALUES
        ]
    duckdb = pytest.importorskip("duckdb")
    titles = pa.table({"title": pa.chunked_array(tokens)})
    assert duckdb.sql("SELECT title FROM titles").fetchall() == [(token,) for token in tokens.to_list()]


@pytest.mark.parametrize(
    "given",
    [pa.array([], pa.string()), pa.array([], pa.large_string()), pa.chunked_array([], pa.string())]
    + [pa.chunked_array([[], []], pa.string()), pa.array([], pa.null()), dictionary([], pa.int8(), pa.string())]
    + [pa.table({"title": pa.array([], pa.string())}), pa.StructArray.from_arrays([pa.array([], pa.string())], ["a"])],
    ids=repr,
)
def test_an_empty_column_gives_an_empty_column(ends, given) -> None:
    for column in (ends.agent.tokenize_many(TITLE, given), ends.owner.reveal_many(given)):
        assert listed(column) == []


@pytest.mark.parametrize("text", [*STRING_TYPES, pa.null(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_a_column_of_nulls_stays_one(ends, text) -> None:
    given = pa.nulls(5000, text)
    for column in (ends.agent.tokenize_many(TITLE, given), ends.owner.reveal_many(given)):
        assert listed(column) == [None] * 5000


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_chunks_and_slices_give_what_a_list_gives(ends, data) -> None:
    pieces = data.draw(st.lists(st.lists(st.one_of(st.none(), st.sampled_from(VALUES[2:6])), max_size=9), max_size=4))
    text = data.draw(st.sampled_from(STRING_TYPES))
    chunked = pa.chunked_array([pa.array(piece, text) for piece in pieces], text)
    if data.draw(st.booleans()) and text != pa.string_view():
        chunked = chunked.dictionary_encode()
    start = data.draw(st.integers(0, len(chunked)))
    sliced = chunked[start : start + data.draw(st.integers(0, len(chunked)))]
    tokens = ends.agent.tokenize_many(TITLE, sliced)
    assert tokens.to_list() == ends.agent.tokenize_many(TITLE, sliced.to_pylist())
    assert ends.owner.reveal_many(tokens).to_list() == sliced.to_pylist()


@pytest.mark.parametrize("count", [63, 64, 65, 4095, 4096, 4097, 8193])
def test_every_length_of_a_column_comes_back_in_order(ends, count: int) -> None:
    values = [None if number % 11 == 3 else f"window {number}" for number in range(count)]
    tokens = ends.agent.tokenize_many(TITLE, pa.array(values))
    assert tokens.to_list() == ends.agent.tokenize_many(TITLE, values)
    assert ends.owner.reveal_many(tokens).to_list() == values


def test_tokens_of_classes_and_epochs_are_revealed_from_a_column(ends) -> None:
    tokens, values = zip(*ends.mixed)
    assert ends.owner.reveal_many(pa.array(tokens)).to_list() == list(values)
    assert ends.owner.reveal_many(pa.array(tokens).dictionary_encode()).to_list() == list(values)


def test_a_refused_token_is_told_by_its_row_across_chunks(ends, foreign_token) -> None:
    token, value = ends.mixed[3]
    for bad in (flipped(token), foreign_token, token[:-1], "secret words"):
        rows = [token, None, token, None, token, bad, token, bad]
        for given in (
            pa.array(rows),
            pa.array(rows, pa.large_string()),
            pa.chunked_array([rows[:4], [], rows[4:]], pa.string()),
            pa.chunked_array([["y", *rows[:4]], [], [*rows[4:], "z"]], pa.string())[1:-1],
            pa.array(rows).dictionary_encode(),
            pa.array(["y", *rows]).dictionary_encode()[1:],
            pa.chunked_array([rows[:5], rows[5:]], pa.string()).dictionary_encode(),
            pa.table({"token": rows}),
            pa.array(rows).cast(pa.string_view()) if hasattr(pa, "string_view") else pa.array(rows),
        ):
            with pytest.raises(bt.RevealError) as refused:
                ends.owner.reveal_many(given)
            assert refused.value.index == 5, given
            tells_nothing_of(refused.value, bad)
            expected = [value, None, value, None, value, None, value, None]
            assert listed(ends.owner.reveal_many(given, errors="null")) == expected
            with pytest.raises(bt.ArgumentValueError):
                ends.owner.reveal_many(given, errors="return")


def test_a_refused_row_behind_many_is_told_by_its_number(ends) -> None:
    token = ends.mixed[3][0]
    rows = [token] * 10_000
    rows[9_000] = flipped(token)
    for given in (pa.array(rows), pa.chunked_array([rows[:4500], rows[4500:]]), pa.array(rows).dictionary_encode()):
        with pytest.raises(bt.RevealError) as refused:
            ends.owner.reveal_many(given)
        assert refused.value.index == 9_000


def test_a_value_that_is_too_long_is_told_by_its_row(ends) -> None:
    rows = ["a", None, "x" * 4097]
    for given in (pa.array(rows), pa.array(rows).dictionary_encode()):
        with pytest.raises(bt.TokenizeError) as refused:
            ends.agent.tokenize_many(TITLE, given)
        assert (refused.value.code, refused.value.index) == ("tokenize.too-long", 2)
        assert listed(ends.agent.tokenize_many(TITLE, given, errors="null"))[1:] == [None, None]


def test_values_of_a_dictionary_that_no_row_has_are_not_looked_at(ends) -> None:
    token, value = ends.mixed[3]
    values = pa.array(["secret words", token, flipped(token)])
    given = pa.DictionaryArray.from_arrays(pa.array([1, None, 1], pa.int8()), values)
    assert listed(ends.owner.reveal_many(given)) == [value, None, value]
    given = pa.DictionaryArray.from_arrays(pa.array([1, 2, 0], pa.int8()), values)
    with pytest.raises(bt.RevealError) as refused:
        ends.owner.reveal_many(given)
    assert (refused.value.code, refused.value.index) == ("reveal.tampered", 1)
    assert listed(ends.owner.reveal_many(given, errors="null")) == [value, None, None]


NOT_STRINGS = [
    pa.array([1, 2]),
    pa.array([b"secret"]),
    pa.array([["a"]]),
    pa.array([True]),
    pa.DictionaryArray.from_arrays(pa.array([0]), pa.array([1])),
    pa.table({"a": ["x"], "b": ["y"]}),
    pa.table({}),
    pa.table({"a": [1]}),
    pa.array([{"a": "x"}, None]),
    pa.array([{"a": {"b": "x"}}]),
    pa.chunked_array([[1], [2]]),
]


@pytest.mark.parametrize("given", NOT_STRINGS, ids=lambda given: str(getattr(given, "type", given)).replace("\n", " "))
def test_a_column_of_something_else_is_refused(ends, given) -> None:
    for batch in (lambda: ends.agent.tokenize_many(TITLE, given), lambda: ends.owner.reveal_many(given)):
        with pytest.raises(bt.ArgumentTypeError) as refused:
            batch()
        assert refused.value.code == "python.type"
        tells_nothing_of(refused.value, "secret")


def strings(offsets: list[int], data: bytes, text: Any = None) -> Any:
    large = text == pa.large_string()
    offsets_buffer = struct.pack(f"<{len(offsets)}{'q' if large else 'i'}", *offsets)
    buffers = [None, pa.py_buffer(offsets_buffer), pa.py_buffer(data)]
    return pa.Array.from_buffers(text or pa.string(), len(offsets) - 1, buffers)


RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class CSchema(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_char_p) for name in ("format", "name", "metadata")),
        *((name, ctypes.c_int64) for name in ("flags", "n_children")),
        *((name, ctypes.c_void_p) for name in ("children", "dictionary")),
        ("release", RELEASE),
        ("private_data", ctypes.c_void_p),
    ]


class CArray(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("length", "null_count", "offset", "n_buffers", "n_children")),
        *((name, ctypes.c_void_p) for name in ("buffers", "children", "dictionary")),
        ("release", RELEASE),
        ("private_data", ctypes.c_void_p),
    ]


def capsule_of(name: bytes, pointer: int) -> Any:
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return make(pointer, name, None)


class Raw:
    """An array in C that no library has looked at."""

    def __init__(self, kind: bytes, length: int, *buffers: bytes | None, offset: int = 0, values: Raw | None = None):
        self.released = 0
        self.release = RELEASE(self.count)
        self.kept = [None if buffer is None else ctypes.create_string_buffer(buffer, len(buffer)) for buffer in buffers]
        self.buffers = (ctypes.c_void_p * len(buffers))(*(buffer and ctypes.addressof(buffer) for buffer in self.kept))
        self.values = values
        schema = values and ctypes.addressof(values.schema)
        array = values and ctypes.addressof(values.array)
        self.schema = CSchema(kind, b"", None, 2, 0, None, schema, self.release, None)
        pointer = ctypes.addressof(self.buffers)
        self.array = CArray(length, 0, offset, len(buffers), 0, pointer, None, array, self.release, None)

    def count(self, _: int) -> None:
        self.released += 1

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        structs = (SCHEMA, self.schema), (ARRAY, self.array)
        return tuple(capsule_of(name, ctypes.addressof(struct)) for name, struct in structs)


def raw_strings(offsets: list[int], data: bytes, kind: bytes = b"u") -> Raw:
    return Raw(
        kind, len(offsets) - 1, None, struct.pack(f"<{len(offsets)}{'q' if kind == b'U' else 'i'}", *offsets), data
    )


def raw_views(*views: bytes, data: tuple[bytes, ...] = (b"abcd" * 5,)) -> Raw:
    sizes = struct.pack(f"<{len(data)}q", *map(len, data))
    return Raw(b"vu", len(views), None, b"".join(views), *data, sizes)


ZEROS = ctypes.create_string_buffer(256)
SCHEMA, ARRAY, STREAM = b"arrow_schema", b"arrow_array", b"arrow_array_stream"


def made_by_pyarrow() -> dict[str, Any]:
    return {
        "not UTF-8": strings([0, 2, 4], b"ab\xff\xfe"),
        "not UTF-8, large": strings([0, 2, 4], b"ab\xff\xfe", pa.large_string()),
        "a character cut in two": strings([0, 1, 2], "ü".encode()),
        "a surrogate in UTF-8": strings([0, 3], b"\xed\xa0\x80"),
        "an index beyond": pa.DictionaryArray.from_buffers(
            pa.dictionary(pa.int8(), pa.string()), 2, [None, pa.py_buffer(b"\x00\x07")], pa.array(["a", "b"])
        ),
        "an index below zero": pa.DictionaryArray.from_buffers(
            pa.dictionary(pa.int8(), pa.string()), 2, [None, pa.py_buffer(b"\x00\xff")], pa.array(["a", "b"])
        ),
        "an index into nothing": pa.DictionaryArray.from_buffers(
            pa.dictionary(pa.int8(), pa.string()), 1, [None, pa.py_buffer(b"\x00")], pa.array([], pa.string())
        ),
        "a dictionary that is not UTF-8": pa.DictionaryArray.from_arrays(
            pa.array([0], pa.int8()), strings([0, 2], b"\xff\xfe")
        ),
    }


def made_by_hand() -> dict[str, Any]:
    """What other producers may get wrong; some of it pyarrow would not pass on."""
    wrong = {
        "offsets that descend": [0, 3, 1, 4],
        "offsets that begin high": [4, 3, 2, 1],
        "an offset beyond": [0, 9, 4],
    }
    wrong |= {"offsets below zero": [-4, -2, 2], "a last offset below zero": [0, 2, -2], "all below zero": [-4, -2, -1]}
    made: dict[str, Any] = {}
    for name, offsets in wrong.items():
        made[name] = lambda offsets=offsets: raw_strings(offsets, b"abcdefghijkl")
        made[name + ", large"] = lambda offsets=offsets: raw_strings(offsets, b"abcdefghijkl", b"U")
    inline = struct.pack("<i12s", 2, b"\xff\xfe")
    made["views that are not UTF-8"] = lambda: raw_views(inline)
    for name, length, buffer, offset in (
        ("a view beyond its buffer", 20, 0, 900),
        ("a view of no buffer", 20, 5, 0),
        ("a view of a buffer below zero", 20, -1, 0),
        ("a view at an offset below zero", 20, 0, -5),
        ("a view of a length below zero", -20, 0, 0),
        ("a long view", 2**31 - 1, 0, 0),
    ):
        made[name] = lambda view=(length, b"abcd", buffer, offset): raw_views(struct.pack("<i4sii", *view))
    made["a prefix of another text"] = lambda: raw_views(struct.pack("<i4sii", 20, b"wxyz", 0, 0))
    made["an index of 64 bits below zero"] = lambda: Raw(
        b"l", 2, None, struct.pack("<qq", 0, -1), values=raw_strings([0, 1], b"a")
    )
    made["an index of 64 bits beyond"] = lambda: Raw(
        b"L", 2, None, struct.pack("<QQ", 0, 2**64 - 1), values=raw_strings([0, 1], b"a")
    )
    return made


WRONG = made_by_pyarrow()
WRONG_BY_HAND = made_by_hand()


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG.keys())
def test_wrong_memory_is_refused(ends, given) -> None:
    for column in (given, pa.chunked_array([given]), pa.table({"a": given})):
        for errors in ("raise", "null"):
            for batch in (
                lambda: ends.agent.tokenize_many(TITLE, column, errors=errors),
                lambda: ends.owner.reveal_many(column, errors=errors),
            ):
                with pytest.raises(bt.ArgumentValueError) as refused:
                    batch()
                assert refused.value.code == "python.value"


def test_memory_outside_a_slice_may_be_wrong(ends) -> None:
    sliced = strings([0, 2, 4, 6], b"\xff\xfeab\xff\xfe")[1:2]
    assert ends.agent.tokenize_many(TITLE, sliced).to_list() == [ends.agent.tokenize(TITLE, "ab")]


@pytest.mark.parametrize("make", WRONG_BY_HAND.values(), ids=WRONG_BY_HAND.keys())
def test_wrong_memory_from_elsewhere_is_refused_and_given_back(ends, make) -> None:
    for batch in (ends.owner.reveal_many, lambda column: ends.agent.tokenize_many(TITLE, column)):
        column = make()
        with pytest.raises(bt.ArgumentValueError) as refused:
            batch(column)
        assert refused.value.code == "python.value"
        assert column.released == 1


def test_right_memory_from_elsewhere_is_taken_and_given_back(ends) -> None:
    long = struct.pack("<i4sii", 20, b"abcd", 0, 0)
    for column, values in (
        (raw_strings([0, 2, 4], b"abcd"), ["ab", "cd"]),
        (raw_strings([0, 2, 4], b"abcd", b"U"), ["ab", "cd"]),
        (raw_views(struct.pack("<i12s", 2, b"ab"), long), ["ab", "abcd" * 5]),
        (Raw(b"l", 2, None, struct.pack("<qq", 1, 0), values=raw_strings([0, 1, 2], b"ab")), ["b", "a"]),
    ):
        assert ends.agent.tokenize_many(TITLE, column).to_list() == ends.agent.tokenize_many(TITLE, values)
        assert column.released == 1


def capsule(name: bytes) -> Any:
    """Of that name, with a pointer to zeros."""
    return capsule_of(name, ctypes.addressof(ZEROS))


def consumed_array() -> Any:
    capsules = pa.array(["a"]).__arrow_c_array__()
    pa.Array._import_from_c_capsule(*capsules)
    return capsules


def consumed_stream() -> Any:
    stream = pa.chunked_array([["a"]]).__arrow_c_stream__()
    pa.ChunkedArray._import_from_c_capsule(stream)
    return stream


BROKEN: dict[str, Any] = {
    "no tuple": ("__arrow_c_array__", lambda: 7),
    "None": ("__arrow_c_array__", lambda: None),
    "an empty tuple": ("__arrow_c_array__", lambda: ()),
    "one capsule": ("__arrow_c_array__", lambda: pa.array(["a"]).__arrow_c_array__()[:1]),
    "no capsules": ("__arrow_c_array__", lambda: (7, "secret")),
    "capsules changed over": ("__arrow_c_array__", lambda: pa.array(["a"]).__arrow_c_array__()[::-1]),
    "a schema of zeros": ("__arrow_c_array__", lambda: (capsule(SCHEMA), pa.array(["a"]).__arrow_c_array__()[1])),
    "an array of zeros": ("__arrow_c_array__", lambda: (pa.array(["a"]).__arrow_c_array__()[0], capsule(ARRAY))),
    "both of zeros": ("__arrow_c_array__", lambda: (capsule(SCHEMA), capsule(ARRAY))),
    "capsules used before": ("__arrow_c_array__", consumed_array),
    "a schema of another array": (
        "__arrow_c_array__",
        lambda: (pa.array([1.0]).__arrow_c_array__()[0], pa.array(["a"]).__arrow_c_array__()[1]),
    ),
    "no stream": ("__arrow_c_stream__", lambda: 7),
    "a stream that is an array": ("__arrow_c_stream__", lambda: pa.array(["a"]).__arrow_c_array__()[1]),
    "a stream of zeros": ("__arrow_c_stream__", lambda: capsule(STREAM)),
    "a stream used before": ("__arrow_c_stream__", consumed_stream),
}


@pytest.mark.parametrize(("method", "give"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_capsules_are_refused(ends, method, give) -> None:
    column = type("Column", (), {method: lambda self, requested_schema=None: give()})()
    with pytest.raises((bt.ArgumentTypeError, bt.ArgumentValueError)) as refused:
        ends.agent.tokenize_many(TITLE, column)
    tells_nothing_of(refused.value, "secret")


def test_methods_that_cannot_be_called_are_refused(ends) -> None:
    for method in ("__arrow_c_array__", "__arrow_c_stream__"):
        with pytest.raises(TypeError):
            ends.agent.tokenize_many(TITLE, type("Column", (), {method: 7})())


def test_a_stream_that_fails_is_refused_and_says_nothing(ends) -> None:
    def batches() -> Any:
        yield pa.record_batch([pa.array(["a"])], names=["title"])
        raise ValueError("secret")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("title", pa.string())]), batches())
    with pytest.raises(bt.ArgumentValueError) as refused:
        ends.agent.tokenize_many(TITLE, reader)
    tells_nothing_of(refused.value, "secret")


def test_a_column_of_ours_can_be_asked_for_as_something_else_or_is_refused(ends) -> None:
    column = ends.agent.tokenize_many(TITLE, pa.array(["a", None]))
    for text in STRING_TYPES[:2]:
        assert pa.array(column, text).to_pylist() == column.to_list()
    for wrong in (7, "secret", object(), capsule(SCHEMA)):
        for method in (column.__arrow_c_array__, column.__arrow_c_stream__):
            with pytest.raises(bt.ArgumentTypeError):
                method(wrong)


def test_a_column_outlives_what_it_was_made_of_and_by(ends) -> None:
    agent = bt.Agent.from_state(ends.agent.export_state(None))
    column = agent.tokenize_many(TITLE, pa.array(["a", "b"]))
    agent.close()
    exported = pa.array(column)
    del column, agent
    assert ends.owner.reveal_many(exported).to_list() == ["a", "b"]
