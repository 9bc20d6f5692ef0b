"""Answers that our people gave to what the bot did not know: shown as entries to add, taken or rejected."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL

from faq.mine import NewEntry
from faq.mining.personal import mask, without_hidden
from faq.mining.phrasing import as_question, phrase, slug
from faq.normalize import Normalizer
from optfm_bot.cli.database import look
from optfm_bot.cli.faq.mined import day, iso
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words
from optfm_bot.errors import StoreUnavailable
from optfm_bot.store.contract import Store
from optfm_bot.store.request_records import ProposalRow, ProposalStatus
from optfm_bot.store.sql import SqlStore

_BREAKS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A proposal and the entry that it could become: question masked, answer as it was given."""

    row: ProposalRow
    entry: NewEntry

    def data(self) -> dict[str, Any]:
        """Give it for programs."""
        return {
            "id": self.row.id,
            "question": self.entry.question,
            "answer": self.entry.answer,
            "source": self.row.source,
            "by": self.row.by,
            "at": iso(self.row.at),
            "entry_id": self.entry.id,
        }

    def comment(self, words: Words) -> str:
        """What stands over its draft in a file, in one line."""
        line = words("faq_proposals.file", id=self.row.id, by=self.row.by or "—", source=self.row.source)
        return " ".join(line.split())


@asynccontextmanager
async def existing_store(url: URL, words: Words) -> AsyncIterator[Store]:
    """The store of a database that is there, while a bot may run with it. Raises `StoreUnavailable`: none is made."""
    state = await look(url)
    if not state.exists or state.revision is None:
        raise StoreUnavailable(words("faq_mine.no_database", address=state.address))
    store = SqlStore(url.render_as_string(hide_password=False))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def new_proposals(store: Store, since: int | None, limit: int) -> Sequence[ProposalRow]:
    """Those that nobody has decided on, none from before the moment `since` (ms), newest first."""
    rows = await store.proposals(status=ProposalStatus.NEW, limit=limit)
    return [row for row in rows if since is None or row.at >= since]


async def decide(store: Store, chosen: dict[int, ProposalStatus]) -> Collection[int]:
    """Say what the owner thinks of proposals; gives the ids that there are none of: then nothing is changed."""
    missing = [number for number in chosen if not await _is_there(store, number)]
    if not missing:
        async with store.unit() as unit:
            for number, status in chosen.items():
                unit.history.change_proposal(number, status=status)
    return missing


def suggested(rows: Sequence[ProposalRow], taken: Collection[str]) -> list[Suggestion]:
    """Make entries of proposals, none with an id that is `taken`. Pure."""
    normalizer, used = Normalizer(), set(taken)
    found = []
    for row in rows:
        masked = mask(row.question)
        question = as_question(phrase(masked, normalizer) or without_hidden(masked).strip(" ?") or "…")
        name = slug(question, normalizer, used)
        used.add(name)
        answer = _BREAKS.sub("\n", row.answer).strip()
        found.append(Suggestion(row=row, entry=NewEntry(id=name, question=question, answer=answer)))
    return found


def show_suggestions(suggestions: Sequence[Suggestion], words: Words, output: Output) -> None:
    """Print them for people."""
    if not suggestions:
        output.line(words("faq_proposals.none"), mark=Mark.OK)
        return
    output.line(words("faq_proposals.title"))
    for number, one in enumerate(suggestions, start=1):
        output.line(f"{number}. {one.entry.question}")
        for line in one.entry.answer.splitlines():
            output.line(line, indent=5)
        by = one.row.by or words("faq_proposals.nobody")
        output.line(words("faq_proposals.given", by=by, day=day(one.row.at), source=one.row.source), indent=3)
        output.line(words("faq_proposals.decide", id=one.row.id), indent=3)
        output.line()


async def _is_there(store: Store, number: int) -> bool:
    rows = await store.proposals(before=number + 1, limit=1)
    return bool(rows) and rows[0].id == number
