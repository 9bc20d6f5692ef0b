"""Staffing: from settings to who of us stands behind the bot. The helpdesk, the office, the carrier of notices."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from channels.contract import Channel
from channels.errors import Misconfigured
from config.load import LoadedConfig
from config.problem import ConfigError, dotted
from optfm_bot.clock import Clock
from optfm_bot.dispatch.requests import Office
from optfm_bot.domain.manners import HOUR_MS, MINUTE_MS, ReceptionSettings
from optfm_bot.helpdesk.contract import Helpdesk, HelpdeskContext, Hooked
from optfm_bot.helpdesk.registry import create_helpdesk
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.i18n.hints import misconfigured
from optfm_bot.notify.targets import hearers, targets
from optfm_bot.office import office
from optfm_bot.outbox.outgoing import Carrier
from optfm_bot.people import PeoplePlan, PeopleSettings
from optfm_bot.plan import plan_helpdesk

_DAY_MS = 24 * HOUR_MS


def make_helpdesk(loaded: LoadedConfig, *, clock: Clock, channels: Mapping[str, Channel]) -> Helpdesk | None:
    """Make the configured helpdesk, unopened; None if there is none. Raises `ConfigError`."""
    chosen = plan_helpdesk(loaded)
    if chosen is None:
        return None
    context = HelpdeskContext(
        instance=chosen.name,
        clock=clock.now,
        channel=channels.get,
        words=Catalogue.load().with_texts(loaded.settings.texts),
    )
    try:
        return create_helpdesk(chosen.spec, chosen.settings, context)
    except Misconfigured as error:
        path = ("helpdesk", chosen.name)
        raise ConfigError([misconfigured(error, where=loaded.locate(path), key=".".join(path))]) from error


def people_plan(loaded: LoadedConfig, *, clock: Clock, channels: Mapping[str, Channel]) -> PeoplePlan:
    """Make who is there. Raises `ConfigError`."""
    helpdesk = make_helpdesk(loaded, clock=clock, channels=channels)
    secret = getattr(helpdesk.settings, "webhook_secret", None) if helpdesk is not None else None
    hooked: object = helpdesk
    return PeoplePlan(
        helpdesk=helpdesk,
        hooked=isinstance(hooked, Hooked) and secret is not None,
        notify=make_carrier(loaded, clock=clock),
    )


def make_carrier(loaded: LoadedConfig, *, clock: Clock) -> Carrier | None:
    """Make the carrier of notices to our own people; None if nobody is to be told. Raises `ConfigError`."""
    found = targets(loaded.settings.notify)
    if not found:
        return None
    from optfm_bot.notify.carrier import NotifyCarrier, UnusableTargets  # noqa: PLC0415 - only who has targets waits for apprise

    try:
        return NotifyCarrier(found, clock)
    except UnusableTargets as error:
        raise ConfigError(
            [
                misconfigured(wrong, where=loaded.locate(target.path), key=dotted(target.path))
                for target, wrong in error.found
            ]
        ) from error


def people_settings(loaded: LoadedConfig, helpdesk: Helpdesk | None) -> PeopleSettings:
    """What the house lives by with people; `helpdesk` is the one that was made."""
    settings = loaded.settings
    handoff, desk = settings.handoff, helpdesk.settings if helpdesk is not None else None
    own = office(settings)
    return PeopleSettings(
        reception=ReceptionSettings(
            desk=helpdesk is not None,
            mirror=str(getattr(desk, "mode", "handoff")) == "mirror",
            language=settings.agent.language,
            offer_after=handoff.offer_after,
            answer_within=round(handoff.answer_within * MINUTE_MS),
            silence=round(handoff.silence * HOUR_MS),
            human=round(handoff.human_hours * HOUR_MS),
            wrapped=round(handoff.wrapped_hours * HOUR_MS),
            queue=round(handoff.queue_days * _DAY_MS),
            form=round(handoff.form_hours * HOUR_MS),
            reopen=round(handoff.reopen_days * _DAY_MS),
            owner_pause=round(settings.conversation.owner_pause * MINUTE_MS),
            agent_names=bool(getattr(desk, "agent_name", True)),
        ),
        office=Office(
            forms=own.forms,
            managers=own.managers,
            rule=own.assign,
            language=settings.agent.language,
            hearers=partial(hearers, settings.notify),
        ),
        hours=own.hours,
        zone=own.zone,
    )
