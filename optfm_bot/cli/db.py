"""`optfm-bot db`: the schema of the database, and whether the database is fit for work."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from sqlalchemy import URL

from optfm_bot.cli.database import bring_up_to_date, complaints, look, prove_writable
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, language_option, loaded
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import current_words
from optfm_bot.errors import StoreUnavailable
from optfm_bot.store.engine import database_url
from optfm_bot.store.schema import HEAD

_NONE = "—"


@click.group()
def command() -> None:
    """Care for the database that the configuration names."""


@command.command("upgrade")
@config_option
@language_option
@guarded
def upgrade_command(config_path: Path | None) -> int:
    """Bring the schema up to date. Safe to repeat; `run` does it by itself."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    before, after = asyncio.run(bring_up_to_date(configured(config_path)))
    key = "db.up_to_date" if before == after else "db.upgraded"
    output.line(words(key, before=before or _NONE, after=after), mark=Mark.OK)
    return Exit.OK


@command.command("current")
@config_option
@json_option
@language_option
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
@language_option
@guarded
def check_command(config_path: Path | None, *, as_json: bool) -> int:
    """Check that the schema is current, that the database can be written, and that its file is whole."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    with output.waiting(words("db.checking")):
        verdicts = asyncio.run(_verdicts(configured(config_path)))
    failed = any(problem for _, problem in verdicts)
    if as_json:
        output.data({"ok": not failed, "checks": {name: problem or "ok" for name, problem in verdicts}})
        return Exit.DATABASE if failed else Exit.OK
    for name, problem in verdicts:
        if problem:
            output.line(f"{words(f'db.check_{name}')}: {problem}", mark=Mark.ERROR)
        else:
            output.line(words(f"db.check_{name}"), mark=Mark.OK)
    return Exit.DATABASE if failed else Exit.OK


def configured(config_path: Path | None) -> URL:
    """The address of the configured database. Raises `ConfigError`."""
    return database_url(loaded(config_path).settings.database.url)


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
            verdicts.append(("writable", str(error)))
        else:
            verdicts.append(("writable", ""))
    if url.get_backend_name() == "sqlite":
        verdicts.append(("whole", "; ".join((await complaints(url))[:5])))
    return verdicts
