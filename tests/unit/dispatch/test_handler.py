"""Handling, with the whole house around it in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from channels.errors import Gone, MarkupRejected, Unauthorized, Unreachable
from channels.model import ActionIn, ChatRef, SenderRef, TextIn
from faq import FaqEntry
from optfm_bot.blueprint import HouseSettings
from optfm_bot.errors import StoreConflict, StoreUnavailable
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import OutboxState
from optfm_bot.store.unit import Op, UnitOfWork
from optfm_bot.testing.stage import Stage

FAQ = (FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой."),)


class ShakyStore(MemoryStore):
    """Refuses the units that hold a certain kind of change, so many times."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []
        self.about: Op = Op.INBOX_DONE

    async def _commit(self, unit: UnitOfWork) -> None:
        if self.errors and any(op is self.about for op, _ in unit.changes):
            raise self.errors.pop(0)
        await super()._commit(unit)


def stage(**options: Any) -> Stage:
    return Stage(FAQ, **options)


def free_places(on: Stage) -> int:
    return on.house.deliveries["stage"].places


async def test_a_message_is_answered_after_a_store_that_was_down_for_half_a_minute() -> None:
    """Waiting for the store is not the person's flood, however often the same message is handled."""
    store = ShakyStore()
    async with stage(store=store, settings=HouseSettings(join_window=0, person_per_minute=5)) as on:
        anna = on.person()
        store.errors = [StoreUnavailable() for _ in range(60)]
        await anna.says("как оплатить заказ")

        anna.sees("Картой")
        anna.sees_nothing()
        assert free_places(on) == 32


async def test_a_button_pressed_while_the_store_is_down_is_answered_too() -> None:
    store = ShakyStore()
    async with stage(store=store) as on:
        anna = on.person()
        await anna.says("как оплатить заказ")
        anna.sees("Картой")
        store.errors = [StoreUnavailable() for _ in range(20)]
        await anna.presses("👍 Помогло")

        anna.sees("Рад, что помогло")
        assert await store.parked() == []
        assert free_places(on) == 32


async def test_a_conflict_on_a_button_is_tried_again_and_costs_no_place() -> None:
    store = ShakyStore()
    async with stage(store=store) as on:
        anna = on.person()
        await anna.says("как оплатить заказ")
        store.errors = [StoreConflict()]
        await anna.presses("👍 Помогло")

        anna.sees("Картой")
        anna.sees("Рад, что помогло")
        assert free_places(on) == 32


