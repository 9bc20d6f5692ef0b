"""Forms: what is asked, what counts as an answer, and that there is always a way on and a way out."""

from __future__ import annotations

import json
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.body import parse_body, plain_text
from optfm_bot.domain.form_questions import thanks
from optfm_bot.domain.form_state import CHANGE, SUMMARY, FormState, dump, load
from optfm_bot.domain.form_steps import (
    REQUEST,
    Form,
    Invalid,
    Label,
    Step,
    StepKind,
    answer,
    default_step,
    phone,
)
from optfm_bot.domain.forms import (
    FormInput,
    FormOutcome,
    FormTurn,
    Pressed,
    SharedPhone,
    Typed,
    ask_again,
    begin,
    step_through,
)
from optfm_bot.i18n.catalogue import Catalogue

WORDS = Catalogue.load()
ORDER = Form(
    name="order",
    title=Label(own={"": "Заказ"}),
    steps=(
        default_step("who", StepKind.NAME, label=Label(own={"ru": "Как зовут", "en": "Name"})),
        default_step("phone", StepKind.PHONE),
        default_step("mail", StepKind.EMAIL, required=False),
        default_step("what", StepKind.TEXT, required=False),
    ),
)
SIZE = Label(own={"ru": "Маленький", "en": "Small"})
CHOOSE = Form(
    name="choose",
    title=Label(own={"": "Размер"}),
    steps=(
        Step(
            name="size",
            kind=StepKind.CHOICE,
            label=Label(own={"": "Размер"}),
            prompt=Label(own={"": "Какой *размер*?"}),
            required=False,
            options=(SIZE, Label(own={"": "Большой"})),
        ),
        default_step("note", StepKind.TEXT),
    ),
)


def go(form: Form, *heard: FormInput | str) -> FormTurn:
    """Go through a form from its beginning."""
    turn = begin(form, now=1)
    for one in heard:
        assert turn.state is not None
        turn = step_through(form, turn.state, Typed(one) if isinstance(one, str) else one)
    return turn


def at(turn: FormTurn) -> str:
    assert turn.state is not None
    return turn.state.at


def said(turn: FormTurn, language: str = "ru") -> str:
    return "\n".join(plain_text(parse_body(say.text(WORDS, language))) for say in turn.says)


def tokens(turn: FormTurn) -> list[str]:
    return [button.token for button in turn.says[-1].buttons]


FILLED = ("Анна  Петрова", "8 (900) 123-45-67", "Anna@Example.ru", "Сколько стоит доставка?")


def test_a_form_is_asked_step_by_step_summed_up_and_sent() -> None:
    turn = begin(REQUEST, now=5)
    assert (FormOutcome.ASKED, "name", ["cancel"]) == (turn.outcome, at(turn), tokens(turn))
    assert "Как к вам обращаться?" in said(turn)
    assert "«пропустить»" in said(turn)
    assert "your name" in said(turn, "en")

    turn = go(REQUEST, *FILLED)
    assert (FormOutcome.ASKED, SUMMARY) == (turn.outcome, at(turn))
    assert ["send", "change", "cancel"] == tokens(turn)
    assert (
        "Всё верно?\n\nИмя: Анна Петрова\nТелефон: +79001234567\nПочта: Anna@example.ru\n"
        "Описание: Сколько стоит доставка?"
    ) == said(turn)

    turn = go(REQUEST, *FILLED, Pressed("send"))
    assert (FormOutcome.DONE, None, ()) == (turn.outcome, turn.state, turn.says)
    assert {
        "name": "Анна Петрова",
        "phone": "+79001234567",
        "email": "Anna@example.ru",
        "description": "Сколько стоит доставка?",
    } == turn.answers
    assert list(turn.answers) == [step.name for step in REQUEST.steps]


def test_what_people_write_is_never_markup() -> None:
    turn = go(REQUEST, "Анна", "+79001234567", "пропустить", "**[x](https://evil.ru)**\n\n- раз")

    assert "Описание: **[x](https://evil.ru)**" in said(turn)


@pytest.mark.parametrize("word", ["пропустить", " Пропустить. ", "skip", "/skip"])
def test_a_question_that_may_be_skipped_is_not_in_the_answers(word: str) -> None:
    turn = go(REQUEST, "Анна", "+79001234567", word, "Текст")

    assert "Почта: не указано" in said(turn)
    assert "email" not in go(REQUEST, "Анна", "+79001234567", word, "Текст", "да").answers


