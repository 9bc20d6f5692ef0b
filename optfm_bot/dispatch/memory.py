"""What the house keeps at hand: a bounded cache over the store whose misses are read together, in one query."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """The most recently used values by key; a value that the store does not have is remembered as None.

    Only one process writes a conversation at a time, so what it wrote last is what the store has.
    """

    def __init__(
        self, load: Callable[[Collection[str]], Awaitable[Mapping[str, V]]], *, limit: int = 5000
    ) -> None:
        self._load = load
        self._limit = limit
        self._values: OrderedDict[str, V | None] = OrderedDict()
        self._wanted: dict[str, asyncio.Future[V | None]] = {}

    def put(self, key: str, value: V) -> None:
        """Remember what was just committed."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)

    def forget(self, key: str) -> None:
        """Read the value from the store next time."""
        self._values.pop(key, None)

    def knows(self, key: str) -> bool:
        """Whether `get` need not ask the store."""
        return key in self._values

    async def get(self, key: str) -> V | None:
        """Give the value, from memory or from the store. Raises what the store raises."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        waiting = self._wanted.get(key)
        if waiting is not None:
            return await asyncio.shield(waiting)
        leads = not self._wanted
        future = asyncio.get_running_loop().create_future()
        self._wanted[key] = future
        if leads:
            await self._read_wanted()
        return await asyncio.shield(future)

    async def _read_wanted(self) -> None:
        """The first who misses reads for everybody who misses in the same turn of the loop."""
        try:
            await asyncio.sleep(0)
        finally:
            wanted, self._wanted = self._wanted, {}
        try:
            found = await self._load(wanted.keys())
        except BaseException as error:
            for future in wanted.values():
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
                    future.exception()  # whoever still waits gets it; nobody waiting is no accident
            raise
        for key, future in wanted.items():
            self._values[key] = found.get(key)
            if not future.done():
                future.set_result(found.get(key))
        while len(self._values) > self._limit:
            self._values.popitem(last=False)
