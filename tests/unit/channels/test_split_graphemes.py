"""What people see as one character stays one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.graphemes import graphemes, shorten


@pytest.mark.parametrize(
    "cluster",
    [
        "e\u0301",
        "й",
        "и\u0306",
        "👩\u200d👩\u200d👧",
        "👍🏽",
        "🇷🇺",
        "❤️",
        "1️⃣",
        "🏴\U000e0067\U000e007f",
        "\r\n",
        "각",
        "\u1100\u1161\u11a8",
    ],
)
def test_one_character_is_one_piece(cluster: str) -> None:
    assert ["a", cluster, "b"] == graphemes(f"a{cluster}b")


def test_flags_are_pairs() -> None:
    assert graphemes("🇷🇺🇧🇾🇰") == ["🇷🇺", "🇧🇾", "🇰"]


@given(st.text())
def test_pieces_make_the_text_again(text: str) -> None:
    pieces = graphemes(text)

    assert text == "".join(pieces)
    assert all(pieces)


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [("Да", 2, "Да"), ("Доставка", 5, "Дост…"), ("Да нет", 4, "Да…"), ("🇷🇺🇧🇾", 3, "🇷🇺…"), ("🇷🇺🇧🇾", 2, "…")],
)
def test_a_long_label_ends_in_an_ellipsis(text: str, limit: int, expected: str) -> None:
    assert expected == shorten(text, limit)
