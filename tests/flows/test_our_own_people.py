"""A person of ours in the talk, messages that are taken back, and messages that never arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import CapturingLogger

from channels.errors import RetryLater
from optfm_bot.blueprint import HouseSettings
from optfm_bot.domain.manners import ReceptionSettings
from optfm_bot.people import PeopleSettings
from optfm_bot.testing.stage import Stage

PAUSE = HouseSettings(
    join_window=0,
    person_per_minute=0,
    people=PeopleSettings(reception=ReceptionSettings(owner_pause=30 * 60 * 1000)),
)


async def test_while_one_of_us_talks_the_bot_is_silent(stage_with: Callable[..., Stage]) -> None:
    async with stage_with(settings=PAUSE) as stage:
        anna, boris = stage.person("Анна"), stage.person("Борис")
        await anna.hears_from_us("Добрый день, это Ольга, сейчас всё расскажу")
        await anna.says("сколько стоит доставка")
        await anna.edits("id-Анна-2", "как оплатить заказ")
        anna.sees_nothing()

        await boris.says("сколько стоит доставка")
        boris.sees("300 ₽")

        await stage.clock.advance(31 * 60)
        await anna.says("как оплатить заказ")
        anna.sees("По счёту")


async def test_an_answer_that_is_late_does_not_interrupt_one_of_us(stage: Stage) -> None:
    anna = stage.person()
    stage.platform.refuse = [RetryLater("busy")]
    anna.writes("сколько стоит доставка")
    while stage.platform.refuse:  # noqa: ASYNC110 - the clock stands still until we move it
        await asyncio.sleep(0)
    await anna.hears_from_us("Доставка бесплатная, я всё оформлю")

    anna.sees_nothing()
    lane = str(anna.chat)
    assert [turn.kind for turn in await stage.store.turns(lane)] == ["text", "answer", "owner"]
    (closed,) = await stage.store.closed("stage")
    assert closed.error == "one of our own people is talking here"


async def test_the_talk_stays_the_customers_when_one_of_us_writes(stage: Stage) -> None:
    anna = stage.person()
    await anna.says("сколько стоит доставка")
    await anna.hears_from_us("Я на связи")

    lane = str(anna.chat)
    assert '"person":"stage:id-Анна"' in (await stage.store.conversations([lane]))[lane].state
    assert "stage:id-owner" not in await stage.store.people(["stage:id-owner"])


async def test_a_message_taken_back_is_kept_in_the_history_and_not_answered(stage: Stage) -> None:
    anna = stage.person()
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    await anna.takes_back("id-Анна-1")

    anna.sees_nothing()
    assert [t.kind for t in await stage.store.turns(str(anna.chat))] == ["text", "answer", "removed"]


async def test_a_message_that_did_not_arrive_is_told_to_the_operator(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()  # a logger may keep the output of the test that used it first
    monkeypatch.setattr("optfm_bot.dispatch.answering.log", log)
    anna = stage.person()
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    await anna.misses("m1", reason="noAccount")

    anna.sees_nothing()
    (told,) = (call for call in log.calls if call.args == ("message.undelivered",))
    assert (told.method_name, told.kwargs["reason"]) == ("warning", "noAccount")
    assert stage.metric("optfm_answers_total", channel="stage", outcome="undelivered") == 1
