from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from faq import Attachment, Category, EntryButton, FaqEntry, Origin, Status

ENTRY = FaqEntry(
    id="x", question="Сколько?", answer="Столько", answers={"telegram": "tg", "en": "much", "web.en": "web"}
)


def test_an_entry_is_made_by_hand_from_three_texts() -> None:
    entry = FaqEntry(id="x", question="Сколько?", answer="Столько", aliases=["почём"])  # type: ignore[arg-type]
    assert (entry.aliases, entry.status, entry.is_live(date(2026, 1, 1))) == (("почём",), Status.LIVE, True)
    assert isinstance(hash(entry), int)


@pytest.mark.parametrize(
    "fields",
    [{"id": ""}, {"question": " "}, {"aliases": "почём"}, {"status": "alive"}],
    ids=["no id", "no question", "a text for a list", "unknown status"],
)
def test_a_bad_entry_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the kind of error is the promise
        FaqEntry(**{"id": "x", "question": "q", **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("channels", "language", "expected"),
    [
        (["shop-bot", "telegram"], "ru", "tg"),
        (["telegram"], "en", "tg"),
        (["max"], "en", "much"),
        (["max"], "en-GB", "much"),
        (["max"], "ru", "Столько"),
        (["web"], "en", "web"),
        (["web"], "ru", "Столько"),
        ([], "de", "Столько"),
    ],
)
def test_the_most_specific_answer_wins(channels: list[str], language: str, expected: str) -> None:
    assert expected == ENTRY.answer_for(channels, language)


def test_an_entry_without_a_default_answer_still_says_something() -> None:
    assert FaqEntry(id="x", question="q", answers={"telegram": "tg"}).answer_for(["max"], "ru") == "tg"


def test_the_version_follows_what_the_customer_sees_and_nothing_else() -> None:
    same = replace(
        ENTRY, aliases=("почём",), status=Status.DRAFT, origin=Origin("f.yaml", 3), valid_to=date(2026, 1, 1)
    )
    assert ENTRY.version == same.version
    seen = [
        replace(ENTRY, answer="Иначе"),
        replace(ENTRY, question="Иначе?"),
        replace(ENTRY, answers={}),
        replace(ENTRY, buttons=(EntryButton(text="a", faq="b"),)),
        replace(ENTRY, attachments=(Attachment(path="a.png"),)),
    ]
    assert len(seen) == len({entry.version for entry in seen} - {ENTRY.version})


def test_the_version_is_the_same_on_every_machine() -> None:
    assert FaqEntry(id="x", question="Сколько?", answer="Столько").version == "3e667cc30919"


def test_the_place_in_a_file_is_not_part_of_equality() -> None:
    assert replace(ENTRY, origin=Origin("a", 1)) == replace(ENTRY, origin=Origin("b", 2))


@pytest.mark.parametrize(
    ("day", "live"),
    [
        (date(2026, 1, 1), False),
        (date(2026, 1, 2), True),
        (date(2026, 1, 3), True),
        (date(2026, 1, 4), False),
    ],
)
def test_the_first_and_the_last_day_belong_to_the_validity(day: date, live: bool) -> None:  # noqa: FBT001  # a row
    entry = replace(ENTRY, valid_from=date(2026, 1, 2), valid_to=date(2026, 1, 3))
    assert live is entry.is_live(day)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.REVIEW, Status.RETIRED])
def test_only_live_entries_are_live(status: Status) -> None:
    assert not replace(ENTRY, status=status).is_live(date(2026, 1, 1))


def test_a_button_leads_to_exactly_one_place() -> None:
    for fields in ({}, {"faq": "a", "url": "https://b"}):
        with pytest.raises(ValueError, match="exactly one place"):
            EntryButton(text="Сроки", **fields)


def test_a_category_has_titles_by_language() -> None:
    category = Category(id="d", title="Доставка", titles={"en": "Delivery"})
    assert tuple(map(category.title_for, ("en", "en_US", "ru"))) == ("Delivery", "Delivery", "Доставка")
