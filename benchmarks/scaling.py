"""What the pieces of many processes on one database cost here, and which limit a growing house would meet first.

    python -m benchmarks.scaling                                   five rounds, tables, and results/scaling.json
    python -m benchmarks.scaling --rounds 1 --output /tmp/x.json   a quick look
    python -m benchmarks.scaling --only-model                      the tables again, from the numbers that are there

PostgreSQL has to run on this machine, and nobody else should use it meanwhile; databases of our own are made and
dropped. What is measured is processor time (see scaling_meter.py), so a busy machine changes the numbers less than it
changes the clock, but it does: the load is written down with them. docs/explanation/scaling.md shows the tables;
`make docs` writes them there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.engine import URL

from benchmarks.scaling_cluster import on_cluster
from benchmarks.scaling_meter import connect, flush_us, journal_mb_per_second
from benchmarks.scaling_pace import waits
from benchmarks.scaling_store import Found, on_postgresql, on_sqlite
from benchmarks.scaling_tables import RESULTS, TABLES
from optfm_bot.bench.database import database, read_address
from optfm_bot.errors import OptfmError
from optfm_bot.store.engine import database_url
from optfm_bot.store.schema import upgrade

ADDRESS = "postgresql://127.0.0.1:5432/test"
_SETTINGS = (
    "server_version",
    "max_connections",
    "fsync",
    "synchronous_commit",
    "wal_sync_method",
    "autovacuum",
)


async def one_round(address: URL, folder: Path, number: int) -> dict[str, Found]:
    """Everything once, each on a database of its own."""
    file = database_url(f"sqlite:///{folder / f'round-{number}.db'}")
    await upgrade(file)
    found = {"sqlite": await on_sqlite(file)}
    async with database(address, folder, f"optfm_scaling_{os.getpid()}") as url:
        await upgrade(url)
        found["postgresql"] = await on_postgresql(url, address)
        found["cluster"] = await on_cluster(url, address)
    return found


async def measured(address: URL, rounds: int) -> dict[str, Any]:
    """So many rounds, their medians, and what machine it was. Raises `OptfmError` if the server cannot be used."""
    before, started, found = os.getloadavg(), time.monotonic(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        machine = await _machine(address, folder)
        for number in range(1, rounds + 1):
            found.append(await one_round(address, folder, number))
            print(f"round {number}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        after = {"load_before": before, "load_after": os.getloadavg(), "seconds": time.monotonic() - started}
    return {"rounds": rounds, "machine": machine | after, "medians": medians(found)}


def medians(rounds: Sequence[Mapping[str, Found]]) -> dict[str, Found]:
    """The median of each number over all rounds."""
    return {
        part: {
            work: {
                name: round(statistics.median(one[part][work][name] for one in rounds), 2) for name in numbers
            }
            for work, numbers in works.items()
        }
        for part, works in rounds[0].items()
    }


async def _machine(address: URL, folder: Path) -> dict[str, Any]:
    server = await connect(address)
    try:
        settings = {name: await server.fetchval("SELECT current_setting($1)", name) for name in _SETTINGS}
    finally:
        await server.close()
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "postgresql": settings,
        "flush_us": flush_us(folder),
        "journal_mb_per_second": journal_mb_per_second(folder),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", default=ADDRESS, help=f"a server on this machine; {ADDRESS} if missing")
    parser.add_argument("--only-model", action="store_true")
    parser.add_argument("--output", type=Path, default=RESULTS / "scaling.json")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds has to be 1 or more")
    if options.only_model:
        if not options.output.exists():
            parser.error(f"--only-model: there is no {options.output}")
    else:
        if not Path("/proc/self/schedstat").exists():
            parser.error("processor time of the server is read from /proc/<pid>/schedstat, which is not here")
        try:
            address = read_address(options.database)
            if address is None or address.get_backend_name() != "postgresql":
                parser.error("--database: a PostgreSQL server is needed")
            found = asyncio.run(measured(address, options.rounds))
        except (OptfmError, OSError, asyncpg.PostgresError) as error:
            print(f"PostgreSQL cannot be measured: {error}", file=sys.stderr)
            return 1
        found["pace_waits"] = waits()
        options.output.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    for name, make in TABLES.items():
        print(f"\n{name}\n\n{make(options.output)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
