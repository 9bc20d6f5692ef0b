"""Browsing the base with buttons: categories and their questions, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence

from channels.body import parse_body
from channels.model import Purpose
from faq import FaqEntry, FaqManager
from optfm_bot.domain.choices import Choice, OpenCategory, OpenEntry, OpenTopics
from optfm_bot.domain.say import Say
from optfm_bot.domain.words import Words

Rows = tuple[tuple[Choice, ...], ...]


def topics(
    faq: FaqManager, words: Words, language: str, *, page: int, size: int, replaces: str | None
) -> Say:
    """List the categories; a base without categories lists its questions at once."""
    shelves = [
        Choice(label=category.title_for(language), meaning=OpenCategory(category.id))
        for category in faq.categories
    ]
    loose = _shelf(faq, None)
    if not shelves:
        return category(faq, words, language, None, page=page, size=size, replaces=replaces)
    if loose:
        shelves.append(Choice(label=words.label("faq.other_category", language), meaning=OpenCategory(None)))
    rows = _page(shelves, page, size)
    if len(shelves) > (page + 1) * size:
        rows = (*rows, (Choice(label=words.label("faq.more", language), meaning=OpenTopics(page + 1)),))
    return _menu(words.text("faq.title", language), rows, replaces)


def category(
    faq: FaqManager,
    words: Words,
    language: str,
    category_id: str | None,
    *,
    page: int,
    size: int,
    replaces: str | None,
) -> Say:
    """List the questions of a category (None: those without one), with a way on and a way back."""
    entries = _shelf(faq, category_id)
    if not entries:
        return _menu(words.text("faq.empty", language), (), replaces)
    title = next((c.title_for(language) for c in faq.categories if c.id == category_id), None)
    heading = (
        words.text("faq.category_title", language, category=title)
        if title
        else words.text("faq.title", language)
    )
    rows = _page([Choice(label=entry.question, meaning=OpenEntry(entry.id)) for entry in entries], page, size)
    if len(entries) > (page + 1) * size:
        more = Choice(label=words.label("faq.more", language), meaning=OpenCategory(category_id, page + 1))
        rows = (*rows, (more,))
    if faq.categories:
        rows = (*rows, (Choice(label=words.label("faq.back", language), meaning=OpenTopics()),))
    return _menu(heading, rows, replaces)


def _shelf(faq: FaqManager, category_id: str | None) -> Sequence[FaqEntry]:
    if category_id is not None:
        return faq.entries_in(category_id)
    return [entry for entry in faq.entries if entry.category is None]


def _page(choices: Sequence[Choice], page: int, size: int) -> Rows:
    return tuple((choice,) for choice in choices[page * size : (page + 1) * size])


def _menu(heading: str, rows: Rows, replaces: str | None) -> Say:
    return Say(kind="menu", body=parse_body(heading), choices=rows, purpose=Purpose.NOTICE, replaces=replaces)
