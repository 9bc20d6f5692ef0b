"""Connections to PostgreSQL break in the middle of a transaction: everybody is answered once, and no process restarts.

A COMMIT whose answer was lost has happened or not, and nobody can see which; each step is made so that doing it again
changes nothing, and what was done without our hearing of it is found out and gone on with.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.e2e.processes import PATIENCE, eventually
from tests.faults.database import own_database
from tests.faults.fleet import AWAY, SharedLoad, fleet_on
from tests.faults.proxy import Moment, Proxy

pytestmark = pytest.mark.faults

PER_SECOND = 40.0
STEPS = {
    "storing": ("INSERT INTO inbox",),
    "answering": ("INSERT INTO outbox",),
    "sent": ("UPDATE outbox SET",),
}
"""The transactions that a message goes through, by what they say."""


@pytest.fixture
def make_proxied(
    tmp_path: Path, postgresql_address: str
) -> Iterator[Callable[[int, str], tuple[SharedLoad, Proxy]]]:
    """Make two processes whose way to PostgreSQL leads through a proxy: `make_proxied(seed, "polling")`."""
    with ExitStack() as stack:

        def make(seed: int, mode: str) -> tuple[SharedLoad, Proxy]:
            database = stack.enter_context(own_database(postgresql_address))
            url = make_url(database.url)
            proxy = stack.enter_context(Proxy(url.host or "127.0.0.1", url.port or 5432))
            through = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
            load = fleet_on(stack, database, tmp_path, seed, ["all", "all"], mode, through=through)
            load.bot.expect(*AWAY)
            return load, proxy

        yield make


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_commit_that_is_cut_off_costs_nobody_an_answer(
    make_proxied: Callable[[int, str], tuple[SharedLoad, Proxy]], mode: str
) -> None:
    load, proxy = make_proxied(53_001, mode)
    load.bot.start()
    processes = [one.process for one in load.bot.members]
    for step, words in STEPS.items():
        for moment in Moment:
            person = load.platform.person()
            cut = proxy.cut(moment, *words)
            person.says("Сколько стоит доставка?")
            assert cut.wait(PATIENCE), f"{step} was not cut {moment.value} its commit"
            person.sees("300 ₽")
            person.sees_nothing_else()

    eventually(lambda: not load.bot.count("outbox", "state < 2"), "all is written down as sent")
    assert load.bot.count("outbox", "state <> 2") == 0
    assert proxy.cuts == dict.fromkeys(Moment, len(STEPS))
    assert [one.process for one in load.bot.members] == processes, "without a restart"


@pytest.mark.parametrize(("mode", "default"), [("polling", 53_002), ("webhook", 53_003)])
def test_commits_that_are_cut_off_under_load_lose_and_repeat_nothing(
    make_proxied: Callable[[int, str], tuple[SharedLoad, Proxy]], mode: str, default: int
) -> None:
    load, proxy = make_proxied(int(os.environ.get("OPTFM_TEST_SEED", default)), mode)
    load.bot.start()
    offered = 0
    for _ in range(16):
        if load.ended():
            offered += load.begin(PER_SECOND, 4)
        moment, step = load.dice.choice(list(Moment)), load.dice.choice(list(STEPS))
        cut = proxy.cut(moment, *STEPS[step])
        while not cut.wait(0.05):
            if load.ended():
                offered += load.begin(PER_SECOND, 4)
    load.settle(offered)

    load.verdict(offered)
    assert proxy.cuts.total() == 16


def test_backends_that_are_ended_at_random_lose_and_repeat_nothing(
    make_fleet: Callable[..., SharedLoad],
) -> None:
    load = make_fleet(int(os.environ.get("OPTFM_TEST_SEED", "53004")), ["all", "all"], "webhook")
    load.bot.expect(*AWAY)
    load.bot.start()
    offered, ended = load.begin(PER_SECOND, 8), 0
    while not load.ended():
        pids = load.bot.rows(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND application_name LIKE 'optfm-bot %' ORDER BY pid"
        )
        if pids:
            ended += int(load.bot.rows("SELECT pg_terminate_backend(?)", load.dice.choice(pids)[0])[0][0])
        goal = load.platform.state()["sent"] + load.dice.randrange(1, 20)
        load.until(lambda: load.ended() or load.platform.state()["sent"] >= goal, "people are answered")  # noqa: B023 - used at once
    load.settle(offered)

    load.verdict(offered)
    assert ended >= 10, "so few prove nothing"
