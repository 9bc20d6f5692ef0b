"""What a conversation remembers, kept as text that other versions can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optfm_bot.domain.conversation import EMPTY, Conversation, Topic, dump, load
from optfm_bot.domain.handoff import Cue, Stage

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.integers(0, (1 << 63) - 1)


@given(
    st.builds(
        Conversation,
        person=st.none() | TEXT,
        offered=st.none() | NUMBER,
        offered_until=NUMBER,
        admitted=st.integers(0, 99),
        asked=st.none() | TEXT,
        asked_text=TEXT,
        asked_at=NUMBER,
        asked_entry=st.none() | TEXT,
        topic=st.none() | TEXT,
        topic_text=TEXT,
        topic_at=NUMBER,
        album=st.none() | TEXT,
        rated=st.lists(st.tuples(NUMBER, st.sampled_from([1, -1])), max_size=5).map(tuple),
        stage=st.sampled_from(Stage),
        stage_until=NUMBER,
        stage_by=st.sampled_from(["", "desk", "owner", "admin"]),
        ticket=st.none() | NUMBER,
        ticket_closed=NUMBER,
        waiting=NUMBER,
        form=st.none()
        | st.fixed_dictionaries(
            {"form": TEXT, "at": TEXT, "values": st.dictionaries(TEXT, TEXT, max_size=3)}
        ),
    )
)
def test_what_is_dumped_is_loaded(conversation: Conversation) -> None:
    assert load(dump(conversation)) == conversation


def test_an_empty_conversation_is_short() -> None:
    assert dump(EMPTY) == "{}"
    assert load("{}") == EMPTY


def test_the_fields_of_another_version_do_no_harm() -> None:
    assert load('{"admitted": 2, "mood": "good"}') == Conversation(admitted=2)


def test_the_last_five_opinions_are_remembered_one_per_answer() -> None:
    conversation = EMPTY
    for turn in (1, 2, 3, 4, 5, 6, 3):
        conversation = Conversation(rated=conversation.with_rating(turn, 1))
    conversation = Conversation(rated=conversation.with_rating(6, -1))

    assert conversation.rated == ((2, 1), (4, 1), (5, 1), (3, 1), (6, -1))


def test_asking_keeps_what_has_nothing_to_do_with_the_question() -> None:
    before = Conversation(person="p", offered=7, rated=((1, 1),), admitted=3)
    after = before.asking("m1", "how", 5, entry="pay", admitted=0, topic=Topic("pay", "how " * 100, 5))

    assert after == Conversation(
        person="p",
        offered=7,
        rated=((1, 1),),
        admitted=0,
        asked="m1",
        asked_text="how",
        asked_at=5,
        asked_entry="pay",
        topic="pay",
        topic_text="how " * 50,
        topic_at=5,
    )


def test_a_topic_is_kept_short_and_can_end() -> None:
    talk = EMPTY.about(Topic("pay", "как " * 500, 7))

    assert (talk.topic, len(talk.topic_text), talk.topic_at) == ("pay", 200, 7)
    assert talk.about(Topic()) == EMPTY


def test_what_was_kept_before_there_were_people_is_the_bots() -> None:
    talk = load('{"person":"tg:1","admitted":1,"asked_text":"how"}')

    assert (talk.stage, talk.ticket, talk.form, talk.waiting) == (Stage.BOT, None, None, 0)
    assert not talk.human_at(10**15)


@pytest.mark.parametrize(
    ("stage", "after", "human"),
    [
        (Stage.OFFERED, Stage.BOT, False),
        (Stage.QUEUED, Stage.BOT, False),
        (Stage.HUMAN, Stage.BOT, True),
        (Stage.WRAPPED, Stage.BOT, False),
        (Stage.FORM, Stage.BOT, False),
        (Stage.PAUSED, Stage.BOT, True),
    ],
)
def test_a_stage_lapses_at_its_moment(stage: Stage, after: Stage, *, human: bool) -> None:
    talk = Conversation(stage=stage, stage_until=100)

    assert (talk.stage_at(99), talk.human_at(99)) == (stage, human)
    assert (talk.stage_at(100), talk.human_at(100)) == (after, False)
    endless = Conversation(stage=stage)
    assert (endless.stage_at(10**15), endless.human_at(10**15)) == (stage, human)


def test_a_stage_begins_with_its_end_and_by_whom() -> None:
    talk, step = Conversation(ticket=7).moved(Cue.OWNER_WROTE, until=50, by="owner")

    assert talk == Conversation(ticket=7, stage=Stage.HUMAN, stage_until=50, stage_by="owner")
    assert step.stage is Stage.HUMAN


def test_a_cue_that_changes_nothing_leaves_the_stage_as_it_was() -> None:
    before = Conversation(stage=Stage.HUMAN, stage_until=50, stage_by="owner", waiting=3)

    assert before.moved(Cue.SPOKE, until=90, by="desk")[0] is before


@pytest.mark.parametrize("cue", [Cue.FORM_OVER, Cue.ASKED, Cue.REPLIED, Cue.CANCELLED, Cue.HELD])
def test_who_leaves_a_form_leaves_what_was_filled_in(cue: Cue) -> None:
    talk = Conversation(stage=Stage.FORM, form={"at": "name"})

    assert talk.moved(cue)[0].form is None
    assert talk.moved(Cue.SPOKE)[0].form == {"at": "name"}


@pytest.mark.parametrize(
    ("talk", "until"),
    [
        (Conversation(), 0),
        (Conversation(stage=Stage.FORM, stage_until=7, form={"at": "name"}), 7),
        (Conversation(stage=Stage.HUMAN, stage_until=7), 0),
        (Conversation(left={"at": "name"}, left_until=9), 9),
    ],
)
def test_a_form_has_its_time_and_so_has_what_is_left_of_it(talk: Conversation, until: int) -> None:
    assert load(dump(talk)).form_until == until


def test_what_is_filled_in_stays_out_of_repr() -> None:
    assert "Petrova" not in repr(Conversation(form={"values": {"name": "Petrova"}}))
    assert "Petrova" not in repr(Conversation(left={"values": {"name": "Petrova"}}))
    assert "secret" not in repr(Conversation(asked_text="secret", topic_text="secret"))


def test_a_stage_of_a_newer_release_is_a_reason_to_be_silent() -> None:
    assert load('{"stage":"dreaming"}').human_at(0)
