"""The helpdesk that the settings name: its kind found, its options checked, nothing of it made or opened yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from channels.errors import Misconfigured
from channels.registry import BUILT_IN
from config.load import LoadedConfig
from config.messages import problem
from config.problem import KeyPath, Problem, dotted
from config.validate import validate_section
from optfm_bot.helpdesk.contract import HelpdeskSettings, HelpdeskSpec
from optfm_bot.helpdesk.registry import helpdesk_spec
from optfm_bot.i18n.hints import in_both, misconfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskChoice:
    """A helpdesk to make: its name in the file, its spec, its settings."""

    name: str
    spec: HelpdeskSpec
    settings: HelpdeskSettings


def chosen_helpdesk(loaded: LoadedConfig) -> DeskChoice | Sequence[Problem] | None:
    """Give the helpdesk that was chosen, None if there is none, or every problem of its section."""
    for name, entry in loaded.settings.helpdesk.items():
        prefix = ("helpdesk", name)
        try:
            spec = helpdesk_spec(entry.type)
        except Misconfigured as error:
            return [misconfigured(error, where=loaded.locate(prefix), key=".".join(prefix))]
        settings = validate_section(spec.settings, dict(entry.options), locate=loaded.locate, prefix=prefix)
        if isinstance(settings, HelpdeskSettings):
            channel = getattr(settings, "channel", None)
            if channel is not None and (found := _wrong_channel(channel, spec.kind, loaded, prefix)):
                return [found]
            return DeskChoice(name=name, spec=spec, settings=settings)
        return in_both(settings)
    return None


def _wrong_channel(channel: str, kind: str, loaded: LoadedConfig, prefix: KeyPath) -> Problem | None:
    """What is wrong with the channel in which a helpdesk of this kind is to live; None if nothing is."""
    path = (*prefix, "channel")
    where, key, channels = loaded.locate(path), dotted(path), loaded.settings.channels
    if channel not in channels:
        known = ", ".join(channels)
        return problem("desk_channel", where=where, key=key, hint="places", name=channel, known=known)
    there = channels[channel].type
    if kind in BUILT_IN and there in BUILT_IN and there != kind:
        return problem("desk_channel_kind", where=where, key=key, name=channel, kind=there, wanted=kind)
    return None
