"""The helpdesk that the settings name: its kind found, its options checked, nothing of it made or opened yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from channels.errors import Misconfigured
from config.load import LoadedConfig
from config.problem import Problem
from config.validate import validate_section
from optfm_bot.helpdesk.contract import HelpdeskSettings, HelpdeskSpec
from optfm_bot.helpdesk.registry import helpdesk_spec


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
            return [Problem(where=loaded.locate(prefix), key=".".join(prefix), message=str(error))]
        settings = validate_section(spec.settings, dict(entry.options), locate=loaded.locate, prefix=prefix)
        if isinstance(settings, HelpdeskSettings):
            return DeskChoice(name=name, spec=spec, settings=settings)
        return settings
    return None
