"""The registry in PostgreSQL: rows, advisory locks that end with their session, and LISTEN/NOTIFY."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
import orjson
import structlog
from sqlalchemy.engine import URL

from channels.phrase import phrase
from optfm_bot import __version__
from optfm_bot.cluster.plan import Role, View
from optfm_bot.cluster.registry import GONE_SECONDS, LEASE_SECONDS, Evicted, Hear, Registry
from optfm_bot.errors import StoreUnavailable
from optfm_bot.ids import WORKERS

log = structlog.get_logger("optfm_bot.cluster")

_CHANNEL: Final = "optfm_bot"
_LOCKS: Final = 0x6F70 << 40
"""Advisory locks of members are this number and their tenure: nobody else's are meant."""

_SETTLED_SECONDS: Final = 5.0
"""After a restart of the server everybody's lock is gone for a moment; nobody is taken for dead by that."""

_STATEMENT_SECONDS: Final = 5.0
_NOTICE_BYTES: Final = 7900
"""PostgreSQL carries payloads below 8,000 bytes (its documentation of NOTIFY)."""

_LISTEN_SECONDS: Final = 10.0
"""How often a connection that only listens is asked whether it is there: its end may come without a word."""

_NOW: Final = "extract(epoch FROM clock_timestamp())"


class Session:
    """One connection, opened again after it was lost, used by one caller at a time."""

    def __init__(
        self, url: URL, *, name: str, prepare: Callable[[asyncpg.Connection], Awaitable[None]]
    ) -> None:
        _, self._options = url.get_dialect()().create_connect_args(url)
        self._name = name
        self._prepare = prepare
        self._lock = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[asyncpg.Connection]:
        """Give the connection. Raises `StoreUnavailable`; what was under way is then undone or unknown."""
        async with self._lock:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._connect()
                yield self._connection
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as e:
                self._drop()
                raise StoreUnavailable(
                    phrase(
                        "store.unusable_now",
                        "The database cannot be used now: {kind}: {why}",
                        kind=type(e).__name__,
                        why=e,
                    )
                ) from e
            except asyncio.CancelledError:
                self._drop()  # it may be in the middle of a statement
                raise

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            **self._options,
            timeout=_STATEMENT_SECONDS,
            command_timeout=_STATEMENT_SECONDS,
            server_settings={"application_name": self._name},
        )
        try:
            await self._prepare(connection)
        except BaseException:
            connection.terminate()  # half prepared it is nobody's, and it may hold a lock
            raise
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Disconnect."""
        async with self._lock:
            self._drop()


class PostgresRegistry(Registry):
    """Members and leases are rows. That a member lives is told by its heartbeat and by a lock of its session.

    `name` is how connections of this process are called in the server: those of a member that is removed are ended by
    it, so that a transaction of a stopped process cannot hold up the others.
    """

    def __init__(self, url: URL, *, name: str) -> None:
        self._name = name
        self._tenure = 0
        self._life_ended: Callable[[], None] = lambda: None
        self._hear: Hear = lambda _topic, _text: None
        self._life = Session(url, name=name, prepare=self._take_lock)
        self._talk = Session(url, name=name, prepare=self._listen)
        self._notices: list[tuple[str, str]] = []
        self._speaking = asyncio.Event()
        self._speaker: asyncio.Task[None] | None = None

    async def open(self, hear: Hear, cut_off: Callable[[], None] = lambda: None) -> None:
        """Connect and listen."""
        self._hear = hear
        self._life_ended = cut_off
        async with self._talk.use():
            pass
        self._speaker = asyncio.create_task(self._speak(), name="cluster notices")

    async def close(self) -> None:
        """Disconnect."""
        if self._speaker is not None:
            self._speaker.cancel()
            await asyncio.gather(self._speaker, return_exceptions=True)
            self._speaker = None
        await self._life.close()
        await self._talk.close()

    # -- members ------------------------------------------------------------------------------------------

    async def join(self, roles: Collection[Role], leases: Sequence[str]) -> int:
        """Become a member."""
        async with self._life.use() as connection, connection.transaction():
            tenure = await _number(connection)
            await connection.execute(
                "INSERT INTO members (id, name, roles, version, joined_at, seen_at)"
                " VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp())",
                tenure,
                self._name,
                " ".join(sorted(roles)),
                __version__,
            )
            await connection.execute("SELECT pg_try_advisory_lock($1)", _LOCKS | tenure)
            await connection.execute(
                "INSERT INTO leases (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", list(leases)
            )
        self._tenure = tenure
        return tenure

    async def _take_lock(self, connection: asyncpg.Connection) -> None:
        connection.add_termination_listener(lambda _: self._life_ended())
        if self._tenure:
            await connection.execute("SELECT pg_try_advisory_lock($1)", _LOCKS | self._tenure)

    async def beat(self, tenure: int, *, steady: bool) -> View:
        """Show that we live, and see who else does."""
        async with self._life.use() as connection:
            known = await connection.fetchval(
                "UPDATE members SET seen_at = clock_timestamp() WHERE id = $1 RETURNING id", tenure
            )
            if known is None:
                raise Evicted
            members = await connection.fetch(
                "SELECT id, name, roles, seen_at, extract(epoch FROM clock_timestamp() - seen_at)::float8 AS silent"
                " FROM members"
            )
            dead = [
                row
                for row in members
                if row["id"] != tenure and await self._is_dead(connection, row, steady=steady)
            ]
            if dead:
                await self._remove(connection, dead)
            leases = await connection.fetch("SELECT name, member FROM leases")
        lost = {row["id"] for row in dead}
        return View(
            members={
                row["id"]: frozenset(Role(role) for role in row["roles"].split())
                for row in members
                if row["id"] not in lost
            },
            leases={row["name"]: row["member"] for row in leases},
        )

    async def _is_dead(self, connection: asyncpg.Connection, row: Any, *, steady: bool) -> bool:
        # Seen in the future: the server's clock was set back, and only the lock can tell.
        if 0 <= row["silent"] < GONE_SECONDS:
            return False
        if steady and row["silent"] > LEASE_SECONDS:
            return True
        free = await connection.fetchval(
            "SELECT clock_timestamp() - pg_postmaster_start_time() > $2 * interval '1 second'"
            " AND pg_try_advisory_xact_lock($1)",
            _LOCKS | row["id"],
            _SETTLED_SECONDS,
        )
        return bool(free)

    async def _remove(self, connection: asyncpg.Connection, dead: Sequence[Any]) -> None:
        """Remove members. One that has shown a sign of life meanwhile stays."""
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '2s'")
            for row in dead:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = $1 AND application_name <> $2 AND usename = current_user"
                    " AND datname = current_database()",
                    row["name"],
                    self._name,  # an earlier tenure of ours whose beginning we were not told of
                )
                removed = await connection.fetchval(
                    "DELETE FROM members WHERE id = $1 AND seen_at = $2 RETURNING id",
                    row["id"],
                    row["seen_at"],
                )
                if removed is not None:
                    await self._free_updates(connection, row["id"])
                    log.warning("cluster.removed", member=row["id"], silent_seconds=round(row["silent"], 1))

    @staticmethod
    async def _free_updates(connection: asyncpg.Connection, tenure: int) -> None:
        await connection.execute(
            "UPDATE inbox SET owner = NULL, lease_until = 0 WHERE owner = $1 AND state = 0", str(tenure)
        )

    async def take(self, tenure: int, names: Collection[str]) -> Collection[str]:
        """Take those of these leases that are free."""
        async with self._life.use() as connection:
            try:
                rows = await connection.fetch(
                    "UPDATE leases SET member = $1 WHERE name IN (SELECT name FROM leases"
                    " WHERE member IS NULL AND name = ANY($2::text[]) FOR UPDATE SKIP LOCKED) RETURNING name",
                    tenure,
                    list(names),
                )
            except asyncpg.ForeignKeyViolationError as error:
                raise Evicted from error
        return {row["name"] for row in rows}

    async def give(self, tenure: int, names: Collection[str]) -> None:
        """Give leases back."""
        async with self._life.use() as connection:
            await connection.execute(
                "UPDATE leases SET member = NULL WHERE member = $1 AND name = ANY($2::text[])",
                tenure,
                list(names),
            )

    async def leave(self, tenure: int) -> None:
        """Stop being a member."""
        self._tenure = 0
        async with self._life.use() as connection, connection.transaction():
            await connection.execute("DELETE FROM members WHERE id = $1", tenure)
            await self._free_updates(connection, tenure)

    # -- pace ---------------------------------------------------------------------------------------------

    async def reserve(self, channel: str, *, rate: float, burst: int, tokens: int) -> float:
        """Take so many places of a bot's common pace, lent if need be. None is earned during a pause."""
        async with self._talk.use() as connection:
            row = await connection.fetchrow(
                f"INSERT INTO rates AS r (channel, tokens, counted_at) VALUES ($1, $3::float8 - $4, {_NOW})"  # noqa: S608 - no text from outside
                " ON CONFLICT (channel) DO UPDATE SET counted_at = excluded.counted_at,"
                " tokens = least($3::float8, r.tokens"
                " + greatest(0, excluded.counted_at - greatest(r.counted_at, r.paused_until)) * $2) - $4"
                f" RETURNING tokens, paused_until - {_NOW} AS pause",
                channel,
                rate,
                burst,
                tokens,
            )
        return max(0.0, float(row["pause"])) + max(0.0, -float(row["tokens"]) / rate)

    async def pause(self, channel: str, seconds: float) -> None:
        """Let nobody use the bot's pace for so long."""
        async with self._talk.use() as connection:
            await connection.execute(
                f"INSERT INTO rates AS r (channel, tokens, counted_at, paused_until)"  # noqa: S608 - no text from outside
                f" VALUES ($1, 0, {_NOW}, {_NOW} + $2) ON CONFLICT (channel) DO UPDATE"
                " SET paused_until = greatest(r.paused_until, excluded.paused_until)",
                channel,
                seconds,
            )

    # -- notices ------------------------------------------------------------------------------------------

    def tell(self, topic: str, text: str) -> None:
        """Tell the other processes something, soon; repeats that nobody has sent yet are one."""
        if (topic, text) not in self._notices[-64:]:
            self._notices.append((topic, text))
            self._speaking.set()

    async def _speak(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LISTEN_SECONDS):
                    await self._speaking.wait()
            self._speaking.clear()
            notices, self._notices = self._notices, []
            try:
                async with self._talk.use() as connection:  # connects again if need be, and listens
                    if not notices:
                        await connection.execute("SELECT 1")
                    for payload in _payloads(self._name, notices):
                        await connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, payload)
            except StoreUnavailable as error:  # whoever had to hear it looks into the store now and then
                log.info("cluster.not_told", notices=len(notices), error=str(error))

    async def _listen(self, connection: asyncpg.Connection) -> None:
        # Losing the last of these in a crash costs nothing: a pace that was not written down, a notice.
        await connection.execute("SET synchronous_commit TO off")
        await connection.add_listener(_CHANNEL, self._heard)
        connection.add_termination_listener(self._cut_off)
        self._hear("", "")

    def _cut_off(self, _connection: asyncpg.Connection) -> None:
        self._notices.append(("", ""))  # connects again, and listens
        self._speaking.set()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        name, notices = orjson.loads(payload)
        if name != self._name:
            for topic, text in notices:
                if topic:
                    self._hear(topic, text)


async def _number(connection: asyncpg.Connection) -> int:
    """The next number of a member: other than those of the living, and so is what their ids keep of it."""
    while True:
        number = int(await connection.fetchval("SELECT nextval(pg_get_serial_sequence('members', 'id'))"))
        alike = "SELECT EXISTS (SELECT FROM members WHERE id % $1 = $2 % $1)"
        if not await connection.fetchval(alike, WORKERS, number):
            return number


def _payloads(name: str, notices: Sequence[tuple[str, str]]) -> Sequence[str]:
    """Notices as few payloads as carry them; one that is too long for any is left out."""
    payloads: list[str] = []
    batch: list[tuple[str, str]] = []
    for notice in notices:
        longer = orjson.dumps([name, [*batch, notice]])
        if len(longer) > _NOTICE_BYTES and batch:
            payloads.append(orjson.dumps([name, batch]).decode())
            batch = []
        if len(orjson.dumps([name, [notice]])) <= _NOTICE_BYTES:
            batch.append(notice)
    return [*payloads, orjson.dumps([name, batch]).decode()] if batch else payloads
