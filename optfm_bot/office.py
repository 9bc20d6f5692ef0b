"""Hours, forms and managers as the settings have them, made into what the domain works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from config.people import FormSection, FormStepSection, HoursSection, intervals, weekdays
from config.schema import Settings
from optfm_bot.domain.form_steps import REQUEST, Form, Label, Step, StepKind, default_step
from optfm_bot.domain.hours import Hours, Interval
from optfm_bot.domain.requests import Assign, Manager


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What the owner has said of people: when they are there, what is asked for, who takes care of it."""

    zone: ZoneInfo
    hours: Hours
    forms: Mapping[str, Form]
    managers: tuple[Manager, ...] = ()
    assign: Assign = Assign.NONE


def office(settings: Settings) -> Office:
    """Read the sections `hours`, `forms` and `notify`. The form `request` is there even if nobody configured one."""
    zone = settings.agent.timezone
    own = {name: _form(name, form, settings.agent.region) for name, form in settings.forms.items()}
    return Office(
        zone=ZoneInfo(zone),
        hours=hours_of(settings.hours, zone),
        forms={REQUEST.name: _at_home(REQUEST, settings.agent.region), **own},
        managers=tuple(
            Manager(
                name=one.name,
                categories=frozenset(one.categories),
                hours=None if one.hours is None else hours_of(one.hours, zone),
            )
            for one in settings.notify.managers
        ),
        assign=Assign(settings.notify.assign),
    )


def hours_of(section: HoursSection, timezone: str) -> Hours:
    """Opening hours from their section; `timezone` is that of the agent."""
    week: list[tuple[Interval, ...]] = [()] * 7
    for days, spans in section.days.items():
        found = tuple(sorted(Interval(*span) for text in spans for span in intervals(text)))
        for day in weekdays(days):
            week[day] = found
    return Hours(
        zone=ZoneInfo(section.timezone or timezone),
        week=tuple(week) if section.days else (),
        country=section.holidays,
        days_off=frozenset[date](section.days_off),
        working_days=frozenset[date](section.working_days),
    )


def _at_home(form: Form, region: str) -> Form:
    return Form(name=form.name, title=form.title, steps=form.steps, region=region)


def _form(name: str, section: FormSection, region: str) -> Form:
    return Form(
        name=name,
        title=Label(own=section.title),
        steps=tuple(map(_step, section.steps)),
        thanks=Label(key="form.thanks", own=section.thanks or {}),
        category=section.category,
        region=region,
    )


def _step(section: FormStepSection) -> Step:
    kind = StepKind(section.kind)
    usual = default_step(section.name, kind)
    return Step(
        name=section.name,
        kind=kind,
        label=Label(own=section.label) if section.label else usual.label,
        prompt=Label(own=section.prompt) if section.prompt else usual.prompt,
        required=section.required,
        max_length=section.max_length,
        options=tuple(Label(own=option) for option in section.options),
    )