def test_a_required_question_cannot_be_skipped() -> None:
    turn = go(REQUEST, "пропустить")

    assert (FormOutcome.INVALID, "name") == (turn.outcome, at(turn))
    assert "пропустить его нельзя" in said(turn)


@pytest.mark.parametrize("word", ["отмена", "Отмена", "cancel", "/cancel"])
@pytest.mark.parametrize("before", [(), ("Анна",), FILLED, (*FILLED, Pressed("change"))])
def test_a_form_can_be_left_anywhere(word: str, before: tuple[Any, ...]) -> None:
    turn = go(REQUEST, *before, word)

    assert (FormOutcome.CANCELLED, None) == (turn.outcome, turn.state)
    assert not turn.answers
    assert "заявку не отправляю" in said(turn)


def test_back_goes_one_question_back_and_not_further_than_the_first() -> None:
    turn = go(REQUEST, "Анна", "+79001234567", "назад")
    assert (FormOutcome.BACK, "phone") == (turn.outcome, at(turn))
    assert "description" == at(go(REQUEST, *FILLED, "/back"))

    turn = go(REQUEST, "back")
    assert (FormOutcome.BACK, "name") == (turn.outcome, at(turn))
    assert "первый вопрос" in said(turn)
    assert "Как к вам обращаться?" in said(turn)


def test_one_answer_can_be_changed_from_the_summary() -> None:
    turn = go(REQUEST, *FILLED, Pressed("change"))
    assert CHANGE == at(turn)
    assert ["change:name", "change:phone", "change:email", "change:description", "back", "cancel"] == tokens(
        turn
    )

    turn = go(REQUEST, *FILLED, Pressed("change"), Pressed("change:phone"), "+7 900 765-43-21")
    assert SUMMARY == at(turn)
    assert "Телефон: +79007654321" in said(turn)
    assert "Анна Петрова" in said(turn)

    assert SUMMARY == at(go(REQUEST, *FILLED, "изменить", "2", "назад"))
    assert SUMMARY == at(go(REQUEST, *FILLED, "изменить", "назад"))
    assert "who" == at(go(ORDER, *FILLED, "изменить", "как зовут"))


@pytest.mark.parametrize("typed", ["Маленький", "small", "МАЛЕНЬКИЙ.", "1", "1.", Pressed("option:size:0")])
def test_a_choice_is_kept_in_the_same_words_however_it_was_made(typed: Any) -> None:
    assert {"size": "Маленький", "note": "x"} == go(CHOOSE, typed, "x", "верно").answers


@pytest.mark.parametrize("typed", ["Средний", "0", "9", "-1", "маленький большой"])
def test_what_is_no_option_is_refused_with_the_options(typed: str) -> None:
    turn = go(CHOOSE, typed)

    assert (FormOutcome.INVALID, "size") == (turn.outcome, at(turn))
    assert ["option:size:0", "option:size:1", "skip", "cancel"] == tokens(turn)


def test_numbers_count_for_the_buttons_of_a_choice_and_are_text_elsewhere() -> None:
    assert "note" == at(go(CHOOSE, "3"))
    assert FormOutcome.CANCELLED is go(CHOOSE, "4").outcome
    assert {"note": "2"} == go(CHOOSE, "3", "2", "1").answers


def test_the_owners_words_are_plain_text_in_any_language() -> None:
    assert "Какой *размер*?" in said(begin(CHOOSE, now=0))
    assert "Какой *размер*?" in said(begin(CHOOSE, now=0), "en")
    labels = [button.label.plain(WORDS, "en") for button in begin(CHOOSE, now=0).says[0].buttons]
    assert ["Small", "Большой", "Skip", "Cancel"] == labels


@pytest.mark.parametrize(
    "stale",
    ["option:size:1", "change:note", "option:size:99", "option:size:x", "send", "change", "nonsense", ""],
)
def test_a_button_of_another_question_asks_this_one_again(stale: str) -> None:
    turn = go(CHOOSE, Pressed("option:size:0"), Pressed(stale))

    assert (FormOutcome.ASKED, "note") == (turn.outcome, at(turn))
    assert turn.state is not None
    assert {"size": "Маленький"} == turn.state.values


