"""The twin of `SqlRetention` for the store in memory."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.memory_people import PeopleRows
from optfm_bot.store.records import InboxState, OutboxState
from optfm_bot.store.retention import (
    ENDED_REQUESTS,
    ENDED_TICKETS,
    Cutoff,
    Kind,
    Life,
    Retention,
    Serving,
    Step,
    judge,
)

# ruff: noqa: SLF001 - the other half of the store's own module: it removes what the store itself never does


class MemoryRetention(Retention):
    """Removes rows of a `MemoryStore` by the same judgement as of a database."""

    def __init__(self, store: MemoryStore, *, serving: Serving = tuple) -> None:
        self._store = store
        self._serving = serving

    async def step(self, cutoff: Cutoff, *, after: int, limit: int) -> Step:
        """Look at the next rows and remove what may go."""
        if cutoff.kind in {Kind.IDEMPOTENCY, Kind.FEEDBACK}:
            store = self._store
            old: MutableMapping[Any, Any] = (
                store._idempotency if cutoff.kind is Kind.IDEMPOTENCY else store._feedback
            )
            return _remove(old, [key for key, row in old.items() if row.at < cutoff.before])
        if cutoff.kind is Kind.VERSIONS:
            return self._versions(cutoff.before)
        rows = sorted((row for row in self._lives(cutoff.kind) if row.id > after), key=lambda row: row.id)
        page = judge(rows[:limit], cutoff.before, limit)
        for number in page.doomed:
            self._drop(cutoff.kind, number)
        return Step(removed=len(page.doomed), after=page.after)

    async def close(self) -> None:
        """Nothing to disconnect."""

    def _lives(self, kind: Kind) -> Iterator[Life]:
        store = self._store
        if kind in {Kind.UPDATES, Kind.PARKED}:
            finished = InboxState.DONE if kind is Kind.UPDATES else InboxState.PARKED
            newest = {row["channel"]: row["id"] for row in store._inbox.values()}
            for row in store._inbox.values():
                ended = row["done_at"] if row.get("done_at") is not None else row["received_at"]
                over = row["state"] is finished and row["id"] != newest[row["channel"]]
                yield Life(id=row["id"], began=row["received_at"], ended=ended if over else None)
        elif kind is Kind.OUTBOX:
            for message in store._outbox.values():
                ended = message["sent_at"] if message["sent_at"] is not None else message["created_at"]
                over = message["state"] >= OutboxState.SENT
                yield Life(id=message["id"], began=message["created_at"], ended=ended if over else None)
        elif kind in {Kind.TICKETS, Kind.REQUESTS}:
            yield from _lives_of_people(store._rows, kind)
        else:
            for one in self._simple(kind).values():
                yield Life(id=one.id, began=one.at, ended=one.at)

    def _drop(self, kind: Kind, number: int) -> None:
        store = self._store
        if kind in {Kind.UPDATES, Kind.PARKED}:
            row = store._inbox.pop(number)
            store._keys.pop((row["channel"], row["key"]), None)
        elif kind is Kind.OUTBOX:
            message = store._outbox.pop(number)
            store._answers.discard((message["inbox_id"], message["seq"]))
        elif kind is Kind.TICKETS:
            del store._rows.tickets[number]
            messages = store._rows.messages
            _remove(messages, [key for key, row in messages.items() if row.ticket_id == number])
        elif kind is Kind.REQUESTS:
            del store._rows.requests[number]
            events = store._rows.events
            _remove(events, [key for key, row in events.items() if row.request_id == number])
        else:
            del self._simple(kind)[number]

    def _simple(self, kind: Kind) -> MutableMapping[int, Any]:
        """The rows of kinds that are finished when they come."""
        store = self._store
        rows: dict[Kind, MutableMapping[int, Any]] = {
            Kind.TURNS: store._turns,
            Kind.MISSES: store._misses,
            Kind.PROPOSALS: store._rows.proposals,
        }
        return rows[kind]

    def _versions(self, before: int) -> Step:
        store = self._store
        newest: dict[str, int] = {}
        for row in store._faq_versions.values():
            newest[row.entry_id] = max(newest.get(row.entry_id, 0), row.first_seen_at)
        used = {(row.entry_id, row.entry_version) for row in store._turns.values()}
        used |= {(row.entry_id, row.entry_version) for row in store._feedback.values()}
        used |= set(self._serving())
        doomed = [
            key
            for key, row in store._faq_versions.items()
            if row.first_seen_at < min(before, newest[row.entry_id]) and key not in used
        ]
        return _remove(store._faq_versions, doomed)


def _lives_of_people(rows: PeopleRows, kind: Kind) -> Iterator[Life]:
    if kind is Kind.TICKETS:
        for ticket in rows.tickets.values():
            ended = ticket.closed_at if ticket.closed_at is not None else ticket.updated_at
            over = ticket.status in ENDED_TICKETS
            yield Life(id=ticket.id, began=ticket.opened_at, ended=ended if over else None)
    else:
        for request in rows.requests.values():
            over = request.status in ENDED_REQUESTS
            yield Life(id=request.id, began=request.created_at, ended=request.updated_at if over else None)


def _remove(rows: MutableMapping[Any, Any], keys: list[Any]) -> Step:
    for key in keys:
        del rows[key]
    return Step(removed=len(keys), after=None)
