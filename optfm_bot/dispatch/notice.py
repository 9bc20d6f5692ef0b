"""Notices: messages that answer nobody's message, asked for by a program or a person of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from channels.contract import Channel
from channels.model import Body, ChatRef, Media, Purpose
from optfm_bot.clock import Clock
from optfm_bot.dispatch.promise import Promises
from optfm_bot.domain.say import Say
from optfm_bot.errors import OptfmError
from optfm_bot.outbox.outgoing import Outgoing
from optfm_bot.store.contract import Store
from optfm_bot.store.unit import UnitOfWork

MOST_WAITING = 500
"""Messages of one channel that may wait before notices have to; beyond twice that, answers would have to wait too."""

KIND = "notice"
"""What the history calls a notice."""


class NothingToShow(OptfmError):
    """A message needs words or a file that can be seen; this one has neither."""


class NotNow(OptfmError):
    """Messages cannot be taken at the moment; try again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What to send, and to which chat."""

    chat: ChatRef
    body: Body = field(repr=False)
    media: tuple[Media, ...] = field(default=(), repr=False)
    reply_to: str | None = None


Along: TypeAlias = Callable[[UnitOfWork, int], None]
"""Writes more into the unit of work of a notice, given the id of its turn in the history."""


class NoticeOutlet(Protocol):
    """Where notices leave."""

    def accept(self, channel: str, outgoing: Sequence[Outgoing]) -> None:
        """Take committed messages."""

    def waiting(self, channel: str) -> int:
        """How many messages of a channel wait or are under way."""

    def owns(self, lane: str) -> bool:
        """Whether it is this process that sends to that conversation."""

    def leave_to_others(self, channel: str, outgoing: Sequence[Outgoing]) -> None:
        """Let another process send committed messages."""


class Notices:
    """Promises notices: history and outbox rows in one unit of work, sent like any other message once it is committed.

    They have no guard: whoever asks for a notice wants it sent, also while a person of ours is talking there.

    Nothing is taken before `open` and after `close`: at a start the outbox is read from the store, and what was
    committed meanwhile would be taken up twice.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        store: Store,
        clock: Clock,
        promises: Promises,
        outlet: NoticeOutlet,
    ) -> None:
        self._channels = channels
        self._store = store
        self._clock = clock
        self._promises = promises
        self._outlet = outlet
        self._open = False

    def open(self) -> None:
        """Begin to take notices."""
        self._open = True

    def close(self) -> None:
        """Take no more of them."""
        self._open = False

    async def send(self, notice: Notice, *, along: Along | None = None) -> int:
        """Promise a notice; gives the id of its turn, under which the store keeps all its parts, after the commit.

        Raises `NothingToShow`, `NotNow`, and what the store raises; then nothing was promised, nor was `along` written.
        A caller that is cancelled may have been too late: the message is then sent, if need be by the next start.
        """
        name = notice.chat.channel
        if not self._open or self._outlet.waiting(name) >= MOST_WAITING:
            raise NotNow
        say = Say(
            kind=KIND,
            body=notice.body,
            media=notice.media,
            reply_to=notice.reply_to,
            purpose=Purpose.SYSTEM,  # without a guard, see above
        )
        try:
            made = self._promises.make(
                [say],
                self._channels[name],
                notice.chat,
                lane=str(notice.chat),
                inbox_id=None,
                now=self._clock.ms(),
                part=0,
                begin=False,
            )
        except ValueError as error:
            raise NothingToShow from error
        (turn,) = made.turns
        ours = self._outlet.owns(turn.lane)
        async with self._store.unit() as unit:
            unit.history.add_turn(turn)
            for row in made.rows:
                unit.outbox.add(row)
            if along is not None:
                along(unit, turn.id)
        if not ours:
            self._outlet.leave_to_others(name, made.outgoing)
            return turn.id
        for outgoing in made.outgoing:
            outgoing.tenure = unit.tenure
        self._outlet.accept(name, made.outgoing)
        return turn.id
