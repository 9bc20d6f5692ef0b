"""What the benchmark of kills counts, from made-up ledgers."""

from __future__ import annotations

from benchmarks.frameworks.kills import ASKED, CHATS, MESSAGES, count

CLEAN = {"kill_lost": 0, "kill_lost_known": 0, "kill_twice": 0, "kill_overtaken": 0}


def test_a_question_has_one_place_in_its_chat() -> None:
    assert len(set(ASKED)) == MESSAGES
    assert len({chat for chat, _ in ASKED}) == CHATS


def test_every_message_answered_once_in_order() -> None:
    assert count(ASKED, ()) == CLEAN


def test_the_order_between_chats_is_free() -> None:
    assert count(sorted(ASKED, key=lambda asked: asked[0]), ()) == CLEAN


def test_lost_messages_and_those_that_the_bot_knows_of() -> None:
    known = {ASKED[0], ASKED[1], ASKED[-1]}  # the last one was answered after all
    assert count(ASKED[5:], known) == CLEAN | {"kill_lost": 5, "kill_lost_known": 2}


def test_a_message_answered_three_times_is_one_and_disturbs_no_order() -> None:
    assert count([*ASKED, ASKED[0], ASKED[0], ASKED[7]], ()) == CLEAN | {"kill_twice": 2}


def test_an_answer_after_that_of_a_later_message_of_its_chat() -> None:
    assert ASKED[0][0] == ASKED[CHATS][0]
    late = [*ASKED[1:], ASKED[0]]
    assert count(late, ()) == CLEAN | {"kill_overtaken": 1}
