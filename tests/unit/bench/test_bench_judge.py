"""The judge, on logs whose truth is known."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from optfm_bot.bench.judge import Answer, Offer, Verdict, align, judge
from optfm_bot.bench.load import Load


def asked(*codes: int, chat: str = "a", at: float = 0.0) -> list[Offer]:
    return [Offer(chat, code, at + number) for number, code in enumerate(codes)]


def seen(*codes: int | None, chat: str = "a", at: float = 100.0) -> list[Answer]:
    return [Answer(chat, code, at + number) for number, code in enumerate(codes)]


def counts(verdict: Verdict) -> tuple[int, int, int, int, int]:
    """Answered, lost, doubled, out of order, strange."""
    return len(verdict.answered), verdict.lost, verdict.doubled, verdict.out_of_order, verdict.strange


@pytest.mark.parametrize(
    ("questions", "answers", "expected"),
    [
        pytest.param([1, 2, 3], [1, 2, 3], (3, 0, 0, 0, 0), id="clean"),
        pytest.param([1, 2, 3], [], (0, 3, 0, 0, 0), id="silent"),
        pytest.param([1, 2, 3], [1, 3], (2, 1, 0, 0, 0), id="one lost"),
        pytest.param([1, 2, 3], [2, 3], (2, 1, 0, 0, 0), id="the first lost"),
        pytest.param([1, 2, 3], [1, 2], (2, 1, 0, 0, 0), id="the last lost"),
        pytest.param([1, 2, 3], [1, 1, 2, 3], (3, 0, 1, 0, 0), id="doubled at once"),
        pytest.param([1, 2, 3], [1, 2, 3, 1], (3, 0, 1, 0, 0), id="doubled later is no disorder"),
        pytest.param([1, 2, 3], [1, 1, 1, 3], (2, 1, 2, 0, 0), id="a double does not hide a loss"),
        pytest.param([1, 2, 3], [2, 1, 3], (3, 0, 0, 1, 0), id="swapped"),
        pytest.param([1, 2, 3], [3, 1, 2], (3, 0, 0, 2, 0), id="one before two others"),
        pytest.param([1, 2, 3], [1, None, 2, 3], (3, 0, 0, 0, 1), id="a message that answers nothing"),
        pytest.param([1, 2, 3], [1, 7, 2, 3], (3, 0, 0, 0, 1), id="a code that nobody asked for"),
        pytest.param([1, 2, 1, 2], [1, 2, 1, 2], (4, 0, 0, 0, 0), id="codes come again"),
        pytest.param([], [], (0, 0, 0, 0, 0), id="nothing"),
    ],
)
def test_one_chat(questions: list[int], answers: list[int | None], expected: tuple[int, ...]) -> None:
    assert counts(judge(asked(*questions), seen(*answers))) == expected


def test_chats_are_judged_apart() -> None:
    offers = [*asked(1, 2), *asked(1, 2, chat="b")]
    answers = [*seen(2, chat="b"), *seen(1, 2), *seen(1, chat="b")]
    assert counts(judge(offers, answers)) == (4, 0, 0, 1, 0)


def test_an_answer_in_a_chat_that_did_not_ask_is_strange() -> None:
    assert counts(judge(asked(1), [*seen(1), *seen(1, chat="b")])) == (1, 0, 0, 0, 1)


def test_the_wait_is_from_the_question_to_its_first_answer() -> None:
    offers = [Offer("a", 1, 10.0), Offer("a", 2, 11.0)]
    verdict = judge(offers, [Answer("a", 2, 11.5), Answer("a", 1, 12.0), Answer("a", 2, 99.0)])
    assert sorted((one.at, one.seconds) for one in verdict.answered) == [(11.5, 0.5), (12.0, 2.0)]


def test_what_the_bot_calls_uncertain_is_no_loss_but_only_that() -> None:
    uncertain = Counter({("a", 2): 1, ("b", 3): 1, ("a", 1): 1})
    verdict = judge(asked(1, 2, 3), seen(1), uncertain=uncertain)
    assert (verdict.lost, verdict.uncertain) == (1, 1)
    assert uncertain == Counter({("a", 2): 1, ("b", 3): 1, ("a", 1): 1})


def test_one_uncertain_answer_excuses_one_question_of_its_code() -> None:
    codes = [1, 2, 3, 4, 5]
    answers = seen(1, 3, 4, 5, 1, 3, 4, 5)
    verdict = judge(asked(*codes, *codes), answers, uncertain={("a", 2): 1})
    assert (verdict.lost, verdict.uncertain) == (1, 1)


def test_without_order_on_the_way_in_the_stored_order_is_the_one_to_keep() -> None:
    offers, answers = asked(1, 2, 3), seen(2, 1, 3)
    assert judge(offers, answers, stored={"a": [2, 1, 3]}).out_of_order == 0
    assert judge(offers, answers, stored={"a": [1, 2, 3]}).out_of_order == 1
    assert judge(offers, seen(1, 2, 3), stored={"a": [2, 1, 3]}).out_of_order == 1


@pytest.mark.parametrize("gap", [1, 50, 105])
def test_codes_that_come_again_are_told_apart_over_a_gap(gap: int) -> None:
    """A chat with three rounds of all codes; a run of answers in the middle is missing."""
    load = Load(chats=1, messages=633)
    codes = [load.code(number) for number in range(load.messages)]
    places = [*range(300), *range(300 + gap, load.messages)]
    assert align(codes, [codes[place] for place in places]) == places


def test_a_long_log_of_many_faults_is_counted_exactly() -> None:
    dice = random.Random(7)  # noqa: S311 - the same log each time
    load = Load(chats=20, messages=20_000)
    offers = [Offer(str(load.chat(n)), load.code(n), float(n)) for n in range(load.messages)]
    answers, lost, doubled = [], 0, 0
    for offer in offers:
        kind = dice.random()
        if kind < 0.01:
            lost += 1
            continue
        answers.append(Answer(offer.chat, offer.code, offer.at + 0.25))
        if kind > 0.99:
            doubled += 1
            answers.append(Answer(offer.chat, offer.code, offer.at + 0.5))
    assert lost > 100
    assert doubled > 100
    assert counts(judge(offers, answers)) == (load.messages - lost, lost, doubled, 0, 0)
