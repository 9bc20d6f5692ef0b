"""Which column is what: by headings of many habits, by content, by order of a person."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from faq.transfer import Fault, TransferError, parse_choices
from faq.transfer.columns import Layout, Why, guess
from faq.transfer.headings import heading_field
from faq.transfer.table import Row, Table, column_number, letters


def table(*rows: Sequence[str]) -> Table:
    return Table("", tuple(Row(number, tuple(row)) for number, row in enumerate(rows, start=1)))


def fields(layout: Layout) -> list[str | None]:
    return [column.field for column in layout.columns]


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Вопрос", "question"),
        ("ВОПРОСЫ КЛИЕНТОВ", "question"),
        ("Вопрос клиента:", "question"),
        ("Question", "question"),
        ("Текст вопроса", "question"),
        ("Ответ", "answer"),
        ("Ответ оператора", "answer"),
        ("Answer text", "answer"),
        ("Синонимы", "aliases"),
        ("Варианты вопроса", "aliases"),
        ("Похожие вопросы", "aliases"),
        ("alternative questions", "aliases"),
        ("Как ещё спрашивают", "aliases"),
        ("Ключевые слова", "keywords"),
        ("Теги", "keywords"),
        ("key_words", "keywords"),
        ("Категория", "category"),
        ("Раздел", "category"),
        ("Категория вопроса", "category"),
        ("ID", "id"),
        ("Код", "id"),
        ("ID вопроса", "id"),
        ("language", "language"),
        ("Язык", "language"),
        ("Статус", "status"),
        ("Действует с", "valid_from"),
        ("№", "ordinal"),
        ("№ п/п", "ordinal"),
        ("#", "ordinal"),
        ("answer.telegram", "answer.telegram"),
        ("Ответ.en", "answer.en"),
        ("Дата ответа", None),
        ("Автор вопроса", None),
        ("Количество вопросов", None),
        ("Статус ответа", None),
        ("Какой вопрос?", None),
        ("Комментарий", None),
        ("", None),
        ("Это длинный текст, в котором есть слово вопрос и слово ответ", None),
    ],
)
def test_headings_of_many_habits(heading: str, field: str | None) -> None:
    assert field == heading_field(heading)


def test_headings_may_stand_below_a_title() -> None:
    found = guess(
        table(
            ["База знаний магазина"],
            ["обновлено вчера"],
            ["№", "Вопрос", "Ответ", "Заметки"],
            ["1", "Как?", "Так.", "x"],
        )
    )

    assert (3, ["ordinal", "question", "answer", None]) == (found.heading_row, fields(found))
    assert [Why.HEADING, Why.HEADING, Why.HEADING, Why.UNKNOWN] == [column.why for column in found.columns]
    assert [4] == [row.number for row in found.rows]


def test_more_columns_of_questions_are_other_wordings() -> None:
    found = guess(table(["Вопрос", "Вопрос 2", "Ответ", "Ответ короткий"], ["Как?", "Как это?", "Так.", "x"]))

    assert ["question", "aliases", "answer", None] == fields(found)
    assert Why.SECOND == found.columns[3].why


DATA = [
    [
        "q1",
        "Доставка",
        "Сколько стоит доставка?",
        "цена, доставка",
        "По городу 300 рублей, за город по тарифам почты.",
    ],
    [
        "q2",
        "Доставка",
        "Когда привезут заказ?",
        "срок, дни",
        "Через два дня после оплаты, мы позвоним заранее.",
    ],
    [
        "q3",
        "Доставка",
        "Можно забрать самому?",
        "самовывоз, пвз",
        "Да, в любом пункте выдачи, возьмите паспорт.",
    ],
    [
        "q4",
        "Оплата",
        "Как оплатить?",
        "карта, наличные",
        "Картой на сайте или наличными курьеру при встрече.",
    ],
    ["q5", "Оплата", "Где мой чек", "чек, почта", "Чек приходит на почту сразу после оплаты заказа."],
]


def test_without_headings_the_content_tells() -> None:
    found = guess(table(*DATA))

    assert (None, ["id", "category", "question", "keywords", "answer"]) == (found.heading_row, fields(found))
    assert [Why.CODES, Why.FEW, Why.ASKS, Why.LISTS, Why.LONGEST] == [column.why for column in found.columns]
    assert 5 == len(found.rows)


def test_order_of_columns_does_not_matter_to_content() -> None:
    found = guess(table(*[row[::-1] for row in DATA]))

    assert ["answer", "keywords", "question", "category", "id"] == fields(found)


def test_headings_that_nobody_knows_are_no_entry() -> None:
    rows = [
        ["1", "Чего хотят", "Чего говорим"],
        ["2", "Как?", "Так, вот этак."],
        ["3", "Где?", "Тут, за углом."],
        ["4", "Что?", "То, что надо."],
    ]
    found = guess(table(*[row[1:] for row in rows]))

    assert (1, 3, ["question", "answer"]) == (found.heading_row, len(found.rows), fields(found))
    assert "Чего хотят" == found.columns[0].heading


def test_two_columns_of_texts_without_a_question_mark() -> None:
    found = guess(table(["доставка", "По городу 300 рублей."], ["оплата", "Картой на сайте или наличными."]))

    assert [("question", Why.OTHER_TEXT), ("answer", Why.LONGEST)] == [
        (c.field, c.why) for c in found.columns
    ]


def test_two_columns_of_short_words_are_no_knowledge() -> None:
    with pytest.raises(TransferError) as caught:
        guess(table(["Иван", "Москва"], ["Пётр", "Казань"], ["Анна", "Пермь"]))

    assert Fault.NO_QUESTIONS == caught.value.fault


def test_a_person_overrules_everything() -> None:
    rows = [["Вопрос", "Ответ", "Ответ для бота", "Теги"], ["Как?", "Нет.", "Так.", "а"]]
    by_letter = guess(table(*rows), parse_choices(["answer=C", "keywords=-"]))
    by_heading = guess(table(*rows), parse_choices(["ответ=ответ для бота"]))
    by_number = guess(table(*rows[1:]), parse_choices(["question=1", "answer=3"]))

    assert ["question", None, "answer", None] == fields(by_letter)
    assert ["question", None, "answer", "keywords"] == fields(by_heading)
    assert ["question", "answer"] == [field for field in fields(by_number) if field is not None]
    assert (Why.CHOSEN, 1) == (by_number.columns[2].why, len(by_number.rows))


@pytest.mark.parametrize(
    ("choices", "fault"),
    [
        (["question"], Fault.NO_FIELD),
        (["question="], Fault.NO_FIELD),
        (["цвет=A"], Fault.NO_FIELD),
        (["question=A", "answer=A"], Fault.COLUMN_TWICE),
        (["question=A", "answer=1"], Fault.COLUMN_TWICE),
        (["question=ZZ"], Fault.NO_COLUMN),
        (["question=Нет такой"], Fault.NO_COLUMN),
        (["question=0"], Fault.NO_COLUMN),
        (["question=-"], Fault.NO_QUESTIONS),
    ],
)
def test_a_wrong_choice_is_told(choices: list[str], fault: Fault) -> None:
    with pytest.raises(TransferError) as caught:
        guess(table(["Вопрос", "Ответ"], ["Как?", "Так."]), parse_choices(choices))

    assert fault == caught.value.fault


def test_a_table_of_numbers_is_no_knowledge() -> None:
    with pytest.raises(TransferError) as caught:
        guess(table(["1", "2"], ["3", "4"], ["5", "6"]))

    assert Fault.NO_QUESTIONS == caught.value.fault
    assert "A" in caught.value.values["known"]


def test_columns_are_named_as_in_a_spreadsheet() -> None:
    assert ["A", "Z", "AA", "XFD"] == [letters(number) for number in (0, 25, 26, 16_383)]
    assert all(number == column_number(letters(number)) for number in range(2_000))
