"""Requests with their lives, and answers that our people gave, whatever the database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from optfm_bot.errors import StoreConflict
from optfm_bot.store.contract import Store
from optfm_bot.store.request_records import (
    ProposalRow,
    ProposalStatus,
    RequestEventRow,
    RequestRow,
    RequestStatus,
)

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
        unit.requests.change(1, status=RequestStatus.IN_WORK, assignee="Ольга", at=NOW + 50)
        unit.requests.add_event(event(12, 1, status=RequestStatus.IN_WORK, comment="Перезвоню\x00"))
        unit.requests.add_event(event(11, 1))
        unit.requests.add_event(event(13, 2))
    async with store.unit() as unit:
        unit.requests.change(1, status=RequestStatus.DONE, at=NOW + 60)
        unit.requests.change(99, status=RequestStatus.DONE, at=NOW + 60)

    done = request(1, status=RequestStatus.DONE, assignee="Ольга", updated_at=NOW + 60)
    assert await store.requests() == [done]
    assert await store.request_events(1) == [
        event(11, 1),
        event(12, 1, status=RequestStatus.IN_WORK, comment="Перезвоню"),
    ]
    assert await store.request_events(3) == []


async def test_an_agent_may_be_taken_off_a_request(store: Store) -> None:
    await add(store, request(1, assignee="Ольга"))
    async with store.unit() as unit:
        unit.requests.change(1, status=RequestStatus.NEW, assignee="", at=NOW)

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
