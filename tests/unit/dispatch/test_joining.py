"""Quick messages of one person are one question."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.model import ActionIn, ChatRef, Inbound, LeftIn, MediaIn, SenderRef, StartIn, TextIn
from optfm_bot.dispatch.joining import Parsed, begins, continues, join
from optfm_bot.store.records import StoredUpdate

WINDOW = {"join_window": 1.0}


async def test_quick_messages_are_joined_when_the_window_closes(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        await d.push("a", "how")
        await d.clock.advance(0.5)
        await d.push("a", "much")
        await d.clock.advance(0.9)
        assert d.handler.texts() == []
        await d.clock.advance(0.2)

        assert d.handler.texts() == ["how\nmuch"]


async def test_what_can_be_answered_for_sure_does_not_wait(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        await d.push("a", "sure")
        await d.clock.advance(0)

        assert d.handler.texts() == ["sure"]


async def test_joining_ends_the_moment_the_whole_is_sure(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        await d.push("a", "how")
        await d.clock.advance(0.2)
        await d.push("a", "sure")
        await d.clock.advance(0)

        assert d.handler.texts() == ["how\nsure"]


async def test_what_comes_after_the_window_is_another_question(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        await d.push("a", "one")
        await d.clock.advance(1.1)
        await d.push("a", "two")
        await d.clock.advance(1.1)

        assert d.handler.texts() == ["one", "two"]


async def test_a_backlog_is_joined_without_waiting(desk: Any) -> None:
    """What lay in the store is old: its window has closed."""
    async with desk(**WINDOW) as d:
        await d.stop()
        await d.push("a", "one", "two")
        await d.clock.advance(60)
        async with desk(store=d.store, clock=d.clock, owner="next", **WINDOW) as again:
            await d.clock.advance(0)
            assert again.handler.texts() == ["one\ntwo"]


async def test_a_correction_inside_the_window_replaces_what_it_corrects(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        await d.push("a", "haw much", id="m1")
        await d.push("a", "is it")
        await d.push("a", "how much", id="m1", edit=True)
        await d.clock.advance(1.1)

        assert d.handler.texts() == ["how much\nis it"]
        assert await d.left() == []


async def test_a_correction_of_another_message_is_not_joined(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        await d.push("a", "one", id="m1")
        await d.push("a", "two", id="m0", edit=True)
        await d.clock.advance(1.1)

        assert d.handler.groups == [["a-1"], ["a-2"]]


async def test_another_person_in_the_same_group_is_not_joined(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        await d.push("g", "one", who="anna", group=True)
        await d.push("g", "two", who="boris", group=True)
        await d.clock.advance(2.2)

        assert d.handler.texts() == ["one", "two"]


async def test_a_command_stands_alone(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        await d.push("a", "one")
        await d.push("a", "/help")
        await d.clock.advance(0)

        assert d.handler.texts() == ["one", "/help"]


async def test_a_poison_update_behind_is_not_charged_to_the_one_before_it(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        d.handler.unreadable["poison"] = KeyError("a bug of the channel")
        await d.push("a", "one")
        await d.push("a", "poison")
        await d.clock.advance(40)

        assert d.handler.texts() == ["one"]
        (parked,) = await d.store.parked()
        assert parked.key == "a-2"


async def test_an_album_is_one_message(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        for _ in range(3):
            await d.push("a", "", media="photo", album="x")
        await d.clock.advance(1.1)

        assert d.handler.groups == [["a-1", "a-2", "a-3"]]


async def test_stopping_while_waiting_answers_what_is_there(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        await d.push("a", "one")
        await d.clock.advance(0.1)
        now = d.clock.monotonic()
        await d.dispatcher.stop(10)

        assert d.clock.monotonic() == now
        assert (d.handler.texts(), await d.left()) == (["one"], [])


async def test_a_group_that_fails_is_tried_again_whole_and_loses_nobody(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        d.handler.script["one\ntwo"] = [KeyError("bug")] * 4
        await d.push("a", "one", "two")
        await d.clock.advance(40)

        assert [row.key for row in await d.store.parked()] == ["a-1"]
        assert d.handler.texts() == ["two"]


async def test_the_window_of_one_holds_nobody_else_back(desk: Any) -> None:
    async with desk(**WINDOW) as d:
        await d.push("a", "one")
        await d.push("b", "sure")
        await d.clock.advance(0)

        assert d.handler.texts() == ["sure"]


FACTS: dict[str, Any] = {
    "event_id": "1",
    "message_id": "m1",
    "chat": ChatRef(channel="t", chat_id="a"),
    "at": datetime(2026, 1, 15, tzinfo=UTC),
}
ANNA, ROBOT = SenderRef(external_id="anna"), SenderRef(external_id="robot", is_bot=True)


def parsed(*events: Inbound) -> Parsed:
    update = StoredUpdate(id=1, channel="t", key="1", lane="a", payload=b"{}", received_at=0)
    return Parsed(update=update, events=events)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (TextIn(text="how", sender=ANNA, **FACTS), True),
        (MediaIn(kind="photo", sender=ANNA, **FACTS), True),
        (TextIn(text="  /help", sender=ANNA, **FACTS), False),
        (TextIn(text="how", sender=ROBOT, **FACTS), False),
        (TextIn(text="how", sender=ANNA, addressed=False, **FACTS), False),
        (MediaIn(kind="photo", sender=ANNA, addressed=False, **FACTS), False),
        (ActionIn(token="x", sender=ANNA, **FACTS), False),
        (StartIn(sender=ANNA, **FACTS), False),
        (LeftIn(sender=ANNA, **FACTS), False),
    ],
)
def test_only_plain_words_to_us_by_a_person_begin_a_group(event: Inbound, expected: bool) -> None:  # noqa: FBT001 - a case of the table
    assert begins(parsed(event)) is expected


def test_an_update_with_several_events_is_never_joined() -> None:
    event = TextIn(text="how", sender=ANNA, **FACTS)

    assert not begins(parsed(event, event))
    assert not begins(parsed())
    assert not continues([parsed(event)], parsed(event, event))


def test_captions_texts_and_kinds_of_a_group_are_all_kept() -> None:
    photo = MediaIn(
        kind="photo", caption="this one", group_id="x", sender=ANNA, **{**FACTS, "message_id": "m2"}
    )
    text = TextIn(text="how much", sender=ANNA, is_group=True, **{**FACTS, "message_id": "m3"})
    said = join([parsed(photo), parsed(text), parsed(TextIn(text="  ", sender=ANNA, **FACTS))])

    assert (said.text, said.media, said.album) == ("this one\nhow much", ("photo",), "x")
    assert said.message_id == "m1"


async def test_nothing_is_joined_when_the_window_is_off(desk: Any) -> None:
    async with desk() as d:
        d.handler.gates["one"] = asyncio.Event()
        d.handler.gates["one"].set()
        await d.push("a", "one", "two")
        await d.clock.advance(0)

        assert d.handler.texts() == ["one", "two"]
