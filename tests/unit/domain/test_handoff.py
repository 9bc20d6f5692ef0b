"""Who has the word: the table of stages, and what must hold however a conversation goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from channels.body import text_body
from channels.model import Purpose
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.handoff import HUMANS, MOVES, Cue, Effect, Move, Stage, move
from optfm_bot.domain.manners import DAY_MS, HOUR_MS, LATE, MINUTE_MS, SILENT, AgentWords, Here
from optfm_bot.domain.manners import ReceptionSettings as Settings
from optfm_bot.domain.reception import Reception
from optfm_bot.domain.say import Relay, Response, Say
from optfm_bot.i18n.catalogue import Catalogue

# For each cue the stages in their order: bot, offered, queued, human, wrapped, form, paused. A dot: nothing changes.
TABLE = """
spoke:       bot answer | bot answer | queued relay commands | human relay | bot answer | form step | paused relay
asked:       queued open tell_queued | queued open tell_queued | queued relay tell_still_queued | human relay
           | queued open tell_queued | queued open tell_queued | paused relay
declined:    bot tell_declined | bot tell_declined | queued relay | human relay | bot tell_declined | . | paused relay
cancelled:   bot tell_nothing | bot tell_declined | bot close tell_cancelled | human relay | bot tell_nothing
           | bot tell_form_cancelled | paused relay
stuck:       offered offer | offered offer | . | . | offered offer | . | .
left:        . | bot | queued note_left | human note_left | . | bot | .
form_begun:  form | form | form | human relay | form | form step | paused relay
form_over:   . | . | . | . | . | bot | .
replied:     human introduce forward | human introduce forward | human introduce forward | human forward
           | human introduce forward | human introduce forward | paused forward
