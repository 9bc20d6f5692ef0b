"""`optfm-bot helpdesk`: whether it knows us, what is new there, what did not arrive, and which tickets there are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from config.load import LoadedConfig
from optfm_bot.cli.desk_hints import (
    hint_changes,
    hint_recent,
    hint_ticket,
    keep_hints,
    ticket_named,
    tickets_of,
    undelivered,
)
from optfm_bot.cli.desk_plan import DeskPlan, planned_desk
from optfm_bot.cli.desk_signs import examine_desk
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.probing import worst
from optfm_bot.cli.request_table import in_store, moment
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.office import office
from optfm_bot.store.contract import Store
from optfm_bot.store.engine import database_url
from optfm_bot.store.records import PersonRow
from optfm_bot.store.revival import Revival
from optfm_bot.store.ticket_records import TicketRow, TicketStatus

T = TypeVar("T")

_DAY_MS = 24 * 60 * 60 * 1000
_COLUMNS = ("number", "status", "person", "channel", "since", "url")


@click.group()
def command() -> None:
    """Care for the helpdesk: where people answer what the bot cannot."""


@command.command("test")
@config_option
@json_option
@voice_options
@guarded
def test_command(config_path: Path | None, *, as_json: bool) -> int:
    """Ask the helpdesk whether it knows us, and how its news reach us. Changes nothing there. Needs the network."""
    words, output = current_words(), Output()
    config, plan = _begin(config_path)
    if plan is None:
        return _none(words, output)
    public_url = config.settings.server.public_url
    with output.waiting(words("helpdesk.asking")):
        found = asyncio.run(examine_desk(plan.desk, plan.channels, public_url=public_url, words=words))
    code = worst([found.probe])
    if as_json:
        told = found.probe.data()
        signs = [sign.data() for sign in found.signs]
        output.data({"helpdesk": told.pop("channel"), **told, "findings": signs})
        return code
    for sign in found.signs:
        output.line(sign.text, mark=sign.mark)
        if sign.fix and not (output.quiet and sign.mark is Mark.OK):
            output.line(f"→ {sign.fix}", indent=4)
    if code is Exit.OK:
        output.advice(words("helpdesk.next", title=plan.desk.spec.title))
    return code


@command.command("sync")
@click.option("--ticket", metavar="ID", help="Only this one, by its number or id.")
@click.option(
    "--since",
    metavar="DAYS",
    type=click.IntRange(1, 36500),
    help="Every ticket of ours that is open or changed in the last so many days, instead of asking what changed.",
)
@config_option
@json_option
@voice_options
@guarded
def sync_command(ticket: str | None, since: int | None, config_path: Path | None, *, as_json: bool) -> int:
    """Look what is new in tickets. Safe while the bot runs: that one, or the next one, handles what is found."""
    words, output = current_words(), Output()
    if ticket is not None and since is not None:
        raise click.UsageError(words("helpdesk.one_of", options="--ticket, --since"))
    config, plan = _begin(config_path)
    if plan is None:
        return _none(words, output)
    clock = SystemClock()

    async def work(store: Store) -> int:
        if ticket is not None:
            return await hint_ticket(store, plan, _bare(ticket), clock)
        if since is not None:
            return await hint_recent(store, plan.desk.instance, clock.ms() - since * _DAY_MS, clock)
        return await hint_changes(store, plan, clock)

    with output.waiting(words("helpdesk.asking")):
        count = _in_store(config, work)
    if ticket is not None and not count:
        return _unknown(ticket, words, output)
    if as_json:
        output.data({"tickets": count})
        return Exit.OK
    output.line(words("helpdesk.synced", tickets=words.count("count.tickets", count)), mark=Mark.OK)
    return Exit.OK


@command.command("replay")
@click.option("--ticket", metavar="ID", help="What this ticket did not get, by its number or id.")
@click.option("--failed", is_flag=True, help="What any ticket did not get.")
@config_option
@json_option
@voice_options
@guarded
def replay_command(ticket: str | None, config_path: Path | None, *, failed: bool, as_json: bool) -> int:
    """Bring messages to the helpdesk that failed or may have failed, and read their tickets again.

    Safe while the bot runs. What may have arrived is looked for there before it is repeated.
    """
    words, output = current_words(), Output()
    if (ticket is None) is not failed:
        raise click.UsageError(words("helpdesk.one_of", options="--ticket, --failed"))
    config, plan = _begin(config_path)
    if plan is None:
        return _none(words, output)
    desk, url = plan.desk.instance, database_url(config.settings.database.url)

    async def work(store: Store) -> tuple[int, int] | None:
        row = await ticket_named(store, desk, _bare(ticket)) if ticket is not None else None
        if ticket is not None and row is None:
            return None
        rows = await undelivered(store, desk, row)
        external = {*await tickets_of(store, rows), *([row.external_id] if row and row.external_id else [])}
        sent = await Revival(url).revive_messages([one.id for one in rows]) if rows else 0
        return sent, await keep_hints(store, desk, sorted(external), SystemClock())

    found = _in_store(config, work)
    if found is None:
        return _unknown(ticket or "", words, output)
    messages, tickets = found
    if as_json:
        output.data({"messages": messages, "tickets": tickets})
        return Exit.OK
    read = words.count("count.tickets", tickets)
    output.line(words("helpdesk.replayed", messages=messages, tickets=read), mark=Mark.OK)
    if messages:
        output.line(words("db.revived_messages"))
    return Exit.OK


@command.command("tickets")
@click.option("--open", "only_open", is_flag=True, help="Only those that are open.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most."
)
@config_option
@json_option
@voice_options
@guarded
def tickets_command(limit: int, config_path: Path | None, *, only_open: bool, as_json: bool) -> int:
    """List tickets as the bot knows them, newest first. Asks nobody."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    config = loaded(config_path)
    status = TicketStatus.OPEN if only_open else None

    async def work(store: Store) -> list[tuple[TicketRow, PersonRow | None]]:
        rows = await store.tickets(status=status, limit=limit)
        people = await store.people({row.person for row in rows})
        return [(row, people.get(row.person)) for row in rows]

    rows = _in_store(config, work)
    if as_json:
        output.data([_data(row) for row, _ in rows])
        return Exit.OK
    if not rows:
        output.line(words("helpdesk.no_tickets"))
        return Exit.OK
    zone = office(config.settings).zone
    output.table(
        [words(f"helpdesk.column_{name}") for name in _COLUMNS],
        [
            [
                row.number or row.external_id or "—",
                words(f"helpdesk.status_{row.status.value}"),
                (person.display_name if person is not None else "") or row.person.partition(":")[2],
                row.person.partition(":")[0],
                moment(row.opened_at, zone),
                row.url or "—",
            ]
            for row, person in rows
        ],
    )
    return Exit.OK


