"""Power cuts while customers and people of ours talk through a helpdesk: nothing lost, nothing twice, all in order.

The moments follow from a seed: `OPTFM_TEST_SEED` tries another one, and every failure names the one it had.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import Bot, Platform
from tests.faults.desk_load import (
    ASKED,
    KEY,
    REPLIED,
    SECRET,
    SLOW,
    DeskLoad,
    FreeScout,
    LongWay,
    chat_of,
    said_in,
    words_in,
)

pytestmark = pytest.mark.faults

TO_PLATFORM, TO_DESK = 32, 8
"""How many calls the bot has under way at most."""


@pytest.fixture
def load(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DeskLoad]:
    """A bot between Telegram and FreeScout; nothing is started yet. The parameter is the seed."""
    seed = int(os.environ.get("OPTFM_TEST_SEED", request.param))
    with ExitStack() as stack:
        platform = stack.enter_context(Platform("--latency", str(SLOW), "--seed", str(seed)))
        desk = stack.enter_context(FreeScout())
        door = stack.enter_context(LongWay("127.0.0.1", desk.port))
        settings = {
            "type": "freescout",
            "url": f"http://127.0.0.1:{door.port}",
            "api_key": KEY,
            "webhook_secret": SECRET,
            "mailbox_id": desk.told["mailbox"],
            "undo_seconds": 0,
            "request_timeout": 1,
        }
        log = {"level": "warning", "format": "json"}
        bot = stack.enter_context(Bot(tmp_path / "bot", platform, helpdesk={"desk": settings}, log=log))
        desk.control("subscribe", url=f"http://127.0.0.1:{bot.port}/desk/webhook")
        yield DeskLoad(platform, desk, door, bot, seed)


def survives(load: DeskLoad, kills: int, *, comes_and_goes: bool = False) -> None:
    """Kill the bot at random moments, let it finish, and count what customers and agents have read.

    To customers the policy is `at_most_once`: what was on its way at a kill may be missing, and is then marked as
    uncertain, and the agent is told. To tickets nothing may be missing. The helpdesk may come and go meanwhile.
    """
    sending: list[set[int]] = []
    tried: list[dict[int, int]] = []
    boot = 0.0
    for number in range(kills):
        load.doings = 0
        if number % 3 != 1:  # at work, or (every third time) anywhere in its start
            load.come_back()
            sent = load.platform.state()["sent"]
            began = time.monotonic()
            load.bot.launch()
            load.reaches_customers(sent)
            boot = time.monotonic() - began
            if comes_and_goes:
                load.leave()
            load.live(load.dice.uniform(0.0, 0.8))
        else:
            load.bot.launch()
            load.live(load.dice.uniform(0.2 * boot, boot + 0.5))
        load.bot.alive()
        load.bot.kill()
        load.platform.wait(in_flight=0)
        to_customers, to_tickets = load.under_way()
        sending.append(to_customers)
        tried.append(to_tickets)
    load.come_back()
    load.bot.start()
    load.settle()
    what = f"seed {load.seed}"
    assert max(map(len, sending)) <= TO_PLATFORM, what
    if not comes_and_goes:  # each silence leaves some more, and nobody says much to customers meanwhile
        begun = [now.keys() - before.keys() for before, now in itertools.pairwise([{}, *tried])]
        assert max(map(len, begun)) <= TO_DESK, what
        assert any(sending), f"{what}: no kill met a message to a customer, so this run proves nothing"
    for at_kill in tried:
        assert len({*at_kill.values()}) == len(at_kill), f"{what}: in doubt there is one message of a ticket"
    assert any(tried), f"{what}: no kill met a message to a ticket, so this run proves nothing"
    judge(load, in_flight=set[int]().union(*sending))


def judge(load: DeskLoad, in_flight: set[int]) -> None:
    """Count what was read. `in_flight` are the messages that were being sent to customers at any kill."""
    what = f"seed {load.seed}"
    tickets = {chat_of(one): one for one in load.tickets()}
    asked = {chat: words for chat, words in load.asked.items() if words}
    for chat, words in asked.items():
        told = words_in(ASKED, said_in(tickets[chat], "customer"))
        assert not (found := wrong(told, words)), f"{what}, ticket of {chat}: {found}"
    assert len(load.tickets()) == len(load.asked), what
    assert load.desk.state()["doubles"] == {"conversations": 0, "threads": 0, "customers": 0}, what

    seen, uncertain = load.seen(), load.uncertain()
    doubtful = set(words_in(REPLIED, uncertain.values()))
    for chat in load.asked:
        heard = words_in(REPLIED, seen[chat])
        meant = [word for word in load.replied[chat] if word in heard or word not in doubtful]
        assert not (found := wrong(heard, meant)), f"{what}, chat {chat}: {found}"
        assert not (found := wrong(seen[chat], seen[chat])), f"{what}, chat {chat}: {found}"
    untold = doubtful - {word for one in load.tickets() for word in words_in(REPLIED, said_in(one, "note"))}
    assert not untold, f"{what}: the agent does not know that these may not have arrived: {sorted(untold)}"
    assert uncertain.keys() <= in_flight, what
    assert load.bot.count("outbox", "state > 3") == 0, what
    assert load.bot.count("inbox", "state > 1") == 0, what


def wrong(read: Sequence[Any], meant: Sequence[Any]) -> str:
    """What is wrong with what was read, in words; nothing if it is what was meant."""
    missing = [one for one in meant if one not in read]
    twice = [one for one, times in Counter(read).items() if times > 1]
    if missing or twice:
        return f"missing {missing}, more than once {twice}"
    return "" if list(read) == list(meant) else f"out of order {read}"


@pytest.mark.parametrize("load", [20_261_123], indirect=True, ids=str)
def test_nothing_is_lost_or_said_twice_in_either_direction(load: DeskLoad) -> None:
    survives(load, 15)


@pytest.mark.parametrize("load", [4_217], indirect=True, ids=str)
def test_nor_while_the_helpdesk_comes_and_goes(load: DeskLoad) -> None:
    survives(load, 10, comes_and_goes=True)
