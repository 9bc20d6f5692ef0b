"""Trees for property tests: what authors can write, and worse."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from channels.model import (
    Block,
    Body,
    Bold,
    Break,
    Code,
    Inline,
    Italic,
    Link,
    ListBlock,
    Paragraph,
    Quote,
    Text,
)

LETTERS = st.text(
    alphabet="аб вг. Д!\n1*_`[]()<>&\"'#>~+^\\-\u00a0e\u0301👩\u200d👧🇷🇺😀", min_size=1, max_size=30
)
ADDRESSES = st.sampled_from(
    ["https://example.ru/a_b(1)?q=\"x\"&y='<z>'", "http://x.ru", "mailto:a_b@x.ru", "tel:+79001234567"]
)


def _inlines(depth: int) -> st.SearchStrategy[tuple[Inline, ...]]:
    leaf = st.one_of(LETTERS.map(Text), LETTERS.map(Code), st.just(Break()))
    link = st.builds(Link, ADDRESSES, st.lists(LETTERS.map(Text), min_size=1, max_size=2).map(tuple))
    one: st.SearchStrategy[Inline] = st.one_of(leaf, link)
    if depth:
        inner = _inlines(depth - 1)
        one = st.one_of(one, inner.map(Bold), inner.map(Italic))
    return st.lists(one, max_size=5).map(tuple)


def _blocks() -> st.SearchStrategy[Block]:
    inlines = _inlines(2)
    return st.one_of(
        inlines.map(Paragraph),
        inlines.map(Quote),
        st.lists(inlines, min_size=1, max_size=4).map(tuple).map(ListBlock),
        st.builds(
            ListBlock,
            st.lists(inlines, min_size=1, max_size=4).map(tuple),
            ordered=st.sampled_from([True]),
            start=st.integers(0, 120),
        ),
    )


@pytest.fixture(scope="session")
def bodies() -> st.SearchStrategy[Body]:
    """Any tree, also ones that no Markdown gives."""
    return st.lists(_blocks(), max_size=5).map(tuple).map(Body)
