"""The database of a measurement: a new one each time, gone afterwards, and what can be read in it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL, Row, Select, func, select, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from channels.model import ChatRef
from optfm_bot.bench.codes import code_in
from optfm_bot.errors import StartRefused, StoreUnavailable
from optfm_bot.store.engine import database_url, reader_engine, sqlite_path
from optfm_bot.store.records import InboxState, OutboxState
from optfm_bot.store.tables import inbox, outbox

_READ_SECONDS = 60.0
_NAME = re.compile(r"[a-z0-9_]+")


def read_address(address: str | None) -> URL | None:
    """Read what `--database` was given; None stands for a temporary SQLite file.

    Raises `StartRefused` for what is no address, for a file that is there already, and without a driver.
    """
    if address is None:
        return None
    try:
        url = database_url(address)
    except ArgumentError:
        raise StartRefused(
            "This is not a database address: one looks like postgresql://user@host/name"
        ) from None
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise StartRefused(f"The bot works with SQLite and PostgreSQL, not with {url.get_backend_name()}")
    if url.get_backend_name() == "sqlite":
        path = sqlite_path(url)
        if path is None:
            raise StartRefused("A database in memory cannot be shared with the bot's process. Name a file")
        if path.exists():
            raise StartRefused(
                f"{path} is there already. A measurement begins with a new database: name a new file"
            )
    return url


@asynccontextmanager
async def database(address: URL | None, folder: Path, name: str) -> AsyncIterator[URL]:
    """A new database, for as long as the block runs.

    Without an address it is a file in `folder`. A file that was named stays afterwards. On a PostgreSQL server a
    database called `name` is made beside the one in the address, and dropped at the end. Raises `StoreUnavailable`.
    """
    if address is None:
        yield database_url(f"sqlite:///{folder / 'bench.db'}")
    elif address.get_backend_name() == "sqlite":
        path = sqlite_path(address)
        yield address if path is None else address.set(database=str(path.resolve()))
    else:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no plain name of a database")
        await _administer(address, f"CREATE DATABASE {name}")
        try:
            yield address.set(database=name)
        finally:
            # FORCE: a process that was killed may still be known to the server.
            await _administer(address, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _administer(address: URL, statement: str) -> None:
    engine = create_async_engine(address, isolation_level="AUTOCOMMIT", connect_args={"timeout": 10})
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        why = getattr(error, "orig", None) or error
        server = address.render_as_string(hide_password=True)
        raise StoreUnavailable(
            f"{server}: “{statement}” failed: {why}. The user in the address needs the right to create databases"
        ) from error
    finally:
        await engine.dispose()


class Ledger:
    """Reads what the bot has written down. Writes nothing; its reads are short. Raises `StoreUnavailable`."""

    def __init__(self, url: URL) -> None:
        self._engine: AsyncEngine = reader_engine(url, connections=1)

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    async def open_work(self) -> int:
        """How many updates are not handled and how many messages are not sent yet."""
        new = select(func.count()).select_from(inbox).where(inbox.c.state == InboxState.NEW.value)
        unsent = select(func.count()).select_from(outbox).where(outbox.c.state < OutboxState.SENT.value)
        return sum([int((await self._rows(query))[0][0]) for query in (new, unsent)])

    async def in_state(self, state: OutboxState) -> int:
        """How many messages are in this state."""
        query = select(func.count()).select_from(outbox).where(outbox.c.state == state.value)
        return int((await self._rows(query))[0][0])

    async def questions_in(self, state: OutboxState) -> Counter[tuple[str, int]]:
        """The questions whose answers are in this state, by chat and code."""
        query = select(outbox.c.lane, outbox.c.message).where(outbox.c.state == state.value)
        found: Counter[tuple[str, int]] = Counter()
        for row in await self._rows(query):
            code = code_in(_unescaped(row.message))
            if code is not None:
                found[ChatRef.parse(row.lane).chat_id, code] += 1
        return found

    async def stored(self) -> dict[str, list[int]]:
        """The codes of each chat in the order in which its questions were stored."""
        found: dict[str, list[int]] = {}
        for row in await self._rows(select(inbox.c.lane, inbox.c.payload).order_by(inbox.c.id)):
            code = code_in(_unescaped(row.payload))
            if code is not None:
                found.setdefault(ChatRef.parse(row.lane).chat_id, []).append(code)
        return found

    async def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        try:
            async with asyncio.timeout(_READ_SECONDS), self._engine.connect() as connection:
                found: Sequence[Row[Any]] = (await connection.execute(query)).all()
                return found
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise StoreUnavailable(f"The database of the measurement cannot be read: {error}") from error


def _unescaped(document: str | bytes) -> str:
    """A JSON document as one that has its letters as they are."""
    return orjson.dumps(orjson.loads(document)).decode()
