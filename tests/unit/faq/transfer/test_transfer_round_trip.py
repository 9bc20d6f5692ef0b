"""What is exported and imported again is the same, in every format, within what the format holds."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from faq.base import KnowledgeBase
from faq.entry import Attachment, Category, Connection, EntryButton, FaqEntry, Status
from faq.transfer import Fault, Format, TransferError, export, plan, read_incoming
from faq.transfer.cells import has_markup
from faq.yaml_source import RawFile, parse_knowledge

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
NASTY = st.sampled_from(
    [
        "=1+1",
        "+7 495 000",
        "-5",
        "@all",
        "'=x",
        "''-",
        "#N/A",
        "_x0041_",
        "yes",
        "null",
        "1e5",
        "2026-01-01",
        "- a",
        "? b",
        "a: b",
        "# c",
        "[x]",
        '["a"]',
        "{a}",
        "a;b",
        "a, b",
        "x / y",
        "б/у",
        "с\nпереводом",
        "с\r\nвозвратом",
        "\u2028",
        "\x07 a",
        "| a",
        "> b",
        "a\n  b\n\n\nc",
        "a \nb",
        "\tx",
        "‑ 300 ₽",
        "😀",
        "x\x85y",
        "﻿z",
        "&copy",
        "a < b",
        "**жирно**",
    ]
)
TEXTS = (st.text(LETTERS, min_size=1, max_size=20) | NASTY).map(str.strip).filter(bool)
LISTS = st.lists(TEXTS, max_size=3).map(tuple)
IDS = st.from_regex(r"[a-zа-я0-9_][\w.-]{0,9}", fullmatch=True)
URLS = st.sampled_from(["https://example.ru/?a=1,2", "tel:+7", "mailto:a@b.ru"])
DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


@st.composite
def entries(draw: st.DrawFn, identity: str, ids: list[str]) -> FaqEntry:
    answers = draw(
        st.dictionaries(st.sampled_from(["telegram", "en", "telegram.ru", "my-shop"]), TEXTS, max_size=2)
    )
    days = sorted(draw(st.lists(st.dates(), max_size=2)))
    return FaqEntry(
        id=identity,
        question=draw(TEXTS),
        answer=draw(TEXTS if not answers else TEXTS | st.just("")),
        answers=answers,
        category=draw(st.none() | st.sampled_from(["delivery", "Оплата"])),
        aliases=draw(LISTS),
        keywords=draw(LISTS),
        buttons=draw(
            st.lists(
                st.builds(EntryButton, text=TEXTS, faq=st.sampled_from(ids))
                | st.builds(EntryButton, text=TEXTS, url=URLS),
                max_size=2,
            )
        ),
        attachments=draw(
            st.lists(
                st.builds(
                    Attachment,
                    path=st.just("a/b.png"),
                    type=st.sampled_from(["image", "file"]),
                    name=TEXTS | st.just(""),
                )
                | st.builds(Attachment, url=URLS),
                max_size=1,
            )
        ),
        connections=draw(
            st.lists(
                st.builds(
                    Connection,
                    search_type=TEXTS,
                    integration_id=st.none() | TEXTS,
                    integration_config=st.dictionaries(TEXTS, DATA, max_size=2),
                ),
                max_size=1,
            )
        ),
        status=draw(st.sampled_from(list(Status))),
        valid_from=days[0] if days else None,
        valid_to=days[1] if len(days) > 1 else None,
        language=draw(st.sampled_from(["ru", "en", "pt-BR"])),
    )


@st.composite
def bases(draw: st.DrawFn) -> KnowledgeBase:
    ids = draw(st.lists(IDS, min_size=1, max_size=3, unique=True))
    found = tuple(draw(entries(identity, ids)) for identity in ids)
    return KnowledgeBase(
        entries=found,
        categories=(
            Category(id="delivery", title="Доставка: вся"),
            Category(id="Оплата", title="Оплата", titles={"en": "Payment"}),
        ),
        synonyms=tuple(draw(st.lists(st.tuples(TEXTS, TEXTS), max_size=1))),
        language=draw(st.sampled_from(["ru", "en"])),
    )


def back(content: bytes, form: Format, language: str) -> tuple[FaqEntry, ...]:
    incoming = read_incoming(f"base.{form}", content, language=language)
    assert [] == [str(note) for note in incoming.notes]
    return tuple(step.entry for step in plan(incoming, None).steps)


@pytest.mark.parametrize("form", list(Format))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(base=bases())
def test_an_export_comes_back_as_the_same_entries(form: Format, base: KnowledgeBase) -> None:
    found = export(base, form)

    assert base.entries == back(found.content, form, base.language)
    assert ("categories" in found.lost) is (form in {Format.CSV, Format.XLSX})


@settings(deadline=None, max_examples=25)
@given(base=bases())
def test_yaml_and_json_hold_the_whole_base(base: KnowledgeBase) -> None:
    parsed = parse_knowledge([RawFile("base.yaml", export(base, Format.YAML).content)])
    incoming = read_incoming("base.json", export(base, Format.JSON).content)

    assert (base.entries, base.categories, base.synonyms, base.language) == (
        parsed.entries, parsed.categories, parsed.synonyms, parsed.language,
    )  # fmt: skip
    assert (base.categories, base.synonyms) == (incoming.categories, incoming.synonyms)


@pytest.mark.parametrize("form", [Format.JSON, Format.CSV, Format.XLSX])
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(base=bases())
def test_a_simple_export_holds_four_fields(form: Format, base: KnowledgeBase) -> None:
    plain = [
        FaqEntry(id=e.id, question=e.question, keywords=e.keywords, answer=e.answer or next(iter(e.answers.values())))
        for e in base.entries
        if not any(map(has_markup, (e.question, e.answer, *e.keywords, *e.answers.values())))
    ]  # fmt: skip
    if not plain:
        return
    found = export(replace(base, entries=tuple(plain), language="ru"), form, simple=True)

    assert tuple(plain) == back(found.content, form, "ru")


def test_a_simple_export_says_what_it_leaves_out() -> None:
    entry = FaqEntry(
        id="a", question="Как?", answer="<b>Так</b>", aliases=["Каким образом?"], valid_to=date(2030, 1, 1)
    )
    found = export(KnowledgeBase(entries=(entry,)), Format.JSON, simple=True)

    assert {"aliases", "valid_to", "markup"} == set(found.lost)
    assert [{"id": "a", "question": "Как?", "keywords": [], "answer": "<b>Так</b>"}] == json.loads(
        found.content
    )


@pytest.mark.parametrize(
    "text", ["=1+1", "+7 495", "-5", "@x", "\t=1".strip(), '=HYPERLINK("http://x")', "#N/A"]
)
def test_no_cell_becomes_a_formula(text: str) -> None:
    base = KnowledgeBase(entries=(FaqEntry(id="a", question=text, answer=text),))

    rows = list(csv.reader(io.StringIO(export(base, Format.CSV).content.decode("utf-8-sig")), delimiter=";"))
    sheet: Any = load_workbook(io.BytesIO(export(base, Format.XLSX).content)).active

    assert rows[1][1][0] not in "=+-@"
    assert ("s", text) == (sheet["B2"].data_type, sheet["B2"].value)


@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX])
def test_a_text_too_long_for_a_cell_is_refused_not_cut(form: Format) -> None:
    base = KnowledgeBase(entries=(FaqEntry(id="a", question="Как?", answer="ж" * 32_767),))

    with pytest.raises(TransferError, match=r"`a`\.answer does not fit") as caught:
        export(base, form)

    assert Fault.CANNOT_HOLD == caught.value.fault
    assert base.entries == back(export(base, Format.JSON).content, Format.JSON, "ru")


@pytest.mark.parametrize("form", list(Format))
def test_half_a_character_is_refused_in_a_sentence(form: Format) -> None:
    base = KnowledgeBase(entries=(FaqEntry(id="a", question="Как?", answer="x\ud83dx"),))

    with pytest.raises(TransferError, match="half a character"):
        export(base, form)
