"""The door for updates: stored first, or not taken at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.model import RawUpdate
from optfm_bot.dispatch.intake import fitting
from optfm_bot.errors import StoreUnavailable


async def test_nothing_is_taken_while_the_store_is_down(desk: Any) -> None:
    async with desk() as d:
        d.store.down = True
        with pytest.raises(StoreUnavailable):
            await d.push("a", "1", key="k")
        assert d.dispatcher.held == 0
        d.store.down = False

        assert await d.push("a", "1", key="k") == 1
        await d.clock.advance(0)
        assert d.handler.texts() == ["1"]


async def test_an_empty_batch_moves_the_cursor_only(desk: Any) -> None:
    async with desk() as d:
        assert await d.intake.receive("t", [], cursor="7") == 0

        assert await d.store.cursor("t") == "7"


async def test_the_cursor_and_its_updates_are_one_transaction(desk: Any) -> None:
    async with desk() as d:
        update = RawUpdate(key="k", lane="a", payload={"key": "k", "text": "1"})
        before = d.store.commits
        d.store.down = True
        with pytest.raises(StoreUnavailable):
            await d.intake.receive("t", [update], cursor="7")
        assert await d.store.cursor("t") is None
        d.store.down = False
        await d.intake.receive("t", [update], cursor="7")

        assert await d.store.cursor("t") == "7"
        assert d.store.commits == before + 1


async def test_the_same_key_twice_in_a_batch_is_one_update(desk: Any) -> None:
    async with desk() as d:
        update = RawUpdate(key="k", lane="a", payload={"key": "k", "text": "1"})
        assert await d.intake.receive("t", [update, update]) == 1
        await d.clock.advance(0)

        assert (d.handler.texts(), d.dispatcher.held) == (["1"], 0)


async def test_an_update_that_is_there_already_is_counted(desk: Any) -> None:
    async with desk() as d:
        await d.push("a", "1", key="k")
        assert d.observer.passed_over == []
        await d.push("a", "1", "1", key="k")

        assert d.observer.passed_over == [("t", "duplicate")] * 2


async def test_long_keys_and_lanes_fit_their_columns_and_stay_what_they_are(desk: Any) -> None:
    async with desk() as d:
        long = "ключ" * 500
        update = RawUpdate(key=long, lane=long, payload={"key": "k", "text": "1"})
        assert await d.intake.receive("t", [update]) == 1
        assert await d.intake.receive("t", [update]) == 0

        (row,) = d.store._inbox.values()
        assert len(row["key"]) <= 255
        assert len(row["lane"]) <= 255


@pytest.mark.parametrize("payload", [{"text": "\ud800"}, {"number": 1 << 80}, {1: "x"}, {"x": object()}])
async def test_an_update_that_is_no_json_takes_none_of_its_batch_with_it(
    desk: Any, payload: dict[Any, Any]
) -> None:
    """A channel that hands over such a thing would otherwise fetch the same batch for ever."""
    async with desk() as d:
        good = RawUpdate(key="good", lane="a", payload={"key": "good", "text": "1"})
        bad = RawUpdate(key="bad", lane="b", payload=payload)
        assert await d.intake.receive("t", [bad, good], cursor="7") == 2
        await d.clock.advance(40)

        assert d.handler.texts("a") == ["1"]
        assert [row.key for row in await d.store.parked()] == ["bad"]
        assert d.dispatcher.held == 0


async def test_a_caller_who_gives_up_loses_no_update(desk: Any) -> None:
    async with desk() as d:
        gate = asyncio.Event()
        commit = d.store._commit

        async def slow(unit: Any) -> None:
            await gate.wait()
            await commit(unit)

        d.store._commit = slow
        task = asyncio.create_task(d.push("a", "1", key="k"))
        await d.clock.advance(0)
        task.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert d.dispatcher.held == 0
        d.store._commit = commit
        await d.push("a", "1", key="k")
        await d.clock.advance(70)

        assert d.handler.texts() == ["1"]


@given(st.text(max_size=600))
def test_fitting_keeps_short_texts_and_gives_long_ones_one_name(text: str) -> None:
    assert len(fitting(text)) <= 255
    assert fitting(text) == fitting(text)
    if len(text) <= 255 and text.isprintable():
        assert fitting(text) == text


def test_long_texts_that_differ_get_different_names() -> None:
    assert fitting("a" * 300) != fitting("a" * 301)
    assert fitting("\ud800") != fitting("\x00")
    assert fitting("\ud800").isascii()
    assert fitting("a\x00").isprintable()
    assert fitting("\ud800" * 300) != fitting("\ud801" * 300)
