"""`optfm-bot faq`: look at the knowledge base, find what is wrong with it, ask why it answers as it does."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from faq import Candidate, FaqEntry, FaqManager
from faq.explain import Explanation
from faq.source import load_knowledge
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.options import config_option, json_option, language_option, loaded
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.remarks import Review, review, short
from optfm_bot.cli.words import Words, current_words
from optfm_bot.knowledge import demo_knowledge

_path_option = click.option(
    "--path",
    type=click.Path(path_type=Path),
    help="Knowledge file or folder; that of the configuration if missing.",
)


@click.group()
def command() -> None:
    """Work on the knowledge base."""


@command.command("lint")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@config_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--strict", is_flag=True, help="Let warnings count as problems too.")
@language_option
@guarded
def lint_command(
    path: Path | None, config_path: Path | None, form: str, *, as_json: bool, strict: bool
) -> int:
    """Find what is wrong: everything at once, with file and line.

    PATH is a file or folder to look at instead of the configured one.
    """
    words, output = current_words(), Output()
    found = review(knowledge_path(path, config_path), today=_today())
    failed = found.errors > 0 or (strict and found.warnings > 0)
    if as_json or form == "json":
        output.data(
            {
                "ok": not failed,
                "entries": len(found.base.entries) if found.base else None,
                "errors": found.errors,
                "warnings": found.warnings,
                "findings": [remark.data() for remark in found.remarks],
            }
        )
    else:
        for remark in found.remarks:
            output.line(remark.describe(words))
        output.line(
            _summary(found, words), mark=Mark.ERROR if failed else Mark.WARNING if found.remarks else Mark.OK
        )
    return Exit.PROBLEMS if failed else Exit.OK


@command.command("list")
@_path_option
@config_option
@click.option("--category", help="Only the entries of this category.")
@json_option
@language_option
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


@command.command("show")
@click.argument("entry_id", metavar="ID")
@_path_option
@config_option
@json_option
@language_option
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


@command.command("why")
@click.argument("text")
@_path_option
@config_option
@json_option
@language_option
@guarded
def why_command(text: str, path: Path | None, config_path: Path | None, *, as_json: bool) -> int:
    """Tell what would be answered to TEXT, and why."""
    words, output = current_words(), Output()
    faq = FaqManager.from_base(load_knowledge(knowledge_path(path, config_path)))
    explanation = faq.explain(text)
    if as_json:
        output.data(_explanation(explanation))
        return Exit.OK
    for line in explanation.lines(words.language):
        output.line(line)
    return Exit.OK


def knowledge_path(path: Path | None, config_path: Path | None) -> Path:
    """The base that is meant: the one that was named, the configured one, or the demo."""
    if path is not None:
        return path
    configured = loaded(config_path).settings.faq.path
    return Path.cwd() / configured if configured else demo_knowledge()


def _summary(found: Review, words: Words) -> str:
    if found.base is None:
        return words("faq.lint_unread", errors=words.count("count.errors", found.errors))
    entries = words.count("count.entries", len(found.base.entries))
    if not found.remarks:
        return words("faq.lint_clean", entries=entries)
    return words(
        "faq.lint_found",
        entries=entries,
        errors=words.count("count.errors", found.errors),
        warnings=words.count("count.warnings", found.warnings),
    )


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


def _explanation(explanation: Explanation) -> dict[str, Any]:
    return {
        "outcome": explanation.decision.outcome.value,
        "entry": explanation.decision.entry_id,
        "reason": explanation.decision.reason,
        "readings": [{"name": r.name, "text": r.text, "words": list(r.words)} for r in explanation.readings],
        "candidates": [_candidate(candidate) for candidate in explanation.candidates],
        "thresholds": {
            "answer": explanation.thresholds.answer,
            "clarify": explanation.thresholds.clarify,
            "margin": explanation.thresholds.margin,
        },
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    evidence = candidate.evidence
    return {
        "entry": candidate.entry_id,
        "score": round(candidate.score, 4),
        "phrase": evidence.phrase,
        "via": evidence.via.value,
        "exact": evidence.exact,
        "message_coverage": round(evidence.message_coverage, 4),
        "phrase_coverage": round(evidence.phrase_coverage, 4),
        "missing": list(evidence.missing),
    }


def _today() -> date:
    return datetime.now(tz=UTC).astimezone().date()
