"""How long an answer may be on each configured channel, as `faq.lint` asks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from channels.body import parse_body
from channels.capabilities import Capabilities
from channels.errors import Misconfigured
from channels.measure import measured
from channels.registry import ChannelRegistry
from config.load import LoadedConfig
from config.problem import ConfigError
from faq.lint import Limit
from optfm_bot.clock import SystemClock
from optfm_bot.plan import plan_channels

_MARKUP_FACTOR = 8


def answer_limits(config: LoadedConfig) -> Mapping[str, Limit] | None:
    """The limits by the names of the channels; None if nobody configured a channel. Asks no platform.

    A channel whose settings are not complete yet has the limits of its type; one of an unknown type has none here.
    """
    channels = config.settings.channels
    if "channels" not in config.settings.model_fields_set or not channels:
        return None
    return {
        name: Limit(can.text_limit, kind=channels[name].type, length=_counted(can))
        for name, can in _capabilities(config).items()
    }


def _capabilities(config: LoadedConfig) -> dict[str, Capabilities]:
    try:
        plans = plan_channels(config, clock=SystemClock(), cwd=Path.cwd())
    except ConfigError:
        return _by_type(config)
    return {plan.channel.instance: plan.channel.capabilities for plan in plans}


def _by_type(config: LoadedConfig) -> dict[str, Capabilities]:
    registry = ChannelRegistry.installed()
    found = {}
    for name, entry in config.settings.channels.items():
        try:
            found[name] = registry.spec(entry.type).capabilities
        except Misconfigured:
            continue  # `config check` tells what is wrong with it
    return found


def _counted(capabilities: Capabilities) -> Callable[[str], int]:
    return partial(_length, capabilities)


def _length(capabilities: Capabilities, text: str) -> int:
    """The length of an answer as the channel counts it: in its units, with its markup or without."""
    if len(text) * _MARKUP_FACTOR <= capabilities.text_limit:
        return len(text)  # no markup brings it near the limit: it need not be written to be measured
    try:
        return measured(parse_body(text), capabilities).widest
    except LookupError:  # a dialect that only the channel itself knows, and it was not made
        return len(text)
