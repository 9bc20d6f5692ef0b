"""`optfm-bot token`: keys of the REST API, made, listed and revoked, also while the bot runs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import URL

from optfm_bot.api.tokens import NAME, Scope, digest, is_live, new_token, read_scopes
from optfm_bot.cli.database import bring_up_to_date
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.errors import StoreConflict
from optfm_bot.housekeeping.backups import default_folder
from optfm_bot.ids import IdSource
from optfm_bot.store.contract import Store
from optfm_bot.store.engine import database_url
from optfm_bot.store.records import TokenRow
from optfm_bot.store.sql import SqlStore

T = TypeVar("T")

_DAY_MS = 24 * 60 * 60 * 1000
_NONE = "—"


@click.group()
def command() -> None:
    """Care for the keys of the REST API."""


@command.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    default=(Scope.MESSAGES.value,),
    show_default=True,
    help="What the token allows; may be given several times.",
)
@click.option(
    "--days", type=click.IntRange(1, 3650), help="How long it works; until it is revoked if missing."
)
@config_option
@voice_options
@guarded
def create_command(name: str, scopes: Sequence[str], days: int | None, config_path: Path | None) -> int:
    """Make a token and print it, this once and never again. Only its digest is kept."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    name = name.strip()
    if not NAME.fullmatch(name):
        raise click.UsageError(words("token.bad_name", name=name[:64]))
    token, clock = new_token(secrets.token_bytes), SystemClock()
    now = clock.ms()
    row = TokenRow(
        id=IdSource(clock.ms, secrets.randbelow(1024)).next(),
        name=name,
        digest=digest(token),
        scopes=read_scopes(scopes),
        created_at=now,
        expires_at=None if days is None else now + days * _DAY_MS,
    )
    try:
        asyncio.run(_in_store(_address(config_path), lambda store: _add(store, row)))
    except StoreConflict:
        click.echo(words("token.taken", name=name), err=True)
        return Exit.PROBLEMS
    if not output.quiet:
        click.echo(words("token.created", name=name, scopes=row.scopes), err=True)
        click.echo(words("token.once"), err=True)
    output.line(token)
    return Exit.OK


@command.command("list")
@config_option
@json_option
@voice_options
@guarded
def list_command(config_path: Path | None, *, as_json: bool) -> int:
    """List the tokens: what they allow, since when, and when they were last used. None can be shown again."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    rows = asyncio.run(_in_store(_address(config_path), lambda store: store.tokens()))
    now = SystemClock().ms()
    if as_json:
        output.data([_data(row, now) for row in rows])
        return Exit.OK
    if not rows:
        output.line(words("token.none"))
        return Exit.OK
    headers = [words(f"token.column_{key}") for key in ("name", "scopes", "created", "used", "state")]
    output.table(
        headers,
        [
            [
                row.name,
                row.scopes,
                _moment(row.created_at),
                _moment(row.last_used_at),
                _state(row, now, words),
            ]
            for row in rows
        ],
    )
    return Exit.OK


@command.command("revoke")
@click.argument("name")
@config_option
@voice_options
@guarded
def revoke_command(name: str, config_path: Path | None) -> int:
    """End a token, at once and for good. The name is free again."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    found = asyncio.run(_in_store(_address(config_path), lambda store: _revoke(store, name.strip())))
    if not found:
        output.line(words("token.unknown", name=name), mark=Mark.ERROR)
        return Exit.PROBLEMS
    output.line(words("token.revoked", name=name), mark=Mark.OK)
    return Exit.OK


# -- the store --------------------------------------------------------------------------------------------


async def _in_store(url: URL, work: Callable[[Store], Awaitable[T]]) -> T:
    """Do something in the database, made or brought up to date before. A bot that runs with it goes on meanwhile.

    Raises what the store raises, and `StartRefused` if a bot runs whose database has to be brought up to date.
    """
    await bring_up_to_date(url, backups=default_folder(url, None, Path()))
    store = SqlStore(url.render_as_string(hide_password=False))
    await store.open()
    try:
        return await work(store)
    finally:
        await store.close()


async def _add(store: Store, row: TokenRow) -> None:
    async with store.unit() as unit:
        unit.api.add_token(row)


async def _revoke(store: Store, name: str) -> bool:
    live = [row for row in await store.tokens() if row.name == name and row.revoked_at is None]
    async with store.unit() as unit:
        for row in live:
            unit.api.revoke_token(row.id, at=SystemClock().ms())
    return bool(live)


def _address(config_path: Path | None) -> URL:
    return database_url(loaded(config_path).settings.database.url)


# -- showing ----------------------------------------------------------------------------------------------


def _data(row: TokenRow, now: int) -> dict[str, Any]:
    return {
        "name": row.name,
        "scopes": row.scopes.split(),
        "live": is_live(row, now),
        "created_at": _moment(row.created_at),
        "expires_at": _moment(row.expires_at) if row.expires_at is not None else None,
        "last_used_at": _moment(row.last_used_at) if row.last_used_at is not None else None,
        "revoked_at": _moment(row.revoked_at) if row.revoked_at is not None else None,
    }


def _state(row: TokenRow, now: int, words: Words) -> str:
    if row.revoked_at is not None:
        return words("token.state_revoked", at=_moment(row.revoked_at))
    if row.expires_at is None:
        return words("token.state_live")
    key = "token.state_until" if is_live(row, now) else "token.state_expired"
    return words(key, at=_moment(row.expires_at))


def _moment(ms: int | None) -> str:
    return _NONE if ms is None else datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")
