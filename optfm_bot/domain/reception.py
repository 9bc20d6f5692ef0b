"""Reception: from a cue of the table of stages to what is said, what a ticket hears, and what is to happen later. Pure.

The talk knows what the bot answers. The reception knows when it may, and what is said when a person is called, comes,
goes, or does not come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from channels.body import plain_text
from channels.model import Body, Bold, Break, Paragraph, Purpose, Text
from optfm_bot.domain.announcements import Announcements
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.handoff import HUMANS, Cue, Effect, Move, Stage
from optfm_bot.domain.manners import LATE, SILENT, AgentWords, Here, ReceptionSettings
from optfm_bot.domain.say import Found, Relay, Response, Say
from optfm_bot.domain.ticketing import Ticketing, reopens
from optfm_bot.domain.words import Words

Answer = Callable[[Conversation], Response]
"""What the bot, or a form, answers in a conversation."""


class Reception:
    """Applies the table. Stateless: the same arguments give the same response."""

    def __init__(self, words: Words, settings: ReceptionSettings | None = None) -> None:
        self._words = words
        self.settings = settings or ReceptionSettings()
        self._announcements = Announcements(words, form_name=self.settings.form_name)
        self._ticketing = Ticketing(words, self.settings)

    # -- what customers do --------------------------------------------------------------------------------

    def hear(
        self,
        cue: Cue,
        talk: Conversation,
        here: Here,
        *,
        relays: Sequence[Relay] = (),
        answer: Answer,
        command: bool = False,
        step: Answer | None = None,
        again: Answer | None = None,
    ) -> Response:
        """Respond to a customer. `relays` is what they did, as a ticket hears it; `answer` is the bot's answer to it.

        `command`: it is an exact command or a button of the bot's. `step` goes on with the form, `again` asks its
        question once more.
        """
        talk, tells = self._lapsed(talk, here)
        if cue is Cue.CANCELLED:
            talk = replace(talk, left=None, left_until=0)
        if cue in {Cue.ASKED, Cue.STUCK} and not self.settings.desk and talk.stage not in HUMANS:
            response = self._nobody(cue, talk, here, again)
        else:
            response = self._heard(cue, talk, here, relays=relays, answer=answer, command=command, step=step)
        return self._ticketing.preceded(response, tells) if tells else response

    def _nobody(self, cue: Cue, talk: Conversation, here: Here, again: Answer | None) -> Response:
        """Nobody can be called. Who fills a form in is asked on: buttons that lead elsewhere would not work there."""
        if cue is not Cue.ASKED:
            return Response(outcome="unanswered", conversation=talk)
        if talk.stage is not Stage.FORM or again is None:
            return Response(outcome="handoff", conversation=talk, says=(self._announcements.nobody(here),))
        talk, _ = self._move(talk, Cue.SPOKE, here)
        response = again(talk)
        if response.conversation.stage is Stage.FORM:
            says = (self._announcements.nobody_but_form(here), *response.says)
        else:  # it is over: the owner has taken it away
            says = (*response.says, self._announcements.nobody(here))
        return replace(response, outcome="handoff", says=says)

    def _heard(
        self,
        cue: Cue,
        talk: Conversation,
        here: Here,
        *,
        relays: Sequence[Relay],
        answer: Answer,
        command: bool,
        step: Answer | None,
    ) -> Response:
        before = talk.stage
        talk, move = self._move(talk, cue, here)
        heard = tuple(relays)
        effects = frozenset(move.effects)
        if Effect.ANSWER in effects or (Effect.COMMANDS in effects and command):
            response = answer(talk)
            if response.cue is not None:
                response = self._follow_up(response, here, heard)
            if Effect.RELAY in effects and not response.relays:  # a typed number may be meant for a person
                response = replace(response, relays=self._told([Effect.RELAY], talk, here, heard).relays)
            return self._ticketing.mirrored(response, heard, here)
        if Effect.STEP in effects and step is not None:
            return self._ticketing.mirrored(step(talk), heard, here)
        response = self._told(move.effects, talk, here, heard)
        if before is not Stage.FORM and talk.stage is Stage.FORM and step is not None:
            response = step(talk)
        response = replace(response, alarms={**self._quiet(before, talk), **response.alarms})
        return self._ticketing.mirrored(response, heard, here)

    def _follow_up(self, response: Response, here: Here, heard: tuple[Relay, ...]) -> Response:
        """Do what the bot's answer calls for: a person, who is offered or comes."""
        cue = response.cue
        if cue is Cue.STUCK and not self.settings.desk:
            offer = self._announcements.request_instead(here)
            return replace(response, says=_under(response.says, offer)) if offer is not None else response
        if cue is None or (cue is Cue.ASKED and not self.settings.desk):
            return response
        talk, move = self._move(response.conversation, cue, here)
        more = self._told(move.effects, talk, here, heard)
        says = response.says
        if Effect.OFFER in move.effects and says:
            says, more = _under(says, more.says[-1]), replace(more, says=())
        return replace(
            response,
            conversation=more.conversation,
            says=(*says, *more.says),
            subject=more.subject,
            relays=more.relays,
            alarms={**response.alarms, **more.alarms},
        )

    def mirrored(self, response: Response, heard: tuple[Relay, ...], here: Here) -> Response:
        """A response of the talk's own; with `mirror` the ticket hears of it, and of what the customer did."""
        return self._ticketing.mirrored(response, heard, here)

    # -- what people of ours, and time, do ----------------------------------------------------------------

    def cue(self, cue: Cue, talk: Conversation, here: Here, *, by: str = "desk") -> Response:
        """Respond to what happened at the helpdesk, on the admin page, or by the clock."""
        was = talk
        talk, tells = self._lapsed(talk, here)
        if cue is Cue.OWNER_WROTE and not self.settings.owner_pause:
            return Response(outcome="owner", conversation=talk, says=tells)
        before = talk.stage
        talk, move = self._move(talk, cue, here, by=by)
        if cue in {Cue.CLOSED, Cue.REMOVED, Cue.SPAM}:
            talk = replace(talk, ticket_closed=here.now, waiting=0)
        elif cue is Cue.REOPENED:
            talk = replace(talk, ticket_closed=0)
        elif cue in _HEARD_OF:
            talk = replace(talk, waiting=0)
        response = self._told(move.effects, talk, here, ())
        alarms = {**response.alarms, **self._quiet(before, response.conversation)}
        if before is not Stage.HUMAN and talk.stage is Stage.HUMAN and talk.waiting:
            alarms |= self._silence(here)  # who has come may say nothing
        elif cue in _HEARD_OF:
            alarms[SILENT] = None
        response = replace(response, outcome=cue.value, says=(*tells, *response.says), alarms=alarms)
        # What is gone reads nothing.
        return response if cue in {Cue.REMOVED, Cue.SPAM} else self._ticketing.noted(response, was, here)

    def agent_said(self, said: AgentWords, talk: Conversation, here: Here) -> Response:
        """Pass on what an agent said."""
        was = talk
        talk, tells = self._lapsed(talk, here)
        found = self._found(said, talk)
        before = talk.stage
        talk, move = self._move(talk, Cue.REPLIED, here, by="desk")
        if Effect.INTRODUCE in move.effects and not self._named(said):
            tells = (*tells, *self._announcements.tells([Effect.TELL_JOINED], here))
        talk = replace(talk, waiting=0, ticket_closed=0)
        if found is not None:
            talk = replace(talk, admitted=0)
        say = Say(kind="agent", body=self._signed(said), purpose=Purpose.AGENT, media=said.media)
        response = Response(
            outcome="agent",
            conversation=talk,
            says=tells,
            alarms={SILENT: None, **self._quiet(before, talk)},
            found=found,
        )
        return replace(self._ticketing.noted(response, was, here), says=(*tells, say))

    def lapse(self, talk: Conversation, here: Here) -> Response:
        """Respond to time alone."""
        was = talk
        talk, tells = self._lapsed(talk, here)
        return self._ticketing.noted(Response(outcome="lapsed", conversation=talk, says=tells), was, here)

    # -- parts --------------------------------------------------------------------------------------------

    def _lapsed(self, talk: Conversation, here: Here) -> tuple[Conversation, tuple[Say, ...]]:
        if talk.left is not None and here.now >= talk.left_until:
            talk = replace(talk, left=None, left_until=0)
        if not talk.stage_until or here.now < talk.stage_until:
            return talk, ()
        left = talk.form if talk.stage is Stage.FORM else None
        talk, move = talk.moved(Cue.LAPSED)
        talk = replace(talk, stage_until=0, waiting=0)
        if left is not None:
            talk = replace(talk, left=left, left_until=here.now + self.settings.form)
        name = left.get("form") if left is not None else None
        return talk, self._announcements.tells(move.effects, here, left=name)

    def _move(
        self, talk: Conversation, cue: Cue, here: Here, *, by: str = "desk"
    ) -> tuple[Conversation, Move]:
        talk, move = talk.moved(cue, by=by)
        if talk.waiting and talk.stage not in _AWAITED:
            talk = replace(talk, waiting=0)
        lasts = self._lasts(move.stage, talk.stage_by)
        until = here.now + lasts if lasts else 0
        if cue in {Cue.OWNER_WROTE, Cue.TAKEN_OVER, Cue.REPLIED, Cue.TOOK} and talk.stage is Stage.HUMAN:
            talk = replace(talk, stage_by=by)
            until = here.now + self._lasts(Stage.HUMAN, by)
        kept = talk.stage is Stage.HUMAN and talk.stage_by == "owner" and cue is not Cue.OWNER_WROTE
        if until == talk.stage_until or (kept and talk.stage_until):
            return talk, move
        return replace(talk, stage_until=until), move

    def _lasts(self, stage: Stage, by: str) -> int:
        settings = self.settings
        match stage:
            case Stage.OFFERED:
                return settings.offer
            case Stage.QUEUED:
                return settings.queue
            case Stage.HUMAN:
                return settings.owner_pause if by == "owner" else settings.human
            case Stage.WRAPPED:
                return settings.wrapped
            case Stage.FORM:
                return settings.form
        return 0

    def _silence(self, here: Here) -> dict[str, int | None]:
        """When a person of ours has been silent for too long."""
        after = self.settings.silence
        return {SILENT: max(here.now, here.opens_at or 0) + after} if after else {}

    def _quiet(self, before: Stage, talk: Conversation) -> Mapping[str, int | None]:
        """Which alarms have lost their reason."""
        alarms: dict[str, int | None] = {}
        if before is Stage.QUEUED and talk.stage is not Stage.QUEUED:
            alarms[LATE] = None
        if before is Stage.HUMAN and talk.stage is not Stage.HUMAN:
            alarms[SILENT] = None
        return alarms

    def _told(
        self, effects: Sequence[Effect], talk: Conversation, here: Here, heard: tuple[Relay, ...]
    ) -> Response:
        """Turn effects into words, relays and alarms."""
        relays: list[Relay] = []
        alarms: dict[str, int | None] = {}
        subject: str | None = None
        goes_on = self._ticketing.goes_on(talk, here)
        for effect in effects:
            match effect:
                case Effect.OPEN:
                    talk, subject, opening = self._ticketing.opened(talk, here, heard)
                    relays += opening
                    if self.settings.answer_within:
                        alarms[LATE] = max(here.now, here.opens_at or 0) + self.settings.answer_within
                case Effect.RELAY:
                    relays += heard
                    if goes_on and reopens(heard):
                        talk = replace(talk, ticket_closed=0)
                    if heard and not talk.waiting and talk.stage is Stage.HUMAN and talk.stage_by != "owner":
                        talk = replace(talk, waiting=here.now)
                        alarms |= self._silence(here)
                case Effect.CLOSE:
                    note = self._words.label("desk.cancelled", self.settings.language)
                    relays += [Relay(purpose=Purpose.NOTE, text=note), Relay(purpose=Purpose.CLOSE)]
                    talk = replace(talk, ticket_closed=here.now, waiting=0)
                    alarms[LATE] = None
                case Effect.NOTE_LEFT:
                    note = self._words.label("desk.left", self.settings.language)
                    relays.append(Relay(purpose=Purpose.NOTE, text=note))
        if subject is None and not goes_on:
            relays = []
        return Response(
            outcome="handoff",
            conversation=talk,
            says=self._announcements.tells(effects, here),
            subject=subject,
            relays=tuple(relays),
            alarms=alarms,
        )

    def _found(self, said: AgentWords, talk: Conversation) -> Found | None:
        """What can be learnt from an agent's answer to a question that the bot had admitted not to know."""
        answer = plain_text(said.body)
        if not talk.admitted or not talk.asked_text or talk.asked_entry is not None or not answer:
            return None
        return Found(question=talk.asked_text, answer=answer, source=said.source, by=said.agent)

    def _named(self, said: AgentWords) -> bool:
        return self.settings.agent_names and bool(said.agent)

    def _signed(self, said: AgentWords) -> Body:
        if not self._named(said):
            return said.body
        name = Bold((Text(f"{said.agent}:"),))
        match said.body.blocks:
            case (Paragraph(children), *rest):
                return Body((Paragraph((name, Break(), *children)), *rest))
        return Body((Paragraph((name,)), *said.body.blocks))


_HEARD_OF = frozenset({Cue.OWNER_WROTE, Cue.TAKEN_OVER, Cue.HELD, Cue.RELEASED})
"""After these nobody waits for a first word any more."""

_AWAITED = frozenset({Stage.QUEUED, Stage.HUMAN})
"""Stages in which a person's word may be waited for."""


def _under(says: tuple[Say, ...], offer: Say) -> tuple[Say, ...]:
    """Put an offer under the last thing that is said, its buttons first."""
    if not says:
        return (offer,)
    last = says[-1]
    body = Body((*last.body.blocks, *offer.body.blocks))
    return (*says[:-1], replace(last, body=body, choices=(*offer.choices, *last.choices)))
