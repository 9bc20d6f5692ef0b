"""What `optfm-bot faq mine` has gathered, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from faq.mine import Cluster, Mined, MoreAliases, NewEntry
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words


def show_mined(mined: Mined, words: Words, output: Output) -> None:
    """Print what was gathered, with the proposals, for people."""
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
    first, last = day(cluster.first_at), day(cluster.last_at)
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


def mined_data(mined: Mined) -> dict[str, Any]:
    """Give what was gathered for programs."""
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
        "first_at": None if cluster.first_at is None else iso(cluster.first_at),
        "last_at": None if cluster.last_at is None else iso(cluster.last_at),
        "examples": list(cluster.examples),
        "words": list(cluster.words),
        "proposal": {"kind": kind, **asdict(cluster.proposal)},
    }


def day(ms: int) -> str:
    """The day of a moment, where we are."""
    return datetime.fromtimestamp(ms // 1000, UTC).astimezone().date().isoformat()


def iso(ms: int) -> str:
    """A moment as programs read it."""
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")
