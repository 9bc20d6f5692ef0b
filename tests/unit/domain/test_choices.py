"""What a button means, kept as text."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optfm_bot.domain.choices import (
    KeptChoice,
    NoneOfThese,
    OpenCategory,
    OpenEntry,
    OpenTopics,
    Rate,
    SpeakLanguage,
    decode,
    encode,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PAGE = st.integers(0, 1000)
MEANINGS = st.one_of(
    st.builds(OpenEntry, TEXT),
    st.builds(OpenTopics, PAGE),
    st.builds(OpenCategory, st.none() | TEXT, PAGE),
    st.just(NoneOfThese()),
    st.builds(Rate, st.sampled_from([1, -1]), TEXT, TEXT),
    st.builds(SpeakLanguage, TEXT),
)


@given(st.lists(st.builds(KeptChoice, TEXT, MEANINGS), max_size=12))
def test_what_is_kept_is_read_back(choices: list[KeptChoice]) -> None:
    assert decode(encode(choices)) == tuple(choices)


@pytest.mark.parametrize(
    "text",
    ["", "5", "null", '"ab"', "{", '{"a": 1}', "[1]", '[["label"]]', '[["label", "unknown"]]', '[["l", "entry"]]',
     '[["l", "entry", "a", "b"]]', '[["l", "rate", 1]]', '[["l", ["entry"], "x"]]'],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a list of choices"):
        decode(text)


@given(
    st.text(max_size=60) | st.recursive(st.integers() | st.text(max_size=5), st.lists, max_leaves=8).map(str)
)
def test_nonsense_raises_value_errors_only(text: str) -> None:
    with contextlib.suppress(ValueError):
        decode(text)
