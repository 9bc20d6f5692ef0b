"""What goes in and out of the API about people: conversations, tickets, requests, proposals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Protocol, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from optfm_bot.api.models import ApiModel, Error
from optfm_bot.domain.handoff import Stage
from optfm_bot.ids import from_short, short
from optfm_bot.store.request_records import ProposalStatus, RequestStatus
from optfm_bot.store.ticket_records import TicketStatus

MOST_LISTED = 500
"""Of anything, in one answer."""


def moment(ms: int) -> datetime:
    """A moment of the store as the API tells it."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def _moment_in(value: object) -> object:
    """Take ISO 8601 with an offset only: what has none means another moment on every machine."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise PydanticCustomError("moment", "field.moment")
    return found


def _place(text: str) -> str:
    if text:
        try:
            from_short(text)
        except ValueError:
            raise PydanticCustomError("before", "field.before") from None
    return text


_Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
_By = Annotated[
    _Name, Field(description="Who of us does it; the name of the token if it is empty or missing.")
]


# -- pages ------------------------------------------------------------------------------------------------


class _Page(ApiModel):
    """A part of a list, newest first."""

    limit: int = Field(50, ge=1, le=MOST_LISTED, description="How many at most.")
    before: Annotated[str, AfterValidator(_place)] = Field(
        "", max_length=11, description="Where to go on: `next` of the page before."
    )

    @property
    def place(self) -> int | None:
        """Ids below it are asked for; None for the first page."""
        return from_short(self.before) if self.before else None


class AskRequests(_Page):
    """Which requests are asked for."""

    status: RequestStatus | None = Field(None, description="Only those that stand there.")
    form: str = Field("", max_length=64, description="Only those of this form.")
    since: Annotated[datetime, BeforeValidator(_moment_in)] | None = Field(
        None, description="Only those made at this moment or later: `2026-01-15T09:00:00Z`."
    )


class AskTickets(_Page):
    """Which tickets are asked for."""

    status: TicketStatus | None = Field(None, description="Only those that stand there.")


class AskProposals(_Page):
    """Which proposals are asked for."""

    status: ProposalStatus | None = Field(None, description="Only those of which the owner thinks so.")


class _Row(Protocol):
    @property
    def id(self) -> int: ...


_AnyRow = TypeVar("_AnyRow", bound=_Row)


def cut(rows: Sequence[_AnyRow], limit: int) -> tuple[Sequence[_AnyRow], str | None]:
    """A page out of rows of which one more than `limit` was read, and where the next page begins."""
    return (rows[:limit], short(rows[limit - 1].id)) if len(rows) > limit else (rows, None)


_Next = Annotated[
    str | None, Field(description="What to ask for with `before` to go on; null: there is no more.")
]


# -- tickets and conversations ----------------------------------------------------------------------------


class TicketView(ApiModel):
    """A ticket at the helpdesk."""

    id: str = Field(description="Our own id of it.")
    desk: str = Field(description="The name of the helpdesk.")
    chat: str = Field(description="The conversation that it is about.")
    person: str
    subject: str
    status: TicketStatus
    number: str = Field(description="What agents call it; empty until the helpdesk has it.")
    url: str = Field(description="Where agents see it; empty where there is no such address.")
    assignee: str = Field(description="Which agent has it; empty: nobody.")
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None


class TicketList(ApiModel):
    """Tickets, newest first."""

    tickets: list[TicketView]
    next: _Next


class ConversationView(ApiModel):
    """Who has the word in a conversation."""

    chat: str = Field(description="The conversation: `channel:chat`, in a topic `channel:chat:topic`.")
    channel: str = Field(description="The name of the channel.")
    person: str | None = Field(description="Whom it is with; null in groups.")
    stage: Stage
    until: datetime | None = Field(
        description="Until when, if nothing happens; null: for as long as it takes."
    )
    by: str = Field(
        description="Which of us led to the stage: `desk` an agent of the helpdesk, `owner` somebody at the messenger "
        "itself, `admin` somebody through this API; may be empty."
    )
    waiting_since: datetime | None = Field(
        description="Since when the customer waits for a person's word; null if they do not."
    )
    ticket: TicketView | None = Field(description="The last ticket of the conversation.")
    updated_at: datetime = Field(description="When anything was last written down of the conversation.")


class StageAction(StrEnum):
    """What one of us does to a conversation."""

    TAKE_OVER = "take_over"
    PAUSE = "pause"
    RESUME = "resume"


class ChangeStage(ApiModel):
    """One of us takes a conversation over, silences the bot in it, or lets it speak again."""

    action: StageAction
    by: _By = ""


class StageAccepted(ApiModel):
    """It is stored, and done in the order of the conversation."""

    chat: str
    action: StageAction
    stage: Stage = Field(description="The stage that follows.")


# -- requests ---------------------------------------------------------------------------------------------


class RequestAnswer(ApiModel):
    """What a person answered to one step of a form."""

    name: str = Field(description="The step.")
    label: str = Field(description="What people call it, in the language of the answer.")
    value: str


class RequestEventView(ApiModel):
    """One step in the life of a request."""

    at: datetime
    by: str = Field(description="Who did it; `customer` is the person themselves.")
    status: RequestStatus
    comment: str


class RequestView(ApiModel):
    """What a person asked for with a form."""

    number: str = Field(description="What people call it by.")
    form: str
    status: RequestStatus
    assignee: str = Field(description="Who of us takes care of it; empty: nobody.")
    person: str
    chat: str = Field(description="The conversation in which it was made.")
    answers: list[RequestAnswer] = Field(description="In the order of the form.")
    created_at: datetime
    updated_at: datetime


class RequestDetails(RequestView):
    """A request with its life, oldest first."""

    history: list[RequestEventView]


class RequestList(ApiModel):
    """Requests, newest first."""

    requests: list[RequestView]
    next: _Next


class ChangeRequest(ApiModel):
    """A change of a request: at least one of `status`, `assignee` and `comment`."""

    status: RequestStatus | None = None
    assignee: _Name | None = Field(
        None, description="One of the managers of the settings, if there are any; empty: nobody."
    )
    comment: Annotated[str, StringConstraints(strip_whitespace=True)] = Field("", max_length=2000)
    by: _By = ""
    updated_at: Annotated[datetime, BeforeValidator(_moment_in)] | None = Field(
        None, description="What `updated_at` was when you looked: if it is not any more, nothing is changed."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.status is None and self.assignee is None and not self.comment:
            raise PydanticCustomError("no_change", "field.no_change")
        return self


class RequestRefused(Error):
    """A change that was refused: why, and the request as it is now."""

    request: RequestDetails


# -- proposals --------------------------------------------------------------------------------------------


class ProposalView(ApiModel):
    """An answer that a person of ours gave to a question that the bot had admitted not to know."""

    id: str
    chat: str
    question: str
    answer: str
    source: str = Field(description="Where it was given: the helpdesk, the ticket and the message.")
    by: str = Field(description="Who gave it.")
    at: datetime
    status: ProposalStatus


class ProposalList(ApiModel):
    """Proposals, newest first."""

    proposals: list[ProposalView]
    next: _Next


class DecideProposal(ApiModel):
    """What the owner of the base thinks of a proposal."""

    status: Literal[ProposalStatus.TAKEN, ProposalStatus.REJECTED]
