"""Power cuts at random moments: nothing is lost, nothing is out of order, and doubt is bounded by what was in flight.

The moments follow from a seed; `OPTFM_TEST_SEED` repeats a run, and every failure names its seed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from tests.faults.conftest import READY, SENDING, UNCERTAIN, Load

pytestmark = pytest.mark.faults

KILLS = 25
PER_SECOND = 80.0
SEEDS = {"polling": 20_261_121, "webhook": 11_217}


def seed_of(name: str) -> int:
    return int(os.environ.get("OPTFM_TEST_SEED", SEEDS.get(name, 7)))


def lives(load: Load, kills: int) -> tuple[int, list[set[int]]]:
    """Kill the bot that often while messages come in; gives how many came and what was under way at each kill."""
    offered = 0
    at_kills = []
    for _ in range(kills):
        if load.ended():
            offered += load.begin(PER_SECOND, 4)
        process = load.bot.launch()
        moment = load.dice.uniform(0.3, 1.9)  # from the first imports to a steady run
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(moment)
        load.bot.kill()
        load.platform.wait(in_flight=0)
        at_kills.append(load.questions_in(READY, SENDING) if load.bot.database.exists() else set())
    return offered, at_kills


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_at_most_once_survives_kills(make_load: Callable[..., Load], mode: str) -> None:
    load = make_load(seed_of(mode), mode=mode)
    what = f"seed {load.seed}"
    sending: list[set[int]] = []
    offered = 0
    for _ in range(KILLS):
        if load.ended():
            offered += load.begin(PER_SECOND, 4)
        process = load.bot.launch()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(load.dice.uniform(0.3, 1.9))
        load.bot.kill()
        load.platform.wait(in_flight=0)
        sending.append(load.questions_in(SENDING))
    load.bot.launch()
    load.settle(offered)

    stored = set(load.question_of().values())
    answers, uncertain = load.answers(), load.questions_in(UNCERTAIN)
    in_flight = set().union(*sending)
    assert len(stored) == offered, what
    assert {question for question, times in answers.items() if times > 1} == set(), what
    assert stored - answers.keys() - uncertain == set(), what
    assert uncertain <= in_flight, what
    assert load.disorder() == [], what
    assert load.bot.count("outbox", "state IN (4, 9)") == 0, what
    assert load.bot.count("outbox") == offered, what
    assert in_flight, f"{what}: no kill met a message on its way, so this run proves nothing"
