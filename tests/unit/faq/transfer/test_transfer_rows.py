"""Rows to entries: lists in cells, rows that belong together, ids, and a note for whatever is not used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq import KnowledgeError
from faq.entry import EntryButton, Status
from faq.transfer import Fault, Incoming, TransferError, read_incoming
from faq.transfer.notes import NoteCode
from faq.transfer.phrases import split_phrases, split_questions, split_words
from faq.transfer.slugs import is_id, slug, unused_slug

LONG = "Мы доставляем по всей стране, цена зависит от города и веса."


def read(*rows: str, head: str = "id;Вопрос;Ответ") -> Incoming:
    return read_incoming("a.csv", "\n".join((head, *rows)).encode())


def codes(incoming: Incoming) -> list[tuple[int, NoteCode]]:
    return [(note.row, note.code) for note in incoming.notes]


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("Как оплатить?", ["Как оплатить?"]),
        ("Как оплатить?\nМожно картой?", ["Как оплатить?", "Можно картой?"]),
        ("1. Как оплатить\n2) Можно картой", ["Как оплатить", "Можно картой"]),
        ("- оплата\n• карта", ["оплата", "карта"]),
        ("оплата\nкак оплатить", ["оплата", "как оплатить"]),
        (
            "Здравствуйте, я хочу\nоплатить, как это сделать?",
            ["Здравствуйте, я хочу оплатить, как это сделать?"],
        ),
        ("Как оплатить; можно картой?", ["Как оплатить", "можно картой?"]),
        ("Как оплатить? / Можно картой?", ["Как оплатить?", "Можно картой?"]),
        ("Чистка б/у вещей и/или обуви", ["Чистка б/у вещей и/или обуви"]),
        ("Возврат / обмен", ["Возврат / обмен"]),
        ("Оплата; (", ["Оплата; ("]),
        ("", []),
        (" \n ", []),
    ],
)
def test_questions_are_parted_only_where_they_are_a_list(text: str, questions: list[str]) -> None:
    assert questions == split_questions(text)


def test_phrases_and_words_are_parted_by_what_people_use() -> None:
    assert ["цена доставки", "почём доставка"] == split_phrases("цена доставки, почём доставка")
    assert ["скажите, сколько стоит доставка?"] == split_phrases("скажите, сколько стоит доставка?")
    assert ["а", "б в", "г", "д/е"] == split_words("а, б в;г\nд/е")
    assert ["цена", "доставка"] == split_words("#цена #доставка")


def test_several_questions_in_a_cell_become_other_wordings() -> None:
    (entry,) = read('a;"Как?\nКак это?\nКАК";Так.').entries

    assert ("Как?", ("Как это?",)) == (entry.question, entry.aliases)


def test_rows_of_one_answer_become_one_entry() -> None:
    found = read(
        "a;Как?;Так.", "a;Каким образом?;Так.", "a;А как?;", f";Сколько?;{LONG}", f";Почём?;{LONG}",
        ";Есть?;Да.", ";Можно?;Да.", ";есть;Да.",
    )  # fmt: skip

    assert [("a", ("Каким образом?", "А как?")), ("skolko", ("Почём?",)), ("est", ()), ("mozhno", ())] == [
        (entry.id, entry.aliases) for entry in found.entries
    ]
    assert [3, 4, 6, 9] == [row for row, code in codes(found) if code is NoteCode.JOINED]


def test_every_row_that_is_not_used_is_told_with_its_reason() -> None:
    found = read(
        "a;Как?;Так.",
        "a;Где?;Иначе.",
        ";Как?;По-другому.",
        ";Когда?;",
        ";;Ответ без вопроса.",
        ";;",
        "b;;",
        ";Кто?;Мы.",
    )

    assert ["a", "kto"] == [entry.id for entry in found.entries]
    assert [
        (3, NoteCode.SAME_ID), (4, NoteCode.SAME_QUESTION), (5, NoteCode.NO_ANSWER), (6, NoteCode.NO_QUESTION),
        (8, NoteCode.NO_QUESTION),
    ] == codes(found)  # fmt: skip
    assert all(note.left_out for note in found.notes)


@given(
    st.lists(
        st.lists(st.sampled_from(["", "a", "b", "Как?", "Где?", "Так.", LONG]), min_size=3, max_size=3),
        max_size=8,
    )
)
def test_a_row_is_an_entry_or_a_part_of_one_or_told(rows: list[list[str]]) -> None:
    found = read("z;Кто?;Мы.", *(";".join(row) for row in rows))
    used = {entry.origin.line for entry in found.entries if entry.origin is not None}
    told = {note.row for note in found.notes}

    filled = {number for number, row in enumerate(rows, start=3) if any(row)}
    assert filled | {2} == used | told
    assert not used & {note.row for note in found.left_out}


def test_fields_that_break_the_rules_of_the_format_cost_their_row() -> None:
    found = read(
        "Как?;Так.;опубликовано;31.12.2030;", "Где?;Тут.;живой;;", "Кто?;Мы.;;завтра;", "Что?;То.;;;[{]",
        'Чей?;Наш.;черновик;;"[{""text"": ""Сайт"", ""url"": ""https://x.ru""}]"',
        head="Вопрос;Ответ;Статус;Действует до;Кнопки",
    )  # fmt: skip

    assert ["Как?", "Чей?"] == [entry.question for entry in found.entries]
    assert (Status.DRAFT, (EntryButton(text="Сайт", url="https://x.ru"),)) == (
        found.entries[1].status, found.entries[1].buttons,
    )  # fmt: skip
    assert [3, 4, 5] == [note.row for note in found.notes if note.code is NoteCode.INVALID]
    assert "`завтра` is not a date" in str(found.notes[1])


# -- ids -------------------------------------------------------------------------------------------------------------


def test_ids_that_fit_are_kept_and_others_are_made_from_the_question() -> None:
    found = read(
        "delivery.cost;Почём доставка?;1", "Моя запись!;Как оплатить?;2", ";Где заказ?;3", "17;Кто вы?;4"
    )

    assert ["delivery.cost", "kak-oplatit", "gde-zakaz", "17"] == [entry.id for entry in found.entries]
    assert {"kak-oplatit", "gde-zakaz"} == found.made
    assert [(3, NoteCode.NEW_ID)] == codes(found)


@given(st.text(max_size=200))
def test_an_id_is_always_valid_and_the_same(text: str) -> None:
    assert is_id(slug(text))
    assert slug(text) == slug(text)
    assert is_id(other := unused_slug(text, {slug(text)}))
    assert other != slug(text)


def test_ids_spell_cyrillic_in_latin_letters() -> None:
    assert "skolko-stoit-ekspress-dostavka" == slug("Сколько стоит экспресс-доставка?")
    assert "shchuka-ezh-podezd-yizhak" == slug("Щука, ёж, подъезд, їжак")


def test_long_questions_with_one_beginning_get_different_ids() -> None:
    start = "Как оформить возврат товара, купленного в магазине на проспекте, если прошло больше "

    assert slug(start + "14 дней") != slug(start + "30 дней")


def test_ids_do_not_depend_on_the_order_of_rows() -> None:
    rows = [f";Вопрос номер {number}?;Ответ {number}" for number in range(20)]

    assert {e.id: e.question for e in read(*rows).entries} == {
        e.id: e.question for e in read(*rows[::-1]).entries
    }


# -- JSON ------------------------------------------------------------------------------------------------------------


def as_json(data: Any) -> Incoming:
    return read_incoming("a.json", json.dumps(data).encode())


@pytest.mark.parametrize("wrap", [lambda items: items, lambda items: {"faq": items, "version": 2}])
def test_a_list_of_questions_as_an_older_bot_keeps_it(wrap: Any) -> None:
    found = as_json(
        wrap(
            [
                {"id": 1, "question": "Как?", "keywords": ["как", "способ"], "answer": "<b>Так</b>\nи этак"},
                {"id": "2", "question": "Где; когда?", "keywords": "где, когда", "answer": "Тут"},
                {"question": "Кто мы?", "keywords": None, "answer": "Мы"},
                {"id": 4, "question": "Без ответа?"},
                {"id": 5, "question": "x\ud800", "answer": "y"},
            ]
        )
    )

    assert [
        ("1", "Как?", ("как", "способ"), "Так\nи этак"),
        ("2", "Где; когда?", ("где", "когда"), "Тут"),
        ("kto-my", "Кто мы?", (), "Мы"),
    ] == [(e.id, e.question, e.keywords, e.answer) for e in found.entries]
    assert [(1, NoteCode.MARKUP), (4, NoteCode.NO_ANSWER), (5, NoteCode.BAD_TEXT)] == codes(found)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.EMPTY),
        ("[]", Fault.EMPTY),
        ("{", Fault.BAD_JSON),
        ("[NaN]", Fault.BAD_JSON),
        ("[1]", Fault.JSON_SHAPE),
        ('{"a": 1}', Fault.JSON_SHAPE),
        ('[{"id": 1, "id": 2}]', Fault.BAD_JSON),
        ("[" * 100_000, Fault.BAD_JSON),
        ('{"entries": ' + "[" * 900 + "]" * 900 + "}", Fault.BAD_JSON),
        ("[1" + "0" * 5_000 + "]", Fault.BAD_JSON),
        ('[{"цвет": "x", "вес": "y"}]', Fault.NO_QUESTIONS),
        ('{"entries": []}', Fault.EMPTY),
        ('{"entries": [{"id": "a", "question": "\\ud800", "answer": "x"}]}', Fault.BAD_JSON),
    ],
)
def test_json_that_is_no_knowledge_is_refused_in_a_sentence(text: str, fault: Fault) -> None:
    with pytest.raises(TransferError) as caught:
        read_incoming("a.json", text.encode())

    assert fault == caught.value.fault


def test_our_own_shape_keeps_the_rules_of_the_format() -> None:
    with pytest.raises(KnowledgeError) as caught:
        as_json(
            {
                "entries": [
                    {"id": "a", "qestion": "x"},
                    {"id": "b", "question": "y", "answer": "z", "valid_to": "x"},
                ]
            }
        )

    assert ["entries[a].qestion", "entries[a].question", "entries[a].answer", "entries[b].valid_to"] == [
        problem.field for problem in caught.value.problems
    ]


def test_an_unknown_ending_names_the_known_ones() -> None:
    with pytest.raises(TransferError, match=r"a\.docx.*\.xlsx"):
        read_incoming("a.docx", b"x")
