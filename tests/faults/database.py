"""A PostgreSQL database of a test's own, read (and meddled with) from a test that is not asynchronous."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg

from optfm_bot.store.engine import database_url
from tests.e2e.processes import PATIENCE

_LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError, OSError)


class Database:
    """Reads (and meddles with) a PostgreSQL database from a test that is not asynchronous; `url` is its address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._runner = asyncio.Runner()
        self._connection: asyncpg.Connection | None = None

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement whose places are question marks. Connects again after the server was away."""
        numbers = iter(range(1, len(values) + 1))
        asked = re.sub(r"\?", lambda _: f"${next(numbers)}", statement)
        return self._runner.run(self._rows(asked, values))

    async def _rows(self, asked: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        for last in (False, True):
            if self._connection is None or self._connection.is_closed():
                address = self.url.replace("+asyncpg", "")
                self._connection = await asyncpg.connect(address, timeout=PATIENCE, command_timeout=PATIENCE)
            try:
                return [tuple(row) for row in await self._connection.fetch(asked, *values)]
            except _LOST:
                self._connection.terminate()
                self._connection = None
                if last:
                    raise
        raise AssertionError("not reached")

    def count(self, table: str, where: str = "true", *values: Any) -> int:
        """Count rows."""
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE {where}", *values)[0][0])  # noqa: S608 - written by tests

    def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.terminate()
            self._runner.run(asyncio.sleep(0))
        self._runner.close()


@contextmanager
def own_database(address: str) -> Iterator[Database]:
    """A database for one test, on the server of `address`; gone afterwards."""
    name = f"optfm_faults_{random.SystemRandom().getrandbits(48):012x}"
    admin = Database(address)
    try:
        admin.rows(f"CREATE DATABASE {name}")
        url = database_url(address).set(database=name).render_as_string(hide_password=False)
        found = Database(url)
        try:
            yield found
        finally:
            found.close()
            admin.rows(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        admin.close()
