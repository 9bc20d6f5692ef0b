"""PostgreSQL stops, crashes and comes back under load: nothing is lost or repeated, and nobody restarts a process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.processes import eventually
from tests.faults.database import own_database
from tests.faults.fleet import AWAY, SharedLoad, fleet_on
from tests.faults.server import Server, own_server

pytestmark = pytest.mark.faults

PER_SECOND = 60.0
RECOVERED = 2.0
"""Seconds within which people are answered again once the server accepts connections."""


@pytest.fixture
def make_served(tmp_path: Path) -> Iterator[Callable[..., tuple[SharedLoad, Server]]]:
    """Make a load on two processes and a server of its own: `make_served(seed, "polling")`."""
    with ExitStack() as stack:

        def make(seed: int, mode: str) -> tuple[SharedLoad, Server]:
            server = stack.enter_context(own_server())
            database = stack.enter_context(own_database(server.address))
            load = fleet_on(stack, database, tmp_path, seed, ["all", "all"], mode)
            load.bot.expect(*AWAY)
            return load, server

        yield make


def crash(server: Server) -> None:
    server.stop("immediate")
    server.start()


@pytest.mark.parametrize(
    ("mode", "trouble", "default"),
    [
        pytest.param("polling", crash, 52_001, id="crash-polling"),
        pytest.param("polling", lambda server: server.restart("fast"), 52_003, id="restart"),
    ],
)
def test_a_server_that_comes_back_is_worked_with_at_once(
    make_served: Callable[..., tuple[SharedLoad, Server]],
    mode: str,
    trouble: Callable[[Server], None],
    default: int,
) -> None:
    load, server = make_served(int(os.environ.get("OPTFM_TEST_SEED", default)), mode)
    load.bot.start()
    processes = [one.process for one in load.bot.members]
    offered, waits = 0, []
    for _ in range(2):
        sent = load.platform.state()["sent"]
        offered += load.begin(PER_SECOND, 6)
        load.platform.wait(sent=sent + load.dice.randrange(30, 120))
        trouble(server)
        waits.append(load.answered_after(time.time()))
        load.settle(offered)

    load.verdict(offered)
    assert [one.process for one in load.bot.members] == processes, "without a restart"
    assert load.bot.log("cluster.displaced") == [], "nobody was taken for dead"
    assert max(waits) < RECOVERED, f"seed {load.seed}: {waits}"


def test_a_server_that_is_away_for_long_is_waited_for(
    make_served: Callable[..., tuple[SharedLoad, Server]],
) -> None:
    load, server = make_served(52_004, "webhook")
    load.bot.start()
    offered = load.begin(PER_SECOND, 12)
    load.platform.wait(sent=30)
    server.stop("immediate")
    load.platform.wait(idle=1)  # longer than any lease
    for one in load.bot.members:
        assert one.get("/healthz")[0] == 200
        assert one.get("/readyz")[0] == 503
    assert load.platform.state()["pending"] > 0
    server.start()
    wait = load.answered_after(time.time())
    load.settle(offered)

    load.verdict(offered)
    for one in load.bot.members:
        eventually(lambda: one.get("/readyz")[0] == 200, "it is ready")  # noqa: B023 - used at once
    assert wait < 2 * RECOVERED, wait
