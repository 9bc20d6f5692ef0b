"""Hours, forms and managers in the file: what is taken, and what is refused with which sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from config import LoadedConfig, Problem, json_schema, secrets_in
from config.people import intervals, weekdays
from config.secret import Secret
from optfm_bot.domain.form_steps import REQUEST, StepKind
from optfm_bot.domain.requests import Assign
from optfm_bot.office import office

Load = Callable[..., LoadedConfig]
Refuse = Callable[..., list[Problem]]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("sat", (5,)),
        ("sat, SUN", (5, 6)),
        ("пн–ср,вс", (0, 1, 2, 6)),
        ("fri-mon", (4, 5, 6, 0)),
    ],
)
def test_days_are_written_as_people_do(text: str, days: tuple[int, ...]) -> None:
    assert days == weekdays(text)


@pytest.mark.parametrize("text", ["", "mon-", "-fri", "monday", "mon fri", "mon-tue-wed"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not days"):
        weekdays(text)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("09:00-18:00", ((540, 1080),)),
        ("9:00 – 13:00, 14:00-18:30", ((540, 780), (840, 1110))),
        ("00:00-24:00", ((0, 1440),)),
        ("22:00-06:00", ((1320, 360),)),
    ],
)
def test_hours_are_minutes_of_the_day(text: str, spans: tuple[tuple[int, int], ...]) -> None:
    assert spans == intervals(text)


@pytest.mark.parametrize(
    "text", ["", "9-18", "09:00", "09:00-09:00", "24:00-06:00", "25:00-26:00", "09:60-10:00"]
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        intervals(text)


STEPS = "forms:\n  a:\n    title: x\n    steps:\n"


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("hours:\n  days:\n    mon-fry: 9:00-18:00", 3, "hours.days.mon-fry", "such as mon-fri"),
        ("hours:\n  days:\n    mon: 9-18", 3, "hours.days.mon", "such as 09:00-18:00, or a list of them, given"),
        ("hours:\n  days:\n    mon: {a: b}", 3, "hours.days.mon", "such as 09:00-18:00"),
        ("hours:\n  days:\n    mon: [9:00-12:00, 11:00-13:00]", 3, "hours.days.mon", "overlap"),
        ("hours:\n  days:\n    mon: [22:00-06:00, 23:00-23:30]", 3, "hours.days.mon", "overlap"),
        ("hours:\n  days:\n    mon-fri: 9:00-18:00\n    пт: 9:00-17:00", 2, "hours.days", "`fri` is named twice"),
        ("hours:\n  holidays: XX", 2, "hours.holidays", "for example RU"),
        ("hours:\n  days_off: [2026-12-31, 31.12.2026]", 2, "hours.days_off[2]", "such as 2026-12-31"),
        ("hours: {days_off: [2026-11-07], working_days: [2026-11-07]}", 1, "hours", "2026-11-07 is in"),
        ("hours: {timezone: Mars}", 1, "hours.timezone", "no such time zone"),
        ("hours:\n  day: {}", 2, "hours.day", "did you mean `days`?"),
        ("forms:\n  Big: {title: x, steps: [{name: a}]}", 2, "forms.Big", "a form name is"),
        ("forms:\n  a: {title: x, steps: []}", 2, "forms.a.steps", "1 to 30 steps"),
        ("forms:\n  a: {steps: [{name: a}]}", 2, "forms.a.title", "is required"),
        ("forms:\n  a: {title: {fr: x}, steps: [{name: a}]}", 2, "forms.a.title", "for each language"),
        ("forms:\n  a: {title: ' ', steps: [{name: a}]}", 2, "forms.a.title", "for each language"),
        (f"{STEPS}      - {{name: a}}\n      - {{name: a}}", 2, "forms.a", "step `a` is there twice"),
        (f"{STEPS}      - {{name: a}}\n      - {{name: Б}}", 6, "forms.a.steps[2].name", "a small Latin letter"),
        (f"{STEPS}      - {{name: a, kind: choice}}", 5, "forms.a.steps[1]", "a choice needs options"),
        (f"{STEPS}      - {{name: a, options: [x]}}", 5, "forms.a.steps[1]", "only the kind `choice`"),
        (f"{STEPS}      - {{name: a, kind: choice, options: [Да, да]}}", 5, "forms.a.steps[1]", "`да` is there twice"),
        (f"{STEPS}      - {{name: a, kind: date}}", 5, "forms.a.steps[1].kind", "name, phone, email, text, choice"),
        (f"{STEPS}      - {{name: a, knd: text}}", 5, "forms.a.steps[1].knd", "did you mean `kind`?"),
        ("notify:\n  assign: round_robin", 1, "notify", "`assign` needs managers"),
        ("notify:\n  managers: [{name: a}, {name: a}]", 1, "notify", "manager `a` is there twice"),
        ("notify:\n  managers:\n    - {name: a, hours: {holidays: XX}}", 3, "notify.managers[1].hours.holidays", "RU"),
        ("notify:\n  managers: [{name: a, hours: {day: {}}}]", 2, "notify.managers[1].hours.day", "mean `days`?"),
        ("agent: {region: Russia}", 1, "agent.region", "two capital Latin letters"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(refuse: Refuse, text: str, line: int, key: str, words: str) -> None:
    found = {problem.key: problem for problem in refuse(text)}

    assert key in found, found
    assert f"config.yaml:{line}" == found[key].where
    assert words in str(found[key])
    assert found[key].describe("ru") != str(found[key])
    assert 1 == len(found)


def test_without_configuration_it_is_always_open_and_there_is_a_form(load: Load) -> None:
    found = office(load().settings)

    assert found.hours.always
    assert ["request"] == list(found.forms)
    assert ["name", "phone", "email", "description"] == [step.name for step in found.forms["request"].steps]
    assert ((), Assign.NONE) == (found.managers, found.assign)


def test_hours_become_a_week_in_their_zone(load: Load) -> None:
    text = (
        "agent: {timezone: Asia/Omsk}\nhours:\n  days:\n    mon-fri: [14:00-18:00, '09:00-13:00']\n"
        "    sat: 10:00-15:00\n  holidays: ru\n  days_off: [2026-11-05]\n  working_days: [2026-11-08]\n"
    )
    hours = office(load(text).settings).hours

    assert ZoneInfo("Asia/Omsk") == hours.zone
    assert [2, 2, 2, 2, 2, 1, 0] == [len(day) for day in hours.week]
    assert ("RU", {date(2026, 11, 5)}, {date(2026, 11, 8)}) == (
        hours.country,
        hours.days_off,
        hours.working_days,
    )
    assert hours.open_at(datetime(2026, 11, 23, 3, 0, tzinfo=UTC))  # nine o'clock in Omsk
    assert not hours.open_at(datetime(2026, 11, 23, 7, 30, tzinfo=UTC))


def test_a_zone_of_the_hours_wins_over_the_agents(load: Load) -> None:
    assert ZoneInfo("Asia/Omsk") == office(load("hours: {timezone: Asia/Omsk}").settings).hours.zone


FORM = """\
agent: {region: BY}
forms:
  order:
    title: {ru: Заказ, en: Order}
    thanks: 'Ждём, {number}'
    category: sales
    steps:
      - {name: size, kind: choice, label: Размер, options: [Большой, {ru: Малый, en: Small}], required: false}
      - {name: phone, kind: phone, prompt: Номер?}
