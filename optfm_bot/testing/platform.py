"""A platform in memory: a channel whose other side is a test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from channels.capabilities import Buttons, Capabilities
from channels.contract import (
    Batch,
    Channel,
    ChannelContext,
    ChannelSettings,
    ChannelSpec,
    Cursor,
    Polling,
    Transport,
)
from channels.errors import BadPayload, ChannelError
from channels.model import ActionIn, ChatRef, Inbound, RawUpdate, Receipt, Rendered

WITH_BUTTONS = Capabilities(
    text_limit=4096,
    buttons=Buttons(max_rows=25, per_row=8, label_length=60),
    edit=True,
    typing=True,
    groups=True,
)
"""A platform much like Telegram, in plain text."""

WITHOUT_BUTTONS = Capabilities(text_limit=4096, groups=True)
"""A platform where buttons become numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A message that reached its chat, under the platform's own id."""

    id: str
    message: Rendered

    @property
    def labels(self) -> list[str]:
        """The labels of its buttons, row by row."""
        return [action.label for row in self.message.actions for action in row]


class MemoryPlatform(Channel, Polling):
    """A channel that a test drives: `push` makes an event arrive, `delivered` is what people have seen.

    `refuse` is raised, one error per call, instead of accepting messages; `accept_then_refuse` accepts each message
    first, as a platform does whose answer is lost. `first_update` is where the numbers of its updates begin: a platform
    counts on while a bot is restarted.
    """

    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="memory",
        title="Memory",
        settings=ChannelSettings,
        capabilities=WITH_BUTTONS,
        factory="optfm_bot.testing.platform:MemoryPlatform",
        transports=frozenset({Transport.POLLING}),
    )

    def __init__(
        self, context: ChannelContext, capabilities: Capabilities = WITH_BUTTONS, *, first_update: int = 1
    ) -> None:
        super().__init__(ChannelSettings(), context)
        # Each stage may stand for another platform, so the spec is the instance's own.
        self.spec = replace(type(self).spec, capabilities=capabilities)  # type: ignore[misc]
        self.delivered: list[Delivered] = []
        self.acknowledged: list[str] = []
        self.typed: list[ChatRef] = []
        self.typing_fails: Exception | None = None
        self.refuse: list[ChannelError] = []
        self.accept_then_refuse: list[ChannelError] = []
        self._events: dict[str, Sequence[Inbound] | ChannelError] = {}
        self._queue: asyncio.Queue[RawUpdate] = asyncio.Queue()
        self._number = first_update - 1

    def push(self, *events: Inbound, lane: str | None = None, key: str | None = None) -> RawUpdate:
        """Let one update with these events arrive; none makes an update that cannot be read."""
        self._number += 1
        raw = RawUpdate(
            key=key or str(self._number),
            lane=lane or (str(events[0].chat) if events else "nowhere"),
            payload={"number": self._number},
        )
        self._events[str(self._number)] = events or BadPayload("nobody can read this")
        self._queue.put_nowait(raw)
        return raw

    def repeat(self, raw: RawUpdate) -> None:
        """Let the same update arrive once more."""
        self._queue.put_nowait(raw)

    @property
    def waiting(self) -> bool:
        """Whether something has arrived that the house has not fetched."""
        return not self._queue.empty()

    async def fetch(self, cursor: Cursor | None) -> Batch:
        """Give what has arrived."""
        updates = [await self._queue.get()]
        while not self._queue.empty():
            updates.append(self._queue.get_nowait())
        return Batch(updates=tuple(updates), cursor=cursor)

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        """Give the events that the test has pushed."""
        found: Any = self._events[str(raw.payload["number"])]
        if isinstance(found, ChannelError):
            raise found
        events: Sequence[Inbound] = found
        return events

    async def deliver(self, message: Rendered) -> Receipt:
        """Accept a message, or do what the test asked for."""
        if self.refuse:
            raise self.refuse.pop(0)
        known = next((one for one in self.delivered if one.id == message.replaces), None)
        message_id = known.id if known is not None else f"m{len(self.delivered) + 1}"
        one = Delivered(id=message_id, message=message)
        if known is not None:
            self.delivered[self.delivered.index(known)] = one
        else:
            self.delivered.append(one)
        if self.accept_then_refuse:
            raise self.accept_then_refuse.pop(0)
        return Receipt(external_ids=(message_id,), sent_at=self.clock(), degraded=message.degraded)

    async def typing(self, chat: ChatRef) -> None:
        """Remember that "typing…" was shown, or fail as the test asked for."""
        if self.typing_fails is not None:
            raise self.typing_fails
        self.typed.append(chat)

    async def acknowledge_action(self, action: ActionIn, notice: str = "") -> None:
        """Remember that the press was seen."""
        del notice
        self.acknowledged.append(action.callback_id)
