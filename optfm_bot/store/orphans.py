"""Rows that nobody will ever come back to, and pairs of rows that contradict each other: for who checks a database."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import URL, ColumnElement, Select, Table, func, select

from optfm_bot.store import people_tables as p
from optfm_bot.store import tables as t
from optfm_bot.store.engine import reader_engine
from optfm_bot.store.faults import translated
from optfm_bot.store.records import InboxState, OutboxState


def questions(channels: Collection[str]) -> Mapping[str, Select[int]]:
    """What to count, by name. `channels` are the instances that the bot serves. Pure."""
    inbox, outbox, turns = t.inbox.c, t.outbox.c, t.turns.c
    named = list(channels)
    waiting, unsent = inbox.state == InboxState.NEW.value, outbox.state < OutboxState.SENT.value
    no_turn = ~select(turns.id).where(turns.id == t.feedback.c.turn_id).exists()
    no_token = ~select(t.api_tokens.c.id).where(t.api_tokens.c.id == t.api_requests.c.token_id).exists()
    no_ticket = ~select(p.tickets.c.id).where(p.tickets.c.id == p.ticket_messages.c.ticket_id).exists()
    no_request = ~select(p.requests.c.id).where(p.requests.c.id == p.request_events.c.request_id).exists()
    return {
        "updates_of_no_channel": _count(t.inbox, waiting, inbox.channel.not_in(named)),
        "messages_of_no_channel": _count(t.outbox, unsent, outbox.channel.not_in(named)),
        "updates_in_no_state": _count(t.inbox, inbox.state.not_in([state.value for state in InboxState])),
        "messages_in_no_state": _count(t.outbox, outbox.state.not_in([state.value for state in OutboxState])),
        # An answer and the end of its update are written together, so one without the other is damage.
        "answers_to_waiting_updates": select(func.count())
        .select_from(t.outbox.join(t.inbox, outbox.inbox_id == inbox.id))
        .where(waiting),
        "opinions_on_no_message": _count(t.feedback, no_turn),
        "requests_of_no_token": _count(t.api_requests, no_token),
        "messages_of_no_ticket": _count(p.ticket_messages, no_ticket),
        "steps_of_no_request": _count(p.request_events, no_request),
    }


async def orphans(url: URL, channels: Collection[str]) -> Mapping[str, int]:
    """Count those there are; what is in order is left out. Raises `StoreUnavailable`."""
    found = {}
    with translated(url):
        engine = reader_engine(url, connections=1)
        try:
            async with engine.connect() as connection:
                for name, question in questions(channels).items():
                    found[name] = int((await connection.execute(question)).scalar_one())
        finally:
            await engine.dispose()
    return {name: number for name, number in found.items() if number}


async def row_counts(url: URL) -> Mapping[str, int]:
    """How many rows each table has. Raises `StoreUnavailable`."""
    with translated(url):
        engine = reader_engine(url, connections=1)
        try:
            async with engine.connect() as connection:
                return {
                    table.name: int((await connection.execute(_count(table))).scalar_one())
                    for table in t.metadata.sorted_tables
                }
        finally:
            await engine.dispose()


def _count(table: Table, *conditions: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(table).where(*conditions)
