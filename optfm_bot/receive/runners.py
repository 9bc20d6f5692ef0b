"""The runners of a house: what brings updates in, one for each channel and one for the helpdesk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import structlog

from channels.contract import BotCommand, Channel
from channels.errors import ChannelError
from optfm_bot.clock import Clock
from optfm_bot.cluster.sharing import Sharing
from optfm_bot.dispatch.intake import Intake
from optfm_bot.helpdesk.contract import Helpdesk
from optfm_bot.helpdesk.runner import DeskRunner
from optfm_bot.receive.runner import ChannelRunner
from optfm_bot.receive.status import ChannelState, ChannelStatus, Snapshot
from optfm_bot.store.contract import Store
from optfm_bot.supervise import Supervisor

log = structlog.get_logger("optfm_bot")

_OPENED_SECONDS = 0.5
"""How often those who wait for a channel to open look whether the house stops."""


class Runners(Mapping[str, ChannelRunner]):
    """The runners of channels by name, and beside them `desk`, that of the helpdesk, if there is one.

    `healthy` is told of a channel whenever its platform answers, `changed` when its state becomes another; both hear of
    the helpdesk too.
    """

    def __init__(
        self,
        intake: Intake,
        store: Store,
        clock: Clock,
        sharing: Sharing,
        *,
        healthy: Callable[[str], None],
        changed: Callable[[str, Snapshot, Snapshot], None],
    ) -> None:
        self._intake = intake
        self._store = store
        self._clock = clock
        self._sharing = sharing
        self._healthy = healthy
        self._changed = changed
        self._by_name: dict[str, ChannelRunner] = {}
        self.desk: DeskRunner | None = None

    def add(
        self,
        channel: Channel,
        webhook_url: str | None,
        *,
        commands: Mapping[str, Sequence[BotCommand]],
        spread: Callable[[], float],
    ) -> ChannelRunner:
        """Receive from one more channel; gives its runner."""
        name = channel.instance
        runner = self._by_name[name] = ChannelRunner(
            channel,
            intake=self._intake,
            store=self._store,
            clock=self._clock,
            status=self._status(name),
            webhook_url=webhook_url,
            commands=commands,
            healthy=partial(self._healthy, name),
            spread=spread,
            duty=self._sharing.duty(name),
        )
        return runner

    def add_desk(self, helpdesk: Helpdesk, *, hooked: bool) -> None:
        """Receive from the helpdesk; `hooked` says that its webhooks reach us."""
        name = helpdesk.instance
        self.desk = DeskRunner(
            helpdesk,
            intake=self._intake,
            store=self._store,
            clock=self._clock,
            status=self._status(name),
            healthy=partial(self._healthy, name),
            hooked=hooked,
            duty=self._sharing.duty(name),
        )

    def __getitem__(self, name: str) -> ChannelRunner:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def _status(self, name: str) -> ChannelStatus:
        return ChannelStatus(self._clock.now, partial(self._state_changed, name))

    def _state_changed(self, name: str, before: Snapshot, now: Snapshot) -> None:
        expected = now.healthy or now.state is ChannelState.STOPPED
        level = log.info if expected else log.warning
        level("channel.state", channel=name, state=now.state.value, why=now.why)
        self._changed(name, before, now)

    def doubt_desk(self, error: ChannelError) -> None:
        """The credentials of the helpdesk were refused while something was brought there."""
        if self.desk is not None:
            self.desk.doubt(error)

    async def opened(self, channel: str, stopping: asyncio.Event) -> None:
        """Wait until a channel knows who it is, or `stopping` is set; at once for one that is not configured."""
        runner = self._by_name.get(channel)
        while runner is not None and not runner.opened.is_set() and not stopping.is_set():
            await self._clock.wait(runner.opened, _OPENED_SECONDS)

    # -- life ---------------------------------------------------------------------------------------------

    def start(self, supervisor: Supervisor) -> None:
        """Begin to receive."""
        for name, runner in self._by_name.items():
            supervisor.start(f"channel {name}", runner.run)
        if self.desk is not None:
            supervisor.start("helpdesk", partial(self.desk.run, supervisor.stopping))

    def stop(self) -> None:
        """Let the channels receive nothing more. The helpdesk ends with its supervisor."""
        for runner in self._by_name.values():
            runner.stop()

    async def close(self) -> None:
        """Close the channels and the helpdesk, each whatever becomes of the others."""
        parts: list[Channel | Helpdesk] = [runner.channel for runner in self._by_name.values()]
        if self.desk is not None:
            parts.append(self.desk.helpdesk)
        for part in parts:
            try:
                await part.close()
            except Exception:  # the part's own bug must not leave the others open
                log.exception("channel.close_failed", channel=part.instance)
