"""Power cuts at random moments: nothing is lost, nothing is out of order, and doubt is bounded by what was under way.

The moments follow from a seed: `OPTFM_TEST_SEED` tries another one, and every failure names the one it had.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.faults.load import READY, SENDING, UNCERTAIN, Load

pytestmark = pytest.mark.faults

KILLS = 11
PER_SECOND = 80.0
AT_ONCE = 32
"""How many calls the bot has under way at most; while it catches up it has so many."""


def seed(default: int) -> int:
    return int(os.environ.get("OPTFM_TEST_SEED", default))


def lives(load: Load, kills: int, look: Callable[[], set[int]]) -> tuple[int, list[set[int]]]:
    """Kill the bot under load, then let it finish; gives how many messages came, and what `look` saw at each kill."""
    began = time.monotonic()
    load.bot.start()
    boot = time.monotonic() - began
    load.bot.kill()
    offered = 0
    seen = []
    for number in range(kills):
        if load.ended():
            offered += load.begin(PER_SECOND, max(4.0, 2 * boot))
        sent = load.platform.state()["sent"]
        process = load.bot.launch()
        if number % 2:  # at work, or (every second time) anywhere from its imports to a steady run
            load.until(lambda: load.ended() or load.platform.state()["sent"] > sent, "it is at work")  # noqa: B023 - used at once
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(
                load.dice.uniform(0.0, 0.6) if number % 2 else load.dice.uniform(0.2 * boot, boot + 1.0)
            )
        if number == kills - 1 and not any(seen):  # chance has spared every message so far
            if load.ended():
                offered += load.begin(PER_SECOND, max(4.0, 2 * boot))
            load.until(lambda: load.platform.state()["in_flight"] > 0, "a message is on its way")
        load.bot.kill()
        load.platform.wait(in_flight=0)
        seen.append(look())
    load.bot.start()
    load.settle(offered)
    return offered, seen


@pytest.mark.parametrize(("mode", "default"), [("polling", 20_261_121), ("webhook", 11_217)])
def test_at_most_once_loses_nothing_and_repeats_nothing(
    make_load: Callable[..., Load], mode: str, default: int
) -> None:
    load = make_load(seed(default), mode=mode)
    what = f"seed {load.seed}"
    offered, sending = lives(load, KILLS, lambda: load.questions_in(SENDING))

    stored = set(load.question_of().values())
    answers, uncertain = load.answers(), load.questions_in(UNCERTAIN)
    in_flight = set[int]().union(*sending)
    assert len(stored) == offered, what
    assert [question for question, times in answers.items() if times > 1] == [], what
    assert stored - answers.keys() - uncertain == set(), what
    assert uncertain <= in_flight, what
    assert max(map(len, sending)) <= AT_ONCE, what
    assert load.disorder() == [], what
    assert load.troubled(UNCERTAIN) == 0, what
    assert load.bot.count("outbox") == offered, what
    assert in_flight, f"{what}: no kill met a message on its way, so this run proves nothing"


def test_at_least_once_loses_nothing_and_repeats_only_what_was_under_way(
    make_load: Callable[..., Load],
) -> None:
    delivery = {"policy": "at_least_once", "per_chat_per_second": 0, "per_bot_per_second": 0}
    load = make_load(seed(815), mode="polling", delivery=delivery)
    what = f"seed {load.seed}"
    # What had reached people, and was not written down as sent.
    offered, doubtful = lives(load, 8, lambda: load.questions_in(READY) & load.answers().keys())

    stored = set(load.question_of().values())
    answers = load.answers()
    assert len(stored) == offered, what
    assert stored - answers.keys() == set(), what
    for question, times in answers.items():
        assert times <= 1 + sum(question in at_kill for at_kill in doubtful), (what, question)
    assert max(map(len, doubtful)) <= AT_ONCE, what
    assert load.disorder() == [], what
    assert load.troubled() == 0, what
    assert load.bot.count("outbox") == offered, what
