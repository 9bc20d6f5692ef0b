"""`optfm-bot faq list` and `faq show`: look at the knowledge base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from faq import FaqEntry
from faq.source import load_knowledge
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.knowledge import knowledge_path, path_option
from optfm_bot.cli.options import config_option, json_option, voice_options
from optfm_bot.cli.output import Output
from optfm_bot.cli.remarks import short
from optfm_bot.cli.words import current_words


@click.command("list")
@path_option
@config_option
@click.option("--category", help="Only the entries of this category.")
@json_option
@voice_options
@guarded
def list_command(path: Path | None, config_path: Path | None, category: str | None, *, as_json: bool) -> int:
    """List the entries."""
    words, output = current_words(), Output()
    base = load_knowledge(knowledge_path(path, config_path))
    entries = [entry for entry in base.entries if category in {None, entry.category}]
    if as_json:
        output.data([_data(entry) for entry in entries])
        return Exit.OK
    headers = [words(f"faq.column_{name}") for name in ("id", "category", "status", "question")]
    output.table(
        headers, [[entry.id, entry.category or "—", entry.status.value, entry.question] for entry in entries]
    )
    return Exit.OK


@click.command("show")
@click.argument("entry_id", metavar="ID")
@path_option
@config_option
@json_option
@voice_options
@guarded
def show_command(entry_id: str, path: Path | None, config_path: Path | None, *, as_json: bool) -> int:
    """Show one entry whole."""
    words, output = current_words(), Output()
    base = load_knowledge(knowledge_path(path, config_path))
    entry = next((entry for entry in base.entries if entry.id == entry_id), None)
    if entry is None:
        raise click.UsageError(words("faq.no_entry", id=entry_id, near=_near(entry_id, base.entries)))
    if as_json:
        output.data(_data(entry))
        return Exit.OK
    output.line(f"{entry.id}  {short(str(entry.origin))}" if entry.origin else entry.id)
    output.line(entry.question)
    for name, values in (("aliases", entry.aliases), ("keywords", entry.keywords)):
        if values:
            output.line(f"{words(f'faq.{name}')}: {', '.join(values)}")
    output.line(f"{words('faq.column_category')}: {entry.category or '—'}")
    output.line(
        f"{words('faq.column_status')}: {entry.status.value}, {words('faq.version', version=entry.version)}"
    )
    for key, text in {"": entry.answer, **entry.answers}.items():
        output.line()
        output.line(f"{words('faq.answer')} {key}".rstrip() + ":")
        output.line(text.rstrip())
    for button in entry.buttons:
        output.line(f"[{button.text}] → {button.faq or button.url}")
    return Exit.OK


def _near(entry_id: str, entries: tuple[FaqEntry, ...]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - needed for a typing error only

    ids = [entry.id for entry in entries]
    return ", ".join(get_close_matches(entry_id, ids, n=3, cutoff=0.5) or ids[:3])


def _data(entry: FaqEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "question": entry.question,
        "category": entry.category,
        "status": entry.status.value,
        "aliases": list(entry.aliases),
        "keywords": list(entry.keywords),
        "answer": entry.answer,
        "answers": dict(entry.answers),
        "buttons": [{"text": b.text, "faq": b.faq, "url": b.url} for b in entry.buttons],
        "version": entry.version,
        "origin": short(str(entry.origin)) if entry.origin else None,
    }
