"""Thousands of messages that came while the bot was down: all are answered, in order, and memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.e2e.processes import Bot
from tests.faults.fleet import SharedLoad
from tests.faults.load import FIRST_CHAT, TEXTS, Load

pytestmark = pytest.mark.faults

BACKLOG = 20_000
SHARED_BACKLOG = 12_000
"""More than two processes hold in memory."""

CHATS = 500
MORE_MEMORY = 60.0
"""Megabytes that a process may need beyond what it has when nothing waits."""

SECONDS = 300.0


def test_one_process_on_sqlite_drains_a_backlog(make_load: Callable[..., Load]) -> None:
    load = make_load(56_001, mode="polling")
    load.bot.start()
    quiet = load.bot.rss
    assert load.bot.terminate() == 0
    drains(load, [load.bot], [quiet], BACKLOG)


def test_two_processes_on_postgresql_drain_a_backlog(make_fleet: Callable[..., SharedLoad]) -> None:
    load = make_fleet(56_002, ["all", "all"], "polling")
    load.bot.start()
    quiet = [one.rss for one in load.bot.members]
    for one in load.bot.members:
        assert one.terminate() == 0
    drains(load, load.bot.members, quiet, SHARED_BACKLOG)


def drains(load: Load, bots: Sequence[Bot], quiet: Sequence[float], backlog: int) -> None:
    """Let a backlog come, start the bot, and watch it until nothing is left."""
    load.platform.control("burst", messages=backlog, chats=CHATS, texts=TEXTS, first_chat=FIRST_CHAT)
    for one in bots:
        one.launch()
    most = list(quiet)

    def drained() -> bool:
        for number, one in enumerate(bots):
            most[number] = max(most[number], one.rss)
        return bool(load.platform.control("counts")["sent"] >= backlog)

    load.until(drained, "all are answered", SECONDS)
    load.settle(backlog)

    answers = load.answers()
    assert len(answers) == backlog
    assert set(answers.values()) == {1}
    assert load.disorder() == []
    assert load.troubled() == 0
    assert load.bot.count("outbox") == backlog
    more = [now - before for now, before in zip(most, quiet, strict=True)]
    print(f"resident memory: {quiet} MB, at most {most} MB")  # noqa: T201 - shown with a failure, and by -s
    assert max(more) < MORE_MEMORY, (quiet, most)
