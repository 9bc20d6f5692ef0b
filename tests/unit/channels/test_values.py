"""Value classes: what the standard library's frozen dataclasses promise, but for the guard at run time."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from channels import values
from channels.model import Body, ChatRef, Paragraph, SenderRef, Text, TextIn

CHAT = ChatRef(channel="telegram", chat_id="1")
EVENT = TextIn(
    event_id="1",
    chat=CHAT,
    sender=SenderRef(external_id="1"),
    at=datetime(2026, 1, 15, tzinfo=UTC),
    text="привет",
)


def made(**options: Any) -> type[Any]:
    """A class of two fields, as the decorator makes it."""

    class Pair:
        one: int
        two: int = 2

    Pair.__annotations__ = {"one": int, "two": int}
    decorated: type[Any] = values.dataclass(frozen=True, slots=True, **options)(Pair)
    return decorated


def test_equal_values_are_one_key() -> None:
    pair = made()
    assert pair(1) == pair(1, 2) != pair(1, 3)
    assert {pair(1): "found"}[pair(1, 2)] == "found"
    assert not hasattr(pair(1), "__dict__")


def test_without_equality_each_is_itself() -> None:
    pair = made(eq=False)
    assert len({pair(1), pair(1)}) == 2


def test_in_the_development_mode_nothing_can_be_assigned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.values.FROZEN", True)
    pair = made()(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        pair.one = 5
    assert {pair: "found"}[values.replace(pair, two=2)] == "found"


def test_a_changed_copy_is_that_of_the_standard_library() -> None:
    changed = values.replace(EVENT, text="пока", reply_to="7")
    assert changed == dataclasses.replace(EVENT, text="пока", reply_to="7")
    assert (changed.text, changed.reply_to, changed.chat, EVENT.text) == ("пока", "7", CHAT, "привет")
    with pytest.raises(TypeError):
        values.replace(EVENT, nonsense=1)  # type: ignore[call-arg]


def test_a_body_is_found_by_its_words() -> None:
    one, other = (Body((Paragraph((Text(words),)),)) for words in ("доставка", "оплата"))
    assert {one: 1, other: 2}[Body((Paragraph((Text("доставка"),)),))] == 1
    assert hash(values.replace(one, blocks=other.blocks)) == hash(other)
    assert repr(Body()) == "Body(blocks=())"
