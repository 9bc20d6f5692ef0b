"""What waited when a backup was made: whoever restores it decides whether it is still to be done."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from optfm_bot.store.records import InboxState, OutboxState

REASON = "restored from a backup: it may have been handled after the backup was made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How many updates were put aside, and how many messages are not sent by themselves."""

    updates: int
    messages: int


def holding(now: int) -> Sequence[str]:
    """The statements that hold back updates, then messages, at that moment (ms). For every engine. Pure."""
    new, parked = InboxState.NEW.value, InboxState.PARKED.value
    sent, uncertain = OutboxState.SENT.value, OutboxState.UNCERTAIN.value
    updates = f"state = {parked}, owner = NULL, lease_until = 0, error = '{REASON}', done_at = {int(now)}"
    messages = f"state = {uncertain}, error = '{REASON}', sent_at = {int(now)}"
    return (
        f"UPDATE inbox SET {updates} WHERE state = {new}",  # noqa: S608 - of our own constants
        f"UPDATE outbox SET {messages} WHERE state < {sent}",  # noqa: S608 - the same
    )


def hold_back(connection: sqlite3.Connection, now: datetime) -> Held:
    """Do it in a SQLite database, in one transaction. `db revive` is the way back."""
    updates, messages = holding(int(now.timestamp() * 1000))
    connection.execute("BEGIN IMMEDIATE")
    held = Held(updates=connection.execute(updates).rowcount, messages=connection.execute(messages).rowcount)
    connection.execute("COMMIT")
    return held
