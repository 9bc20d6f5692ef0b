"""Proposals as a knowledge file: new entries as drafts, phrasings for old ones as comments to copy. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from faq.mining.proposal import MoreAliases, NewEntry

if TYPE_CHECKING:
    from faq.mine import Cluster

UNWRITTEN = "…"
"""Stands where the answer is to be written: `optfm-bot faq lint` finds fault with it until it is."""


def drafts(
    clusters: Iterable[Cluster],
    *,
    language: str,
    title: Sequence[str],
    add_to: str,
    asked: str,
    answered: Iterable[tuple[str, NewEntry]] = (),
) -> str:
    """A knowledge file with a draft for each new entry.

    `title` are lines for its head; `add_to` (with `{entry}`) stands over phrasings for an entry that is there,
    `asked` (with `{people}` and `{times}`) over each draft. `answered` are more drafts, each with the line that stands
    over it.
    """
    head, entries = [f"# {line}".rstrip() for line in title], []
    for cluster in clusters:
        proposal = cluster.proposal
        if isinstance(proposal, MoreAliases):
            # JSON, because what it writes is YAML in one line, whatever signs are in the texts.
            lines = [json.dumps(alias, ensure_ascii=False) for alias in proposal.aliases]
            head += ["#", f"# {add_to.format(entry=proposal.entry_id)}", *(f"#   - {line}" for line in lines)]
        else:
            line = asked.format(people=cluster.people, times=cluster.times)
            entries.append(f"# {line}\n{_dumped(proposal)}")
    entries += [f"# {line}\n{_dumped(entry)}" for line, entry in answered]
    body = "".join(f"  {line}".rstrip() + "\n" for entry in entries for line in entry.splitlines())
    start = [*head, "version: 1", f"language: {language}", "entries:" if entries else "entries: []"]
    return "\n".join(start) + "\n" + body


def _dumped(proposal: NewEntry) -> str:
    import yaml  # noqa: PLC0415  # 20 ms that mining without a file does not owe

    dumped: str = yaml.safe_dump(
        [_entry(proposal)], allow_unicode=True, sort_keys=False, width=100, default_flow_style=False
    )
    return dumped


def _entry(proposal: NewEntry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": proposal.id,
        "status": proposal.status.value,
        "question": proposal.question,
    }
    if proposal.aliases:
        fields["aliases"] = list(proposal.aliases)
    if proposal.keywords:
        fields["keywords"] = list(proposal.keywords)
    fields["answer"] = proposal.answer or UNWRITTEN
    return fields
