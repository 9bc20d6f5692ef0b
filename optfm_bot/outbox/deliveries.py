"""The deliveries of a house: one for each channel, and one for whatever else brings messages away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol

from channels.errors import ChannelError
from channels.model import Outbound
from optfm_bot.clock import Clock
from optfm_bot.cluster.sharing import Sharing
from optfm_bot.outbox.delivery import Delivery
from optfm_bot.outbox.files import FileDoor
from optfm_bot.outbox.forwarding import Forwarding
from optfm_bot.outbox.outgoing import Carrier, DeliveryObserver, DeliverySettings, Outgoing
from optfm_bot.store.contract import Store


class Recipients(Protocol):
    """Those at the other end of a carrier."""

    async def refusal(self, message: Outbound, lane: str) -> str | None:
        """Say why a promised message must not be sent any more, or None."""

    async def gone(self, lane: str) -> None:
        """Remember that nobody can be reached in this conversation."""


class OurPeople:
    """Our own people, behind a helpdesk or a carrier of notices."""

    async def refusal(self, message: Outbound, lane: str) -> str | None:
        """None: what they are to hear is never out of place."""
        del message, lane
        return None

    async def gone(self, lane: str) -> None:
        """Nothing: that a ticket is gone says nothing of the customer."""


class Deliveries(Mapping[str, Delivery]):
    """The deliveries by the name of their carrier, and the outlet of all who promise messages.

    It is made empty: those who promise know it before it knows whom they promise to. `observer` gives the one of a
    carrier, `spread` a factor about 1 for pauses, `desk` is the name of the one that is a helpdesk, if there is one.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        observer: Callable[[str], DeliveryObserver],
        *,
        sharing: Sharing,
        files: FileDoor,
        spread: Callable[[], float],
        desk: str | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._observer = observer
        self._sharing = sharing
        self._files = files
        self._spread = spread
        self._by_name: dict[str, Delivery] = {}
        self._forwarding = Forwarding(store, clock, carriers=self._by_name.keys(), desk=desk)

    def add(
        self,
        carrier: Carrier,
        settings: DeliverySettings,
        recipients: Recipients,
        *,
        unauthorized: Callable[[ChannelError], None],
        lost: Callable[[Outgoing, str | None], Awaitable[None]] | None = None,
    ) -> None:
        """Send through one more carrier.

        `unauthorized` hears when it refuses our credentials, `lost` of messages of agents that will not arrive.
        """
        name = carrier.instance
        self._by_name[name] = Delivery(
            carrier,
            settings,
            store=self._store,
            clock=self._clock,
            observer=self._observer(name),
            guard=recipients.refusal,
            gone=recipients.gone,
            unauthorized=unauthorized,
            spread=self._spread,
            ownership=self._sharing.ownership,
            pace=self._sharing.pace(name, settings.per_bot, self._clock),
            files=self._files,
            lost=lost,
        )

    def __getitem__(self, name: str) -> Delivery:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    # -- for those who promise ----------------------------------------------------------------------------

    async def reserve(self, channel: str, lane: str) -> bool:
        """Take a place for a message that would leave the moment it is committed."""
        return await self._by_name[channel].reserve(lane)

    def cancel(self, channel: str) -> None:
        """Give the place back."""
        self._by_name[channel].cancel()

    def accept(self, channel: str, outgoing: Sequence[Outgoing]) -> None:
        """Hand committed messages to the channel's delivery."""
        self._by_name[channel].accept(outgoing)

    def owns(self, lane: str) -> bool:
        """Whether it is this process that sends to that conversation."""
        return self._sharing.ownership.owns(lane)

    def leave_to_others(self, channel: str, outgoing: Sequence[Outgoing]) -> None:
        """Tell whoever sends to their conversations that these messages are committed."""
        self._sharing.promised(channel, [one.id for one in outgoing])

    def waiting(self, channel: str) -> int:
        """How many messages of a channel wait or are under way."""
        return self._by_name[channel].depth

    async def room(self, channel: str, lane: str) -> None:
        """Wait until there is room for more; at once for a channel that is not configured any more."""
        delivery = self._by_name.get(channel)
        if delivery is not None:
            await delivery.room(lane)

    async def answered(self, updates: Sequence[int]) -> None:
        """Send the answers to updates that were committed without our hearing of it."""
        for row in await self._store.answers(updates):
            if row.channel in self._by_name:
                await self._by_name[row.channel].take_up([row], given_up=True)

    # -- life ---------------------------------------------------------------------------------------------

    def resume(self, channel: str) -> None:
        """The credentials of a channel work again."""
        self._by_name[channel].resume()

    async def recover(self, shards: Collection[int] | None = None) -> None:
        """Take up what an earlier owner of these shards left, also what it left for a former helpdesk."""
        await self._forwarding.forward(shards)
        for delivery in self._by_name.values():
            await delivery.recover(shards)

    async def idle(self) -> None:
        """Wait until nothing is left to send."""
        for delivery in self._by_name.values():
            await delivery.idle()

    def let_pass(self) -> None:
        """Hold nobody back any more: nothing new is promised."""
        for delivery in self._by_name.values():
            delivery.let_pass()

    async def stop(self, seconds: float) -> None:
        """Finish what is under way within `seconds`, all at once; the rest stays in the store."""
        await asyncio.gather(*(delivery.stop(seconds) for delivery in self._by_name.values()))
