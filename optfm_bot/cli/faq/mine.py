"""`optfm-bot faq mine`: what people ask in vain, and what to add to the base."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

import click
from sqlalchemy import URL

from faq import FaqManager, KnowledgeBase
from faq.mine import Asked, Mined, NewEntry, mine
from faq.mining.drafts import drafts
from faq.source import load_knowledge
from optfm_bot.cli.db import configured
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.knowledge import knowledge_path, path_option, tuned_for
from optfm_bot.cli.faq.mined import mined_data, show_mined
from optfm_bot.cli.faq.progress import progress_bar
from optfm_bot.cli.faq.proposals import (
    Suggestion,
    decide,
    existing_store,
    new_proposals,
    show_suggestions,
    suggested,
)
from optfm_bot.cli.init import write_new
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.errors import OptfmError
from optfm_bot.store.contract import Store
from optfm_bot.store.records import MissKind, MissRow
from optfm_bot.store.request_records import ProposalRow, ProposalStatus

MOST = 200_000
"""So many questions are read, the newest; a hundred megabytes of them."""
PAGE = 10_000
_DAY_MS = 24 * 60 * 60 * 1000


@click.command("mine")
@click.option("--since", metavar="DAYS", type=click.IntRange(1, 36500), help="Only the last so many days.")
@click.option(
    "--min-people",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="How many different people must have asked.",
)
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1), help="How many groups at most."
)
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A text file with one question a line instead of the database; each line counts as a person.",
)
@click.option(
    "--yaml",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the proposals into this file as drafts of a knowledge base.",
)
@click.option("--proposals", is_flag=True, help="Only what your people answered, without the questions.")
@click.option(
    "--take",
    multiple=True,
    type=int,
    metavar="ID",
    help="Mark a proposal as taken into the base; repeatable.",
)
@click.option("--reject", multiple=True, type=int, metavar="ID", help="Reject a proposal; repeatable.")
@click.option("--force", is_flag=True, help="Let --yaml replace a file that is there.")
@path_option
@config_option
@json_option
@voice_options
@guarded
def command(
    path: Path | None,
    config_path: Path | None,
    *,
    since: int | None,
    min_people: int,
    limit: int,
    source: Path | None,
    target: Path | None,
    proposals: bool,
    take: Sequence[int],
    reject: Sequence[int],
    force: bool,
    as_json: bool,
) -> int:
    """Gather the questions that got no answer into groups, each with a proposal for the base.

    What your people answered to such questions is proposed with the answer.
    """
    words, output = current_words(), Output()
    log_to_stderr("warning")
    _refuse(words, since=since, source=source, target=target, force=force)
    if source is not None and (proposals or take or reject):
        raise click.UsageError(words("faq_proposals.not_of_a_file"))
    if take or reject:
        return _decide(configured(config_path), take, reject, words, output, as_json=as_json)
    base = load_knowledge(knowledge_path(path, config_path))
    rows: Sequence[ProposalRow] = ()
    if source is not None:
        asked = lines_of(source, words)
    else:
        start = None if since is None else SystemClock().ms() - since * _DAY_MS
        with output.waiting(words("faq_mine.reading")):
            kept = _kept(configured(config_path), start, words, limit=limit, misses=not proposals)
            misses, rows = asyncio.run(kept)
        asked = [_asked(row) for row in misses]
    if len(asked) >= MOST:
        click.echo(words("faq_mine.cut", questions=words.count("count.questions", MOST)), err=True)
    tuned = tuned_for(config_path, configured=path is None)
    with progress_bar(words("faq_mine.working"), len(asked)) as shown:
        mined = mine(
            asked,
            FaqManager.from_base(base, matcher=tuned.matcher, thresholds=tuned.thresholds),
            taken={entry.id for entry in base.entries},
            min_people=min_people,
            limit=limit,
            watch=lambda share: shown(int(share * len(asked))),
        )
    entries = [one.proposal for one in mined.clusters if isinstance(one.proposal, NewEntry)]
    found = suggested(rows, {*(entry.id for entry in base.entries), *(entry.id for entry in entries)})
    written = target is not None and bool(mined.clusters or found)
    if target is not None and written:
        _write(target, _file(mined, found, base, words), force=force)
    if as_json:
        told = {"proposals": [one.data() for one in found]}
        output.data(told if proposals else {**mined_data(mined), **told})
    else:
        if not proposals:
            show_mined(mined, words, output)
        if proposals or found:
            show_suggestions(found, words, output)
    if target is not None and written:
        _tell_written(target, len(entries) + len(found), words)
    return Exit.OK


def lines_of(source: Path, words: Words) -> list[Asked]:
    """The questions of a text file, each as if from a person of its own. Raises `click.UsageError`."""
    content = source.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise click.UsageError(words("faq_mine.not_utf8", path=source, line=line)) from error
    lines = enumerate(text.split("\n"), start=1)
    return [Asked(text=line.strip(), person=str(number)) for number, line in lines if line.strip()]


def _refuse(
    words: Words, *, since: int | None, source: Path | None, target: Path | None, force: bool
) -> None:
    """Say what does not go together before anything is read. Raises `click.UsageError`."""
    if source is not None and since is not None:
        raise click.UsageError(words("faq_mine.since_of_a_file"))
    if force and target is None:
        raise click.UsageError(words("faq_mine.force_needs_yaml"))
    if target is not None and target.exists() and not force:
        raise click.UsageError(words("faq_mine.exists", path=target))


# -- the store --------------------------------------------------------------------------------------------


async def _kept(
    url: URL, since: int | None, words: Words, *, limit: int, misses: bool
) -> tuple[Sequence[MissRow], Sequence[ProposalRow]]:
    """What the store keeps, the newest first: the questions, if asked for, and the proposals."""
    async with existing_store(url, words) as store:
        rows = await _misses(store, since) if misses else []
        return rows, await new_proposals(store, since, limit)


async def _misses(store: Store, since: int | None) -> list[MissRow]:
    rows: list[MissRow] = []
    while len(rows) < MOST:
        before = rows[-1].id if rows else None
        page = await store.misses(limit=min(PAGE, MOST - len(rows)), since=since, before=before)
        rows += page
        if len(page) < PAGE:
            break
    return rows


def _decide(
    url: URL, take: Sequence[int], reject: Sequence[int], words: Words, output: Output, *, as_json: bool
) -> int:
    """Write down what the owner thinks of proposals."""

    async def work() -> Collection[int]:
        async with existing_store(url, words) as store:
            chosen = dict.fromkeys(take, ProposalStatus.TAKEN) | dict.fromkeys(
                reject, ProposalStatus.REJECTED
            )
            return await decide(store, chosen)

    if both := sorted({*take} & {*reject}):
        raise click.UsageError(words("faq_proposals.both", ids=", ".join(map(str, both))))
    missing = asyncio.run(work())
    if missing:
        ids = ", ".join(map(str, missing))
        output.line(words("faq_proposals.unknown", ids=ids), mark=Mark.ERROR)
        return Exit.PROBLEMS
    if as_json:
        output.data({"taken": list(take), "rejected": list(reject)})
        return Exit.OK
    output.line(words("faq_proposals.decided", taken=len(take), rejected=len(reject)), mark=Mark.OK)
    return Exit.OK


def _asked(row: MissRow) -> Asked:
    """A conversation stands for a person: who wrote in a group is not kept with the question."""
    return Asked(text=row.text, person=row.lane, at=row.at, refused=row.kind is MissKind.NONE_OF_THESE)


# -- the file ---------------------------------------------------------------------------------------------


def _file(mined: Mined, found: Sequence[Suggestion], base: KnowledgeBase, words: Words) -> str:
    return drafts(
        mined.clusters,
        language=base.language,
        title=(words("faq_mine.file_title"),),
        add_to=words("faq_mine.file_add", entry="{entry}"),
        asked=words("faq_mine.file_asked", people="{people}", times="{times}"),
        answered=[(one.comment(words), one.entry) for one in found],
    )


def _write(target: Path, text: str, *, force: bool) -> None:
    """Write the file; one that is there is replaced whole or stays. Raises `OptfmError`."""
    if not force:
        write_new(target, text)
        return
    fresh = target.with_name(f".{target.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        write_new(fresh, text)
        fresh.replace(target)
    except OSError as error:
        raise OptfmError(f"{target}: {error.strerror or error}") from error


def _tell_written(target: Path, entries: int, words: Words) -> None:
    """On the error output: the result itself may be JSON."""
    click.echo(words("faq_mine.wrote", path=target, entries=words.count("count.entries", entries)), err=True)
