"""The report on channels: their states as programs and people are told them, nothing secret, nothing personal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optfm_bot import __version__
from optfm_bot.domain.words import Words
from optfm_bot.i18n.hints import translate
from optfm_bot.receive.runners import Runners
from optfm_bot.receive.status import ChannelState, Snapshot


class Report:
    """Tells of the runners of a house called `name`; what to do about trouble is said in `language`."""

    def __init__(self, runners: Runners, words: Words, *, name: str, language: str) -> None:
        self._runners = runners
        self._words = words
        self._name = name
        self._language = language

    def status(self) -> Mapping[str, Any]:
        """The JSON of `/`."""
        healthy = all(runner.status.now.healthy for runner in self._runners.values())
        return {
            "service": self._name,
            "status": "running" if healthy else "degraded",
            "version": __version__,
            "channels": self.states(),
        }

    def states(self) -> Mapping[str, Mapping[str, str]]:
        """The state of each channel and of the helpdesk: `state`, `since` when, in trouble `why` and what `to_do`."""
        shown = {name: self._shown(runner.status.now, "channel") for name, runner in self._runners.items()}
        desk = self._runners.desk
        if desk is not None:
            shown[desk.helpdesk.instance] = self._shown(desk.status.now, "helpdesk")
        return shown

    def _shown(self, now: Snapshot, what: str) -> Mapping[str, str]:
        shown = {"state": now.state.value, "since": now.since.isoformat(timespec="seconds")}
        if now.why:
            shown["why"] = translate(now.why, self._language)
        if not now.healthy and now.state is not ChannelState.STOPPED:
            shown["to_do"] = self._words.label(f"{what}.to_do.{now.state.value}", self._language)
        return shown
