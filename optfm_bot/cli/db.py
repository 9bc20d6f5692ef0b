"""`optfm-bot db`: the schema of the database, and whether the database is fit for work."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import URL

from config.load import LoadedConfig
from optfm_bot.cli.copies import backup_command, restore_command, vacuum_command
from optfm_bot.cli.database import bring_up_to_date, complaints, look, prove_writable
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.revive import revive_command
from optfm_bot.cli.words import current_words
from optfm_bot.errors import StoreUnavailable
from optfm_bot.housekeeping.backups import default_folder
from optfm_bot.i18n.hints import translate
from optfm_bot.store.engine import database_url
from optfm_bot.store.orphans import orphans, row_counts
from optfm_bot.store.schema import HEAD

_NONE = "—"


@click.group()
def command() -> None:
    """Care for the database that the configuration names."""


command.add_command(backup_command)
command.add_command(restore_command)
command.add_command(revive_command)
command.add_command(vacuum_command)


@command.command("upgrade")
@click.option("--no-backup", is_flag=True, help="Change a SQLite database without copying it before.")
@config_option
@voice_options
@guarded
def upgrade_command(config_path: Path | None, *, no_backup: bool) -> int:
    """Bring the schema up to date, after a backup if it is a SQLite file with rows. Safe to repeat."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    config = loaded(config_path)
    url = database_url(config.settings.database.url)
    folder = None if no_backup else default_folder(url, config.settings.database.backup.path, Path())
    done = asyncio.run(bring_up_to_date(url, backups=folder))
    if done.backup is not None:
        output.line(words("db.backup_before", file=done.backup), mark=Mark.OK)
    key = "db.up_to_date" if done.before == done.after else "db.upgraded"
    output.line(words(key, before=done.before or _NONE, after=done.after), mark=Mark.OK)
    return Exit.OK


@command.command("current")
@config_option
@json_option
@voice_options
@guarded
def current_command(config_path: Path | None, *, as_json: bool) -> int:
    """Print the revision of the schema, and the one that this program needs."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    state = asyncio.run(look(configured(config_path)))
    if as_json:
        output.data(
            {"database": state.address, "exists": state.exists, "revision": state.revision, "needed": HEAD}
        )
        return Exit.OK
    output.line(state.address)
    output.line(words("db.revision", revision=state.revision or _NONE, needed=HEAD))
    if not state.exists:
        output.line(words("db.not_there"))
    return Exit.OK


@command.command("check")
@config_option
@json_option
@voice_options
@guarded
def check_command(config_path: Path | None, *, as_json: bool) -> int:
    """Check that the schema is current, that the database can be written, and that its file is whole.

    Then count the rows, and those that belong to nothing: they harm nobody and are told as warnings.
    """
    words, output = current_words(), Output()
    log_to_stderr("warning")
    config = loaded(config_path)
    with output.waiting(words("db.checking")):
        found = asyncio.run(_examined(config))
    failed = any(found.checks.values())
    if as_json:
        checks = {name: problem or "ok" for name, problem in found.checks.items()}
        output.data({"ok": not failed, "checks": checks, "rows": found.rows, "orphans": found.orphans})
        return Exit.DATABASE if failed else Exit.OK
    for name, problem in found.checks.items():
        if problem:
            output.line(f"{words(f'db.check_{name}')}: {problem}", mark=Mark.ERROR)
        else:
            output.line(words(f"db.check_{name}"), mark=Mark.OK)
    for name, number in found.orphans.items():
        output.line(words(f"db.orphans_{name}", n=number), mark=Mark.WARNING)
    if found.rows:
        counted = ", ".join(f"{name} {number}" for name, number in found.rows.items() if number)
        output.line(words("db.rows", counted=counted or _NONE))
    return Exit.DATABASE if failed else Exit.OK


def configured(config_path: Path | None) -> URL:
    """The address of the configured database. Raises `ConfigError`."""
    return database_url(loaded(config_path).settings.database.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Examined:
    """What a check found: each check with what is wrong (empty: nothing), rows by table, orphans by kind."""

    checks: Mapping[str, str]
    rows: Mapping[str, int]
    orphans: Mapping[str, int]


async def _examined(config: LoadedConfig) -> _Examined:
    url = database_url(config.settings.database.url)
    checks = dict(await _verdicts(url))
    if any(checks.values()):
        return _Examined(checks=checks, rows={}, orphans={})
    return _Examined(
        checks=checks, rows=await row_counts(url), orphans=await orphans(url, config.settings.channels)
    )


async def _verdicts(url: URL) -> list[tuple[str, str]]:
    """Each check with what is wrong; an empty text means that all is well."""
    words = current_words()
    state = await look(url)
    if not state.exists:
        return [("schema", words("db.not_there"))]
    schema = ""
    if state.is_newer:
        schema = words("db.newer", revision=state.revision or _NONE, needed=HEAD)
    elif not state.is_current:
        schema = words("db.older", revision=state.revision or _NONE, needed=HEAD)
    verdicts = [("schema", schema)]
    if state.revision is not None:
        try:
            await prove_writable(url)
        except StoreUnavailable as error:
            verdicts.append(("writable", translate(str(error), words.language)))
        else:
            verdicts.append(("writable", ""))
    if url.get_backend_name() == "sqlite":
        verdicts.append(("whole", "; ".join((await complaints(url))[:5])))
    return verdicts
