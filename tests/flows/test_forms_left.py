"""Forms that are left unfinished: told of at their moment, once, and gone on with by who comes back."""

from __future__ import annotations

from dataclasses import replace

from optfm_bot.blueprint import HouseSettings
from optfm_bot.testing.platform import WITHOUT_BUTTONS
from optfm_bot.testing.stage import Person, Stage
from tests.flows.desk import StageWith, at_the_desk
from tests.flows.requesting import answers
from tests.flows.waiting import later

DAY = 86_400.0
LEFT = "Заявка осталась незаконченной и не отправлена"


async def begun(person: Person) -> None:
    """Begin a request and answer two of its questions."""
    await person.says("/request")
    person.sees("Как к вам обращаться")
    await answers(person, "Анна", "+7 900 123-45-67")


async def test_the_moment_itself_tells_that_a_form_has_expired_and_only_once(stage: Stage) -> None:
    anna = stage.person()
    await begun(anna)
    await later(stage, DAY - 60)
    anna.sees_nothing()
    await anna.says("не почта")  # the day begins anew with each answer
    anna.sees("Адрес почты написан с ошибкой")
    await later(stage, DAY - 60)
    anna.sees_nothing()
    await later(stage, 120)
    assert anna.sees(LEFT).labels == ["Продолжить заявку"]
    await later(stage, DAY / 2)
    await anna.says("сколько стоит доставка")
    anna.sees("300 ₽")
    anna.sees_nothing()


async def test_who_comes_back_goes_on_where_they_were(stage: Stage) -> None:
    anna = stage.person()
    await begun(anna)
    await later(stage, DAY + 60)
    anna.sees(LEFT)
    await later(stage, DAY / 2)
    await anna.presses("Продолжить заявку")
    anna.sees("Продолжаем заявку")
    anna.sees("На какую почту")
    await answers(anna, "пропустить", "Нужен счёт")
    await anna.says("да")
    anna.sees("принята")
    (row,) = await stage.store.requests()
    assert row.fields == {"name": "Анна", "phone": "+79001234567", "description": "Нужен счёт"}
    await anna.says("/request")  # and the next one is a new one
    anna.sees("Как к вам обращаться")


async def test_without_buttons_the_command_goes_on(stage_with: StageWith) -> None:
    async with stage_with(capabilities=WITHOUT_BUTTONS) as stage:
        anna = stage.person()
        await begun(anna)
        await later(stage, DAY + 60)
        assert "/request" in anna.sees(LEFT).message.text
        await later(stage, DAY / 2)
        await anna.says("/request")
        anna.sees("Продолжаем заявку")
        anna.sees("На какую почту")
        await anna.says("отмена")
        anna.sees("заявку не отправляю")
        await anna.says("/request")
        anna.sees("Как к вам обращаться")


async def test_what_was_filled_in_is_not_kept_for_ever(stage: Stage) -> None:
    anna = stage.person()
    await begun(anna)
    await later(stage, DAY + 60)
    anna.sees(LEFT)
    await later(stage, DAY)
    anna.sees_nothing()
    (row,) = (await stage.store.conversations([str(anna.chat)])).values()
    assert "+79001234567" not in row.state
    await anna.presses("Продолжить заявку")
    anna.sees("Как к вам обращаться")


async def test_who_takes_it_back_is_not_asked_to_go_on(stage: Stage) -> None:
    anna = stage.person()
    await begun(anna)
    await later(stage, DAY + 60)
    anna.sees(LEFT)
    await anna.says("/cancel")
    anna.sees()
    await anna.says("/request")
    anna.sees("Как к вам обращаться")


async def test_a_restart_forgets_no_form(stage_with: StageWith) -> None:
    async with stage_with() as stage:
        await begun(stage.person())
        store, moment = stage.store, stage.clock.now()
    again = stage_with(store=store, first_update=100)
    again.clock.jump((moment - again.clock.now()).total_seconds() + DAY + 60)
    async with again as stage:
        anna = stage.person()
        await later(stage, 60)
        anna.sees(LEFT)
        anna.sees_nothing()
        await anna.says("/request")
        anna.sees("Продолжаем заявку")


async def test_nobody_is_interrupted_by_a_form_that_expires(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        ticket = desk.ticket(anna)
        await begun(anna)
        desk.helpdesk.agent_replies(ticket.id, "Добрый день, я здесь")
        await desk.news()
        anna.sees("Добрый день, я здесь")
        for _ in range(3):
            await later(stage, DAY / 3)
            desk.helpdesk.agent_replies(ticket.id, "Ещё здесь")
            await desk.news()
            anna.sees("Ещё здесь")
        anna.sees_nothing()


async def test_the_time_is_that_of_the_settings(stage_with: StageWith) -> None:
    settings = HouseSettings(join_window=0, person_per_minute=0)
    people = replace(settings.people, reception=replace(settings.people.reception, form=3_600_000))
    async with stage_with(settings=replace(settings, people=people)) as stage:
        anna = stage.person()
        await begun(anna)
        await later(stage, 3_660)
        anna.sees(LEFT)
