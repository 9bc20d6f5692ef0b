"""`optfm-bot db backup`, `restore` and `vacuum`: copies of the database, and its file made small."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import URL

from channels.phrase import phrase
from config.load import LoadedConfig
from optfm_bot.cli.consent import agreed
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.errors import StartRefused
from optfm_bot.housekeeping.backups import back_up, default_folder
from optfm_bot.housekeeping.manifest import BackupUnfit, Manifest, read_manifest
from optfm_bot.housekeeping.restoring import Restored, require_known, restore_sqlite, verify
from optfm_bot.housekeeping.shelf import name_of
from optfm_bot.store.engine import database_url, sqlite_path
from optfm_bot.store.lock import StoreLock
from optfm_bot.store.schema import upgrade
from optfm_bot.store.upkeep import SqliteUpkeep

_MB = 1_000_000
_NONE = "—"


@click.command("backup")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@config_option
@json_option
@voice_options
@guarded
def backup_command(file: Path | None, config_path: Path | None, *, as_json: bool) -> int:
    """Copy the database while the bot runs, with a manifest beside the copy.

    FILE is where to; a folder gets a name with the date. Without it the configured folder is taken, or `backups`.
    """
    words, output = current_words(), Output()
    log_to_stderr("warning")
    config = loaded(config_path)
    url, now = database_url(config.settings.database.url), SystemClock().now()
    target = _target(file, config, url, now)
    with output.waiting(words("db.backing_up")):
        manifest = asyncio.run(back_up(url, target, now=now))
    if as_json:
        output.data({"file": str(target), **manifest.data()})
        return Exit.OK
    size = words.number(manifest.size / _MB)
    output.line(words("db.backed_up", file=target, size=size, revision=manifest.revision), mark=Mark.OK)
    return Exit.OK


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--send",
    is_flag=True,
    help="Answer and send what waited when the backup was made; without it that is only kept, for db revive.",
)
@click.option(
    "--no-manifest", "unproven", is_flag=True, help="Take a copy of a SQLite database that has no manifest."
)
@config_option
@voice_options
@guarded
def restore_command(file: Path, config_path: Path | None, *, yes: bool, send: bool, unproven: bool) -> int:
    """Put the backup FILE in the place of the database, with the bot stopped. The old database is kept beside it."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    url = database_url(loaded(config_path).settings.database.url)
    manifest = None if unproven else read_manifest(file)
    if manifest is not None:
        _require_engine(url, manifest)
        verify(file, manifest)
        made = manifest.made_at.astimezone().isoformat(sep=" ", timespec="minutes")
        output.line(words("db.backup_is", file=file, made=made, revision=manifest.revision))
    if not yes and not agreed(words("db.restore_sure", database=_shown(url))):
        return Exit.PROBLEMS
    now = SystemClock().now()
    if sqlite_path(url) is not None:
        with output.waiting(words("db.restoring")):
            restored = asyncio.run(restore_sqlite(url, file, manifest, send=send, now=now))
    elif manifest is None:
        raise BackupUnfit("A backup of PostgreSQL is restored with its manifest")
    else:
        with output.waiting(words("db.restoring")):
            restored = asyncio.run(_restore_postgres(url, file, manifest, send=send, now=now))
    _report(restored, words, output)
    return Exit.OK


@click.command("vacuum")
@config_option
@voice_options
@guarded
def vacuum_command(config_path: Path | None) -> int:
    """Write the SQLite file anew without its free pages, with the bot stopped. It shrinks by itself from then on."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    url = database_url(loaded(config_path).settings.database.url)
    upkeep = SqliteUpkeep.of(url)
    if upkeep is None:
        output.line(words("db.vacuum_itself"))
        return Exit.OK
    with output.waiting(words("db.vacuuming")):
        before, after = asyncio.run(_vacuum(url, upkeep))
    sizes = {"before": words.number(before / _MB), "after": words.number(after / _MB)}
    output.line(words("db.vacuumed", **sizes), mark=Mark.OK)
    return Exit.OK


def _target(file: Path | None, config: LoadedConfig, url: URL, now: datetime) -> Path:
    """Where the backup goes."""
    name = name_of("manual", now, url.get_backend_name())
    if file is None:
        return default_folder(url, config.settings.database.backup.path, Path()) / name
    return file / name if file.is_dir() else file


def _require_engine(url: URL, manifest: Manifest) -> None:
    engine = url.get_backend_name()
    if manifest.engine != engine:
        raise BackupUnfit(f"This is a backup of {manifest.engine}, the configured database is {engine}")


def _shown(url: URL) -> str:
    return str(sqlite_path(url) or url.render_as_string(hide_password=True))


async def _restore_postgres(
    url: URL, file: Path, manifest: Manifest, *, send: bool, now: datetime
) -> Restored:
    from optfm_bot.housekeeping.postgres import restore_into_empty, rows_of  # noqa: PLC0415 - SQLite needs none of it

    require_known(file, manifest.revision)
    lock = StoreLock(url)
    await lock.acquire()
    try:
        held = await restore_into_empty(url, file, send=send, now=now)
        _, revision = await upgrade(url)
        after = await rows_of(url)
    finally:
        await lock.release()
    return Restored(before=manifest.rows, after=after, revision=revision, aside=None, held=held)


async def _vacuum(url: URL, upkeep: SqliteUpkeep) -> tuple[int, int]:
    path = sqlite_path(url)
    if path is None or not await asyncio.to_thread(path.exists):
        raise StartRefused(
            phrase("store.no_database", "There is no database {database}", database=url.database)
        )
    lock = StoreLock(url)
    await lock.acquire()
    try:
        before = (await asyncio.to_thread(path.stat)).st_size
        await upkeep.vacuum()
        return before, (await asyncio.to_thread(path.stat)).st_size
    finally:
        await lock.release()


def _report(restored: Restored, words: Words, output: Output) -> None:
    headers = [words(f"db.column_{name}") for name in ("table", "before", "after")]
    before: Mapping[str, int] = restored.before or {}
    tables = sorted({*before, *restored.after})
    output.table(
        headers,
        [[name, str(before.get(name, _NONE)), str(restored.after.get(name, _NONE))] for name in tables],
    )
    output.line(words("db.restored", revision=restored.revision), mark=Mark.OK)
    if restored.aside is not None:
        output.line(words("db.kept_aside", file=restored.aside))
    if restored.held.updates or restored.held.messages:
        output.line(
            words("db.held", updates=restored.held.updates, messages=restored.held.messages),
            mark=Mark.WARNING,
        )
