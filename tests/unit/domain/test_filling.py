"""A form as part of a conversation: what is asked, kept and said, and what a finished one becomes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.body import plain_text
from optfm_bot.domain.choices import FormInput as InputChoice
from optfm_bot.domain.conversation import Conversation, dump, load
from optfm_bot.domain.filling import Filling, Numbered
from optfm_bot.domain.form_state import SUMMARY
from optfm_bot.domain.form_steps import Form, Label, StepKind, default_step
from optfm_bot.domain.forms import FormInput, Pressed, SharedPhone, Typed
from optfm_bot.domain.handoff import Stage
from optfm_bot.domain.say import Response
from optfm_bot.i18n.catalogue import Catalogue

FORM = Form(
    name="call",
    title=Label(own={"": "Звонок"}),
    steps=(default_step("who", StepKind.NAME), default_step("phone", StepKind.PHONE)),
)
FILLING = Filling({FORM.name: FORM}, Catalogue.load())
NUMBERED = Numbered(99, "260115-0001")
TALK = Conversation(stage=Stage.FORM, stage_until=10)


def go(*heard: FormInput | str, talk: Conversation = TALK) -> Response:
    """Go through the form; the conversation is written and read between any two messages, as in the house."""
    response = FILLING.begin("call", talk, now=5, language="ru")
    for one in heard:
        talk = load(dump(response.conversation))
        response = FILLING.go_on(Typed(one) if isinstance(one, str) else one, talk, "ru", NUMBERED)
    return response


def said(response: Response) -> list[str]:
    return [plain_text(say.body) for say in response.says]


def inputs(response: Response) -> list[InputChoice]:
    choices = [choice for say in response.says for row in say.choices for choice in row]
    return [choice.meaning for choice in choices if isinstance(choice.meaning, InputChoice)]


def test_a_form_begins_with_its_first_question() -> None:
    response = go()

    assert (response.outcome, response.request) == ("form", None)
    assert "Как к вам обращаться?" in said(response)[0]
    assert response.conversation.stage is Stage.FORM
    assert FILLING.at(response.conversation) == "who"
    assert inputs(response) == [InputChoice("who", "cancel")]


def test_where_a_phone_is_asked_it_can_be_shared() -> None:
    response = go("Анна")
    first = response.says[0].choices[0][0]

    assert (first.label, first.ask_contact, first.meaning) == ("Поделиться номером", True, None)
    assert {one.step for one in inputs(response)} == {"phone"}
    assert FILLING.at(go("Анна", SharedPhone("79001234567")).conversation) == SUMMARY


def test_a_wrong_answer_is_asked_for_again_where_it_was() -> None:
    response = go("Анна", "12")

    assert "Такого номера нет" in said(response)[0]
    assert FILLING.at(response.conversation) == "phone"


def test_a_finished_form_is_a_request_under_the_number_that_it_got() -> None:
    response = go("Анна", "8 900 123-45-67", Pressed("send"))

    assert response.outcome == "request"
    request = response.request
    assert request is not None
    assert (request.id, request.number, request.form) == (99, "260115-0001", "call")
    assert request.fields == {"who": "Анна", "phone": "+79001234567"}
    assert said(response) == ["Спасибо, заявка 260115-0001 принята. С вами свяжутся."]
    talk = response.conversation
    assert (talk.stage, talk.stage_until, talk.form) == (Stage.BOT, 0, None)
    assert "Анна" not in repr(response.request)


def test_a_form_can_be_given_up_at_any_question() -> None:
    response = go("Анна", "отмена")

    assert said(response) == ["Хорошо, заявку не отправляю. Если понадобится, начните её снова."]
    assert (response.request, response.conversation.stage) == (None, Stage.BOT)
    assert response.conversation.form is None


def test_a_question_can_be_asked_again_and_nothing_else_changes() -> None:
    before = go("Анна")
    response = FILLING.again(before.conversation, "ru")

    assert said(response)[0].startswith(said(before)[0])
    assert response.says[0].choices == before.says[0].choices
    assert response.conversation == before.conversation


def test_where_a_number_may_be_the_answer_the_ways_out_are_words() -> None:
    say = go("Анна").says[0]

    assert say.spoken is not None
    assert plain_text(say.spoken) == (
        "По какому телефону с вами связаться? Например, +7 900 123-45-67.\n\n"
        "Вместо ответа можно написать: «назад», «отмена»."
    )
    assert go("Анна", "8 900 123-45-67").says[0].spoken is None
    for text in ("1", "2"):
        refused = go("Анна", text)
        assert said(refused)[0].startswith("Такого номера нет")
        assert refused.says[0].spoken is not None


def test_what_the_owner_calls_a_button_may_be_typed() -> None:
    words = Catalogue.load().with_texts({"ru": {"form.button.back": "Шаг назад"}})
    filling = Filling({FORM.name: FORM}, words)
    response = filling.go_on(Typed("шаг назад"), go("Анна").conversation, "ru", NUMBERED)

    assert filling.at(response.conversation) == "who"


@pytest.mark.parametrize("name", ["order", None, ""])
def test_a_form_that_there_is_not_does_not_begin(name: str | None) -> None:
    response = FILLING.begin(name, TALK, now=5, language="ru")

    assert said(response) == ["Такой формы здесь нет. Обычная заявка — /request"]
    assert response.conversation.stage is Stage.BOT


def test_a_form_that_the_owner_has_taken_away_is_over() -> None:
    begun = go("Анна").conversation
    response = Filling({}, Catalogue.load()).go_on(Typed("x"), begun, "ru", NUMBERED)

    assert said(response)[0].startswith("Заявка осталась незаконченной")
    assert (response.conversation.stage, response.conversation.form) == (Stage.BOT, None)
    assert Filling({}, Catalogue.load()).again(begun, "ru") == response


@pytest.mark.parametrize("form", [None, {}, {"form": "call"}, {"form": "call", "at": "who", "values": 5}])
def test_a_state_that_cannot_be_read_ends_the_form(form: dict[str, object] | None) -> None:
    talk = replace(TALK, form=form)

    assert FILLING.at(talk) is None
    response = FILLING.go_on(Typed("x"), talk, "ru", NUMBERED)
    assert (response.conversation.stage, response.conversation.form) == (Stage.BOT, None)
    assert response.request is None