def test_another_command_is_no_answer() -> None:
    assert "/cancel" in said(go(REQUEST, "/start"))
    assert FormOutcome.INVALID is go(REQUEST, *FILLED[:3], "/faq цены").outcome
    assert SUMMARY == at(go(REQUEST, *FILLED[:3], "/ 5 штук"))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("79001234567", "+79001234567"),
        ("+7 (900) 123-45-67", "+79001234567"),
        ("4930901820", "+4930901820"),
        ("89001234567", "+79001234567"),
        ("9001234567", "+79001234567"),
    ],
)
def test_a_shared_contact_answers_the_question_for_a_phone(given: str, kept: str) -> None:
    turn = go(ORDER, "Анна", SharedPhone(given))

    assert turn.state is not None
    assert ("mail", kept) == (turn.state.at, turn.state.values["phone"])
    assert go(ORDER, "Анна").says[0].asks_phone


def test_a_contact_answers_no_other_question_and_a_wrong_one_none() -> None:
    assert FormOutcome.INVALID is go(ORDER, SharedPhone("79001234567")).outcome
    assert FormOutcome.INVALID is go(ORDER, "Анна", SharedPhone("123")).outcome
    assert FormOutcome.INVALID is go(ORDER, *FILLED, SharedPhone("79001234567")).outcome


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("8 (900) 123-45-67", "+79001234567"),
        ("+7 900 1234567", "+79001234567"),
        ("79001234567", "+79001234567"),
        ("900 123 45 67", "+79001234567"),
        ("мой 8 900 123 45 67", "+79001234567"),
        ("8 495 123-45-67", "+74951234567"),
        ("+49 30 901820", "+4930901820"),
        ("+375 29 123-45-67", "+375291234567"),
        ("٨٩٠٠١٢٣٤٥٦٧", "+79001234567"),
    ],
)
def test_a_phone_is_kept_one_way_however_it_is_written(text: str, kept: str) -> None:
    assert kept == phone(text, "RU")


@pytest.mark.parametrize(
    "text",
    ["", "123", "112", "позвоните мне", "8900123456", "890012345678", "+7 900 123 45 678", "8 900 FLOWERS",
     "+79001234567 или +79001234568", "0" * 300, "+" * 50, "8-495-123-45-67 доб. 12"],
)  # fmt: skip
def test_a_number_that_cannot_be_called_is_refused(text: str) -> None:
    assert isinstance(phone(text, "RU"), Invalid)


def test_an_extension_has_a_sentence_of_its_own() -> None:
    assert "добавочн" in said(go(ORDER, "Анна", "8 495 123-45-67 доб. 12"))


def test_the_country_of_a_bare_number_is_that_of_the_settings() -> None:
    assert "+375291234567" == phone("029 123-45-67", "BY")


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        (StepKind.EMAIL, " <Anna@Example.RU>, ", "Anna@example.ru"),
        (StepKind.EMAIL, "mailto:anna@example.ru", "anna@example.ru"),
        (StepKind.EMAIL, "anna@пример.рф", "anna@пример.рф"),
        (StepKind.NAME, "  Анна\n Петрова ", "Анна Петрова"),
        (StepKind.NAME, "李", "李"),
        (StepKind.NAME, "Ж-Ж. О'Коннор 2", "Ж-Ж. О'Коннор 2"),
        (StepKind.TEXT, "Есть?\n\nДа 👨‍👩‍👧", "Есть?\n\nДа 👨‍👩‍👧"),
        (StepKind.TEXT, "a\x00b\u202e", "ab"),
        (StepKind.EMAIL, "anna", None),
        (StepKind.EMAIL, "anna@example", None),
        (StepKind.EMAIL, "a b@example.ru", None),
        (StepKind.EMAIL, "a@b.ru, c@d.ru", None),
        (StepKind.NAME, "Сколько стоит доставка?", None),
        (StepKind.NAME, "89001234567", None),
        (StepKind.NAME, "anna@example.ru", None),
        (StepKind.NAME, "https://evil.ru", None),
        (StepKind.NAME, "🙂", None),
        (StepKind.NAME, "А" * 101, None),
        (StepKind.TEXT, "\u200b \n", None),
        (StepKind.TEXT, "а" * 1001, None),
    ],
)
def test_what_counts_as_an_answer(kind: StepKind, text: str, kept: str | None) -> None:
    found = answer(default_step("x", kind), text, region="RU")

    assert isinstance(found, Invalid) if kept is None else kept == found


