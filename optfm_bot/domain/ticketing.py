"""Ticketing: when there is a new ticket, when the last one is gone on with, and what it begins with. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from channels.body import plain_text
from channels.model import Purpose
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.manners import MINUTE_MS, Here, ReceptionSettings
from optfm_bot.domain.say import Relay, Response, Say
from optfm_bot.domain.words import Words

_SUBJECT = 70
_RECENT_MS = 30 * MINUTE_MS
"""For how long a question is what a call for a person is about."""


class Ticketing:
    """Decides what a ticket hears. Stateless."""

    def __init__(self, words: Words, settings: ReceptionSettings) -> None:
        self._words = words
        self._settings = settings

    def opened(
        self, talk: Conversation, here: Here, heard: tuple[Relay, ...]
    ) -> tuple[Conversation, str | None, Sequence[Relay]]:
        """Make sure that there is a ticket, and that it begins with what the customer wants to know."""
        goes_on = self.goes_on(talk, here)
        recent = here.now - talk.asked_at < _RECENT_MS
        if goes_on:  # what the ticket has heard is not repeated
            recent = recent and talk.asked_at > talk.ticket_closed and not self._settings.mirror
            recent = recent and all(relay.text != talk.asked_text for relay in heard)
        words = [Relay(purpose=Purpose.CUSTOMER, text=talk.asked_text)] if recent and talk.asked_text else []
        talk = replace(talk, waiting=talk.waiting or here.now)
        if goes_on and not talk.ticket_closed:
            asking = Relay(purpose=Purpose.NOTE, text=self._words.label("desk.asks", self._settings.language))
            return talk, None, [*words, *heard, asking]
        shown = [relay for relay in heard if relay.media]
        opening = [*words, *shown] if words else list(heard) or [self._wants()]
        if goes_on:
            return replace(talk, ticket_closed=0), None, opening
        told = next((relay.text for relay in opening if relay.text), "")
        return replace(talk, ticket=None, ticket_closed=0), _subject(told), opening

    def _wants(self) -> Relay:
        return Relay(purpose=Purpose.CUSTOMER, text=self._words.label("desk.wants", self._settings.language))

    def goes_on(self, talk: Conversation, here: Here) -> bool:
        """Whether the last ticket is gone on with."""
        if talk.ticket is None:
            return False
        return not talk.ticket_closed or here.now - talk.ticket_closed < self._settings.reopen

    def mirrored(self, response: Response, heard: tuple[Relay, ...], here: Here) -> Response:
        """With `mirror`, let the ticket hear everything: what the customer did, and what the bot said."""
        if not self._settings.mirror or not self._settings.desk:
            return response
        answers = self._notes(response.says)
        if response.subject is not None or any(one.purpose is Purpose.CUSTOMER for one in response.relays):
            return replace(response, relays=(*response.relays, *answers))
        if not heard and not answers:
            return response
        talk = response.conversation
        if any(one.purpose is Purpose.CLOSE for one in response.relays):
            return replace(response, relays=(*heard, *response.relays, *answers))
        if self.goes_on(talk, here):
            if reopens(heard):
                talk = replace(talk, ticket_closed=0)
            return replace(response, conversation=talk, relays=(*heard, *response.relays, *answers))
        told = next((relay.text for relay in heard if relay.text), "")
        first = heard or (self._wants(),)
        return replace(
            response,
            conversation=replace(talk, ticket=None, ticket_closed=0),
            subject=_subject(told),
            relays=(*first, *response.relays, *answers),
        )

    def noted(self, response: Response, was: Conversation, here: Here) -> Response:
        """With `mirror`, let the ticket hear what the bot says of its own accord, or because of people or time.

        `was` is the conversation before that. A note opens no ticket, and none again.
        """
        if not self._settings.mirror or not self._settings.desk or not self.goes_on(was, here):
            return response
        return replace(response, relays=(*response.relays, *self._notes(response.says)))

    def preceded(self, response: Response, says: tuple[Say, ...]) -> Response:
        """Say something first; with `mirror` the ticket hears of that, too, if it hears anything."""
        noted = self._notes(says) if self._settings.mirror and response.relays else ()
        return replace(response, says=(*says, *response.says), relays=(*response.relays, *noted))

    def _notes(self, says: Sequence[Say]) -> tuple[Relay, ...]:
        """What the bot has said, for the eyes of agents."""
        bot = self._words.label("desk.bot", self._settings.language)
        return tuple(
            Relay(purpose=Purpose.NOTE, text=f"{bot}: {text}")
            for say in says
            if (text := plain_text(say.body))
        )


def reopens(heard: Sequence[Relay]) -> bool:
    """Whether a closed ticket is open again by this."""
    return any(relay.purpose is Purpose.CUSTOMER for relay in heard)


def _subject(text: str) -> str:
    """A ticket's subject from what the customer said; empty if they said nothing."""
    line = " ".join(text.split())
    return line if len(line) <= _SUBJECT else f"{line[: _SUBJECT - 1]}…"