# -- the parts --------------------------------------------------------------------------------------------


def _begin(config_path: Path | None) -> tuple[LoadedConfig, DeskPlan | None]:
    """The settings and the helpdesk of them, its secrets kept out of the log. Raises `ConfigError`."""
    log_to_stderr("error")
    config = loaded(config_path)
    plan = planned_desk(config)
    log_to_stderr("error", plan.secrets if plan is not None else ())
    return config, plan


def _in_store(config: LoadedConfig, work: Callable[[Store], Awaitable[T]]) -> T:
    return asyncio.run(in_store(config.settings, work))


def _bare(ticket: str) -> str:
    return ticket.strip().removeprefix("#")


def _none(words: Words, output: Output) -> int:
    output.line(words("helpdesk.none"), mark=Mark.ERROR)
    output.line(f"→ {words('helpdesk.none_fix')}", indent=4)
    return Exit.CONFIG


def _unknown(ticket: str, words: Words, output: Output) -> int:
    output.line(words("helpdesk.unknown", ticket=ticket[:40]), mark=Mark.ERROR)
    return Exit.PROBLEMS


def _data(row: TicketRow) -> dict[str, Any]:
    return {
        "id": row.external_id,
        "number": row.number,
        "helpdesk": row.desk,
        "status": row.status.value,
        "assignee": row.assignee,
        "person": row.person,
        "chat": row.lane,
        "url": row.url,
        "opened_at": _iso(row.opened_at),
        "closed_at": None if row.closed_at is None else _iso(row.closed_at),
    }


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")