def test_a_state_survives_json() -> None:
    state = go(REQUEST, *FILLED, "изменить", "2").state
    assert state is not None

    assert state == load(json.loads(json.dumps(dump(state))))
    assert "+7900" not in repr(state)
    for wrong in ({}, {"form": "x"}, {**dump(state), "values": 5}, {**dump(state), "began_at": "x"}):
        with pytest.raises(ValueError, match=r"state of a form|invalid literal"):
            load(wrong)


def test_a_form_that_was_changed_meanwhile_asks_for_what_is_missing() -> None:
    state = FormState(form="request", at="gone", values={"name": "Анна"})
    assert "phone" == at(step_through(REQUEST, state, Pressed("nonsense")))

    state = FormState(form="request", at=SUMMARY, values={"name": "Анна", "old": "x"})
    turn = step_through(REQUEST, state, Pressed("send"))
    assert (FormOutcome.ASKED, "phone") == (turn.outcome, at(turn))
    assert "phone" == at(ask_again(REQUEST, state))


def test_thanks_name_the_request() -> None:
    usual = thanks(REQUEST, "261121-4807").text(WORDS, "ru")
    assert "Спасибо, заявка 261121-4807 принята." in plain_text(parse_body(usual))
    own = Form(
        name="x",
        title=Label(),
        steps=REQUEST.steps,
        thanks=Label(own={"": "Ждите! {number}, *скоро*"}),
    )
    assert "Ждите! 7, *скоро*" == plain_text(parse_body(thanks(own, "7").text(WORDS, "ru")))


# -- whatever people do ----------------------------------------------------------------------------------

FORMS = st.sampled_from([REQUEST, ORDER, CHOOSE])
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["назад", "пропустить", "да", "нет", "1", "2", "5", "/back", "/start", *FILLED, "Большой"]
    ),
    st.from_regex(r"[+78]?[\d ()-]{3,14}"),
)
INPUTS: st.SearchStrategy[FormInput] = st.one_of(
    TEXTS.map(Typed),
    st.sampled_from(["send", "change", "back", "skip", "change:phone", "option:size:1", "x:y:z"]).map(
        Pressed
    ),
    st.from_regex(r"\d{3,14}").map(SharedPhone),
)
RIGHT = {
    StepKind.NAME: "Анна",
    StepKind.PHONE: "+79001234567",
    StepKind.EMAIL: "a@b.ru",
    StepKind.TEXT: "Текст",
    StepKind.CHOICE: "1",
}


@given(FORMS, st.lists(INPUTS, max_size=25))
def test_a_form_never_gets_stuck_and_never_keeps_a_wrong_phone(form: Form, heard: list[FormInput]) -> None:
    turn = begin(form, now=0)
    for one in heard:
        if turn.state is None:
            break
        turn = step_through(form, load(dump(turn.state)), one)
        kept = turn.state.values if turn.state is not None else turn.answers
        for step in form.steps:
            if step.kind is StepKind.PHONE and (number := kept.get(step.name)):
                assert phonenumbers.is_valid_number(phonenumbers.parse(number))
        if turn.state is not None:
            assert turn.says
            assert all(say.text(WORDS, language) for say in turn.says for language in ("ru", "en"))
            assert "cancel" in tokens(turn)
    if turn.state is not None:
        assert FormOutcome.CANCELLED is step_through(form, turn.state, Typed("отмена")).outcome
    for _ in range(len(form.steps) + 2):  # the way to the end is never longer than the form
        if turn.state is None:
            break
        step = form.step(turn.state.at)
        word = RIGHT[step.kind] if step is not None else "назад" if turn.state.at == CHANGE else "да"
        turn = step_through(form, turn.state, Typed(word))
    assert turn.outcome in {FormOutcome.DONE, FormOutcome.CANCELLED}
    if turn.outcome is FormOutcome.DONE:
        assert {step.name for step in form.steps if step.required} <= set(turn.answers)


@given(st.text(max_size=30))
def test_no_text_passes_for_a_phone_that_is_none(text: str) -> None:
    found = phone(text, "RU")

    if isinstance(found, str):
        assert phonenumbers.is_valid_number(phonenumbers.parse(found))
        assert sum(one.isdigit() for one in text) >= 7