"""


def test_a_form_of_the_owner_is_read_beside_ours(load: Load) -> None:
    forms = office(load(FORM).settings).forms

    order = forms["order"]
    assert {"order", "request"} == set(forms)
    assert ("sales", "BY", "BY") == (order.category, order.region, forms["request"].region)
    size, phone = order.steps
    assert (StepKind.CHOICE, False, ["Большой", "Малый"]) == (
        size.kind,
        size.required,
        [option.name for option in size.options],
    )
    assert {"": "Номер?"} == phone.prompt.own
    assert "form.label.phone" == phone.label.key
    assert {"": "Ждём, {number}"} == order.thanks.own
    assert REQUEST.steps == forms["request"].steps


def test_a_form_of_that_name_takes_the_place_of_ours(load: Load) -> None:
    found = office(load("forms: {request: {title: x, steps: [{name: a}]}}").settings)

    assert ["a"] == [step.name for step in found.forms["request"].steps]


def test_managers_keep_their_order_their_hours_and_their_secrets(load: Load) -> None:
    loaded = load(
        "notify:\n  urls: ['${TEAM}']\n  assign: category\n  managers:\n"
        "    - {name: Анна, urls: ['${ANNA}'], categories: [a, b], hours: {days: {mon: 9:00-10:00}}}\n"
        "    - {name: Олег}\n",
        {"TEAM": "json://hunter2/", "ANNA": "tgram://hunter2/1"},
    )
    found = office(loaded.settings)

    assert ["Анна", "Олег"] == [one.name for one in found.managers]
    assert {"a", "b"} == found.managers[0].categories
    assert found.managers[0].hours is not None
    assert found.managers[1].hours is None
    assert Assign.CATEGORY is found.assign
    assert {Secret("json://hunter2/"), Secret("tgram://hunter2/1")} == set(secrets_in(loaded.settings.notify))
    assert "hunter2" not in repr(loaded)
    assert () == loaded.warnings


def test_an_address_written_into_the_file_is_a_warning(load: Load) -> None:
    loaded = load("notify:\n  urls: [json://u:hunter2@h/]\n")

    assert ["notify.urls[1]"] == [warning.key for warning in loaded.warnings]
    assert "hunter2" not in str(loaded.warnings[0])


def test_the_schema_for_editors_takes_both_ways_to_write_words_and_hours() -> None:
    definitions = json_schema()["$defs"]

    assert ["string", "object"] == [
        one["type"] for one in definitions["FormSection"]["properties"]["title"]["anyOf"]
    ]
    spans = definitions["HoursSection"]["properties"]["days"]["additionalProperties"]
    assert ["string", "array"] == [one["type"] for one in spans["anyOf"]]
