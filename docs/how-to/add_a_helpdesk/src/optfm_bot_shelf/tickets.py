"""Tickets as files: one JSON file for each, which agents change with a program of theirs."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from optfm_bot.sdk import DeskFile, Gone, Unreachable

Ticket: TypeAlias = dict[str, Any]


class Tickets:
    """Reads and writes them. Raises `Unreachable` while the folder is away, and `Gone` for a ticket that is no more."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Ticket]:
        """Every ticket, oldest first."""
        if not self._folder.is_dir():
            raise Unreachable("the shelf is away", maybe_sent=False)
        names = sorted(self._folder.glob("*.json"), key=lambda path: int(path.stem))
        return [json.loads(path.read_text("utf-8")) for path in names]

    def get(self, ticket_id: str) -> Ticket:
        """One of them."""
        for ticket in self.all():
            if ticket["id"] == ticket_id:
                return ticket
        raise Gone(f"there is no ticket {ticket_id}")

    def add(self, key: str, person: str, at: datetime) -> Ticket:
        """A new one, not kept yet."""
        number = max((int(one["id"]) for one in self.all()), default=0) + 1
        made = {"id": str(number), "key": key, "person": person, "at": at.isoformat(), "open": True}
        return {**made, "turned": 0, "threads": []}

    def keep(self, ticket: Ticket) -> None:
        """Write it down; `changed` counts the changes of the whole shelf."""
        ticket["changed"] = max((one["changed"] for one in self.all()), default=0) + 1
        path = self._folder / f"{ticket['id']}.json"
        path.with_suffix(".new").write_text(json.dumps(ticket, ensure_ascii=False), "utf-8")
        path.with_suffix(".new").rename(path)

    def remove(self, ticket_id: str) -> None:
        """Throw it away."""
        (self._folder / f"{ticket_id}.json").unlink()


def say(
    ticket: Ticket, kind: str, text: str, files: Sequence[DeskFile], *, at: datetime, key: str = ""
) -> str:
    """Put a message into a ticket; gives its id. `kind` is customer, note or agent."""
    thread_id = f"{ticket['id']}-{len(ticket['threads']) + 1}"
    kept = [{"name": one.name, "mime": one.mime, "data": b64encode(one.data).decode()} for one in files]
    thread = {"id": thread_id, "kind": kind, "text": text, "files": kept, "key": key, "at": at.isoformat()}
    ticket["threads"].append(thread)
    return thread_id


def turn(ticket: Ticket, at: datetime, *, is_open: bool) -> None:
    """Open or close a ticket; `turned` counts, so that each turn has a key of its own."""
    if ticket["open"] is not is_open:
        ticket.update(open=is_open, turned=ticket["turned"] + 1, turned_at=at.isoformat())


def content(ticket: Ticket, file_id: str) -> bytes:
    """The bytes of a file by the id that `Shelf.read` gave it."""
    thread_id, _, number = file_id.partition("/")
    found = [one for one in ticket["threads"] if one["id"] == thread_id]
    if not found:
        raise Gone(f"there is no message {thread_id}")
    return b64decode(found[0]["files"][int(number)]["data"])
