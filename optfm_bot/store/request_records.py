"""What the store keeps of people's requests, of what is to happen later, and of answers that were found on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RequestStatus(StrEnum):
    """Where a request stands."""

    NEW = "new"
    IN_WORK = "in_work"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """What a person asked for with a form. `number` is what people call it by, and unique.

    `fields` has the answers in the order of the form, by the names of its steps.
    """

    id: int
    number: str
    form: str
    lane: str
    person: str
    fields: Mapping[str, str] = field(repr=False)
    status: RequestStatus = RequestStatus.NEW
    assignee: str = ""
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEventRow:
    """One step in the life of a request: who did it, what it is now, and a remark."""

    id: int
    request_id: int
    at: int
    by: str
    status: RequestStatus
    comment: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """Something is to happen in a conversation at a moment, `due_at`. `(lane, name)` is unique: the last one counts."""

    lane: str
    name: str
    due_at: int


class ProposalStatus(StrEnum):
    """What the owner of the base thinks of a proposal."""

    NEW = "new"
    TAKEN = "taken"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """An answer that a person of ours gave to a question that the bot had admitted not to know.

    `source` says where it was given, `(source)` is unique: `freescout:77#984`.
    """

    id: int
    lane: str
    question: str = field(repr=False)
    answer: str = field(repr=False)
    source: str
    by: str = ""
    at: int
    status: ProposalStatus = ProposalStatus.NEW
