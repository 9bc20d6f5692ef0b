"""`optfm-bot faq mine`: what people ask in vain, and what to add to the base."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import URL

from faq import FaqManager, KnowledgeBase
from faq.mine import Asked, Cluster, Mined, MoreAliases, NewEntry, mine
from faq.mining.drafts import drafts
from faq.source import load_knowledge
from optfm_bot.cli.database import look
from optfm_bot.cli.db import configured
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.knowledge import knowledge_path, path_option, tuned_for
from optfm_bot.cli.faq.progress import progress_bar
from optfm_bot.cli.init import write_new
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, language_option
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.errors import OptfmError, StoreUnavailable
from optfm_bot.store.records import MissKind, MissRow
from optfm_bot.store.sql import SqlStore

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
@click.option("--force", is_flag=True, help="Let --yaml replace a file that is there.")
@path_option
@config_option
@json_option
@language_option
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
    force: bool,
    as_json: bool,
) -> int:
    """Gather the questions that got no answer into groups, each with a proposal for the base."""
    words, output = current_words(), Output()
    log_to_stderr("warning")
    _refuse(words, since=since, source=source, target=target, force=force)
    base = load_knowledge(knowledge_path(path, config_path))
    if source is not None:
        asked = lines_of(source, words)
    else:
        start = None if since is None else SystemClock().ms() - since * _DAY_MS
        with output.waiting(words("faq_mine.reading")):
            asked = [_asked(row) for row in asyncio.run(_misses(configured(config_path), start, words))]
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
    if target is not None and mined.clusters:
        _write(target, _file(mined, base, words), force=force)
    if as_json:
        output.data(_data(mined))
    else:
        _show(mined, words, output)
    if target is not None and mined.clusters:
        _tell_written(target, mined, words)
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


async def _misses(url: URL, since: int | None, words: Words) -> list[MissRow]:
    """What the store keeps, the newest first. A bot that runs with it goes on. Raises `StoreUnavailable`."""
    state = await look(url)
    if not state.exists or state.revision is None:
        raise StoreUnavailable(words("faq_mine.no_database", address=state.address))
    store = SqlStore(url.render_as_string(hide_password=False))
    await store.open()
    rows: list[MissRow] = []
    try:
        while len(rows) < MOST:
            before = rows[-1].id if rows else None
            page = await store.misses(limit=min(PAGE, MOST - len(rows)), since=since, before=before)
            rows += page
            if len(page) < PAGE:
                break
    finally:
        await store.close()
    return rows


def _asked(row: MissRow) -> Asked:
    """A conversation stands for a person: who wrote in a group is not kept with the question."""
    return Asked(text=row.text, person=row.lane, at=row.at, refused=row.kind is MissKind.NONE_OF_THESE)


# -- showing ----------------------------------------------------------------------------------------------


def _show(mined: Mined, words: Words, output: Output) -> None:
    if not mined.questions:
        output.line(words("faq_mine.nothing"), mark=Mark.OK)
        return
    for number, cluster in enumerate(mined.clusters, start=1):
        output.line(f"{number}. {cluster.title}")
        output.line(_who_and_when(cluster, words), indent=3)
        output.line(words("faq_mine.examples"), indent=3)
        for example in cluster.examples:
            output.line(f"· {example}", indent=5)
        output.line(words("faq_mine.words", words=", ".join(cluster.words)), indent=3)
        for place, line in enumerate(_proposal_lines(cluster.proposal, words)):
            output.line(line, indent=5 if place else 3)
        output.line()
    if not mined.clusters:
        output.line(words("faq_mine.no_clusters"))
    for line in _summary(mined, words):
        output.line(line)


def _who_and_when(cluster: Cluster, words: Words) -> str:
    people = words.count("count.people", cluster.people)
    times = words.count("count.times", cluster.times)
    text = words("faq_mine.asked", people=people, times=times)
    if cluster.first_at is None or cluster.last_at is None:
        return text
    first, last = _day(cluster.first_at), _day(cluster.last_at)
    return f"{text}, {first if first == last else words('faq_mine.between', first=first, last=last)}"


def _proposal_lines(proposal: MoreAliases | NewEntry, words: Words) -> list[str]:
    aliases = "; ".join(proposal.aliases)
    if isinstance(proposal, MoreAliases):
        score = words.number(proposal.score, 2)
        return [words("faq_mine.more_aliases", id=proposal.entry_id, score=score), aliases]
    lines = [
        words("faq_mine.new_entry", id=proposal.id),
        words("faq_mine.question", text=proposal.question),
    ]
    if proposal.aliases:
        lines.append(words("faq_mine.aliases", texts=aliases))
    if proposal.keywords:
        lines.append(words("faq_mine.keywords", texts=", ".join(proposal.keywords)))
    if proposal.near is not None:
        lines.append(words("faq_mine.near", id=proposal.near))
    return lines


def _summary(mined: Mined, words: Words) -> list[str]:
    def questions(n: int) -> str:
        return words.count("count.questions", n)

    people, shown = words.count("count.people", mined.people), len(mined.clusters)
    lines = [words("faq_mine.total", questions=questions(mined.questions), people=people, clusters=shown)]
    if mined.more:
        lines.append(words("faq_mine.left_out", more=mined.more))
    if mined.rare:
        lines.append(words("faq_mine.rare", questions=questions(mined.rare)))
    if mined.answered:
        lines.append(words("faq_mine.answered", questions=questions(mined.answered)))
    if mined.noise:
        kinds = ", ".join(f"{words(f'faq_mine.noise_{kind}')} — {n}" for kind, n in mined.noise.items())
        lines.append(words("faq_mine.noise", kinds=kinds))
    return lines


def _data(mined: Mined) -> dict[str, Any]:
    return {
        "questions": mined.questions,
        "people": mined.people,
        "noise": {kind.value: number for kind, number in mined.noise.items()},
        "rare": mined.rare,
        "answered": mined.answered,
        "more": mined.more,
        "clusters": [_cluster(cluster) for cluster in mined.clusters],
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    kind = "aliases" if isinstance(cluster.proposal, MoreAliases) else "entry"
    return {
        "title": cluster.title,
        "times": cluster.times,
        "people": cluster.people,
        "first_at": None if cluster.first_at is None else _moment(cluster.first_at),
        "last_at": None if cluster.last_at is None else _moment(cluster.last_at),
        "examples": list(cluster.examples),
        "words": list(cluster.words),
        "proposal": {"kind": kind, **asdict(cluster.proposal)},
    }


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).astimezone().date().isoformat()


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")


# -- the file ---------------------------------------------------------------------------------------------


def _file(mined: Mined, base: KnowledgeBase, words: Words) -> str:
    return drafts(
        mined.clusters,
        language=base.language,
        title=(words("faq_mine.file_title"),),
        add_to=words("faq_mine.file_add", entry="{entry}"),
        asked=words("faq_mine.file_asked", people="{people}", times="{times}"),
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


def _tell_written(target: Path, mined: Mined, words: Words) -> None:
    """On the error output: the result itself may be JSON."""
    entries = sum(isinstance(cluster.proposal, NewEntry) for cluster in mined.clusters)
    click.echo(words("faq_mine.wrote", path=target, entries=words.count("count.entries", entries)), err=True)
