"""Power cuts of single processes, several of which share a PostgreSQL database.

Nothing is lost, nothing is out of order, nothing is answered twice, and doubt is bounded by what was under way. The
moments follow from a seed: `OPTFM_TEST_SEED` tries another one, and every failure names the one it had.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from tests.e2e.processes import eventually
from tests.faults.fleet import Member, SharedLoad

pytestmark = pytest.mark.faults

PER_SECOND = 60.0
AT_ONCE = 32
"""How many calls a process has under way at most."""


@pytest.mark.parametrize(
    ("roles", "mode", "kills", "default"),
    [
        pytest.param(["all", "all"], "polling", 12, 51_001, id="two-that-do-everything"),
        pytest.param(["poller", "worker", "worker"], "polling", 12, 51_002, id="a-poller-and-two-workers"),
        pytest.param(
            ["web", "web", "worker", "poller"], "webhook", 10, 51_003, id="two-webs-behind-a-balancer"
        ),
    ],
)
def test_a_fleet_loses_nothing_and_repeats_nothing(
    make_fleet: Callable[..., SharedLoad], roles: list[str], mode: str, kills: int, default: int
) -> None:
    load = make_fleet(int(os.environ.get("OPTFM_TEST_SEED", default)), roles, mode)
    members = load.bot.members
    load.bot.start()
    offered, sending = 0, list[set[int]]()
    for number in range(kills):
        if load.ended():
            offered += load.begin(PER_SECOND, 6)
        victims = load.dice.sample(members, 2 if number % 6 == 5 else 1)
        for victim in victims:
            if number % 3:  # at work, or (every third time) anywhere in its start
                victim.has_joined()
        spend(victims[0], load.dice.uniform(0.1, 1.2))
        sending += [killed(load, victim) for victim in victims]
        for victim in victims:
            victim.launch()
    for member in members:
        member.has_joined()
    load.settle(offered)

    in_flight = set[int]().union(*sending)
    load.verdict(offered, in_flight=in_flight)
    assert max(map(len, sending)) <= AT_ONCE, f"seed {load.seed}"
    assert in_flight, f"seed {load.seed}: no kill met a message on its way, so this run proves nothing"


def spend(member: Member, seconds: float) -> None:
    """Let so much time pass while a process lives."""
    assert member.process is not None
    with pytest.raises(subprocess.TimeoutExpired):
        member.process.wait(seconds)


def killed(load: SharedLoad, member: Member) -> set[int]:
    """Kill a process; gives the questions whose answers it was sending."""
    tenure = member.tenure
    member.kill()
    if tenure is None:
        return set()
    eventually(lambda: load.disconnected(tenure), f"member {tenure} is disconnected")
    return load.held_by(tenure)
