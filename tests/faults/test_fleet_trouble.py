"""Two processes of one bot between a platform in trouble and updates that come twice, shuffled or broken."""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.processes import eventually
from tests.faults.fleet import Member, SharedLoad
from tests.faults.load import CHATS, FIRST_CHAT, TEXTS, UNCERTAIN
from tests.faults.proxy import Door

pytestmark = pytest.mark.faults

PACE = 30.0
"""Messages a second that the whole bot may send, by whichever process."""
BLOCK = 3
"""Places that each process takes at a time."""
AT_ONCE = 32
"""How many calls a process has under way at most."""
MORE_MEMORY = 40.0
"""Megabytes that a process may need beyond what it had when it was well and quiet."""


MESSAGES, TOGETHER = 160, 16


def seed(default: int) -> int:
    return int(os.environ.get("OPTFM_TEST_SEED", default))


# -- a platform in trouble ---------------------------------------------------------------------------


def test_a_platform_that_is_slow_and_then_away_is_not_flooded_when_it_is_back(
    make_fleet: Callable[..., SharedLoad],
) -> None:
    delivery = {"per_chat_per_second": 0, "per_bot_per_second": PACE}
    with Door("127.0.0.1", 0) as door:
        channel = {"api_base": f"http://127.0.0.1:{door.port}"}
        load = make_fleet(seed(55_001), ["all", "all"], "polling", delivery=delivery, channel=channel)
        door.leads_to("127.0.0.1", load.platform.port)
        load.bot.start()
        offered = load.begin(PACE * 0.8, 2)
        load.settle(offered)
        well = [one.rss for one in load.bot.members]

        load.platform.control("latency", seconds=2.5)  # it answers after seconds
        offered += load.begin(PACE * 0.8, 4)
        load.platform.wait(idle=1)
        load.platform.control("latency", seconds=0.0)
        load.settle(offered)
        assert load.questions_in(UNCERTAIN) == set(), "slow is not dead"

        offered += load.begin(PACE * 0.8, 1)
        load.platform.wait(idle=1)
        sent = load.platform.state()["sent"]
        waiting = load.platform.control(
            "burst", messages=240, chats=CHATS, texts=TEXTS, first_chat=FIRST_CHAT
        )
        offered += waiting["pushed"]
        load.until(lambda: load.bot.count("inbox") == offered, "all are stored")
        door.shut()  # it refuses connections
        for one in load.bot.members:
            one.logs("outbox.refused", reaction="Unreachable")
        load.platform.wait(in_flight=0)
        door.open()
        load.settle(offered, seconds=180)
        sick = [one.rss for one in load.bot.members]

    doubtful = load.questions_in(UNCERTAIN)  # those whose connections broke off
    load.verdict(offered, in_flight=doubtful)
    assert len(doubtful) <= AT_ONCE * len(load.bot.members)
    assert most_within_a_second(load, sent) <= 2 * PACE + BLOCK * len(load.bot.members)
    assert max(now - before for now, before in zip(sick, well, strict=True)) < MORE_MEMORY, (well, sick)


def most_within_a_second(load: SharedLoad, since: int) -> int:
    """The most messages that reached people within any second; leave out so many."""
    moments = [one[3] for one in load.platform.control("answers")["answers"]][since:]
    return max(bisect_right(moments, begun + 1.0) - place for place, begun in enumerate(moments))


def test_calls_that_are_never_answered_hold_up_their_own_chats_only(
    make_fleet: Callable[..., SharedLoad],
) -> None:
    load = make_fleet(seed(55_002), ["all", "all"], "polling")
    load.bot.start()
    for chat in range(3):
        load.platform.control("fail", fault="hang", method="sendMessage", chat_id=FIRST_CHAT + chat)
    offered = load.begin(40, 6)
    load.platform.wait(idle=1, pending=0)
    hung = {f"telegram:{FIRST_CHAT + chat}" for chat in range(3)}
    load.until(
        lambda: {lane for (lane,) in load.bot.rows("SELECT lane FROM outbox WHERE state < 2")} == hung,
        "all but those chats are answered",
    )
    in_flight = load.questions_in(1)
    assert len(in_flight) == 3
    load.settle(offered)  # the calls are given up; the chats go on
    load.verdict(offered, in_flight=in_flight)
    assert load.questions_in(UNCERTAIN) == in_flight


# -- updates in trouble ------------------------------------------------------------------------------


def test_pushes_that_come_twice_and_shuffled_to_two_processes_are_answered_once(
    make_fleet: Callable[..., SharedLoad],
) -> None:
    load = make_fleet(seed(55_003), ["all", "all"], "webhook")
    load.platform.control("burst", messages=MESSAGES, chats=4, texts=TEXTS, first_chat=FIRST_CHAT)
    updates: list[dict[str, Any]] = []
    while len(updates) < MESSAGES:
        offset = updates[-1]["update_id"] + 1 if updates else 0
        updates += load.platform.call("getUpdates", offset=offset)["result"]
    load.platform.call("getUpdates", offset=updates[-1]["update_id"] + 1)
    load.bot.start()

    with ThreadPoolExecutor(TOGETHER) as posters:
        for first in range(0, MESSAGES, TOGETHER // 2):
            some = updates[first : first + TOGETHER // 2]
            pushes = [(one, update) for update in some for one in load.bot.members for _ in range(2)]
            load.dice.shuffle(pushes)
            assert set(posters.map(pushed, pushes)) == {200}
    load.settle(MESSAGES)

    answers = load.answers()
    assert set(answers.values()) == {1}
    assert answers.keys() == {update["message"]["message_id"] for update in updates}
    assert load.bot.count("inbox") == load.bot.count("outbox") == MESSAGES
    stored: dict[str, list[int]] = defaultdict(list)
    for lane, payload in load.bot.rows("SELECT lane, payload FROM inbox ORDER BY id"):
        stored[lane].append(json.loads(payload)["message"]["message_id"])
    seen: dict[str, list[int]] = defaultdict(list)
    for one in load.platform.sent():
        seen[f"telegram:{one['chat_id']}"].append(one["reply_to"])
    assert seen == stored, "the order of a chat is the one in which its updates were stored"


def pushed(push: tuple[Member, dict[str, Any]]) -> int:
    """Push an update to a process as the platform would; gives the status."""
    member, update = push
    return member.webhook_update(update)


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_updates_that_cannot_be_read_are_parked_once_and_hold_up_nobody(
    make_fleet: Callable[..., SharedLoad], mode: str
) -> None:
    load = make_fleet(seed(55_004), ["all", "all"], mode)
    load.bot.expect("dispatch.parked")
    load.bot.start()
    offered = load.begin(40, 5)
    poisons = 30
    for number in range(poisons):
        chat = {"id": FIRST_CHAT + number, "type": "group", "title": "poison"}
        load.platform.push(
            "raw",
            {"message": {"message_id": 900_000 + number, "chat": chat, "text": 7}},
            lane=str(chat["id"]),
        )
    load.settle(offered)

    eventually(
        lambda: load.bot.count("inbox", "state = 9") == poisons, "they are parked", alive=load.bot.alive
    )
    parked = [one.metric("optfm_updates_parked_total") for one in load.bot.members]
    assert sum(parked) == poisons, "once each"
    assert min(parked) > 0, "both had some, or this proves less than it says"
    answers = load.answers()
    assert len(answers) == offered
    assert set(answers.values()) == {1}
    assert load.disorder() == []
    assert load.troubled() == 0
