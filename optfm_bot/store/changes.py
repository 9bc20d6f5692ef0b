"""What a unit of work records: kinds of change, and the list that they go into."""

from __future__ import annotations

from enum import IntEnum

from optfm_bot.store.records import Params


class Op(IntEnum):
    """The kinds of change, in the order in which a transaction applies them: rows first, then what refers to them."""

    INBOX_ADD = 0
    CURSOR_SAVE = 1
    PERSON_SAVE = 2
    CONVERSATION_SAVE = 3
    TURN_ADD = 4
    OUTBOX_ADD = 5
    MISS_ADD = 6
    FEEDBACK_SAVE = 7
    FAQ_VERSION_ADD = 8
    INBOX_DONE = 9
    INBOX_RETRY = 10
    INBOX_PARK = 11
    INBOX_REVIVE = 12
    OUTBOX_SENDING = 13
    OUTBOX_SENT = 14
    OUTBOX_RETRY = 15
    OUTBOX_CLOSE = 16
    PERSON_GONE = 17
    TOKEN_ADD = 18
    TOKEN_USED = 19
    TOKEN_REVOKE = 20
    IDEMPOTENCY_ADD = 21
    TICKET_SAVE = 22
    TICKET_ADD = 23
    DESK_MESSAGE_ADD = 24
    DESK_MESSAGE_DONE = 25
    DESK_CUSTOMER_SAVE = 26
    REQUEST_ADD = 27
    REQUEST_CHANGE = 28
    REQUEST_EVENT_ADD = 29
    ALARM_CLEAR = 30
    ALARM_CLEAR_DUE = 31
    ALARM_SET = 32
    PROPOSAL_ADD = 33
    PROPOSAL_CHANGE = 34
    DESK_MESSAGE_WITHDRAW = 35
    OUTBOX_FORWARD = 36


CONDITIONAL = frozenset({Op.REQUEST_CHANGE})
"""Changes of a row as it was read: one that finds it changed fails its unit."""

Changes = list[tuple[Op, Params]]


def storable(text: str) -> str:
    """A text that every database takes: without NUL and without halves of surrogate pairs."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class Writes:
    """Records changes of one kind into the list that its unit commits."""

    __slots__ = ("_changes",)

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
