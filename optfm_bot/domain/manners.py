"""Manners: what an owner decides about people, and what a reception has to know of the moment. Data only."""

from __future__ import annotations

from dataclasses import field

from channels.model import Body, Media
from channels.values import dataclass

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

LATE = "late"
"""The alarm: nobody has answered who was asked for."""
SILENT = "silent"
"""The alarm: who was talking has stopped."""
EXPIRED = "expired"
"""The alarm: a form has waited for long enough, or what was filled in has been kept for long enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceptionSettings:
    """What the owner of the bot decides about people. Times are in ms.

    Without a `desk` nobody can be called. With `mirror` the ticket hears everything, whoever has the word.
    """

    desk: bool = False
    mirror: bool = False
    language: str = "ru"
    """The language of our own people."""
    offer_after: int = 2
    """Failures in a row after which a person is offered; 0 is never."""
    answer_within: int = 30 * MINUTE_MS
    """After which a customer who waits hears that nobody was free; 0 is never."""
    silence: int = 4 * HOUR_MS
    """After which a person of ours who has stopped answering is apologised for; 0 is never."""
    human: int = 24 * HOUR_MS
    """After which a talk with a person of ours that nobody continues is over."""
    wrapped: int = DAY_MS
    offer: int = HOUR_MS
    queue: int = 7 * DAY_MS
    form: int = DAY_MS
    """For how long a form waits for an answer, and once more what was filled in for who comes back."""
    reopen: int = 7 * DAY_MS
    """For how long a closed ticket is gone on with; 0: there is a new one each time."""
    owner_pause: int = HOUR_MS
    """How long the bot is silent after one of us wrote from the messenger itself."""
    agent_names: bool = True
    form_name: str | None = "request"
    """The form that is offered where nobody can be called; None for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What a reception depends on besides the conversation: the language, the moment (ms), and the hours.

    `opens` says in words when somebody is there again, None while somebody is; `opens_at` (ms) when that is.
    """

    language: str
    now: int
    opens: str | None = None
    opens_at: int | None = None
    desk_down: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWords:
    """What an agent said: `source` names the ticket and the message for whoever learns from it."""

    agent: str
    body: Body = field(repr=False)
    media: tuple[Media, ...] = ()
    source: str = ""
