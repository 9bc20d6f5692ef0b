"""Requests with their lives, and answers that our people gave, whatever the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from optfm_bot.errors import StoreConflict, StoreOutdated
from optfm_bot.store.contract import Store
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.request_records import (
    ProposalRow,
    ProposalStatus,
    RequestEventRow,
    RequestRow,
    RequestStatus,
)
from optfm_bot.store.sql import SqlStore

NOW = 1_760_000_000_000


def request(number: int, **facts: Any) -> RequestRow:
    known: dict[str, Any] = {
        "number": f"З-{number}",
        "form": "callback",
        "lane": "tg:7",
        "person": "tg:7",
        "fields": {"phone": "+7 900 000-00-00", "name": "Анна", "city": ""},
        "created_at": NOW + number,
        "updated_at": NOW + number,
    }
    return RequestRow(id=number, **{**known, **facts})


def event(number: int, request_id: int, **facts: Any) -> RequestEventRow:
    known: dict[str, Any] = {"at": NOW + number, "by": "tg:7", "status": RequestStatus.NEW}
    return RequestEventRow(id=number, request_id=request_id, **{**known, **facts})


def proposal(number: int, **facts: Any) -> ProposalRow:
    known: dict[str, Any] = {
        "lane": "tg:7",
        "question": "Есть ли самовывоз?",
        "answer": "Да, с девяти до шести.",
        "source": f"freescout:77#{number}",
        "by": "Ольга",
        "at": NOW,
    }
    return ProposalRow(id=number, **{**known, **facts})


async def add(store: Store, *rows: RequestRow) -> None:
    for row in rows:
        async with store.unit() as unit:
            unit.requests.add(row)


@pytest.fixture
async def other(store: Store) -> AsyncIterator[Store]:
    """The store of another process over the same rows."""
    made: Store
    if isinstance(store, MemoryStore):
        made = store.beside()
    else:
        assert isinstance(store, SqlStore)
        made = SqlStore(store._url.render_as_string(hide_password=False))
    await made.open()
    yield made
    await made.close()


async def change(
    store: Store, seen: RequestRow, number: int, status: RequestStatus, *, assignee: str | None = None
) -> int:
    """Change a request that was seen so, with a step of its life; gives the moment."""
    async with store.unit() as unit:
        at = unit.requests.change(
            seen.id, seen=seen.updated_at, status=status, assignee=assignee, at=NOW + 100
        )
        unit.requests.add_event(event(number, seen.id, status=status, at=at))
    return at


async def life(store: Store, request_id: int = 1) -> list[tuple[int, str]]:
    return [(one.id, one.status.value) for one in await store.request_events(request_id)]


async def test_a_request_is_found_as_it_was_written(store: Store) -> None:
    row = request(1)
    await add(store, row)

    assert await store.request(1) == row
    found = await store.request_numbered("З-1")
    assert found == row
    assert list(found.fields) == ["phone", "name", "city"]
    assert await store.request(2) is None
    assert await store.request_numbered("З-2") is None


@pytest.mark.parametrize("same", ["id", "number"])
async def test_a_number_belongs_to_one_request(store: Store, same: str) -> None:
    first = request(1)
    await add(store, first)
    with pytest.raises(StoreConflict):
        await add(store, replace(request(2), **{same: getattr(first, same)}))

    assert await store.requests() == [first]


async def test_a_request_changes_and_its_life_is_on_record(store: Store) -> None:
    await add(store, request(1))
    async with store.unit() as unit:
        unit.requests.change(1, seen=NOW + 1, status=RequestStatus.IN_WORK, assignee="Ольга", at=NOW + 50)
        unit.requests.add_event(event(12, 1, status=RequestStatus.IN_WORK, comment="Перезвоню\x00"))
        unit.requests.add_event(event(11, 1))
        unit.requests.add_event(event(13, 2))
    async with store.unit() as unit:
        unit.requests.change(1, seen=NOW + 50, status=RequestStatus.DONE, at=NOW + 60)

    done = request(1, status=RequestStatus.DONE, assignee="Ольга", updated_at=NOW + 60)
    assert await store.requests() == [done]
    assert await store.request_events(1) == [
        event(11, 1),
        event(12, 1, status=RequestStatus.IN_WORK, comment="Перезвоню"),
    ]
    assert await store.request_events(3) == []


async def test_a_change_of_what_is_not_so_any_more_is_refused_with_everything(
    store: Store, other: Store
) -> None:
    seen = request(1)
    await add(store, seen)
    await change(other, seen, 11, RequestStatus.IN_WORK, assignee="Ольга")
    for status in (RequestStatus.DONE, RequestStatus.IN_WORK):
        with pytest.raises(StoreOutdated):
            await change(store, seen, 12, status, assignee="Олег")
    with pytest.raises(StoreOutdated):
        await change(store, request(99), 13, RequestStatus.DONE)  # nobody knows such a request

    (row,) = await store.requests()
    assert (row.status, row.assignee) == (RequestStatus.IN_WORK, "Ольга")
    assert (await life(store), await life(store, 99)) == ([(11, "in_work")], [])
    await change(store, row, 12, RequestStatus.DONE)
    assert await life(other) == [(11, "in_work"), (12, "done")]


async def test_every_change_is_later_than_the_one_before_whatever_the_clock_says(store: Store) -> None:
    seen = request(1, updated_at=NOW + 500)
    await add(store, seen)
    first = await change(store, seen, 19, RequestStatus.IN_WORK)
    second = await change(store, replace(seen, updated_at=first), 11, RequestStatus.DONE)

    assert (first, second) == (NOW + 501, NOW + 502)
    assert await life(store) == [(19, "in_work"), (11, "done")]  # the order of what happened, not of the ids
    with pytest.raises(StoreOutdated):
        await change(store, replace(seen, updated_at=first), 12, RequestStatus.CANCELLED)


async def test_of_changes_in_the_same_moment_one_is_made(store: Store, other: Store) -> None:
    seen = request(1)
    await add(store, seen)
    tries = [
        change(place, seen, 10 + number, RequestStatus.IN_WORK, assignee=f"{number}")
        for number, place in enumerate([store, other, store, other, store, other])
    ]
    found = await asyncio.gather(*tries, return_exceptions=True)

    made = [number for number, one in enumerate(found) if isinstance(one, int)]
    assert len(made) == 1
    assert all(isinstance(one, int | StoreOutdated) for one in found)
    (row,) = await store.requests()
    assert row.assignee == f"{made[0]}"
    assert await life(store) == [(10 + made[0], "in_work")]


async def test_an_outdated_change_does_no_harm_to_those_of_its_transaction(store: Store) -> None:
    await add(store, request(1), request(2))
    tries = [
        change(store, request(1, updated_at=NOW), 11, RequestStatus.DONE),
        change(store, request(2), 12, RequestStatus.DONE),
        add(store, request(3)),
    ]
    refused, *made = await asyncio.gather(*tries, return_exceptions=True)

    assert isinstance(refused, StoreOutdated)
    assert not [one for one in made if isinstance(one, Exception)]
    statuses = [row.status.value for row in await store.requests()]
    assert statuses == ["new", "done", "new"]
    assert await life(store) == []


async def test_an_agent_may_be_taken_off_a_request(store: Store) -> None:
    await add(store, request(1, assignee="Ольга"))
    async with store.unit() as unit:
        unit.requests.change(1, seen=NOW + 1, status=RequestStatus.NEW, assignee="", at=NOW)

    found = await store.request(1)
    assert found is not None
    assert found.assignee == ""


async def test_a_step_is_written_once(store: Store) -> None:
    for refused in (False, True):
        try:
            async with store.unit() as unit:
                unit.requests.add_event(event(1, 1))
        except StoreConflict:
            assert refused
        else:
            assert not refused


async def test_requests_are_listed_newest_first_by_what_is_asked(store: Store) -> None:
    await add(
        store,
        request(1),
        request(2, person="tg:8", lane="tg:8"),
        request(3, lane="tg:group 1", status=RequestStatus.DONE),
        request(4, form="complaint"),
        request(5),
    )

    async def ids(**asked: Any) -> list[int]:
        return [row.id for row in await store.requests(**asked)]

    assert await ids() == [5, 4, 3, 2, 1]
    assert await ids(person="tg:7") == [5, 4, 3, 1]
    assert await ids(lane="tg:7") == [5, 4, 1]
    assert await ids(status=RequestStatus.DONE) == [3]
    assert await ids(form="callback", before=5, limit=2) == [3, 2]
    assert await ids(since=NOW + 4) == [5, 4]
    assert await ids(person="tg:7", form="callback", status=RequestStatus.NEW, since=NOW + 2) == [5]
    assert await ids(person="nobody") == []


async def test_answers_are_in_the_words_of_people(store: Store) -> None:
    await add(store, request(1, fields={"city": 'Йошкар-"Ола"\n', "odd": "a\x00\ud83d"}))

    found = await store.request(1)
    assert found is not None
    assert found.fields == {"city": 'Йошкар-"Ола"\n', "odd": "a?"}


async def test_of_one_source_the_first_proposal_is_kept(store: Store) -> None:
    first = proposal(1)
    for row in (first, first, proposal(2, source=first.source, answer="Нет."), proposal(3)):
        async with store.unit() as unit:
            unit.history.add_proposal(row)

    assert await store.proposals() == [proposal(3), first]


async def test_proposals_are_listed_by_what_the_owner_thinks(store: Store) -> None:
    async with store.unit() as unit:
        for number in range(1, 6):
            unit.history.add_proposal(proposal(number))
    async with store.unit() as unit:
        unit.history.change_proposal(2, status=ProposalStatus.TAKEN)
        unit.history.change_proposal(4, status=ProposalStatus.REJECTED)
        unit.history.change_proposal(9, status=ProposalStatus.TAKEN)

    async def ids(**asked: Any) -> list[int]:
        return [row.id for row in await store.proposals(**asked)]

    assert await ids(status=ProposalStatus.NEW) == [5, 3, 1]
    assert await ids(status=ProposalStatus.NEW, before=5, limit=1) == [3]
    assert await store.proposals(status=ProposalStatus.TAKEN) == [proposal(2, status=ProposalStatus.TAKEN)]
    assert await ids(limit=2) == [5, 4]
