"""What a piece of work costs: processor time here and in the database server, journal written, time on the clock.

Processor time, not the clock, because a machine that is busy with other things changes it little. Linux only: the
server's share is read from `/proc/<pid>/schedstat` of its processes (nanoseconds on a processor, see the kernel's
documentation of sched-stats), so the server has to be on this machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.engine import URL

_MB = 1 << 20
_PAGE = 8192
_SEGMENT = 16 * _MB


@dataclass(slots=True)
class Cost:
    """What was used, in microseconds, and bytes of the journal; `work` is how many units of work it was for."""

    client: float = 0.0
    server: float = 0.0
    wall: float = 0.0
    journal: float = 0.0
    work: int = 1

    def each(self) -> dict[str, float]:
        """For one unit of work; the journal in bytes."""
        return {
            "client_us": round(self.client / self.work, 2),
            "server_us": round(self.server / self.work, 2),
            "wall_us": round(self.wall / self.work, 2),
            "journal_bytes": round(self.journal / self.work, 1),
        }


class Meter:
    """Measures blocks of work. This one knows no server: it is for a database that is a file."""

    @asynccontextmanager
    async def measure(self, work: int = 1) -> AsyncIterator[Cost]:
        """Measure a block; the cost is filled in at its end."""
        cost = Cost(work=work)
        pids = await self._pids()
        journal = await self._journal()
        server, wall, client = _on_processor(pids), time.perf_counter_ns(), time.process_time_ns()
        yield cost
        cost.client = (time.process_time_ns() - client) / 1000
        cost.wall = (time.perf_counter_ns() - wall) / 1000
        cost.server = (_on_processor(pids) - server) / 1000
        cost.journal = await self._journal() - journal

    async def _pids(self) -> list[int]:
        return []

    async def _journal(self) -> int:
        return 0


class ServerMeter(Meter):
    """Measures work on one database of a PostgreSQL server. Every connection must be open before the block begins."""

    def __init__(self, admin: asyncpg.Connection, database: str) -> None:
        self._admin = admin
        self._database = database

    async def _pids(self) -> list[int]:
        found = await self._admin.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'",
            self._database,
        )
        return [row["pid"] for row in found]

    async def _journal(self) -> int:
        # Of the whole server: it must not be used by others meanwhile.
        return int(await self._admin.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


def _on_processor(pids: list[int]) -> int:
    """Nanoseconds that these processes have been on a processor."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids)


async def connect(url: URL, **options: Any) -> asyncpg.Connection:
    """A plain connection to a database."""
    _, arguments = url.get_dialect()().create_connect_args(url)
    return await asyncpg.connect(**arguments, timeout=10, command_timeout=60, **options)


def flush_us(folder: Path, times: int = 100) -> float:
    """Microseconds that the disk takes to keep one page of a file that has its size already."""
    waits = sorted(_flushes(folder, bytes(_PAGE), times))
    return round(waits[len(waits) // 2] / 1000, 1)


def journal_mb_per_second(folder: Path, times: int = 32) -> float:
    """Megabytes a second that the disk keeps for good, written a megabyte at a time."""
    return round(times / (sum(_flushes(folder, bytes(_MB), times)) / 1e9), 1)


def _flushes(folder: Path, block: bytes, times: int) -> list[int]:
    path = folder / "flush"
    path.write_bytes(bytes(_SEGMENT))
    found = []
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.fsync(descriptor)
        for number in range(times):
            started = time.perf_counter_ns()
            os.pwrite(descriptor, block, number * len(block) % _SEGMENT)
            os.fdatasync(descriptor)
            found.append(time.perf_counter_ns() - started)
    finally:
        os.close(descriptor)
        path.unlink()
    return found
