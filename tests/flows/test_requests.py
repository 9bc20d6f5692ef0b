"""Requests, step by step: with buttons and without, back and forth, broken off and gone on with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optfm_bot.store.changes import Op
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.request_records import RequestEventRow, RequestRow, RequestStatus
from optfm_bot.store.unit import UnitOfWork
from optfm_bot.testing.platform import WITH_BUTTONS, WITHOUT_BUTTONS
from optfm_bot.testing.stage import Stage
from tests.flows.desk import StageWith, at_the_desk
from tests.flows.requesting import answers, filled

DAY = 86_400.0
ASKED = {"name": "Анна", "phone": "+79001234567", "email": "anna@example.ru", "description": "Нужен счёт"}


# -- filling it in ---------------------------------------------------------------------------------------


async def test_with_buttons_a_request_is_filled_in_and_kept(stage: Stage) -> None:
    anna = stage.person()
    await anna.says("/request")
    assert anna.sees("Как к вам обращаться").labels == ["Отмена"]
    await anna.says("Анна")
    assert "Назад" in anna.sees("По какому телефону").labels
    await anna.says("8 900 123-45-67")
    assert anna.sees("На какую почту").labels == ["Пропустить", "Назад", "Отмена"]
    await anna.says("anna@example.ru")
    anna.sees("Что вам нужно")
    await anna.says("Нужен счёт")
    summary = anna.sees("Всё верно")
    assert summary.labels == ["Отправить", "Изменить", "Отмена"]
    assert summary.message.plain == (
        "Всё верно?\n\nИмя: Анна\nТелефон: +79001234567\nПочта: anna@example.ru\nОписание: Нужен счёт"
    )
    await anna.presses("Отправить")
    thanks = anna.sees("принята")
    (row,) = await stage.store.requests()
    assert row.number in thanks.message.text
    assert (row.fields, row.status, row.person) == (ASKED, RequestStatus.NEW, "stage:id-Анна")
    await anna.presses("Отправить", on=summary)  # once more
    anna.sees("уже не действует")
    assert len(await stage.store.requests()) == 1


async def test_without_buttons_words_do_the_same_and_a_list_has_numbers(stage_with: StageWith) -> None:
    async with stage_with(capabilities=WITHOUT_BUTTONS) as stage:
        anna = stage.person()
        await anna.says("/request")
        assert anna.sees("Как к вам обращаться").message.text.endswith("можно написать: «отмена».")
        await anna.says("Анна")
        asked = anna.sees("По какому телефону").message.text
        assert asked.endswith("можно написать: «назад», «отмена».")
        assert ("1." in asked, "Поделиться" in asked) == (False, False)
        await anna.says("назад")
        anna.sees("Как к вам обращаться")
        await anna.says("Анна")
        anna.sees("По какому телефону")
        await anna.says("+7 900 123-45-67")
        asked = anna.sees("На какую почту").message.text
        assert asked.endswith("можно написать: «пропустить», «назад», «отмена».")
        await anna.says("пропустить")
        anna.sees("Что вам нужно")
        await anna.says("Нужен счёт")
        anna.sees("1. Отправить")
        await anna.says("1")
        anna.sees("принята")
        (row,) = await stage.store.requests()
        assert row.fields == {key: value for key, value in ASKED.items() if key != "email"}


async def test_the_contact_button_gives_the_phone(stage_with: StageWith) -> None:
    buttons = WITH_BUTTONS.buttons
    assert buttons is not None
    with_contact = replace(WITH_BUTTONS, buttons=replace(buttons, contact=True))
    async with stage_with(capabilities=with_contact) as stage:
        anna = stage.person()
        await anna.says("/request")
        anna.sees()
        await anna.says("Анна")
        assert "Поделиться номером" in anna.sees("По какому телефону").labels
        await anna.shares_phone("79001234567")
        anna.sees("На какую почту")
        await answers(anna, "пропустить", "Нужен счёт")
        await anna.presses("Отправить")
        (row,) = await stage.store.requests()
        assert row.fields["phone"] == "+79001234567"


async def test_back_skip_and_change(stage: Stage) -> None:
    anna = stage.person()
    await anna.says("/request")
    anna.sees("Как к вам обращаться")
    await anna.says("назад")
    anna.sees("Это первый вопрос")
    anna.sees("Как к вам обращаться")
    await anna.says("Аня")
    anna.sees("По какому телефону")
    await anna.presses("Назад")
    anna.sees("Как к вам обращаться")
    await anna.says("Анна")
    anna.sees("По какому телефону")
    await anna.says("пропустить")
    anna.sees("нужен ответ")
    await answers(anna, "+7 900 123-45-67", "пропустить", "Нужен счёт")
    await anna.presses("Изменить")
    change = anna.sees("Что изменить")
    assert change.labels == ["Имя", "Телефон", "Почта", "Описание", "Назад", "Отмена"]
    await anna.presses("Почта")
    anna.sees("На какую почту")
    await anna.says("не почта")
    anna.sees("Адрес почты написан с ошибкой")
    await anna.says("anna@example.ru")
    assert "anna@example.ru" in anna.sees("Всё верно").message.text
    await anna.presses("Отправить")
    anna.sees("принята")
    (row,) = await stage.store.requests()
    assert row.fields == ASKED


@pytest.mark.parametrize("word", ["отмена", "/cancel"])
async def test_a_request_that_is_cancelled_is_not_sent(stage: Stage, word: str) -> None:
    anna = stage.person()
    await anna.says("/request")
    anna.sees()
    await answers(anna, "Анна", "+7 900 123-45-67")
    await anna.says(word)
    anna.sees("заявку не отправляю")
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    assert await stage.store.requests() == []


async def test_a_request_left_for_a_day_has_expired(stage: Stage) -> None:
    anna = stage.person()
    await anna.says("/request")
    anna.sees()
    await answers(anna, "Анна")
    stage.clock.jump(DAY + 60)
    await anna.says("+7 900 123-45-67")
    anna.sees("Заявка осталась незаконченной")
    assert await stage.store.requests() == []
    await anna.says("сколько стоит доставка")
    assert any("300 ₽" in one.message.text for one in anna.inbox[-2:])


async def test_a_restart_in_the_middle_goes_on_with_the_same_question(stage_with: StageWith) -> None:
    async with stage_with() as stage:
        anna = stage.person()
        await anna.says("/request")
        anna.sees()
        await answers(anna, "Анна", "+7 900 123-45-67")
        skip = next(a.token for row in anna.inbox[-1].message.actions for a in row if a.label == "Пропустить")
        store = stage.store
    async with stage_with(store=store, first_update=100) as stage:
        anna = stage.person()
        assert skip is not None
        await anna.presses_token(skip)
        anna.sees("Что вам нужно")
        await anna.says("Нужен счёт")
        anna.sees("Всё верно")
        store = stage.store
    async with stage_with(store=store, first_update=200) as stage:
        anna = stage.person()
        await anna.says("да")
        anna.sees("принята")
        (row,) = await stage.store.requests()
        assert row.fields["description"] == "Нужен счёт"


async def test_a_person_comes_in_the_middle_of_a_form(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        ticket = desk.ticket(anna)
        await anna.says("/request")
        anna.sees("Как к вам обращаться")
        await anna.says("Анна")
        anna.sees("По какому телефону")
        desk.helpdesk.agent_replies(ticket.id, "Добрый день, я здесь")
        await desk.news()
        anna.sees("Добрый день, я здесь")
        await anna.says("+7 900 123-45-67")  # now it is said to the person
        anna.sees_nothing()
        assert desk.words(anna)[-1] == "+7 900 123-45-67"
        desk.helpdesk.close_by_agent(ticket.id)
        await desk.news()
        anna.sees("Разговор с человеком закончен")
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")
        assert await stage.store.requests() == []


async def test_who_finds_no_answer_twice_where_nobody_is_called_may_leave_a_request(stage: Stage) -> None:
    anna = stage.person()
    await anna.says("когда затмение солнца?")
    assert "Оставить заявку" not in anna.sees("Пока не знаю").labels
    await anna.says("а рыба плавает?")
    admitted = anna.sees("И на это у меня нет готового ответа")
    assert "передать заявку" in admitted.message.plain
    assert admitted.labels == ["Оставить заявку", "Все темы"]
    await anna.presses("Оставить заявку")
    anna.sees("Как к вам обращаться")


async def test_who_calls_a_person_leaves_the_form(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/request")
        anna.sees()
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        await anna.says("Анна")
        anna.sees_nothing()
        assert desk.words(anna)[-1] == "Анна"
        assert await stage.store.requests() == []


@pytest.mark.parametrize("answered", [0, 1, 2])
async def test_plain_words_call_a_person_where_the_form_asks_for_something_else(
    stage_with: StageWith, answered: int
) -> None:
    """Nobody is called «позовите человека», and no telephone and no mailbox either."""
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/request")
        anna.sees()
        await answers(anna, *("Анна", "+7 900 123-45-67")[:answered])
        await anna.says("позовите человека")
        anna.sees("Передал разговор человеку")
        assert desk.ticket(anna)
        assert await stage.store.requests() == []


async def test_where_anything_may_be_written_plain_words_are_the_answer(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, _):
        anna = stage.person()
        await anna.says("/request")
        anna.sees()
        await answers(anna, "Анна", "+7 900 123-45-67", "anna@example.ru")
        await anna.says("позовите человека")
        assert "Описание: позовите человека" in anna.sees("Всё верно").message.plain


async def test_where_nobody_can_be_called_the_form_goes_on(stage_with: StageWith) -> None:
    for capabilities in (WITH_BUTTONS, WITHOUT_BUTTONS):
        async with stage_with(capabilities=capabilities) as stage:
            anna = stage.person()
            await anna.says("/request")
            anna.sees()
            await answers(anna, "Анна", "+7 900 123-45-67")
            await anna.says("/operator")
            anna.sees("Позвать человека сюда я не могу, но передам эту заявку")
            asked = anna.sees("На какую почту")  # every button under it is the form's
            if capabilities is WITH_BUTTONS:
                assert asked.labels == ["Пропустить", "Назад", "Отмена"]
                await anna.presses("Пропустить")
            else:
                assert "«пропустить»" in asked.message.text
                await anna.says("пропустить")
            anna.sees("Что вам нужно")
            await answers(anna, "Нужен счёт")
            await anna.says("да")
            anna.sees("принята")
            (row,) = await stage.store.requests()
            assert row.fields == {key: value for key, value in ASKED.items() if key != "email"}


# -- one's own requests ----------------------------------------------------------------------------------


async def test_everybody_sees_and_takes_back_their_own(stage: Stage) -> None:
    anna, boris = stage.person("Анна"), stage.person("Борис")
    await anna.says("/my_requests")
    anna.sees("Заявок у вас пока нет")
    await filled(anna)
    stage.clock.jump(3600)
    await filled(anna)
    await filled(boris, "Борис")
    rows = [row for row in await stage.store.requests() if row.person == "stage:id-Анна"]
    await anna.says("/my_requests")
    listed = anna.sees("Ваши заявки")
    assert all(row.number in listed.message.text for row in rows)
    boris_row = next(row for row in await stage.store.requests() if row.person == "stage:id-Борис")
    assert boris_row.number not in listed.message.text
    await anna.presses(f"Отменить {rows[0].number}")
    anna.sees("отменил")
    await anna.presses(f"Отменить {rows[0].number}", on=listed)
    anna.sees("уже отменена")
    assert {row.number: row.status for row in await stage.store.requests()} == {
        rows[0].number: RequestStatus.CANCELLED,
        rows[1].number: RequestStatus.NEW,
        boris_row.number: RequestStatus.NEW,
    }
    events = [event.status for event in await stage.store.request_events(rows[0].id)]
    assert events == [RequestStatus.NEW, RequestStatus.CANCELLED]


class Faster(MemoryStore):
    """A store in which one of us changes a request right before the customer's change of it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.to: list[RequestStatus] = []

    async def _commit(self, unit: UnitOfWork) -> None:
        if self.to and any(op is Op.REQUEST_CHANGE for op, _ in unit.changes):
            (row,) = await self.requests()
            await self.takes(row, self.to.pop())
        await super()._commit(unit)

    async def takes(self, row: RequestRow, status: RequestStatus) -> None:
        async with self.unit() as unit:
            at = unit.requests.change(row.id, seen=row.updated_at, status=status, at=row.updated_at)
            step = RequestEventRow(id=row.id + 1, request_id=row.id, at=at, by="Ольга", status=status)
            unit.requests.add_event(step)


@pytest.mark.parametrize(
    ("status", "words", "steps"),
    [
        (RequestStatus.DONE, "уже выполнена, изменить её нельзя", ["new", "done"]),
        (RequestStatus.CANCELLED, "уже отменена", ["new", "cancelled"]),
        (RequestStatus.IN_WORK, "отменил", ["new", "in_work", "cancelled"]),
    ],
)
async def test_who_takes_a_request_back_is_told_what_one_of_us_has_done_a_moment_before(
    stage_with: StageWith, status: RequestStatus, words: str, steps: list[str]
) -> None:
    store = Faster()
    async with stage_with(store=store) as stage:
        anna = stage.person()
        await filled(anna)
        (row,) = await store.requests()
        await anna.says("/my_requests")
        anna.sees("Ваши заявки")
        before = stage.clock.ms()
        store.to = [status]
        await anna.presses(f"Отменить {row.number}")

        anna.sees(words)
        anna.sees_nothing()
        assert [one.status.value for one in await store.request_events(row.id)] == steps
        assert stage.clock.ms() - before < 1000  # decided anew at once
