"""What the house keeps at hand: a bounded cache over the store whose misses are read together, in one query."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """The most recently used values by key; a value that the store does not have is remembered as None.

    Only one process writes a conversation at a time, so what it wrote last is what the store has; `forget` and `clear`
    are for what somebody else may have written.
    """

    def __init__(
        self, load: Callable[[Collection[str]], Awaitable[Mapping[str, V]]], *, limit: int = 5000
    ) -> None:
        self._load = load
        self._limit = limit
        self._values: OrderedDict[str, V | None] = OrderedDict()
        # Keys that the next query will ask for, and those that a running query was asked for. What is put or forgotten
        # meanwhile leaves both: the answer to an old question is then not remembered.
        self._wanted: dict[str, asyncio.Future[V | None]] = {}
        self._asked: dict[str, asyncio.Future[V | None]] = {}
        self._readers: set[asyncio.Task[None]] = set()

    def put(self, key: str, value: V) -> None:
        """Remember what was just committed."""
        self._asked.pop(key, None)
        self._keep(key, value)

    def forget(self, key: str) -> None:
        """Read the value from the store next time."""
        self._asked.pop(key, None)
        self._values.pop(key, None)

    def clear(self) -> None:
        """Read every value from the store next time."""
        self._asked.clear()
        self._values.clear()

    def knows(self, key: str) -> bool:
        """Whether `get` need not ask the store."""
        return key in self._values

    async def get(self, key: str) -> V | None:
        """Give the value, from memory or from the store. Raises what the store raises."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        future = self._wanted.get(key) or self._asked.get(key)
        if future is None:
            future = self._wanted[key] = asyncio.get_running_loop().create_future()
            if len(self._wanted) == 1:
                # A task of its own: whoever missed first may be cancelled, and the others still want their values.
                reader = asyncio.create_task(self._read_wanted(), name="recent values")
                self._readers.add(reader)
                reader.add_done_callback(self._readers.discard)
        return await asyncio.shield(future)

    async def _read_wanted(self) -> None:
        """Read for everybody who misses in the same turn of the loop."""
        wanted, self._wanted = self._wanted, {}
        self._asked |= wanted
        try:
            found = await self._load(wanted.keys())
        except Exception as error:  # noqa: BLE001 - whatever the store raises, everybody who waits must hear of it
            for future in wanted.values():
                future.set_exception(error)
                future.exception()  # whoever still waits gets it; nobody waiting is no accident
        else:
            for key, future in wanted.items():
                value = found.get(key)
                future.set_result(value)
                if self._asked.get(key) is future:
                    self._keep(key, value)
        finally:
            for key, future in wanted.items():
                if self._asked.get(key) is future:
                    del self._asked[key]
                future.cancel()  # only if the reader itself was ended

    def _keep(self, key: str, value: V | None) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)
