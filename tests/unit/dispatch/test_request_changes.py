"""Changes of requests by people of ours: nobody's change is lost under another's, and everybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from optfm_bot.clock import ManualClock
from optfm_bot.dispatch.request_changes import Changed, RequestChange, RequestChanges
from optfm_bot.domain.requests import Refusal
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.request_records import RequestEventRow, RequestRow
from optfm_bot.store.request_records import RequestStatus as Status
from optfm_bot.store.unit import UnitOfWork

NUMBER, NOW = "261121-0001", 1_800_000_000_000


class Contested(MemoryStore):
    """Before each of the first commits somebody else's change is made."""

    def __init__(self) -> None:
        super().__init__()
        self.faster: list[RequestChange] = []

    async def _commit(self, unit: UnitOfWork) -> None:
        faster, self.faster = self.faster, []
        if faster:
            await RequestChanges(self, CLOCK, IDS.__next__).make(NUMBER, faster[0])
        self.faster = faster[1:]
        await super()._commit(unit)


CLOCK = ManualClock()
IDS = count(1000)


@pytest.fixture
async def store() -> Contested:
    made = Contested()
    await made.open()
    row = RequestRow(
        id=1,
        number=NUMBER,
        form="request",
        lane="tg:7",
        person="tg:7",
        fields={},
        created_at=NOW,
        updated_at=NOW,
    )
    async with made.unit() as unit:
        unit.requests.add(row)
        unit.requests.add_event(RequestEventRow(id=1, request_id=1, at=NOW, by="customer", status=Status.NEW))
    return made


def by(name: str, **wanted: Any) -> RequestChange:
    return RequestChange(by=name, **wanted)


async def make(store: MemoryStore, wanted: RequestChange, number: str = NUMBER) -> Changed | None:
    return await RequestChanges(store, CLOCK, IDS.__next__).make(number, wanted)


async def life(store: MemoryStore) -> Sequence[tuple[str, str, str]]:
    return [(one.by, one.status.value, one.comment) for one in await store.request_events(1)]


async def test_a_change_is_made_with_its_step(store: Contested) -> None:
    changed = await make(store, by("Ольга", status=Status.IN_WORK, assignee="Ольга", comment="звоню"))

    assert changed is not None
    assert (changed.refused, changed.row) == (None, await store.request(1))
    assert (changed.row.status, changed.row.assignee) == (Status.IN_WORK, "Ольга")
    assert changed.row.updated_at > NOW
    assert await life(store) == [("customer", "new", ""), ("Ольга", "in_work", "звоню")]


@pytest.mark.parametrize(
    ("faster", "wanted", "why"),
    [
        (by("О", status=Status.IN_WORK), by("П", status=Status.IN_WORK), Refusal.ALREADY),
        (by("О", status=Status.CANCELLED), by("П", status=Status.DONE), Refusal.FINISHED),
        (by("О", status=Status.DONE), by("П", assignee="П"), Refusal.FINISHED),
        (by("О", assignee="О"), by("П", assignee="П"), Refusal.OVERTAKEN),
        (by("О", status=Status.IN_WORK), by("П", status=Status.DONE), Refusal.OVERTAKEN),
        (by("О", comment="звонила"), by("П", status=Status.DONE), Refusal.OVERTAKEN),
        (by("О", comment="звонила"), by("П", comment="не надо", seen=NOW), Refusal.OVERTAKEN),
    ],
)
async def test_the_second_of_two_overwrites_nothing_and_is_told(
    store: Contested, faster: RequestChange, wanted: RequestChange, why: Refusal
) -> None:
    store.faster = [faster]
    changed = await make(store, wanted)

    assert changed is not None
    assert (changed.refused, changed.row) == (why, await store.request(1))
    assert [step[0] for step in await life(store)] == ["customer", "О"]


async def test_a_remark_stands_beside_what_happened_and_says_what_the_request_was(store: Contested) -> None:
    store.faster = [by("О", status=Status.IN_WORK, assignee="О")]
    changed = await make(store, by("П", comment="перезвонит"))

    assert changed is not None
    assert changed.refused is None
    assert (changed.row.status, changed.row.assignee) == (Status.IN_WORK, "О")
    assert await life(store) == [
        ("customer", "new", ""),
        ("О", "in_work", ""),
        ("П", "in_work", "перезвонит"),
    ]


async def test_a_remark_that_never_gets_a_turn_is_given_up(store: Contested) -> None:
    store.faster = [by("О", comment=f"{n}") for n in range(99)]
    changed = await make(store, by("П", comment="x"))

    assert changed is not None
    assert changed.refused is Refusal.OVERTAKEN


async def test_of_many_at_once_one_is_first_and_the_life_is_true(store: Contested) -> None:
    names = [f"{n}" for n in range(20)]
    wanted = [by(name, status=Status.IN_WORK, assignee=name) for name in names]
    found = await asyncio.gather(*(make(store, one) for one in wanted))

    made = [one.row.assignee for one in found if one is not None and one.refused is None]
    row = await store.request(1)
    assert row is not None
    assert made == [row.assignee]
    assert [step[0] for step in await life(store)] == ["customer", row.assignee]


async def test_a_request_that_there_is_not_or_not_any_more(
    store: Contested, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await make(store, by("П", comment="x"), "999999-9999") is None
    found = await store.request_numbered(NUMBER)
    store._rows.requests.clear()  # housekeeping was faster

    async def stale(_: str) -> RequestRow | None:
        return found

    monkeypatch.setattr(store, "request_numbered", stale)
    assert await make(store, by("П", comment="x")) is None
    assert len(await life(store)) == 1
