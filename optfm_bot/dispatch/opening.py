"""Opening: what a new ticket needs besides the customer's words, looked up in the store: the talk so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from channels.model import Purpose
from faq import FaqManager, Outcome
from optfm_bot.domain.briefing import Line, briefing
from optfm_bot.domain.choices import decode
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.relaying import member_name
from optfm_bot.domain.say import Relay, Response
from optfm_bot.domain.words import Words
from optfm_bot.store.contract import Store
from optfm_bot.store.records import Direction, TurnRow

_LOOKED_BACK = 40
_NEAREST = 3


class Opening:
    """Completes responses that open a ticket, or go on with one that was closed."""

    def __init__(
        self,
        store: Store,
        words: Words,
        *,
        desk: str,
        zone: ZoneInfo,
        language: str,
        faq: Callable[[], FaqManager],
    ) -> None:
        self._store = store
        self._words = words
        self._desk = desk
        self._zone = zone
        self._language = language
        self._faq = faq

    async def completed(
        self, response: Response, lane: str, before: Conversation, *, group: bool = False
    ) -> Response:
        """The response with the briefing behind the customer's first words; in a `group` these are somebody's."""
        opens = response.subject is not None
        talk = response.conversation
        if not opens and not (before.ticket_closed and not talk.ticket_closed and response.relays):
            return response
        if opens:
            there = await self._store.open_ticket(self._desk, lane)
            if there is not None:  # the conversation has forgotten it
                response = replace(response, subject=None, conversation=replace(talk, ticket=there.id))
        elif await self._at_another(talk):
            return response  # the briefing comes when the ticket has gone on here
        turns = await self._store.turns(lane, limit=_LOOKED_BACK)
        names = await self._names(turns) if group else {}
        if names:
            response = replace(response, relays=_signed(response.relays, turns, names, before))
        since = 0 if opens else before.ticket_closed
        said = [turn for turn in turns if turn.at > since and turn.text]
        note = self._note(said, names, before)
        if note is None:
            return response
        first = next(
            (place for place, one in enumerate(response.relays) if one.purpose is not Purpose.CUSTOMER),
            len(response.relays),
        )
        relays = (*response.relays[:first], note, *response.relays[first:])
        return replace(response, relays=relays)

    async def moved(self, lane: str, talk: Conversation, by: int) -> Relay | None:
        """The briefing for a talk that goes on here and began at another helpdesk; None if there is nothing to tell.

        `by` is the message it goes on with, by its number in the outbox: that one and later ones stand in the ticket.
        """
        answered = {row.inbox_id for row in await self._store.outgoing([by]) if row.inbox_id is not None}
        turns = await self._store.turns(lane, limit=_LOOKED_BACK)
        before = list(takewhile(lambda turn: turn.inbox_id not in answered, turns))
        names = await self._names(before) if talk.person is None else {}
        return self._note([turn for turn in before if turn.text], names, talk)

    async def _at_another(self, talk: Conversation) -> bool:
        """Whether the ticket of a talk is still at a helpdesk that the settings named before."""
        ticket = await self._store.ticket(talk.ticket) if talk.ticket is not None else None
        return ticket is not None and ticket.desk != self._desk and ticket.external_id is not None

    def _note(self, turns: Sequence[TurnRow], names: Mapping[str, str], talk: Conversation) -> Relay | None:
        lines = [self._line(turn, names) for turn in turns]
        nearest = self._nearest(talk)
        if not lines and not nearest:
            return None
        return Relay(purpose=Purpose.NOTE, text=briefing(lines, nearest, self._words, self._language))

    async def _names(self, turns: Sequence[TurnRow]) -> Mapping[str, str]:
        """What the members of a group who said these are called."""
        people = await self._store.people({turn.person for turn in turns if turn.person is not None})
        return {ref: member_name(one.display_name, one.external_id) for ref, one in people.items()}

    def _line(self, turn: TurnRow, names: Mapping[str, str]) -> Line:
        by = "customer" if turn.direction is Direction.IN else "agent" if turn.kind == "agent" else "bot"
        moment = datetime.fromtimestamp(turn.at / 1000, UTC).astimezone(self._zone)
        entry = self._faq().entry(turn.entry_id) if turn.entry_id is not None else None
        return Line(
            by=by,
            clock=f"{moment:%d.%m %H:%M}",
            text=self._said(turn),
            entry=entry.question if entry is not None else None,
            name=names.get(turn.person or "", "") if by == "customer" else "",
        )

    def _said(self, turn: TurnRow) -> str:
        """The words of a turn; of a choice, what was chosen, whichever way."""
        if turn.direction is Direction.OUT:
            return turn.text
        if turn.kind == "action":
            return self._words.label("desk.pressed", self._language, label=turn.text)
        if turn.choices is None or not turn.text.rstrip(".) ").isdecimal():
            return turn.text
        (chosen,) = decode(turn.choices)
        return self._words.label("desk.chosen", self._language, text=turn.text, label=chosen.label)

    def _nearest(self, talk: Conversation) -> Sequence[str]:
        """What the bot took for the nearest questions, if it had no answer to the last one."""
        if not talk.admitted or not talk.asked_text:
            return ()
        faq = self._faq()
        decision = faq.decide(talk.asked_text)
        if decision.outcome is Outcome.ANSWER:
            return ()
        entries = [faq.entry(candidate.entry_id) for candidate in decision.candidates[:_NEAREST]]
        return [entry.question for entry in entries if entry is not None]


def _signed(
    relays: Sequence[Relay], turns: Sequence[TurnRow], names: Mapping[str, str], before: Conversation
) -> tuple[Relay, ...]:
    """The relays of a group with the member's name before the question that the call for a person is about."""
    asked = [turn for turn in turns if turn.direction is Direction.IN and turn.person is not None]
    by = next((one for one in reversed(asked) if one.text == before.asked_text), None) or next(
        (one for one in reversed(asked) if one.message_id is not None and one.message_id == before.asked),
        None,
    )
    name = names.get(by.person or "", "") if by is not None else ""
    return tuple(
        replace(one, by=name)
        if one.purpose is Purpose.CUSTOMER and not one.by and one.text == before.asked_text
        else one
        for one in relays
    )
