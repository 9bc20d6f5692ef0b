"""What is said when a person is called, comes, goes or does not come, and what the ticket hears of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from channels.body import plain_text, text_body
from channels.model import Media, MediaKind, Purpose
from optfm_bot.domain.choices import BeginForm, CallPerson, Choice, Meaning, NoPerson, OpenEntry, OpenTopics
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.handoff import Cue, Stage
from optfm_bot.domain.manners import (
    DAY_MS,
    HOUR_MS,
    LATE,
    MINUTE_MS,
    SILENT,
    AgentWords,
    Here,
    ReceptionSettings,
)
from optfm_bot.domain.reception import Reception
from optfm_bot.domain.say import Relay, Response, Say
from optfm_bot.i18n.catalogue import Catalogue

WORDS = Catalogue.load()
NOW = 1_700_000_000_000
HERE = Here(language="ru", now=NOW)
CLOSED = replace(HERE, opens="завтра в 9:00", opens_at=NOW + 10 * HOUR_MS)
NEVER = replace(HERE, opens="")
QUEUED = Conversation(stage=Stage.QUEUED, ticket=7, waiting=NOW - 1)
HUMAN = Conversation(stage=Stage.HUMAN, stage_by="desk", ticket=7)
ASKED = Conversation(asked_text="Где мой заказ?", asked_at=NOW - MINUTE_MS, admitted=1)


def reception(**settings: Any) -> Reception:
    return Reception(WORDS, ReceptionSettings(**{"desk": True, **settings}))


def customer(text: str) -> Relay:
    return Relay(purpose=Purpose.CUSTOMER, text=text)


def note(text: str) -> Relay:
    return Relay(purpose=Purpose.NOTE, text=text)


def unasked(_: Conversation) -> Response:
    raise AssertionError("the bot is not to answer")


def answering(text: str = "Ответ.", cue: Cue | None = None) -> Callable[[Conversation], Response]:
    choices = ((Choice(label="Ещё", meaning=OpenEntry("more")),),)

    def answer(talk: Conversation) -> Response:
        say = Say(kind="answer", body=text_body(text), choices=choices, purpose=Purpose.ANSWER)
        return Response(outcome="answered", conversation=talk, says=(say,), cue=cue)

    return answer


def hear(
    cue: Cue,
    talk: Conversation,
    here: Here = HERE,
    text: str = "позовите человека",
    *,
    by: Reception | None = None,
    **options: Any,
) -> Response:
    options.setdefault("answer", unasked)
    return (by or reception()).hear(cue, talk, here, relays=[customer(text)], **options)


def said(response: Response) -> list[str]:
    return [plain_text(say.body) for say in response.says]


def meanings(response: Response) -> list[Meaning | None]:
    return [choice.meaning for say in response.says for row in say.choices for choice in row]


def heard(response: Response) -> list[str]:
    return [f"{relay.purpose.value}: {relay.text}".rstrip() for relay in response.relays]


# -- calling a person ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "words", "late"),
    [
        (HERE, "Передал разговор человеку, он ответит здесь", NOW + 30 * MINUTE_MS),
        (CLOSED, "когда начнётся рабочее время, — завтра в 9:00", NOW + 10 * HOUR_MS + 30 * MINUTE_MS),
        (NEVER, "когда ответят, сказать не могу", NOW + 30 * MINUTE_MS),
        (replace(HERE, desk_down=True), "Связь с поддержкой сейчас прервана", NOW + 30 * MINUTE_MS),
        (replace(CLOSED, desk_down=True), "прервана", NOW + 10 * HOUR_MS + 30 * MINUTE_MS),
    ],
)
def test_a_call_is_confirmed_as_the_hours_are(here: Here, words: str, late: int) -> None:
    response = hear(Cue.ASKED, Conversation(), here)

    (text,) = said(response)
    assert words in text
    assert response.says[0].purpose is Purpose.SYSTEM
    assert response.alarms == {LATE: late}
    talk = response.conversation
    assert (talk.stage, talk.waiting, talk.stage_until) == (Stage.QUEUED, NOW, NOW + 7 * DAY_MS)
    assert (response.subject, heard(response)) == ("позовите человека", ["customer: позовите человека"])


@pytest.mark.parametrize(
    ("here", "words"),
    [(HERE, "Человек уже позван"), (CLOSED, "завтра в 9:00"), (NEVER, "сказать не могу")],
)
def test_who_calls_again_hears_that_somebody_is_called_and_the_ticket_hears_it_too(
    here: Here, words: str
) -> None:
    response = hear(Cue.ASKED, QUEUED, here)

    assert words in said(response)[0]
    assert (heard(response), response.subject) == (["customer: позовите человека"], None)
    assert response.alarms == {}


def test_a_ticket_begins_with_the_question_that_had_no_answer() -> None:
    response = hear(Cue.ASKED, ASKED)

    assert (response.subject, heard(response)) == ("Где мой заказ?", ["customer: Где мой заказ?"])
    long_ago = replace(ASKED, asked_at=NOW - HOUR_MS)
    assert heard(hear(Cue.ASKED, long_ago)) == ["customer: позовите человека"]


def test_a_button_alone_opens_a_ticket_with_words_about_the_wish() -> None:
    response = reception().hear(Cue.ASKED, Conversation(), HERE, answer=unasked)

    assert heard(response) == ["customer: Клиент просит позвать человека."]
    assert response.subject == "Клиент просит позвать человека."


def test_the_subject_is_one_short_line() -> None:
    response = hear(Cue.ASKED, Conversation(), text="строка\n" * 40)

    assert response.subject is not None
    assert (len(response.subject), response.subject[-1], "\n" in response.subject) == (70, "…", False)


def test_an_open_ticket_is_gone_on_with_and_told_that_a_person_is_asked_for() -> None:
    talk = replace(ASKED, ticket=7)
    response = hear(Cue.ASKED, talk)

    assert response.subject is None
    assert heard(response) == [
        "customer: Где мой заказ?",
        "customer: позовите человека",
        "note: Клиент просит ответить человека.",
    ]


def test_a_question_that_calls_a_person_itself_is_told_once() -> None:
    talk = Conversation(ticket=7)

    def answer(talk: Conversation) -> Response:
        asked = replace(talk, asked_text="позовите человека", asked_at=NOW)
        return Response(outcome="handoff", conversation=asked, cue=Cue.ASKED)

    response = hear(Cue.SPOKE, talk, answer=answer)
    assert heard(response) == ["customer: позовите человека", "note: Клиент просит ответить человека."]


@pytest.mark.parametrize(("days", "reopened"), [(6, True), (8, False)])
def test_a_closed_ticket_is_gone_on_with_for_a_week(days: int, *, reopened: bool) -> None:
    talk = replace(ASKED, ticket=7, ticket_closed=NOW - days * DAY_MS)
    response = hear(Cue.ASKED, talk)

    assert response.conversation.ticket_closed == 0
    assert heard(response) == ["customer: Где мой заказ?"]
    if reopened:
        assert (response.subject, response.conversation.ticket) == (None, 7)
    else:
        assert (response.subject, response.conversation.ticket) == ("Где мой заказ?", None)
    assert hear(Cue.ASKED, talk, by=reception(reopen=0)).subject is not None


def test_what_a_closed_ticket_has_heard_is_not_told_it_again() -> None:
    talk = replace(ASKED, ticket=7, ticket_closed=NOW - 1000)

    assert heard(hear(Cue.ASKED, talk)) == ["customer: позовите человека"]


def test_without_a_desk_a_request_is_offered() -> None:
    response = hear(Cue.ASKED, Conversation(), by=reception(desk=False))

    assert said(response) == ["Позвать человека сюда я не могу, но могу передать заявку. С вами свяжутся."]
    assert meanings(response) == [BeginForm("request"), OpenTopics()]
    assert (response.subject, response.relays, response.alarms) == (None, (), {})
    assert response.conversation.stage is Stage.BOT

    response = hear(Cue.ASKED, Conversation(), by=reception(desk=False, form_name=None))
    assert "Пока я не могу позвать человека" in said(response)[0]
    assert meanings(response) == [OpenTopics()]


def asking_again(stage: Stage) -> Callable[[Conversation], Response]:
    def ask(talk: Conversation) -> Response:
        say = Say(kind="form", body=text_body("Ваше имя?"))
        return Response(outcome="form", conversation=replace(talk, stage=stage), says=(say,))

    return ask


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (
            Stage.FORM,
            ["Позвать человека сюда я не могу, но передам эту заявку, и с вами свяжутся.", "Ваше имя?"],
        ),
        (  # the owner has taken the form away
            Stage.BOT,
            ["Ваше имя?", "Позвать человека сюда я не могу, но могу передать заявку. С вами свяжутся."],
        ),
    ],
)
def test_without_a_desk_a_form_goes_on_where_it_was(stage: Stage, words: list[str]) -> None:
    talk = Conversation(stage=Stage.FORM, stage_until=NOW + HOUR_MS)
    response = hear(Cue.ASKED, talk, by=reception(desk=False), again=asking_again(stage))

    assert (response.outcome, said(response)) == ("handoff", words)
    assert (response.conversation.stage, response.relays, response.subject) == (stage, (), None)
    over = hear(Cue.ASKED, replace(talk, stage_until=NOW), by=reception(desk=False), again=unasked)
    assert over.conversation.stage is Stage.BOT
    assert meanings(over) == [BeginForm("request"), OpenTopics()]


@pytest.mark.parametrize("stage", [Stage.HUMAN, Stage.PAUSED])
def test_without_a_desk_too_the_bot_is_silent_where_one_of_us_talks(stage: Stage) -> None:
    talk = Conversation(stage=stage, stage_by="owner", stage_until=NOW + 1)

    assert hear(Cue.ASKED, talk, by=reception(desk=False)).says == ()
    over = hear(Cue.ASKED, replace(talk, stage_until=NOW), by=reception(desk=False))
    assert len(over.says) == 1


# -- offers ----------------------------------------------------------------------------------------------


def test_who_got_no_answer_twice_is_offered_a_person_in_the_same_message() -> None:
    response = hear(Cue.SPOKE, ASKED, answer=answering("Не знаю.", Cue.STUCK))

    assert said(response) == ["Не знаю.\n\nМогу позвать человека."]
    assert meanings(response) == [CallPerson(), NoPerson(), OpenEntry("more")]
    talk = response.conversation
    assert (talk.stage, talk.stage_until) == (Stage.OFFERED, NOW + HOUR_MS)
    assert (response.relays, response.subject) == ((), None)
    assert meanings(hear(Cue.SPOKE, ASKED, answer=answering("Не знаю."))) == [OpenEntry("more")]


def test_without_a_desk_a_request_is_offered_or_nothing() -> None:
    alone = reception(desk=False)
    response = hear(Cue.SPOKE, ASKED, by=alone, answer=answering("Не знаю.", Cue.STUCK))
    assert said(response) == ["Не знаю.\n\nМогу передать заявку, и с вами свяжутся."]
    assert [type(one) for one in meanings(response)] == [BeginForm, OpenEntry]
    assert response.conversation.stage is Stage.BOT

    bare = reception(desk=False, form_name=None)
    response = hear(Cue.SPOKE, ASKED, by=bare, answer=answering("Не знаю.", Cue.STUCK))
    assert (said(response), response.conversation.stage) == (["Не знаю."], Stage.BOT)


def test_an_offer_is_declined_accepted_or_lapses() -> None:
    offered = replace(ASKED, stage=Stage.OFFERED, stage_until=NOW + HOUR_MS)
    declined = hear(Cue.DECLINED, offered)
    assert (said(declined), declined.conversation.stage) == (
        ["Хорошо. Тогда напишите вопрос другими словами."],
        Stage.BOT,
    )
    assert hear(Cue.ASKED, offered).conversation.stage is Stage.QUEUED
    later = hear(Cue.SPOKE, offered, replace(HERE, now=NOW + HOUR_MS), answer=answering())
    assert (said(later), later.conversation.stage) == (["Ответ."], Stage.BOT)


# -- waiting ---------------------------------------------------------------------------------------------


def test_who_does_not_want_to_wait_is_the_bots_again_and_the_ticket_is_closed() -> None:
    response = hear(Cue.CANCELLED, QUEUED, text="/cancel")

    assert "человека больше не ждём" in said(response)[0]
    assert [relay.purpose for relay in response.relays] == [Purpose.NOTE, Purpose.CLOSE]
    assert response.alarms == {LATE: None}
    talk = response.conversation
    assert (talk.stage, talk.waiting, talk.ticket, talk.ticket_closed) == (Stage.BOT, 0, 7, NOW)


def test_who_waits_for_nobody_has_nothing_to_cancel() -> None:
    response = hear(Cue.CANCELLED, Conversation())

    assert said(response) == ["Отменять сейчас нечего. Напишите вопрос или откройте /faq."]
    assert response.relays == ()


def test_who_waits_is_heard_and_only_commands_are_answered() -> None:
    response = hear(Cue.SPOKE, QUEUED, text="и ещё")
    assert (said(response), heard(response)) == ([], ["customer: и ещё"])

    response = hear(Cue.SPOKE, QUEUED, text="/faq", command=True, answer=answering("Темы."))
    assert (said(response), heard(response)) == (["Темы."], ["customer: /faq"])


def test_a_form_instead_of_waiting_ends_the_waiting() -> None:
    def step(talk: Conversation) -> Response:
        return Response(outcome="form", conversation=replace(talk, form={"at": "name"}))

    response = hear(Cue.FORM_BEGUN, QUEUED, text="/request", step=step)
    assert response.alarms == {LATE: None}
    assert (response.conversation.stage, response.conversation.waiting) == (Stage.FORM, 0)


@pytest.mark.parametrize(
    ("here", "words"),
    [
        (HERE, "Пока никто не освободился, извините."),
        (NEVER, "Пока никто"),
        (CLOSED, "вернутся завтра в 9:00"),
    ],
)
def test_who_waits_for_too_long_hears_an_apology_and_may_leave_a_request(here: Here, words: str) -> None:
    response = reception().cue(Cue.LATE, QUEUED, here)

    assert words in said(response)[0]
    assert meanings(response) == [BeginForm("request")]
    assert response.conversation.stage is Stage.QUEUED
    assert meanings(reception(form_name=None).cue(Cue.LATE, QUEUED, here)) == []


def test_who_waits_hears_that_the_desk_is_down() -> None:
    response = reception().cue(Cue.DOWN, QUEUED, HERE)

    assert "Связь с поддержкой прервалась" in said(response)[0]
    assert response.says[0].purpose is Purpose.SYSTEM
    assert reception().cue(Cue.DOWN, HUMAN, HERE).says == ()


def test_without_a_promise_of_time_there_is_no_alarm() -> None:
    assert hear(Cue.ASKED, Conversation(), by=reception(answer_within=0)).alarms == {}
    assert hear(Cue.SPOKE, HUMAN, by=reception(silence=0)).alarms == {}


# -- talking ---------------------------------------------------------------------------------------------


def test_who_takes_the_ticket_is_announced_and_has_to_say_something() -> None:
    response = reception().cue(Cue.TOOK, QUEUED, HERE)

    assert said(response) == ["К разговору подключился человек."]
    assert response.alarms == {LATE: None, SILENT: NOW + 4 * HOUR_MS}
    talk = response.conversation
    assert (talk.stage, talk.stage_by, talk.stage_until) == (Stage.HUMAN, "desk", NOW + DAY_MS)


@pytest.mark.parametrize(
    ("agent", "names", "texts"),
    [
        ("Ольга", True, ["Ольга:\nДобрый день."]),
        ("Ольга", False, ["К разговору подключился человек.", "Добрый день."]),
        ("", True, ["К разговору подключился человек.", "Добрый день."]),
    ],
)
def test_first_words_are_signed_or_announced(agent: str, texts: list[str], *, names: bool) -> None:
    words = AgentWords(agent=agent, body=text_body("Добрый день."))
    response = reception(agent_names=names).agent_said(words, QUEUED, HERE)

    assert said(response) == texts
    assert response.says[-1].purpose is Purpose.AGENT
    assert response.alarms == {SILENT: None, LATE: None}
    assert (response.conversation.stage, response.conversation.waiting) == (Stage.HUMAN, 0)


@pytest.mark.parametrize("stage", list(Stage))
def test_who_speaks_already_is_not_announced_again(stage: Stage) -> None:
    words = AgentWords(agent="Ольга", body=text_body("И ещё."))
    response = reception(agent_names=False).agent_said(words, replace(QUEUED, stage=stage), HERE)

    announced = ["К разговору подключился человек."] if stage not in {Stage.HUMAN, Stage.PAUSED} else []
    assert said(response) == [*announced, "И ещё."]
    took = reception(agent_names=False).cue(Cue.TOOK, response.conversation, HERE)
    assert took.says == ()  # who answers takes the ticket by that


def test_a_file_without_words_is_signed_too() -> None:
    file = Media(kind=MediaKind.FILE, origin="desk", file_id="1")
    words = AgentWords(agent="Ольга", body=text_body(""), media=(file,))
    (say,) = reception().agent_said(words, HUMAN, HERE).says

    assert (plain_text(say.body), say.media) == ("Ольга:", (file,))


def test_the_first_word_that_is_not_answered_sets_the_alarm() -> None:
    first = hear(Cue.SPOKE, HUMAN, text="ау")
    assert (first.alarms, heard(first), first.says) == ({SILENT: NOW + 4 * HOUR_MS}, ["customer: ау"], ())
    second = hear(Cue.SPOKE, first.conversation, replace(HERE, now=NOW + HOUR_MS))
    assert (second.alarms, second.conversation.waiting) == ({}, NOW)
    assert hear(Cue.SPOKE, HUMAN, CLOSED).alarms == {SILENT: NOW + 14 * HOUR_MS}


def test_who_has_stopped_answering_is_apologised_for() -> None:
    response = reception().cue(Cue.SILENT, replace(HUMAN, waiting=NOW - 4 * HOUR_MS), HERE)

    assert "человеку пришлось отойти" in said(response)[0]
    assert meanings(response) == [CallPerson(), NoPerson()]
    assert response.says[0].purpose is Purpose.SYSTEM
    assert (response.conversation.stage, response.conversation.waiting) == (Stage.OFFERED, 0)


@pytest.mark.parametrize("talk", [QUEUED, replace(HUMAN, waiting=NOW)])
def test_the_end_of_a_talk_is_told_and_the_bot_answers_from_then_on(talk: Conversation) -> None:
    response = reception().cue(Cue.CLOSED, talk, HERE)

    assert said(response) == ["Разговор с человеком закончен. Если появится вопрос, пишите, я на связи."]
    after = response.conversation
    assert (after.stage, after.ticket_closed, after.waiting) == (Stage.WRAPPED, NOW, 0)
    assert set(response.alarms.values()) == {None}
    assert said(hear(Cue.SPOKE, after, answer=answering())) == ["Ответ."]


def test_spam_is_told_nothing() -> None:
    response = reception().cue(Cue.SPAM, HUMAN, HERE)

    assert (response.says, response.conversation.stage) == ((), Stage.BOT)


def test_who_has_left_is_told_of_to_the_agent_only() -> None:
    response = reception().cue(Cue.LEFT, HUMAN, HERE)

    assert heard(response) == ["note: Клиент заблокировал бота, ответ до него не дойдёт."]
    assert response.says == ()
    assert reception().cue(Cue.LEFT, replace(HUMAN, ticket=None), HERE).relays == ()


def test_one_of_us_in_the_messenger_silences_the_bot_for_an_hour() -> None:
    response = reception().cue(Cue.OWNER_WROTE, replace(QUEUED), HERE, by="owner")
    talk = response.conversation
    assert (talk.stage, talk.stage_by, talk.stage_until) == (Stage.HUMAN, "owner", NOW + HOUR_MS)
    assert (talk.waiting, response.alarms) == (0, {LATE: None, SILENT: None})

    at = replace(HERE, now=NOW + 30 * MINUTE_MS)
    spoken = hear(Cue.SPOKE, talk, at)
    assert (spoken.says, spoken.alarms, spoken.conversation.stage_until) == ((), {}, NOW + HOUR_MS)
    again = reception().cue(Cue.OWNER_WROTE, talk, at, by="owner").conversation
    assert again.stage_until == NOW + 90 * MINUTE_MS
    over = hear(Cue.SPOKE, talk, replace(HERE, now=NOW + HOUR_MS), answer=answering())
    assert said(over) == ["Ответ."]

    off = reception(owner_pause=0).cue(Cue.OWNER_WROTE, QUEUED, HERE, by="owner")
    assert off.conversation == QUEUED


def test_a_pause_lasts_until_it_is_taken_back() -> None:
    held = reception().cue(Cue.HELD, HUMAN, HERE, by="admin").conversation
    at = replace(HERE, now=NOW + 100 * DAY_MS)
    assert (held.stage, hear(Cue.SPOKE, held, at).says) == (Stage.PAUSED, ())
    released = reception().cue(Cue.RELEASED, held, at).conversation
    assert released.stage is Stage.BOT


def test_a_closed_ticket_hears_what_is_said_to_the_owner_only_while_it_is_gone_on_with() -> None:
    talk = replace(HUMAN, stage_by="owner", stage_until=NOW + HOUR_MS, ticket_closed=NOW - DAY_MS)
    response = hear(Cue.SPOKE, talk, text="спасибо")
    assert (heard(response), response.conversation.ticket_closed) == (["customer: спасибо"], 0)

    assert hear(Cue.SPOKE, replace(talk, ticket_closed=NOW - 8 * DAY_MS)).relays == ()


def test_a_form_that_was_left_is_told_of_when_its_owner_comes_back() -> None:
    talk = Conversation(stage=Stage.FORM, stage_until=NOW, form={"at": "name"})
    response = hear(Cue.SPOKE, talk, answer=answering())

    assert said(response)[0].startswith("Заявка осталась незаконченной")
    assert said(response)[1:] == ["Ответ."]
    assert response.conversation.form is None
    lapsed = reception().lapse(talk, HERE)
    assert (len(lapsed.says), lapsed.conversation.stage) == (1, Stage.BOT)
    assert reception().lapse(replace(talk, stage_until=NOW + 1), HERE).says == ()


# -- learning --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("talk", "text", "found"),
    [
        (ASKED, "Завтра.", True),
        (replace(ASKED, admitted=0), "Завтра.", False),
        (replace(ASKED, asked_entry="orders"), "Завтра.", False),
        (replace(ASKED, asked_text=""), "Завтра.", False),
        (ASKED, "", False),
    ],
)
def test_only_an_answer_to_a_question_that_the_bot_did_not_know_is_learnt(
    talk: Conversation, text: str, *, found: bool
) -> None:
    words = AgentWords(agent="Ольга", body=text_body(text), source="desk:7#2")
    response = reception().agent_said(words, replace(talk, stage=Stage.QUEUED, ticket=7), HERE)

    if not found:
        assert response.found is None
        return
    assert response.found is not None
    assert (response.found.question, response.found.answer) == ("Где мой заказ?", "Завтра.")
    assert (response.found.source, response.found.by) == ("desk:7#2", "Ольга")
    again = reception().agent_said(words, response.conversation, HERE)
    assert again.found is None, "of one question the first answer"


# -- the mirror ------------------------------------------------------------------------------------------


def test_with_a_mirror_the_ticket_hears_both_sides() -> None:
    mirror = reception(mirror=True)
    first = hear(Cue.SPOKE, Conversation(), text="сколько стоит?", by=mirror, answer=answering("100 ₽"))
    assert (first.subject, heard(first)) == (
        "сколько стоит?",
        ["customer: сколько стоит?", "note: Бот: 100 ₽"],
    )

    talk = replace(first.conversation, ticket=7)
    second = hear(Cue.SPOKE, talk, text="а доставка?", by=mirror, answer=answering("300 ₽"))
    assert (second.subject, heard(second)) == (None, ["customer: а доставка?", "note: Бот: 300 ₽"])

    closed = replace(talk, ticket_closed=NOW - DAY_MS)
    third = hear(Cue.SPOKE, closed, text="ещё", by=mirror, answer=answering("Да."))
    assert (third.subject, third.conversation.ticket_closed) == (None, 0)

    called = hear(Cue.ASKED, replace(talk, asked_text="а доставка?", asked_at=NOW), by=mirror)
    assert heard(called)[:2] == ["customer: позовите человека", "note: Клиент просит ответить человека."]
    assert heard(called)[2].startswith("note: Бот: Передал разговор")


def test_with_a_mirror_what_ends_the_ticket_comes_in_its_order() -> None:
    response = hear(Cue.CANCELLED, QUEUED, text="/cancel", by=reception(mirror=True, reopen=0))

    assert [relay.purpose.value for relay in response.relays] == ["customer", "note", "close", "note"]
    assert response.subject is None


def test_with_a_mirror_words_to_a_person_are_told_once() -> None:
    response = hear(Cue.SPOKE, HUMAN, text="ау", by=reception(mirror=True))

    assert heard(response) == ["customer: ау"]


@pytest.mark.parametrize(
    ("cue", "talk", "note"),
    [
        (Cue.TOOK, QUEUED, "К разговору подключился человек."),
        (Cue.LATE, QUEUED, "Пока никто не освободился"),
        (Cue.DOWN, QUEUED, "Связь с поддержкой прервалась."),
        (Cue.SILENT, HUMAN, "Похоже, человеку пришлось отойти"),
        (Cue.CLOSED, HUMAN, "Разговор с человеком закончен."),
    ],
)
def test_with_a_mirror_agents_read_what_was_announced(cue: Cue, talk: Conversation, note: str) -> None:
    response = reception(mirror=True).cue(cue, talk, HERE)
    (heard_of,) = response.relays

    assert (heard_of.purpose, heard_of.text.startswith(f"Бот: {note}")) == (Purpose.NOTE, True)
    assert response.subject is None
    plain = reception().cue(cue, talk, HERE)
    assert (plain.relays, plain.says) == ((), response.says)
    assert plain.conversation == response.conversation


def test_with_a_mirror_what_is_announced_before_words_and_after_time_is_read_too() -> None:
    mirror = reception(mirror=True, agent_names=False)
    words = AgentWords(agent="Ольга", body=text_body("Добрый день."))
    assert heard(mirror.agent_said(words, QUEUED, HERE)) == ["note: Бот: К разговору подключился человек."]
    form = Conversation(stage=Stage.FORM, stage_until=NOW, ticket=7)
    (expired,) = said(mirror.lapse(form, HERE))
    assert heard(mirror.lapse(form, HERE)) == [f"note: Бот: {expired}"]
    spoken = hear(Cue.SPOKE, form, text="ау", by=mirror, answer=answering("Да."))
    assert heard(spoken) == ["customer: ау", "note: Бот: Да.", f"note: Бот: {expired}"]


def test_with_a_mirror_an_announcement_opens_no_ticket_and_goes_to_none_that_is_gone() -> None:
    mirror = reception(mirror=True)
    for cue in (Cue.LATE, Cue.CLOSED):
        response = mirror.cue(cue, replace(QUEUED, ticket=None), HERE)
        assert (response.relays, response.subject) == ((), None)
    over = replace(QUEUED, ticket_closed=NOW - 30 * DAY_MS)
    assert mirror.cue(Cue.LATE, over, HERE).relays == ()
    assert said(mirror.cue(Cue.REMOVED, HUMAN, HERE))
    assert mirror.cue(Cue.REMOVED, HUMAN, HERE).relays == ()


def test_without_a_mirror_or_a_desk_the_ticket_hears_nothing_of_the_bot() -> None:
    talk = Conversation(ticket=7)
    for one in (reception(), reception(mirror=True, desk=False)):
        response = hear(Cue.SPOKE, talk, by=one, answer=answering())
        assert (response.relays, response.subject) == ((), None)
