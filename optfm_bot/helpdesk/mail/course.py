"""The course of a ticket, from its mails: what agents said, and whether it is open. Pure.

Nothing is remembered between two readings. A ticket is closed when the last word on that is an agent's `/close` or a
closing mail of ours; whatever the customer or an agent writes after it opens the ticket again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from optfm_bot.helpdesk.contract import (
    AgentFile,
    AgentReplied,
    Closed,
    HelpdeskEvent,
    KnownTicket,
    Reopened,
)
from optfm_bot.helpdesk.mail.message import Kind
from optfm_bot.helpdesk.mail.reply import Answer, Content, Own

FileId = Callable[[int], str]
"""Gives the id of a file from the number of its part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer with what is in it; `content` is None if the house has it already and nobody read it again."""

    answer: Answer
    at: datetime
    content: Content | None
    file_id: FileId


def events_of(mails: Sequence[Own | Heard], code: str, known: KnownTicket | None) -> list[HelpdeskEvent]:
    """Say what is new in a ticket, from its mails in the order in which they came."""
    events: list[HelpdeskEvent] = []
    turn: Closed | Reopened | None = None
    for mail in mails:
        if isinstance(mail, Own):
            if mail.kind is not Kind.NOTE:
                turn = None  # the house knows what it wrote
            continue
        if mail.content is None:
            continue
        key = mail.answer.thread
        if reply := _reply(mail, code):
            events.append(reply)
            turn = Reopened(key=f"{key}:open", ticket=code, at=mail.at)
        match mail.content.command:
            case "close":
                turn = Closed(key=f"{key}:close", ticket=code, at=mail.at)
            case "open":
                turn = Reopened(key=f"{key}:open", ticket=code, at=mail.at)
    is_open = known is None or known.open
    match turn:
        case Closed() if is_open:
            events.append(turn)
        case Reopened() if not is_open:
            events.insert(0, turn)
    return events


def is_closed(mails: Sequence[Own | Answer]) -> bool:
    """Whether the last mail of a ticket, notes of ours aside, is our word that it is closed."""
    kinds = [mail.kind if isinstance(mail, Own) else None for mail in mails]
    words = [kind for kind in kinds if kind is not Kind.NOTE]
    return bool(words) and words[-1] is Kind.CLOSED


def _reply(mail: Heard, code: str) -> AgentReplied | None:
    content = mail.content
    if content is None or not (content.body.blocks or content.files):
        return None
    return AgentReplied(
        key=mail.answer.thread,
        ticket=code,
        at=mail.at,
        thread_id=mail.answer.thread,
        agent=mail.answer.agent,
        body=content.body,
        files=tuple(
            AgentFile(id=mail.file_id(file.part), name=file.name, mime=file.mime, size=len(file.data))
            for file in content.files
        ),
    )
