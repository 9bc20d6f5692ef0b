"""Group commit: many units in one transaction, none of which suffers from another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from optfm_bot.errors import (
    StoreConflict,
    StoreContended,
    StoreFenced,
    StoreRefused,
    StoreUnavailable,
)
from optfm_bot.store.committer import GroupCommitter
from optfm_bot.store.unit import UnitOfWork


class Log:
    """A database that writes down each transaction and does what a test scripts."""

    def __init__(self) -> None:
        self.transactions: list[list[str]] = []
        self.names: dict[int, str] = {}
        self.bad: dict[str, Exception] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.committed_units: list[int] = []
        self.failures = 0
        self.committer = GroupCommitter(self.apply, self)

    async def apply(self, units: Sequence[UnitOfWork]) -> None:
        names = [self.names[id(unit)] for unit in units]
        self.transactions.append(names)
        await self.gate.wait()
        for name in names:
            if name in self.bad:
                raise self.bad[name]

    def committed(self, units: int, seconds: float) -> None:
        assert seconds >= 0
        self.committed_units.append(units)

    def failed(self) -> None:
        self.failures += 1

    async def commit(self, name: str) -> None:
        unit = UnitOfWork(self.committer.commit)
        self.names[id(unit)] = name
        await self.committer.commit(unit)


@pytest.fixture
async def log() -> AsyncIterator[Log]:
    made = Log()
    made.committer.open()
    yield made
    made.gate.set()
    await made.committer.close()


async def test_an_idle_committer_commits_at_once(log: Log) -> None:
    await log.commit("a")
    await log.commit("b")

    assert log.transactions == [["a"], ["b"]]
    assert log.committed_units == [1, 1]


async def test_what_comes_during_a_transaction_shares_the_next_in_order(log: Log) -> None:
    log.gate.clear()
    tasks = [asyncio.create_task(log.commit("first"))]
    await asyncio.sleep(0.0)
    await asyncio.sleep(0.0)
    tasks += [asyncio.create_task(log.commit(name)) for name in "abc"]
    await asyncio.sleep(0.0)
    assert not any(task.done() for task in tasks)
    log.gate.set()
    await asyncio.gather(*tasks)

    assert log.transactions == [["first"], ["a", "b", "c"]]
    assert log.committed_units == [1, 3]


async def test_a_transaction_is_bounded(log: Log) -> None:
    await asyncio.gather(*(log.commit(str(number)) for number in range(1200)))

    assert max(map(len, log.transactions)) == 512
    assert [name for names in log.transactions for name in names] == [str(number) for number in range(1200)]


@pytest.mark.parametrize("error", [StoreConflict(), StoreRefused(), StoreContended(), StoreFenced()])
async def test_a_bad_unit_fails_alone(log: Log, error: Exception) -> None:
    log.bad["b"] = error
    results = await asyncio.gather(*(log.commit(name) for name in "abc"), return_exceptions=True)

    assert results == [None, error, None]
    assert log.transactions == [["a", "b", "c"], ["a"], ["b"], ["c"]]


async def test_a_database_that_is_down_fails_everybody_and_the_next_try_works(log: Log) -> None:
    log.bad["b"] = StoreUnavailable("full")
    results = await asyncio.gather(*(log.commit(name) for name in "abc"), return_exceptions=True)
    assert [str(result) for result in results] == ["full"] * 3
    assert log.failures == 1
    log.bad.clear()
    await log.commit("a")

    assert log.committed_units == [1]


async def test_whatever_a_driver_raises_is_told_as_unavailable_with_its_cause(log: Log) -> None:
    bug = AssertionError("a bug of the driver")
    log.bad["a"] = bug
    with pytest.raises(StoreUnavailable, match="AssertionError: a bug") as caught:
        await log.commit("a")

    assert caught.value.__cause__ is bug


async def test_a_caller_who_gives_up_does_not_take_back_the_unit(log: Log) -> None:
    log.gate.clear()
    task = asyncio.create_task(log.commit("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    log.gate.set()
    await log.commit("b")

    assert task.cancelled()
    assert log.committed_units == [1, 1]


async def test_closing_commits_what_was_submitted_and_refuses_the_rest(log: Log) -> None:
    log.gate.clear()
    tasks = [asyncio.create_task(log.commit(name)) for name in "abc"]
    await asyncio.sleep(0)
    closing = asyncio.create_task(log.committer.close())
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="closed"):
        await log.commit("late")
    log.gate.set()
    await closing
    await asyncio.gather(*tasks)

    assert sum(log.committed_units) == 3


async def test_closing_twice_or_before_opening_is_harmless() -> None:
    log = Log()
    await log.committer.close()
    with pytest.raises(StoreUnavailable):
        await log.commit("a")
    log.committer.open()
    await log.commit("a")
    await log.committer.close()
    await log.committer.close()

    assert log.committed_units == [1]