@pytest.mark.parametrize("error", [Unreachable(maybe_sent=False), KeyError("a bug of the channel")])
async def test_an_acknowledgement_that_fails_costs_no_answer(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage() as on:
        anna = on.person()
        await anna.says("как оплатить заказ")

        async def broken(action: ActionIn, notice: str = "") -> None:
            raise error

        monkeypatch.setattr(on.platform, "acknowledge_action", broken)
        await anna.presses("👍 Помогло")

        anna.sees("Картой")
        anna.sees("Рад, что помогло")
        anna.sees_nothing()


async def test_an_acknowledgement_that_hangs_is_ended_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as on:
        anna = on.person()
        await anna.says("как оплатить заказ")

        async def hanging(action: ActionIn, notice: str = "") -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(on.platform, "acknowledge_action", hanging)
        await anna.presses("👍 Помогло")

        anna.sees("Картой")
        anna.sees("Рад, что помогло")


async def test_who_has_gone_gets_nothing_until_they_write_again() -> None:
    async with stage() as on:
        anna = on.person()
        on.platform.refuse = [Gone()]
        anna.writes("как оплатить заказ")
        anna.writes("как оплатить заказ")
        await on.settle()
        assert [row.state for row in await on.store.closed("stage")] == [OutboxState.DROPPED] * 2
        assert (await on.store.people(["stage:id-Анна"]))["stage:id-Анна"].gone_at is not None
        anna.sees_nothing()
        await anna.says("как оплатить заказ")

        anna.sees("Картой")
        assert (await on.store.people(["stage:id-Анна"]))["stage:id-Анна"].gone_at is None


async def test_messages_that_wait_for_somebody_who_has_gone_are_dropped() -> None:
    store = MemoryStore()
    async with stage(store=store) as on:
        anna = on.person()
        await anna.says("как оплатить заказ")
        on.platform.refuse = [Unauthorized()]
        anna.writes("как оплатить заказ")
        for _ in range(200):
            await asyncio.sleep(0)
        await on.house._handler.gone(str(anna.chat))
        on.house.deliveries["stage"].resume()
        await on.settle()

        (row,) = await store.closed("stage")
        assert (row.state, row.error) == (OutboxState.DROPPED, "the person has left")
        assert len(anna.inbox) == 1
        assert on.metric("optfm_messages_sent_total", channel="stage", result="dropped") == 1


async def test_uncertain_and_failed_messages_are_counted() -> None:
    async with stage(delivery=DeliverySettings(per_chat=0, per_bot=0, max_attempts=1)) as on:
        anna = on.person()
        on.platform.refuse = [Unreachable(maybe_sent=True), Unreachable(maybe_sent=False)]
        for _ in range(2):
            await anna.says("как оплатить заказ")

        assert [row.state for row in await on.store.closed("stage")] == [
            OutboxState.FAILED,
            OutboxState.UNCERTAIN,
        ]
        for result in ("failed", "uncertain"):
            assert on.metric("optfm_messages_sent_total", channel="stage", result=result) == 1
        assert free_places(on) == 32


async def test_one_answer_per_update_even_if_another_process_had_it_too() -> None:
    """A lease that ran out while we were busy: the other one's answer stands, ours is not sent."""
    store = ShakyStore()
    async with stage(store=store) as on:
        anna = on.person()
        commit = store._commit

        async def overtaken(unit: UnitOfWork) -> None:
            if any(op is Op.INBOX_DONE for op, _ in unit.changes):
                store._commit = commit  # type: ignore[method-assign]
                await commit(unit)
                raise StoreConflict
            await commit(unit)

        store._commit = overtaken  # type: ignore[method-assign]
        await anna.says("как оплатить заказ")

        anna.sees_nothing()
        assert free_places(on) == 32
        assert (await store.counts()).inbox_new == {}


async def test_markup_that_is_refused_is_sent_again_as_plain_words() -> None:
    async with stage() as on:
        anna = on.person()
        on.platform.refuse = [MarkupRejected()]
        await anna.says("как оплатить заказ")

        # This platform writes plain text anyway, so there is nothing simpler to send.
        assert [row.state for row in await on.store.closed("stage")] == [OutboxState.FAILED]
        assert free_places(on) == 32


async def test_an_update_with_several_events_is_answered_event_by_event() -> None:
    async with stage() as on:
        facts: dict[str, Any] = {
            "chat": ChatRef(channel="stage", chat_id="chat-Анна"),
            "sender": SenderRef(external_id="id-Анна"),
            "at": on.clock.now(),
        }
        on.platform.push(
            TextIn(text="как оплатить заказ", event_id="1", message_id="1", **facts),
            TextIn(text="спасибо", event_id="2", message_id="2", **facts),
        )
        await on.settle()
        anna = on.person()

        anna.sees("Картой")
        anna.sees("Пожалуйста")
        assert free_places(on) == 32
        assert len(await on.store.turns(str(anna.chat))) == 4


async def test_an_update_of_a_channel_that_is_gone_from_the_settings_is_parked() -> None:
    async with stage() as on:
        from channels.model import RawUpdate  # noqa: PLC0415 - used once

        await on.house.intake.receive("removed", [RawUpdate(key="1", lane="x", payload={})])
        await on.settle()

        (row,) = await on.store.parked()
        assert "not configured" in (row.error or "")


async def test_a_hundred_chats_at_once_are_all_answered() -> None:
    async with stage() as on:
        people = [on.person(f"p{number}") for number in range(100)]
        for person in people:
            person.writes("как оплатить заказ")
        await on.settle()

        for person in people:
            person.sees("Картой")
            person.sees_nothing()
        assert free_places(on) == 32


async def test_hostile_texts_and_names_are_stored_and_answered() -> None:
    async with stage() as on:
        for number, words in enumerate(("\x00", "как \x00оплатить\x00 заказ", "\u202e" * 100, "👍🏽" * 500)):
            person = on.person(f"Анна\x00{number}")
            await person.says(words)
            person.sees()
            turn = (await on.store.turns(str(person.chat)))[0]
            assert "\x00" not in turn.text
