"""Many values in one call give what they give one by one, in their order; and what is refused says where, not what."""

from __future__ import annotations

import array
import collections
from typing import Any

import pytest
from damage import flipped, tells_nothing_of
from hypothesis import given, settings
from hypothesis import strategies as st

import blindtally as bt
from blindtally import TokenClass

TITLE = TokenClass.TITLE
BIG = "ü" * 2048
TOO_LONG = BIG + "x"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
columns = st.lists(st.one_of(texts, st.sampled_from(["", "winword.exe", BIG]), st.none()), max_size=200)
usual = settings(deadline=None, max_examples=60)


@usual
@given(values=columns)
def test_a_list_gives_the_tokens_that_its_values_give_one_by_one(ends, values) -> None:
    expected = [value if value is None else ends.agent.tokenize(TITLE, value) for value in values]
    tokens = ends.agent.tokenize_many(TITLE, values)
    assert tokens == expected and type(tokens) is list
    assert ends.agent.tokenize_many(TITLE, tuple(values)) == expected
    assert ends.agent.tokenize_many(TITLE, iter(values)) == expected
    assert ends.owner.reveal_many(tokens) == values
    assert ends.owner.reveal_many(tuple(tokens)) == values
    for errors in ("null", "return"):
        assert ends.agent.tokenize_many(TITLE, values, errors=errors) == expected
        assert ends.owner.reveal_many(tokens, errors=errors) == values


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 127, 128, 129, 4095, 4096, 4097])
def test_every_length_of_a_list_comes_back_in_order(ends, count: int) -> None:
    values = [f"window {number}" for number in range(count)]
    tokens = ends.agent.tokenize_many(TITLE, values)
    assert len(set(tokens)) == count
    assert ends.owner.reveal_many(tokens) == values


def test_equal_values_give_equal_tokens_wherever_they_stand(ends) -> None:
    values = ["a", "b", "a", None, "a"] * 50
    tokens = ends.agent.tokenize_many(TITLE, values)
    assert len(set(tokens)) == 3
    assert [ends.agent.tokenize(TITLE, "a") == token for token in tokens] == [value == "a" for value in values]


@given(order=st.permutations(range(140)), nulls=st.sets(st.integers(0, 139), max_size=20))
@usual
def test_tokens_of_classes_and_epochs_are_revealed_in_any_order(ends, order, nulls) -> None:
    chosen = [(None, None) if at in nulls else ends.mixed[at] for at in order]
    assert ends.owner.reveal_many([token for token, _ in chosen]) == [value for _, value in chosen]


@pytest.mark.parametrize(
    "made",
    [
        lambda values: (value for value in values),
        lambda values: map(str, values),
        lambda values: dict.fromkeys(values),
        lambda values: dict.fromkeys(values).keys(),
        collections.deque,
        lambda values: Sequence(values),
        lambda values: type("List", (list,), {})(values),
        lambda values: type("Tuple", (tuple,), {})(values),
    ],
    ids=[
        "generator",
        "map",
        "dict",
        "keys",
        "deque",
        "sequence by __getitem__",
        "subclass of list",
        "subclass of tuple",
    ],
)
def test_whatever_can_be_iterated_over_gives_a_list(ends, made) -> None:
    values = ["one", "two", "three"]
    tokens = ends.agent.tokenize_many(TITLE, made(values))
    assert type(tokens) is list
    assert tokens == ends.agent.tokenize_many(TITLE, values)
    assert ends.owner.reveal_many(made(tokens)) == values


