"""Backups of a PostgreSQL database, by the tools that come with it; the password goes through their environment."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import URL, Connection, func, inspect, select, table, text
from sqlalchemy.ext.asyncio import create_async_engine

from channels.phrase import phrase
from optfm_bot import __version__
from optfm_bot.errors import StartRefused
from optfm_bot.housekeeping.holding import Held, holding
from optfm_bot.housekeeping.manifest import BackupUnfit, Manifest, digest
from optfm_bot.housekeeping.shelf import place, publish
from optfm_bot.store.faults import translated
from optfm_bot.store.schema import current_revision
from optfm_bot.store.tables import metadata

_TOOL_SECONDS = 3600.0
_TAIL = 600
"""Characters of what a tool complained of that are shown."""


def connection_of(url: URL) -> tuple[Sequence[str], Mapping[str, str]]:
    """How the tools reach a database: arguments without a secret, and what goes into their environment. Pure."""
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    host = url.host or query.get("host")
    arguments = [
        *(["--host", host] if host else []),
        *(["--port", str(url.port)] if url.port else []),
        *(["--username", url.username] if url.username else []),
        "--no-password",
    ]
    environment = {"PGPASSWORD": str(url.password)} if url.password else {}
    if mode := query.get("sslmode") or query.get("ssl"):
        environment["PGSSLMODE"] = mode
    return [*arguments, "--dbname", str(url.database)], environment


async def dump(url: URL, target: Path, *, now: datetime) -> Manifest:
    """Make a backup of one moment while others go on working. Raises `BackupUnfit` and `StoreUnavailable`."""
    _tool("pg_dump")
    with place(target) as partial, translated(url):
        engine = create_async_engine(url, isolation_level="REPEATABLE READ")
        try:
            async with engine.begin() as connection:
                await connection.execute(text("SET TRANSACTION READ ONLY"))
                revision = await connection.run_sync(current_revision)
                if revision is None:
                    raise BackupUnfit("The database holds no tables of this program")
                rows = await connection.run_sync(_count)
                snapshot = (await connection.execute(text("SELECT pg_export_snapshot()"))).scalar_one()
                await _run(
                    url,
                    "pg_dump",
                    "--format=custom",
                    "--no-owner",
                    "--no-privileges",
                    f"--snapshot={snapshot}",
                    *(f"--table={name}" for name in [*rows, "alembic_version"]),
                    f"--file={partial}",
                )
        finally:
            await engine.dispose()
        size, sha256 = await asyncio.to_thread(digest, partial)
        manifest = Manifest(
            engine="postgresql",
            revision=revision,
            made_at=now,
            program=__version__,
            size=size,
            sha256=sha256,
            rows=rows,
        )
        await asyncio.to_thread(publish, partial, target, manifest)
        return manifest


async def restore_into_empty(url: URL, backup: Path, *, send: bool, now: datetime) -> Held:
    """Bring a dump into a database that has no tables yet, all or nothing; what waited is held back in the same go.

    An old database is left alone that way: name a new one in the settings. Raises `StartRefused` if the database is not
    empty, `BackupUnfit` if the tools fail, `StoreUnavailable`.
    """
    _tool("pg_restore")
    _tool("psql")
    if await _tables(url):
        raise StartRefused(
            phrase(
                "store.not_empty",
                "The database {database} is not empty. Make another one (createdb), name it in "
                "database.url, and restore into that: the old one stays as it is",
                database=url.database,
            )
        )
    with TemporaryDirectory() as folder:
        script = Path(folder) / "restore.sql"
        await _run(
            url, "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(backup), reach=False
        )
        before = ("SET search_path TO public", *(() if send else holding(int(now.timestamp() * 1000))))
        said = await _run(
            url,
            "psql",
            "--no-psqlrc",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            f"--file={script}",
            *(f"--command={statement}" for statement in before),
        )
    numbers = [int(line.split()[1]) for line in said.splitlines() if line.startswith("UPDATE ")]
    updates, messages = numbers[-2:] if not send else (0, 0)
    return Held(updates=updates, messages=messages)


async def rows_of(url: URL) -> Mapping[str, int]:
    """How many rows each of our tables has. Raises `StoreUnavailable`."""
    with translated(url):
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(_count)
        finally:
            await engine.dispose()


async def _tables(url: URL) -> Sequence[str]:
    with translated(url):
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(lambda found: inspect(found).get_table_names())
        finally:
            await engine.dispose()


def _count(connection: Connection) -> Mapping[str, int]:
    there = set(inspect(connection).get_table_names())
    return {
        name: int(connection.execute(select(func.count()).select_from(table(name))).scalar_one())
        for name in sorted(there & set(metadata.tables))
    }


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BackupUnfit(
            f"{name} is not installed here. Install the client tools of PostgreSQL (Debian: postgresql-client), or make"
            " the backup on the machine of the database with pg_dump --format=custom"
        )
    return found


async def _run(url: URL, tool: str, *arguments: str, reach: bool = True) -> str:
    reached, secrets = connection_of(url)
    process = await asyncio.create_subprocess_exec(
        _tool(tool),
        *(reached if reach else ()),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **secrets},
    )
    try:
        async with asyncio.timeout(_TOOL_SECONDS):
            said, complained = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode:
        what = _clean(complained, url.password)
        raise BackupUnfit(f"{tool} failed: {what}")
    return said.decode(errors="replace")


def _clean(complained: bytes, password: Any) -> str:
    words = " ".join(complained.decode(errors="replace").split())
    return (words.replace(str(password), "••••") if password else words)[-_TAIL:]
