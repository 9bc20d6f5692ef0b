"""What a conversation remembers, kept as text that other versions can read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from optfm_bot.domain.conversation import EMPTY, Conversation, dump, load

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
    after = before.asking("m1", "how", 5, entry="pay", admitted=0)

    assert after == Conversation(
        person="p",
        offered=7,
        rated=((1, 1),),
        admitted=0,
        asked="m1",
        asked_text="how",
        asked_at=5,
        asked_entry="pay",
    )


def test_a_topic_is_kept_short_and_can_end() -> None:
    talk = EMPTY.about("pay", "как " * 500, 7)

    assert (talk.topic, len(talk.topic_text), talk.topic_at) == ("pay", 200, 7)
    assert talk.about(None, "", 0) == EMPTY
