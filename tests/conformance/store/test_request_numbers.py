"""The numbers of requests, with whole houses on every store: two processes never give one number to two requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from faq import FaqEntry
from optfm_bot.domain.requests import number_of
from optfm_bot.store.contract import Store
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.sql import SqlStore
from optfm_bot.testing.stage import Person, Stage

FAQ = (FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой."),)
TAKEN = "260115-0007"


@pytest.fixture
def door(store: Store) -> Callable[[], Store]:
    """Makes stores of other processes over the same rows."""

    def make() -> Store:
        if isinstance(store, MemoryStore):
            return store.beside()
        assert isinstance(store, SqlStore)
        return SqlStore(store._url.render_as_string(hide_password=False))

    return make


async def fills_in(person: Person) -> None:
    for text in ("/request", "Анна", "+7 900 123-45-67", "пропустить", "Нужен счёт"):
        await person.says(text)


async def test_a_clash_of_two_processes_at_once_ends_in_two_numbers(
    store: Store, door: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        on = [
            await stack.enter_async_context(Stage(FAQ, store=door(), first_update=first)) for first in (1, 99)
        ]
        people = [stage.person(name) for stage, name in zip(on, ("Анна", "Борис"), strict=True)]
        for person in people:
            await fills_in(person)
        given: list[str] = []

        def clashing(*facts: Any) -> str:
            given.append(TAKEN if len(given) < len(on) else number_of(*facts))
            return given[-1]

        monkeypatch.setattr("optfm_bot.dispatch.answering.number_of", clashing)
        await asyncio.gather(*(person.says("да") for person in people))

        rows = await store.requests()
        assert given[:2] == [TAKEN, TAKEN]
        assert sorted(row.number for row in rows) == sorted([TAKEN, given[2]])
        for person in people:
            told = person.inbox[-1].message.text
            (number,) = (row.number for row in rows if row.person == f"stage:{person.sender.external_id}")
            assert number in told
            assert sum("принята" in one.message.text for one in person.inbox) == 1
        assert await store.parked() == []
        assert [len(await store.request_events(row.id)) for row in rows] == [1, 1]
