"""`optfm-bot faq import`: take entries from a spreadsheet, CSV, JSON or YAML into the knowledge base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from faq.transfer import (
    Change,
    Incoming,
    Mode,
    Plan,
    Step,
    Verdict,
    changes,
    load_base,
    parse_choices,
    plan,
    read_file,
    read_incoming,
    store,
)
from faq.transfer.notes import Fault, TransferError
from faq.transfer.slugs import slug
from faq.yaml_source import SUFFIXES
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.transfer import said, transferring
from optfm_bot.cli.options import config_option, json_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output, clean
from optfm_bot.cli.remarks import short
from optfm_bot.cli.words import Words, current_words

SHOWN = 30
"""Lines of what went well; what went wrong is printed whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything that there is to tell."""

    incoming: Incoming
    plan: Plan
    dry_run: bool
    changes: Sequence[Change] = ()
    backups: Sequence[Path] = ()

    @property
    def failed(self) -> bool:
        """Whether something of the file is not in the base."""
        return bool(self.incoming.left_out or self.plan.conflicts)


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="Knowledge file or folder to write to; the configured one if missing.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done and write nothing.")
@click.option("--merge", is_flag=True, help="Add to existing entries what they lack; what they have stays.")
@click.option("--replace-ids", is_flag=True, help="Let the file replace existing entries with the same ids.")
@click.option("--category", help="Category (id or title) of the entries that name none.")
@click.option("--sheet", help="Sheet of a workbook; the one with questions if missing.")
@click.option(
    "--column",
    "columns",
    metavar="FIELD=COLUMN",
    multiple=True,
    help="Where a field is, such as question=B or answer=Reply; answer=- for nowhere; repeatable.",
)
@config_option
@json_option
@voice_options
@guarded
@transferring
def command(
    file: Path,
    to: Path | None,
    config_path: Path | None,
    category: str | None,
    sheet: str | None,
    columns: tuple[str, ...],
    *,
    dry_run: bool,
    merge: bool,
    replace_ids: bool,
    as_json: bool,
) -> int:
    """Take entries from FILE (.xlsx, .csv, .json, .yaml) into the knowledge base.

    Overwrites nothing unless told to. Begin with --dry-run: it shows which column is taken for what.
    """
    words, output = current_words(), Output()
    if merge and replace_ids:
        raise click.UsageError(words("faq_transfer.both_modes"))
    settings = loaded(config_path).settings
    configured = Path.cwd() / settings.faq.path if settings.faq.path else None
    root, target = places(file, to, configured)
    mode = Mode.MERGE if merge else Mode.REPLACE if replace_ids else Mode.ADD
    with output.waiting(words("faq_transfer.reading")):
        base = load_base(root)
        language = base.language if base is not None else settings.agent.language
        incoming = read_incoming(
            file.name, read_file(file), language=language, sheet=sheet, columns=parse_choices(columns)
        )
        found = plan(incoming, base, mode=mode, category=category)
        edits: list[Change] = []
        if found.writes:
            comment = words("faq_transfer.comment", name=_readable(file.name))
            edits = changes(found, root, target, language=language, comment=comment)
    backups = store(edits, root) if edits and not dry_run else []
    outcome = Outcome(incoming=incoming, plan=found, dry_run=dry_run, changes=edits, backups=backups)
    if as_json:
        output.data(_data(outcome, words))
    else:
        _print(outcome, output, words)
    return Exit.PROBLEMS if outcome.failed else Exit.OK


def places(file: Path, to: Path | None, configured: Path | None) -> tuple[Path, Path]:
    """Give the base that is meant and the file of it that new entries go to. Raises `TransferError` if there is none.

    A new file in a folder is named after the imported one. A file inside the configured folder belongs to its base.
    """
    root = to.absolute() if to is not None else configured
    if root is None:
        raise TransferError(Fault.NO_PLACE)
    if root.is_dir() or not root.suffix:
        return root, root / f"{slug(file.stem, fallback='import')}.yaml"
    if root.suffix.lower() not in SUFFIXES:
        raise TransferError(Fault.SUFFIX, name=root.name, known=", ".join(SUFFIXES))
    if configured is not None and configured.is_dir() and root.resolve().is_relative_to(configured.resolve()):
        return configured, configured / root.resolve().relative_to(configured.resolve())
    return root, root


def _readable(name: str) -> str:
    return clean(name.encode("utf-8", "replace").decode("utf-8")).replace("\n", " ")


# -- for people ------------------------------------------------------------------------------------------------------


def _print(outcome: Outcome, output: Output, words: Words) -> None:
    incoming, found = outcome.incoming, outcome.plan
    _print_layout(incoming, output, words)
    remarks = [note for note in incoming.notes if not note.left_out]
    for note in remarks[:SHOWN]:
        output.line(said(note, words), mark=Mark.WARNING)
    if len(remarks) > SHOWN:
        output.line(words("faq_transfer.more", n=len(remarks) - SHOWN))
    for note in incoming.left_out:
        output.line(said(note, words), mark=Mark.ERROR)
    for step in found.conflicts:
        output.line(_conflict(step, words), mark=Mark.ERROR)
    if outcome.dry_run:
        _print_steps(found, output, words)
    mark = Mark.WARNING if outcome.failed else Mark.OK
    output.line(_summary(outcome, words), mark=mark)
    for change in outcome.changes:
        key = "would_write" if outcome.dry_run else "wrote"
        output.line(words(f"faq_transfer.{key}", path=short(str(change.path))))
    for path in outcome.backups:
        output.line(words("faq_transfer.backup", path=short(str(path))))
    if outcome.changes and not outcome.dry_run:
        output.line(words("error.next", command="optfm-bot faq lint"))


def _print_layout(incoming: Incoming, output: Output, words: Words) -> None:
    if incoming.sheet:
        others = ", ".join(incoming.other_sheets)
        key = "sheet_of" if others else "sheet"
        output.line(words(f"faq_transfer.{key}", name=incoming.sheet, others=others))
    if incoming.layout is None:
        return
    headers = [words(f"faq_transfer.column_{name}") for name in ("column", "field", "why")]
    rows = [
        [
            column.heading if incoming.format == "json-list" else column.name,
            column.field or "—",
            words(f"faq_transfer.why_{column.why}"),
        ]
        for column in incoming.layout.columns
    ]
    output.table(headers, rows)
    output.line()


def _print_steps(found: Plan, output: Output, words: Words) -> None:
    lines = [f"+ {step.entry.id}  {step.entry.question}" for step in found.of(Verdict.ADDED)]
    lines += [f"~ {step.entry.id}  {', '.join(step.changed)}" for step in found.of(Verdict.CHANGED)]
    for line in lines[:SHOWN]:
        output.line(" ".join(line.split()))
    if len(lines) > SHOWN:
        output.line(words("faq_transfer.more", n=len(lines) - SHOWN))


def _conflict(step: Step, words: Words) -> str:
    existing = step.existing
    place = short(str(existing.origin)) if existing is not None and existing.origin is not None else ""
    row = step.incoming.origin.line if step.incoming.origin is not None else 0
    values = {
        "id": step.incoming.id,
        "row": row,
        "place": place,
        "fields": ", ".join(step.differs),
        "existing": existing.id if existing is not None else "",
        "question": step.incoming.question,
    }
    return words(f"faq_transfer.conflict_{step.conflict}", **values)


def _summary(outcome: Outcome, words: Words) -> str:
    found = outcome.plan
    counts = {verdict.value: len(found.of(verdict)) for verdict in Verdict}
    rows = {note.row for note in outcome.incoming.left_out}
    tense = "would" if outcome.dry_run else "did"
    return words(f"faq_transfer.{tense}", **counts, left_out=words.count("count.left_out_rows", len(rows)))


# -- for programs ----------------------------------------------------------------------------------------------------


def _data(outcome: Outcome, words: Words) -> dict[str, Any]:
    incoming, found = outcome.incoming, outcome.plan
    layout = incoming.layout
    return {
        "ok": not outcome.failed,
        "dry_run": outcome.dry_run,
        "file": {
            "name": incoming.name,
            "format": incoming.format,
            "sheet": incoming.sheet or None,
            "other_sheets": list(incoming.other_sheets),
            "heading_row": layout.heading_row if layout is not None else None,
            **incoming.details,
        },
        "columns": [
            {"column": column.name, "heading": column.heading, "field": column.field, "why": column.why.value}
            for column in (layout.columns if layout is not None else ())
        ],
        **{verdict.value: [_step(step) for step in found.of(verdict)] for verdict in Verdict},
        "categories": [{"id": one.id, "title": one.title} for one in found.categories],
        "notes": [
            {
                "code": note.code.value,
                "sheet": note.sheet or None,
                "row": note.row,
                "left_out": note.left_out,
                "message": said(note, words),
            }
            for note in incoming.notes
        ],
        "files": [short(str(change.path)) for change in outcome.changes],
        "backups": [short(str(path)) for path in outcome.backups],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.incoming.id,
        "row": step.incoming.origin.line if step.incoming.origin is not None else None,
        "question": step.incoming.question,
        "existing": step.existing.id if step.existing is not None else None,
        "conflict": step.conflict.value if step.conflict is not None else None,
        "differs": list(step.differs),
        "changed": list(step.changed),
    }
