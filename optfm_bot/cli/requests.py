"""`optfm-bot requests`: what people asked for with forms, to look at, change and export, also while the bot runs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path

import click

from config.schema import Settings
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.transfer import transferring
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.request_table import (
    EXPORTS,
    Page,
    as_data,
    as_file,
    every,
    in_store,
    moment,
    status_word,
)
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.dispatch.request_changes import Changed, RequestChange, RequestChanges
from optfm_bot.domain.requests import RequestStage, labelled, refusal_words
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.ids import IdSource
from optfm_bot.office import office
from optfm_bot.store.contract import Store
from optfm_bot.store.request_records import RequestEventRow, RequestRow, RequestStatus

_DAY_MS = 24 * 60 * 60 * 1000

_since = click.option(
    "--since", metavar="DAYS", type=click.IntRange(1, 36500), help="Only those of the last so many days."
)
_status = click.option(
    "--status", type=click.Choice([one.value for one in RequestStatus]), help="Only those that stand there."
)
_form = click.option("--form", help="Only those of this form.")
_by = click.option("--by", default="", metavar="NAME", help="Who does it, for the life of the request.")
_comment = click.option("--comment", default="", help="A remark, for the life of the request.")


def _of_a_change(function: Callable[..., int]) -> Callable[..., None]:
    """Add what every command that changes a request takes: who does it, a remark, the settings, how it speaks."""
    return _by(_comment(config_option(voice_options(guarded(function)))))


@click.group()
def command() -> None:
    """Care for what people asked for with forms."""


@command.command("list")
@_status
@_form
@_since
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most."
)
@config_option
@json_option
@voice_options
@guarded
def list_command(
    status: str | None,
    form: str | None,
    since: int | None,
    limit: int,
    config_path: Path | None,
    *,
    as_json: bool,
) -> int:
    """List requests, newest first."""
    words, output, settings = _begin(config_path)
    page = Page(status=status, form=form, since=_moment_before(since))
    rows = asyncio.run(in_store(settings, lambda store: page.read(store, limit=limit)))
    if as_json:
        output.data([as_data(row) for row in rows])
        return Exit.OK
    if not rows:
        output.line(words("requests.none"))
        return Exit.OK
    known = office(settings)
    columns = ("number", "created", "form", "status", "assignee", "person")
    output.table(
        [words(f"requests.column_{name}") for name in columns],
        [
            [
                row.number,
                moment(row.created_at, known.zone),
                row.form,
                status_word(row.status, words.language),
                row.assignee or words("requests.nobody"),
                row.person,
            ]
            for row in rows
        ],
    )
    return Exit.OK


@command.command("show")
@click.argument("number")
@config_option
@json_option
@voice_options
@guarded
def show_command(number: str, config_path: Path | None, *, as_json: bool) -> int:
    """Show a request with its answers and its life."""
    words, output, settings = _begin(config_path)

    async def read(store: Store) -> tuple[RequestRow, list[RequestEventRow]] | None:
        row = await store.request_numbered(number.strip())
        return None if row is None else (row, list(await store.request_events(row.id)))

    found = asyncio.run(in_store(settings, read))
    if found is None:
        return _unknown(number, words, output)
    row, events = found
    if as_json:
        output.data(as_data(row, events))
        return Exit.OK
    known, language = office(settings), words.language
    about = [
        (words("requests.column_number"), row.number),
        (words("requests.column_created"), moment(row.created_at, known.zone)),
        (words("requests.column_form"), row.form),
        (words("requests.column_status"), status_word(row.status, language)),
        (words("requests.column_assignee"), row.assignee or words("requests.nobody")),
        (words("requests.column_person"), row.person),
    ]
    answers = labelled(known.forms.get(row.form), row.fields, words=Catalogue.load(), language=language)
    for label, value in (*about, *answers):
        output.line(f"{label}: {value}")
    for event in events:
        parts = [moment(event.at, known.zone), status_word(event.status, language), event.by, event.comment]
        output.line("  ".join(part for part in parts if part), indent=2)
    return Exit.OK


@command.command("take")
@click.argument("number")
@_of_a_change
def take_command(number: str, by: str, comment: str, config_path: Path | None) -> int:
    """Take a request into work; with --by it is theirs."""
    return _change(number, RequestStatus.IN_WORK, by=by, comment=comment, config_path=config_path)


@command.command("done")
@click.argument("number")
@_of_a_change
def done_command(number: str, by: str, comment: str, config_path: Path | None) -> int:
    """Say that a request is done."""
    return _change(number, RequestStatus.DONE, by=by, comment=comment, config_path=config_path)


@command.command("cancel")
@click.argument("number")
@_of_a_change
def cancel_command(number: str, by: str, comment: str, config_path: Path | None) -> int:
    """Say that a request is not needed any more."""
    return _change(number, RequestStatus.CANCELLED, by=by, comment=comment, config_path=config_path)


@command.command("assign")
@click.argument("number")
@click.argument("manager")
@_of_a_change
def assign_command(number: str, manager: str, by: str, comment: str, config_path: Path | None) -> int:
    """Give a request to a manager of the settings; where there are none, to anybody. Nobody is told of it."""
    words, output, settings = _begin(config_path)
    names, manager = [one.name for one in settings.notify.managers], manager.strip()
    if not manager or (names and manager not in names):
        raise click.UsageError(words("requests.no_manager", name=manager, known=", ".join(names) or "—"))

    return _write(
        number,
        None,
        assignee=manager,
        by=by,
        comment=comment or f"→ {manager}",
        begun=(words, output, settings),
    )


@command.command("export")
@click.option(
    "--format", "kind", type=click.Choice(EXPORTS), default="csv", show_default=True, help="Kind of file."
)
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write; only you can read it.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@_status
@_form
@_since
@config_option
@voice_options
@guarded
@transferring
def export_command(
    kind: str,
    file: Path,
    status: str | None,
    form: str | None,
    since: int | None,
    config_path: Path | None,
    *,
    overwrite: bool,
) -> int:
    """Write requests into a table, newest first, with a column for each answer. `xlsx` needs optfm-bot[xlsx]."""
    words, output, settings = _begin(config_path)
    page = Page(status=status, form=form, since=_moment_before(since))
    rows = asyncio.run(in_store(settings, lambda store: every(store, page)))
    with output.waiting(words("requests.writing")):
        as_file(rows, kind, file, office(settings), language=words.language, overwrite=overwrite)
    count = words.count("count.requests", len(rows))
    output.line(words("requests.exported", path=file, requests=count), mark=Mark.OK)
    return Exit.OK


# -- changes ----------------------------------------------------------------------------------------------


def _change(number: str, status: RequestStatus, *, by: str, comment: str, config_path: Path | None) -> int:
    assignee = by.strip() if status is RequestStatus.IN_WORK and by.strip() else None
    return _write(number, status, assignee=assignee, by=by, comment=comment, begun=_begin(config_path))


def _write(
    number: str,
    status: RequestStatus | None,
    *,
    assignee: str | None,
    by: str,
    comment: str,
    begun: tuple[Words, Output, Settings],
) -> int:
    """Change a request and add the step to its life; `status` None leaves it where it stands."""
    words, output, settings = begun
    wanted = RequestChange(by=by.strip() or "cli", status=status, assignee=assignee, comment=comment.strip())

    async def work(store: Store) -> Changed | None:
        clock = SystemClock()
        ids = IdSource(clock.ms, secrets.randbelow(1024))
        return await RequestChanges(store, clock, ids.next).make(number.strip(), wanted)

    changed = asyncio.run(in_store(settings, work))
    if changed is None:
        return _unknown(number, words, output)
    row, why = changed.row, changed.refused
    if why is not None:
        said = refusal_words(
            why,
            number=row.number,
            stage=RequestStage(row.status.value),
            words=Catalogue.load(),
            language=words.language,
            assignee=row.assignee,
        )
        output.line(said, mark=Mark.ERROR)
        return Exit.PROBLEMS
    said = status_word(row.status, words.language)
    output.line(
        words(
            "requests.changed",
            number=row.number,
            status=said,
            assignee=row.assignee or words("requests.nobody"),
        ),
        mark=Mark.OK,
    )
    return Exit.OK


def _begin(config_path: Path | None) -> tuple[Words, Output, Settings]:
    words, output = current_words(), Output()
    log_to_stderr("warning")
    return words, output, loaded(config_path).settings


def _unknown(number: str, words: Words, output: Output) -> int:
    output.line(words("requests.unknown", number=number[:40]), mark=Mark.ERROR)
    return Exit.PROBLEMS


def _moment_before(days: int | None) -> int | None:
    return None if days is None else SystemClock().ms() - days * _DAY_MS
