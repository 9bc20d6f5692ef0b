"""What a house asks and tells, alone and as one of several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from optfm_bot.clock import ManualClock
from optfm_bot.cluster.membership import Membership
from optfm_bot.cluster.plan import ROLES, Role
from optfm_bot.cluster.sharing import Alone, Cluster, receiving
from optfm_bot.ownership import OwnDuty
from optfm_bot.shards import shard_of
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.cluster import MemoryCluster


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def cluster(clock: ManualClock, told: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> Cluster:
    door = MemoryCluster(MemoryStore(), clock).door()
    monkeypatch.setattr(door, "tell", lambda topic, text: told.append((topic, text)))
    duties = {receiving("telegram"): Role.POLLER}
    return Cluster(membership=Membership(door, clock, roles=ROLES["all"], duties=duties), registry=door)


def test_who_is_alone_owns_everything_and_has_nobody_to_ask(clock: ManualClock) -> None:
    alone = Alone("one")

    assert alone.ownership.owns("telegram:1")
    assert alone.ownership.name == "one"
    assert isinstance(alone.duty("telegram"), OwnDuty)
    assert alone.pace("telegram", 30, clock) is None


def test_one_of_several_has_duties_that_others_may_take(cluster: Cluster) -> None:
    assert cluster.ownership is cluster.membership
    assert cluster.duty("telegram") is cluster.membership.duties["receive:telegram"]
    with pytest.raises(KeyError):
        cluster.duty("unknown")


def test_a_pace_is_shared_where_there_is_one(cluster: Cluster, clock: ManualClock) -> None:
    assert cluster.pace("telegram", 30, clock) is not None
    assert cluster.pace("desk", 0, clock) is None


Tell = Callable[[Any], None]


@pytest.mark.parametrize(
    ("tell", "heard"),
    [
        (lambda it: it.updates_stored(["a", "a"]), [("inbox", str(shard_of("a")))]),
        (lambda it: it.promised("telegram", [7, 8]), [("outbox", "telegram 7 8")]),
        (lambda it: it.person_changed("telegram:1"), [("person", "telegram:1")]),
    ],
)
def test_the_others_are_told_by_name(
    cluster: Cluster, told: list[tuple[str, str]], tell: Tell, heard: list[tuple[str, str]]
) -> None:
    cluster.membership.members = 2
    tell(Alone("one"))
    tell(cluster)

    assert told == heard


def test_nobody_else_remembers_a_person_where_nobody_else_is(
    cluster: Cluster, told: list[tuple[str, str]]
) -> None:
    cluster.membership.members = 1
    cluster.person_changed("telegram:1")

    assert told == []
