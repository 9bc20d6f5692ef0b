"""The configured helpdesk, made for a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from channels.contract import Channel
from config.load import LoadedConfig
from config.secret import Secret
from config.validate import secrets_in
from optfm_bot.clock import SystemClock
from optfm_bot.helpdesk.contract import Helpdesk
from optfm_bot.plan import plan_channels
from optfm_bot.staffing import make_helpdesk


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPlan:
    """A helpdesk, unopened, and channels of its own: it may live in one of them."""

    desk: Helpdesk
    channels: Sequence[Channel]

    @property
    def secrets(self) -> Sequence[Secret]:
        """What no output may show."""
        return [
            secret
            for settings in (self.desk.settings, *(one.settings for one in self.channels))
            for secret in secrets_in(settings)
        ]


def planned_desk(config: LoadedConfig) -> DeskPlan | None:
    """The configured helpdesk; None if there is none. Raises `ConfigError`."""
    clock = SystemClock()
    channels = [plan.channel for plan in plan_channels(config, clock=clock, cwd=Path.cwd())]
    named = {channel.instance: channel for channel in channels}
    desk = make_helpdesk(config, clock=clock, channels=named)
    return None if desk is None else DeskPlan(desk=desk, channels=channels)