took:        . | human tell_joined | human tell_joined | . | . | . | .
closed:      . | bot | wrapped tell_closed | wrapped tell_closed | . | . | .
reopened:    . | . | . | . | human | . | .
removed:     . | bot | bot tell_closed | bot tell_closed | bot | . | .
spam:        . | bot | bot | bot | bot | . | .
owner_wrote: human | human | human | . | human | human | .
taken_over:  human | human | human | . | human | human | human
held:        paused | paused | paused | paused | paused | paused | .
released:    . | . | bot | bot | . | . | bot
down:        . | . | queued tell_down | . | . | . | .
late:        . | . | queued tell_late | . | . | . | .
silent:      . | . | . | offered tell_silent | . | . | .
lapsed:      . | bot | bot | bot | bot | bot tell_form_expired | bot
"""


def written() -> dict[tuple[Stage, Cue], Move]:
    found: dict[tuple[Stage, Cue], Move] = {}
    for line in TABLE.strip().replace("\n           |", " |").splitlines():
        cue, _, cells = line.partition(":")
        for stage, cell in zip(Stage, cells.split("|"), strict=True):
            after, *effects = cell.split() if cell.strip() != "." else [stage.value]
            found[stage, Cue(cue)] = Move(Stage(after), tuple(map(Effect, effects)))
    return found


WRITTEN = written()


def test_the_table_is_total() -> None:
    assert set(MOVES) == {(stage, cue) for stage in Stage for cue in Cue}
    assert set(WRITTEN) == set(MOVES), "a row is missing here"
    assert HUMANS == {Stage.HUMAN, Stage.PAUSED}


@pytest.mark.parametrize(("stage", "cue"), list(WRITTEN), ids=lambda part: str(part.value))
def test_what_follows_from_a_cue_in_a_stage(stage: Stage, cue: Cue) -> None:
    assert move(stage, cue) == WRITTEN[stage, cue]


def test_the_bot_never_answers_where_people_have_the_word() -> None:
    for stage in HUMANS:
        for cue in Cue:
            assert not {Effect.ANSWER, Effect.COMMANDS, Effect.STEP, Effect.OFFER} & set(
                MOVES[stage, cue].effects
            )


# -- any conversation ------------------------------------------------------------------------------------

WORDS = Catalogue.load()
BOTS_OWN = {Purpose.ANSWER, Purpose.CLARIFY, Purpose.NOTICE}
PEOPLES_CUES = [Cue.SPOKE, Cue.ASKED, Cue.DECLINED, Cue.CANCELLED, Cue.FORM_BEGUN]
STAFFS_CUES = [Cue.OWNER_WROTE, Cue.TAKEN_OVER, Cue.HELD, *[Cue.RELEASED, Cue.LEFT] * 3]
STEPS_MS = [1000, 20 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, DAY_MS, 8 * DAY_MS]
AWAITED = {LATE: Stage.QUEUED, SILENT: Stage.HUMAN}


def bot_says(text: str, purpose: Purpose) -> Say:
    return Say(kind="answer", body=text_body(text), purpose=purpose)


class Talks(RuleBasedStateMachine):
    """One conversation, the alarms that are set in it, and the tickets as their helpdesk would have them."""

    @initialize(
        desk=st.sampled_from([True, True, True, False]),
        mirror=st.booleans(),
        reopen=st.sampled_from([0, 7 * DAY_MS]),
        within=st.sampled_from([0, 30 * MINUTE_MS]),
        silence=st.sampled_from([0, 4 * HOUR_MS]),
    )
    def begin(self, **settings: Any) -> None:
        within = settings.pop("within")
        self.settings = Settings(**settings, answer_within=within)
        self.reception = Reception(WORDS, self.settings)
        self.talk = Conversation()
        self.now = 1_700_000_000_000
        self.opens_in = 0
        self.alarms: dict[str, int] = {}
        self.lapsed: set[str] = set()
        self.told_late = False
        self.tickets: dict[int, bool] = {}
        self.heard: list[tuple[int, str]] = []
        self.said = 0

    @property
    def here(self) -> Here:
        if not self.opens_in:
            return Here(language="ru", now=self.now)
        return Here(language="ru", now=self.now, opens="завтра", opens_at=self.now + self.opens_in)

    # -- what happens ---------------------------------------------------------------------------------

    @rule(
        cue=st.sampled_from(PEOPLES_CUES),
        command=st.booleans(),
        purpose=st.sampled_from(sorted(BOTS_OWN)),
        wants=st.sampled_from([None, None, Cue.STUCK, Cue.ASKED]),
        question=st.booleans(),
    )
    def a_customer_does_something(
        self, cue: Cue, purpose: Purpose, wants: Cue | None, *, command: bool, question: bool
    ) -> None:
        self.said += 1
        text = f"words {self.said}"

        def answer(talk: Conversation) -> Response:
            if question:
                talk = replace(talk, asked_text=text, asked_at=self.now, admitted=1)
            return Response(outcome="x", conversation=talk, says=(bot_says("a", purpose),), cue=wants)

        def step(talk: Conversation) -> Response:
            if talk.form is None:
                talk = replace(talk, form={"at": "name"})
            else:
                talk, _ = talk.moved(Cue.FORM_OVER)
            return Response(outcome="form", conversation=talk, says=(bot_says("f", Purpose.NOTICE),))

        before = self.talk.stage_at(self.now)
        ticket = self.talk.ticket
        goes_on = ticket is not None and (
            not self.talk.ticket_closed or self.now - self.talk.ticket_closed < self.settings.reopen
        )
        relay = Relay(purpose=Purpose.CUSTOMER, text=text)
        response = self.reception.hear(
            cue, self.talk, self.here, relays=[relay], answer=answer, command=command, step=step
        )
        listened = before is Stage.HUMAN or (before is Stage.QUEUED and response.conversation.stage is before)
        if listened and (goes_on or (self.settings.mirror and self.settings.desk)):
            assert [one.text for one in response.relays].count(text) == 1, (
                "said to a person, and not passed on"
            )
        self.follow(response, before)

    @rule()
    def a_customer_calls_for_a_person(self) -> None:
        self.a_customer_does_something(Cue.ASKED, Purpose.NOTICE, None, command=True, question=False)

    @rule(cue=st.sampled_from(STAFFS_CUES))
    def something_happens(self, cue: Cue) -> None:
        by = {Cue.OWNER_WROTE: "owner", Cue.LEFT: "desk"}.get(cue, "admin")
        self.follow(self.reception.cue(cue, self.talk, self.here, by=by))

    @precondition(lambda self: self.talk.ticket is not None)
    @rule(cue=st.sampled_from([Cue.TOOK, Cue.CLOSED, Cue.REOPENED, Cue.REMOVED, Cue.SPAM, Cue.DOWN]))
    def the_ticket_changes(self, cue: Cue) -> None:
        assert self.talk.ticket is not None
        is_open = self.tickets[self.talk.ticket]
        if (cue is Cue.CLOSED and not is_open) or (cue is Cue.REOPENED and is_open):
            return
        if cue not in {Cue.TOOK, Cue.DOWN}:
            self.tickets[self.talk.ticket] = cue is Cue.REOPENED
        before = self.talk.stage_at(self.now)
        response = self.reception.cue(cue, self.talk, self.here)
        if cue in {Cue.REMOVED, Cue.SPAM}:
            response = replace(response, conversation=replace(response.conversation, ticket=None))
        self.follow(response, before)

    @precondition(lambda self: self.talk.ticket is not None)
    @rule()
    def an_agent_says_something(self) -> None:
        assert self.talk.ticket is not None
        self.tickets[self.talk.ticket] = True
        said = AgentWords(agent="Ольга", body=text_body("слова"), source="desk:1#2")
        response = self.reception.agent_said(said, self.talk, self.here)
        assert [say.purpose for say in response.says].count(Purpose.AGENT) == 1
        assert not response.conversation.waiting
        self.follow(response)

    @rule(ms=st.sampled_from(STEPS_MS), opens_in=st.sampled_from([0, 0, 14 * HOUR_MS]))
    def time_passes(self, ms: int, opens_in: int) -> None:
        self.now += ms
        self.opens_in = opens_in

    @rule()
    def alarms_ring(self) -> None:
        for name, due in sorted(self.alarms.items()):
            if due > self.now:
                continue
            del self.alarms[name]
            waits = self.settings.answer_within if name == LATE else self.settings.silence
            before = self.talk.stage_at(self.now)
            if not self.talk.waiting or due < self.talk.waiting + waits:
                assert name in self.lapsed, "somebody waits, and the alarm does not count"
                continue
            response = self.reception.cue(Cue(name), self.talk, self.here)
            if before is AWAITED[name]:
                assert response.says, "somebody waits, and is told nothing"
            self.told_late = self.told_late or name == LATE
            self.follow(response, before)

    # -- what must hold -------------------------------------------------------------------------------

    def follow(self, response: Response, before: Stage | None = None) -> None:
        before = before or self.talk.stage_at(self.now)
        after = response.conversation
        if before in HUMANS and after.stage in HUMANS:
            assert not BOTS_OWN & {say.purpose for say in response.says}, "the bot talks while a person does"
        if before is not self.talk.stage:
            self.lapsed |= set(self.alarms)
        if response.subject is not None:
            assert self.settings.desk
            assert not any(self.tickets.values()), "a second ticket"
            after = replace(after, ticket=len(self.tickets) + 1)
            self.tickets[len(self.tickets) + 1] = True
        self.carry(response.relays, after.ticket)
        for name, due in response.alarms.items():
            self.lapsed.discard(name)
            self.alarms.pop(name, None)
            if due is not None:
                assert due >= self.now
                self.alarms[name] = due
                self.told_late = self.told_late and name != LATE
        self.talk = after
        self.somebody_is_told()

    def carry(self, relays: tuple[Relay, ...], ticket: int | None) -> None:
        assert ticket is not None or not relays, "words without a ticket"
        for relay in relays:
            assert ticket is not None
            if relay.purpose is not Purpose.NOTE:
                self.tickets[ticket] = relay.purpose is Purpose.CUSTOMER
            if relay.text.startswith("words "):
                assert (ticket, relay.text) not in self.heard or relay.text == self.talk.asked_text
                self.heard.append((ticket, relay.text))

    def somebody_is_told(self) -> None:
        talk = self.talk
        assert not talk.waiting or talk.stage in {Stage.QUEUED, Stage.HUMAN}, "nobody waits in this stage"
        if talk.stage is Stage.QUEUED:
            assert talk.waiting
            assert LATE in self.alarms or self.told_late or not self.settings.answer_within
        if talk.stage is Stage.HUMAN and talk.stage_by != "owner" and talk.waiting and self.settings.silence:
            assert SILENT in self.alarms, "a person waits for ever"
        for name in self.alarms.keys() - self.lapsed:
            assert talk.waiting, "nobody waits"
            assert talk.stage is AWAITED[name], "an alarm without its reason"
        if talk.ticket is not None and self.tickets[talk.ticket]:
            assert not talk.ticket_closed, "an open ticket is taken for closed"


TestTalks = Talks.TestCase
TestTalks.settings = examples(max_examples=200, stateful_step_count=50)
