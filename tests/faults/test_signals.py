"""Planned ends: whoever stops the bot in the middle of a rush loses nothing, repeats nothing and leaves no doubt."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.faults.load import Load

pytestmark = pytest.mark.faults

STOPS = 5
SECONDS = 15.0


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_five_stops_under_load_lose_nothing_and_repeat_nothing(
    make_load: Callable[..., Load], mode: str
) -> None:
    load = make_load(31, mode=mode)
    offered = 0
    for number in range(STOPS):
        sent = load.platform.state()["sent"]
        offered += load.begin(100, 2)
        load.bot.start()
        load.platform.wait(sent=sent + load.dice.randrange(10, 90))
        began = time.monotonic()
        assert load.bot.terminate(SECONDS) == 0, f"stop {number}: {load.bot.output()}"
        assert time.monotonic() - began < SECONDS
        load.platform.wait(idle=1, in_flight=0)
    load.bot.start()
    load.settle(offered)

    stored = set(load.question_of().values())
    answers = load.answers()
    assert len(stored) == offered
    assert answers.keys() == stored
    assert set(answers.values()) == {1}
    assert load.disorder() == []
    assert load.troubled() == 0
    assert load.platform.state()["outcomes"]["lost"] == 0


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_stop_waits_for_calls_that_are_under_way(make_load: Callable[..., Load], mode: str) -> None:
    load = make_load(32, mode=mode)
    load.bot.start()
    load.platform.control("latency", seconds=1.5)
    people = [load.platform.person() for _ in range(5)]
    for person in people:
        person.says("Сколько стоит доставка?")
    load.platform.wait(sent=5)  # they have reached people, and the bot has not heard so yet
    assert load.bot.terminate(SECONDS) == 0
    assert load.bot.count("outbox", "state = 2") == 5
    load.bot.start()
    for person in people:
        person.sees("300 ₽")
        person.sees_nothing_else()


def test_a_stop_while_the_platform_is_silent_ends_in_time(make_load: Callable[..., Load]) -> None:
    load = make_load(33, mode="polling")
    load.bot.start()
    load.platform.control("fail", fault="hang", method="sendMessage", times=None)
    person = load.platform.person()
    person.says("Сколько стоит доставка?")
    load.platform.wait(in_flight=1, pending=0)
    load.until(lambda: load.bot.count("outbox", "state = 1"), "the message is being sent")
    assert load.bot.terminate(SECONDS) == 0
    load.platform.control("heal")
    load.bot.start()
    load.until(lambda: load.bot.count("outbox", "state = 3"), "nobody can know of this one")
    person.sees_nothing_else()
