"""The file of vectors: what was written is read, what was damaged is seen, what is old goes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq.semantic.table import (
    DamagedTable,
    VectorTable,
    file_of,
    no_vectors,
    parse_table,
    vector_key,
    worth_keeping,
)

TODAY = 20_000


def table(**days: int) -> VectorTable:
    """Vectors of three dimensions, told apart by their first letter."""
    keys = [vector_key("e", name) for name in days]
    vectors = np.array([[ord(name[0]), 0, 1] for name in days], dtype=np.float16).reshape(-1, 3)
    return VectorTable(keys, np.array(list(days.values()), dtype=np.uint32), vectors)


def written(*tables: VectorTable, needed: str = "", keep_days: int = 30, most: int = 100) -> bytes:
    keys = frozenset(vector_key("e", name) for name in needed.split())
    parts = worth_keeping(tables, keys, today=TODAY, keep_days=keep_days, most=most)
    return b"".join(file_of(parts, 3))


def names(content: bytes) -> dict[str, int]:
    found = parse_table(content, 3)
    return {chr(int(row[0])): int(day) for row, day in zip(found.vectors, found.used, strict=True)}


WHOLE = written(table(a=TODAY, b=TODAY - 1, c=TODAY - 2))


def test_what_was_written_is_read() -> None:
    found = parse_table(WHOLE, 3)

    assert [vector_key("e", name) for name in "abc"] == list(found.keys)
    assert [TODAY, TODAY - 1, TODAY - 2] == found.used.tolist()
    assert [[97, 0, 1], [98, 0, 1], [99, 0, 1]] == found.vectors.tolist()


def test_a_file_without_vectors_is_whole_too() -> None:
    assert {} == names(written(no_vectors(3)))


@given(st.data())
def test_every_changed_byte_is_seen(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(WHOLE) - 1))
    changed = bytearray(WHOLE)
    changed[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(DamagedTable):
        parse_table(bytes(changed), 3)


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=4))
def test_a_torn_file_is_seen(end: int, rest: bytes) -> None:
    if WHOLE == WHOLE[:end] + rest:
        return
    with pytest.raises(DamagedTable):
        parse_table(WHOLE[:end] + rest, 3)


@given(st.binary(max_size=200))
def test_garbage_is_seen(content: bytes) -> None:
    with pytest.raises(DamagedTable):
        parse_table(content, 3)


def test_vectors_of_another_width_are_not_taken() -> None:
    with pytest.raises(DamagedTable, match="3 dimensions, not 4"):
        parse_table(WHOLE, 4)


def test_keys_tell_encoders_and_texts_apart() -> None:
    keys = {vector_key(encoder, text) for encoder in ("e", "f") for text in ("", "a", "ab", "\ud800")}

    assert 8 == len(keys)


def test_what_nobody_used_for_long_goes_and_what_is_needed_counts_as_used_today() -> None:
    content = written(table(a=TODAY - 30, b=TODAY - 29, c=TODAY - 500, d=TODAY - 500), needed="c")

    assert {"b": TODAY - 29, "c": TODAY} == names(content)


def test_above_the_bound_those_that_were_used_longest_ago_go_first() -> None:
    content = written(table(a=TODAY - 1, b=TODAY - 3), table(c=TODAY - 2, d=TODAY - 4), needed="d", most=3)

    assert {"a": TODAY - 1, "c": TODAY - 2, "d": TODAY} == names(content)


def test_what_is_needed_is_kept_above_the_bound() -> None:
    assert {"a", "c"} == set(names(written(table(a=TODAY, b=TODAY, c=TODAY), needed="a c", most=1)))


def test_the_day_of_a_clock_that_was_wrong_does_not_live_for_ever() -> None:
    assert {"a": TODAY} == names(written(table(a=TODAY + 5000)))


def test_a_key_of_two_tables_is_written_once() -> None:
    assert {"a": TODAY - 1, "b": TODAY} == names(written(table(a=TODAY - 1), table(a=TODAY, b=TODAY)))
