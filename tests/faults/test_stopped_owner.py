"""A process that stands still or dies: the others go on in its place within seconds, and it finds that out."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from optfm_bot.cluster.registry import LEASE_SECONDS
from tests.e2e.processes import eventually
from tests.faults.fleet import AWAY, Member, SharedLoad

pytestmark = pytest.mark.faults

PER_SECOND = 50.0
SLACK = 4.0
"""Seconds that a busy machine may need beside those that are promised."""


def send(member: Member, number: signal.Signals) -> None:
    assert member.process is not None
    os.kill(member.process.pid, number)


@pytest.mark.parametrize(
    ("roles", "mode", "default"),
    [(["all", "all"], "polling", 54_001), (["web", "worker", "worker", "poller"], "webhook", 54_002)],
)
def test_an_owner_that_stands_still_past_its_lease_makes_no_second_answer(
    make_fleet: Callable[..., SharedLoad], roles: list[str], mode: str, default: int
) -> None:
    load = make_fleet(int(os.environ.get("OPTFM_TEST_SEED", default)), roles, mode)
    what = f"seed {load.seed}"
    load.bot.expect("cluster.displaced", *AWAY)
    load.bot.start()
    answering = [one for one in load.bot.members if one.role in {"all", "worker"}]
    offered, in_flight, takeovers = 0, set[int](), []
    for number in range(2):
        sent = load.platform.state()["sent"]
        offered += load.begin(PER_SECOND, 8)
        load.platform.wait(sent=sent + load.dice.randrange(20, 80))
        owner = answering[number % 2]
        tenure = owner.has_joined()
        send(owner, signal.SIGSTOP)
        stopped = time.monotonic()
        in_flight |= standing_sends(load, tenure)
        load.until(lambda: not load.bot.count("members", "id = ?", tenure), "the others have removed it")  # noqa: B023 - used at once
        takeovers.append(time.monotonic() - stopped)
        # All that was asked is answered while it stands still: nobody waits for it.
        load.platform.wait(idle=1, pending=0)
        load.until(lambda: not load.bot.count("inbox", "state = 0"), "all are handled without it")
        load.until(lambda: not load.bot.count("outbox", "state < 2"), "nothing is left to send")
        send(owner, signal.SIGCONT)
        owner.logs("cluster.displaced", member=tenure)
        load.until(lambda: owner.tenure != tenure, "it is a member again")  # noqa: B023 - used at once
        load.bot.settled()
    load.settle(offered)

    load.verdict(offered, in_flight=in_flight)
    assert max(takeovers) < LEASE_SECONDS + SLACK, (what, takeovers)


def standing_sends(load: SharedLoad, tenure: int) -> set[int]:
    """The questions whose answers a process that stands still is sending; commits under way come true meanwhile."""
    load.until(
        lambda: (
            not load.bot.count(
                "pg_stat_activity",
                "state = 'active' AND application_name = (SELECT name FROM members WHERE id = ?)",
                tenure,
            )
        ),
        "the server does nothing for it",
    )
    return load.held_by(tenure)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
def test_when_the_poller_is_gone_another_polls_within_seconds(
    make_fleet: Callable[..., SharedLoad], end: signal.Signals
) -> None:
    load = make_fleet(54_003, ["poller", "poller", "worker"], "polling")
    load.bot.expect("cluster.displaced", *AWAY)
    load.bot.start()
    person = load.platform.person()
    promised = {signal.SIGKILL: 6.0, signal.SIGTERM: 6.0, signal.SIGSTOP: LEASE_SECONDS + SLACK}[end]
    waits = []
    for _ in range(2 if end is signal.SIGKILL else 1):
        person.says("Сколько стоит доставка?")
        person.sees("300 ₽")
        ((holder,),) = load.bot.rows("SELECT member FROM leases WHERE name = 'receive:telegram'")
        poller = next(one for one in load.bot.members if one.tenure == holder)
        send(poller, end)
        began = time.monotonic()
        person.says("Как оплатить заказ?")
        person.sees("По счёту или картой.")
        waits.append(time.monotonic() - began)
        if end is signal.SIGSTOP:
            send(poller, signal.SIGCONT)
            load.until(lambda: poller.tenure != holder, "it is a member again")  # noqa: B023 - used at once
        else:
            assert poller.process is not None
            poller.process.wait(15)
            poller.start()
        person.sees_nothing_else()
    assert max(waits) < promised, waits
    eventually(lambda: not load.bot.count("outbox", "state < 2"), "all is written down as sent")
    assert load.bot.count("outbox", "state <> 2") == 0
