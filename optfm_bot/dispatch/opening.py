"""Opening: what a new ticket needs besides the customer's words, looked up in the store: the talk so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from channels.model import Purpose
from faq import FaqManager, Outcome
from optfm_bot.domain.briefing import Line, briefing
from optfm_bot.domain.choices import decode
from optfm_bot.domain.conversation import Conversation
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

    async def completed(self, response: Response, lane: str, before: Conversation) -> Response:
        """The response with the briefing behind the customer's first words."""
        opens = response.subject is not None
        talk = response.conversation
        if not opens and not (before.ticket_closed and not talk.ticket_closed and response.relays):
            return response
        if opens:
            there = await self._store.open_ticket(self._desk, lane)
            if there is not None:  # the conversation has forgotten it
                response = replace(response, subject=None, conversation=replace(talk, ticket=there.id))
        turns = await self._store.turns(lane, limit=_LOOKED_BACK)
        since = 0 if opens else before.ticket_closed
        lines = [self._line(turn) for turn in turns if turn.at > since and turn.text]
        nearest = self._nearest(before)
        if not lines and not nearest:
            return response
        note = Relay(purpose=Purpose.NOTE, text=briefing(lines, nearest, self._words, self._language))
        first = next(
            (place for place, one in enumerate(response.relays) if one.purpose is not Purpose.CUSTOMER),
            len(response.relays),
        )
        relays = (*response.relays[:first], note, *response.relays[first:])
        return replace(response, relays=relays)

    def _line(self, turn: TurnRow) -> Line:
        by = "customer" if turn.direction is Direction.IN else "agent" if turn.kind == "agent" else "bot"
        moment = datetime.fromtimestamp(turn.at / 1000, UTC).astimezone(self._zone)
        entry = self._faq().entry(turn.entry_id) if turn.entry_id is not None else None
        return Line(
            by=by,
            clock=f"{moment:%d.%m %H:%M}",
            text=self._said(turn),
            entry=entry.question if entry is not None else None,
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
