"""Forms where there are no buttons: a number is an answer or a choice, and it is plain which."""

from __future__ import annotations

from optfm_bot.blueprint import HouseSettings
from optfm_bot.dispatch.requests import Office
from optfm_bot.domain.form_steps import Form, Label, Step, StepKind, default_step
from optfm_bot.people import PeopleSettings
from optfm_bot.testing.platform import WITHOUT_BUTTONS
from tests.flows.desk import StageWith


def own(text: str) -> Label:
    return Label(own={"": text})


FLAT = Form(
    name="flat",
    title=own("Замер"),
    steps=(
        default_step("flat", StepKind.TEXT, prompt=own("Номер квартиры?")),
        Step(
            name="rooms",
            kind=StepKind.CHOICE,
            label=own("Комнат"),
            prompt=own("Сколько комнат?"),
            options=(own("2"), own("3"), own("больше")),
        ),
        Step(
            name="when",
            kind=StepKind.CHOICE,
            label=own("Когда"),
            prompt=own("Когда приехать?"),
            options=(own("Утром"), own("Вечером")),
        ),
    ),
)
SETTINGS = HouseSettings(
    join_window=0,
    person_per_minute=0,
    people=PeopleSettings(office=Office(forms={FLAT.name: FLAT})),
)


async def test_a_number_that_answers_is_no_choice_and_the_number_of_a_choice_no_answer(
    stage_with: StageWith,
) -> None:
    async with stage_with(capabilities=WITHOUT_BUTTONS, settings=SETTINGS) as stage:
        anna = stage.person()
        await anna.says("/request flat")
        asked = anna.sees("Номер квартиры?").message.text
        assert asked == "Номер квартиры?\n\nВместо ответа можно написать: «отмена»."
        await anna.says("1")
        asked = anna.sees("Сколько комнат?").message.text
        assert "1." not in asked
        assert "Варианты: «2», «3», «больше»." in asked
        await anna.says("1")  # it is not the first of the list
        assert "Варианты: «2», «3», «больше»." in anna.sees("Такого варианта нет").message.text
        await anna.says("3")
        asked = anna.sees("Когда приехать?").message.text
        assert asked.endswith("1. Утром\n2. Вечером\n3. Назад\n4. Отмена")
        await anna.says("3")
        anna.sees("Сколько комнат?")
        await anna.says("3")
        anna.sees("Когда приехать?")
        await anna.says("2")
        anna.sees("Описание: 1\nКомнат: 3\nКогда: Вечером")
        await anna.says("изменить")
        anna.sees("Что изменить")
        await anna.says("описание")  # by its words, too
        anna.sees("Номер квартиры?")
        await anna.says("2")
        anna.sees("1. Отправить")
        await anna.says("1")
        anna.sees("принята")
        (row,) = await stage.store.requests()
        assert row.fields == {"flat": "2", "rooms": "3", "when": "Вечером"}
