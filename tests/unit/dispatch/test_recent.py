"""What the house keeps at hand, read from the store in one query for all who miss."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import pytest

from optfm_bot.dispatch.memory import Recent
from optfm_bot.errors import StoreUnavailable


class Source:
    """A store that counts its queries and can be held up or fail."""

    def __init__(self) -> None:
        self.queries: list[list[str]] = []
        self.values = {name: f"{name}-old" for name in "abcdefgh"}
        self.gate = asyncio.Event()
        self.gate.set()
        self.errors: list[Exception] = []

    async def load(self, keys: Collection[str]) -> Mapping[str, str]:
        self.queries.append(list(keys))
        found = {key: self.values[key] for key in keys if key in self.values}
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        return found


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def recent(source: Source) -> Recent[str]:
    return Recent(source.load, limit=5)


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_misses_of_one_moment_are_one_query(source: Source, recent: Recent[str]) -> None:
    values = await asyncio.gather(*(recent.get(name) for name in "abcabcz"))

    assert values == ["a-old", "b-old", "c-old", "a-old", "b-old", "c-old", None]
    assert source.queries == [["a", "b", "c", "z"]]


async def test_what_is_known_is_not_asked_again_nor_what_is_not_there(
    source: Source, recent: Recent[str]
) -> None:
    for _ in range(3):
        await recent.get("a")
        await recent.get("z")

    assert source.queries == [["a"], ["z"]]
    assert recent.knows("z")


async def test_an_error_reaches_everybody_and_is_not_remembered(source: Source, recent: Recent[str]) -> None:
    source.errors = [StoreUnavailable()]
    results = await asyncio.gather(*(recent.get(name) for name in "aab"), return_exceptions=True)

    assert [type(result) for result in results] == [StoreUnavailable] * 3
    assert await recent.get("a") == "a-old"


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_who_asked_first_may_be_cancelled_without_harm_to_the_others(
    source: Source, recent: Recent[str], turns: int
) -> None:
    source.gate.clear()
    first = asyncio.create_task(recent.get("a"))
    others = [asyncio.create_task(recent.get(name)) for name in "ab"]
    for _ in range(turns):
        await asyncio.sleep(0)
    first.cancel()
    await turn()
    source.gate.set()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*others) == ["a-old", "b-old"]
    assert first.cancelled()


async def test_what_was_put_while_a_query_ran_is_newer_than_its_answer(
    source: Source, recent: Recent[str]
) -> None:
    source.gate.clear()
    asking = asyncio.create_task(recent.get("a"))
    await turn()
    recent.put("a", "a-new")
    source.gate.set()
    await asking

    assert await recent.get("a") == "a-new"


async def test_what_was_forgotten_while_a_query_ran_is_read_again(
    source: Source, recent: Recent[str]
) -> None:
    source.gate.clear()
    asking = asyncio.create_task(recent.get("a"))
    await turn()
    source.values["a"] = "a-new"
    recent.forget("a")
    source.gate.set()
    await asking

    assert await recent.get("a") == "a-new"


async def test_a_miss_during_a_query_for_the_same_key_waits_for_its_answer(
    source: Source, recent: Recent[str]
) -> None:
    source.gate.clear()
    asking = asyncio.create_task(recent.get("a"))
    await turn()
    again = asyncio.create_task(recent.get("a"))
    await turn()
    source.gate.set()

    assert await asyncio.gather(asking, again) == ["a-old", "a-old"]
    assert source.queries == [["a"]]


async def test_the_least_recently_used_is_dropped_first(source: Source, recent: Recent[str]) -> None:
    for name in "abcde":
        await recent.get(name)
    await recent.get("a")
    recent.put("f", "f")
    await recent.get("g")

    assert [name for name in "abcdefg" if recent.knows(name)] == ["a", "d", "e", "f", "g"]


async def test_memory_is_bounded_whatever_is_asked_at_once(source: Source, recent: Recent[str]) -> None:
    await asyncio.gather(*(recent.get(f"key{number}") for number in range(100)))

    assert len(recent._values) == 5
    assert not recent._asked
    assert not recent._wanted