class Sequence:
    """Iterated over by index, as sequences were before iterators."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def test_a_text_of_a_subclass_is_taken_as_the_text_that_it_is(ends) -> None:
    class Sly(str):
        def __str__(self) -> str:
            raise AssertionError("nobody asks")

        __repr__ = __hash__ = __len__ = __iter__ = encode = __str__

    values = ["plain", Sly("sly")]
    assert ends.owner.reveal_many(ends.agent.tokenize_many(TITLE, values)) == ["plain", "sly"]
    assert ends.agent.tokenize(TITLE, Sly("sly")) == ends.agent.tokenize(TITLE, "sly")


def test_a_value_of_4096_bytes_is_sealed_and_one_of_4097_is_not(ends) -> None:
    tokens = ends.agent.tokenize_many(TITLE, [BIG, "x" * 4096])
    assert ends.owner.reveal_many(tokens) == [BIG, "x" * 4096]
    for value in (TOO_LONG, "x" * 4097):
        with pytest.raises(bt.TokenizeError) as refused:
            ends.agent.tokenize_many(TITLE, ["ok", value])
        assert (refused.value.code, refused.value.index) == ("tokenize.too-long", 1)
        tells_nothing_of(refused.value, value[-20:])


REFUSED_VALUES = [
    (TOO_LONG, bt.TokenizeError, "tokenize.too-long"),
    ("secret\ud800", bt.ArgumentValueError, "python.surrogate"),
    (b"secret", bt.ArgumentTypeError, "python.type"),
    (7, bt.ArgumentTypeError, "python.type"),
    (["secret"], bt.ArgumentTypeError, "python.type"),
]


@pytest.mark.parametrize(("value", "kind", "code"), REFUSED_VALUES, ids=[code for _, _, code in REFUSED_VALUES])
def test_a_refused_value_is_raised_left_out_or_returned(ends, value, kind, code) -> None:
    values = ["first", None, value, "last", value]
    check_modes(lambda errors: ends.agent.tokenize_many(TITLE, values, errors=errors), values, kind, code)


def test_a_refused_token_is_raised_left_out_or_returned(ends, foreign_token) -> None:
    token = ends.mixed[3][0]
    refused = [
        (flipped(token), bt.RevealError, "reveal.tampered"),
        (flipped(token, len(token) - 5), bt.RevealError, "reveal.tampered"),
        (foreign_token, bt.RevealError, "reveal.tampered"),
        (token[:-1], bt.RevealError, None),
        ("", bt.RevealError, None),
        ("bt1_", bt.RevealError, None),
        ("secret words", bt.RevealError, None),
        (token + "\ud800", bt.ArgumentValueError, "python.surrogate"),
        (token.encode(), bt.ArgumentTypeError, "python.type"),
    ]
    for bad, kind, code in refused:
        tokens = [token, None, bad, token, bad]
        check_modes(lambda errors: ends.owner.reveal_many(tokens, errors=errors), tokens, kind, code)


def check_modes(batch, given, kind, code) -> None:
    with pytest.raises(kind) as raised:
        batch("raise")
    assert raised.value.index == 2
    assert code in (None, raised.value.code)
    secret = given[2].decode() if isinstance(given[2], bytes) else str(given[2])
    tells_nothing_of(raised.value, *([secret] if len(secret) > 4 else []))
    returned = batch("return")
    assert [index for index, item in enumerate(returned) if isinstance(item, bt.BlindtallyError)] == [2, 4]
    assert [(type(item), item.code, item.index) for item in returned[2::2]] == [
        (kind, raised.value.code, 2),
        (kind, raised.value.code, 4),
    ]
    for item in returned[2::2]:
        tells_nothing_of(item, *([secret] if len(secret) > 4 else []))
    if code == "python.type":
        with pytest.raises(bt.ArgumentTypeError):
            batch("null")
    else:
        assert batch("null") == [returned[0], None, None, returned[3], None]


@usual
@given(st.data())
def test_the_first_refused_item_is_the_one_that_is_raised(ends, data) -> None:
    count = data.draw(st.integers(1, 300))
    bad = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=5))
    tokens = [ends.mixed[at % 140][0] for at in range(count)]
    damaged = [flipped(token) if at in bad else token for at, token in enumerate(tokens)]
    with pytest.raises(bt.RevealError) as raised:
        ends.owner.reveal_many(damaged)
    assert raised.value.index == min(bad)
    values = ends.owner.reveal_many(damaged, errors="null")
    assert values == [None if at in bad else ends.mixed[at % 140][1] for at in range(count)]


NOT_MANY = ["one text", "", b"bytes", 7, 1.5, True, None, object(), lambda: None, bt.TokenClass.APP, int]


@pytest.mark.parametrize("values", NOT_MANY, ids=repr)
def test_what_is_not_many_values_is_refused(ends, values) -> None:
    for batch in (lambda: ends.agent.tokenize_many(TITLE, values), lambda: ends.owner.reveal_many(values)):
        with pytest.raises(bt.ArgumentTypeError) as refused:
            batch()
        assert (refused.value.code, refused.value.index) == ("python.type", None)


@pytest.mark.parametrize("values", [bytearray(b"ab"), memoryview(b"ab"), range(2), array.array("i", [1]), {1, 2}])
def test_many_of_something_else_are_refused_at_the_first(ends, values) -> None:
    with pytest.raises(bt.ArgumentTypeError) as refused:
        ends.agent.tokenize_many(TITLE, values)
    assert refused.value.index == 0


@pytest.mark.parametrize(("errors", "code"), [("ignore", "python.value"), ("", "python.value"), (None, "python.type")])
def test_errors_is_one_of_three_words(ends, errors, code) -> None:
    with pytest.raises(bt.BlindtallyError) as refused:
        ends.agent.tokenize_many(TITLE, ["a"], errors=errors)
    assert refused.value.code == code


class Mine(Exception):
    pass


def raising(*_: object) -> Any:
    raise Mine


def mine_after_one() -> Any:
    yield "one"
    raise Mine


@pytest.mark.parametrize(
    "values",
    [
        type("Iterated", (), {"__iter__": raising})(),
        type("Indexed", (), {"__getitem__": raising})(),
        type("Stepped", (), {"__iter__": lambda self: self, "__next__": raising})(),
        mine_after_one(),
        type("Asked", (), {"__getattr__": raising})(),
        type("Array", (), {"__arrow_c_array__": raising})(),
        type("Stream", (), {"__arrow_c_stream__": raising})(),
        type("Property", (), {"__arrow_c_array__": property(raising)})(),
    ],
    ids=[
        "__iter__",
        "__getitem__",
        "__next__",
        "generator",
        "__getattr__",
        "__arrow_c_array__",
        "__arrow_c_stream__",
        "property",
    ],
)
def test_an_exception_of_what_is_iterated_over_comes_through(ends, values) -> None:
    with pytest.raises(Mine):
        ends.agent.tokenize_many(TITLE, values)


def test_lengths_that_lie_do_no_harm(ends) -> None:
    for length in (raising, lambda self: -1, lambda self: 10**15, lambda self: "many"):
        for name in ("__len__", "__length_hint__"):
            values = type("Values", (), {name: length, "__iter__": lambda self: iter(["a", "b"])})()
            assert ends.owner.reveal_many(ends.agent.tokenize_many(TITLE, values)) == ["a", "b"]


@pytest.mark.parametrize("iterator", [7, None, "text", object()])
def test_iterators_that_are_none_are_refused_by_python_or_here(ends, iterator) -> None:
    values = type("Values", (), {"__iter__": lambda self: iterator})()
    with pytest.raises(TypeError):
        ends.agent.tokenize_many(TITLE, values)


def test_an_iterator_may_use_the_agent_meanwhile(ends) -> None:
    def values() -> Any:
        for value in ("a", "b"):
            yield ends.owner.reveal(ends.agent.tokenize(TITLE, value))

    assert ends.owner.reveal_many(ends.agent.tokenize_many(TITLE, values())) == ["a", "b"]


def test_an_iterator_may_close_what_works_on_it(ends) -> None:
    agent = bt.Agent.from_state(ends.agent.export_state(None))

    def values() -> Any:
        yield "a"
        agent.close()

    with pytest.raises(bt.ClosedError) as refused:
        agent.tokenize_many(TITLE, values())
    assert refused.value.code == "python.closed"


def test_a_class_without_a_key_is_refused_as_a_whole(ends) -> None:
    with pytest.raises(bt.TokenizeError) as refused:
        ends.agent.tokenize_many(TokenClass(191), ["a"])
    assert refused.value.code == "tokenize.no-key"


def test_records_in_a_batch_are_opened_as_one_by_one(ends) -> None:
    records = [ends.agent.seal_record(bt.RecordClass.CHAT, f"hello {number}", number) for number in range(5)]
    opened = ends.owner.open_records(iter(records))
    assert [(one.value, one.seq) for one in opened] == [(f"hello {number}", number) for number in range(5)]
    damaged = [records[0], None, flipped(records[1], -8), b"secret"]
    returned = ends.owner.open_records(damaged, errors="return")
    assert returned[1] is None
    assert [(item.code, item.index) for item in returned[2:]] == [("record.tampered", 2), ("python.type", 3)]
    with pytest.raises(bt.RecordError) as refused:
        ends.owner.open_records(damaged)
    assert refused.value.index == 2
    tells_nothing_of(refused.value, records[1][10:40])
