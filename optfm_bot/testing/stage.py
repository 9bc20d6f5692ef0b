"""A stage: the whole house in memory, a clock that waits for nobody, and people whose talk can be read aloud."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from channels.capabilities import Capabilities
from channels.contract import ChannelContext
from channels.model import (
    ActionIn,
    ChatRef,
    ContactIn,
    EditedIn,
    Inbound,
    LeftIn,
    MediaIn,
    OwnerIn,
    RemovedIn,
    SenderRef,
    StartIn,
    TextIn,
    UndeliveredIn,
)
from faq import FaqEntry, FaqManager
from optfm_bot.blueprint import ChannelPlan, HouseSettings
from optfm_bot.clock import ManualClock
from optfm_bot.cluster.membership import Membership
from optfm_bot.cluster.plan import ROLES, Role
from optfm_bot.cluster.sharing import Cluster, receiving
from optfm_bot.house import House
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.people import PeoplePlan
from optfm_bot.store.contract import Store
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.cluster import MemoryCluster, MemoryRegistry
from optfm_bot.testing.platform import WITH_BUTTONS, Delivered, MemoryPlatform

_PATIENCE_SECONDS = 600
_TURNS = 60


class Stage:
    """An async context manager around a house with one memory platform called `stage`.

    `faq` is a manager or entries. A second stage over the same `store` is a restart; its `first_update` must be higher
    than the updates that the first one has seen. What is left out has quick defaults: no pacing, no joining.

    With a `cluster` it is one process of several, on the cluster's clock and over its store, in this `role`; `platform`
    is then what it sees of the platform that all of them talk to, which pushes to it if there is a `webhook_url`.
    `people` are those who stand behind it: a helpdesk, say; the settings have to say that there is one.
    """

    def __init__(
        self,
        faq: FaqManager | Iterable[FaqEntry],
        *,
        capabilities: Capabilities = WITH_BUTTONS,
        settings: HouseSettings | None = None,
        delivery: DeliverySettings | None = None,
        store: Store | None = None,
        first_update: int = 1,
        cluster: MemoryCluster | None = None,
        role: str = "all",
        platform: MemoryPlatform | None = None,
        webhook_url: str | None = None,
        people: PeoplePlan | None = None,
    ) -> None:
        self.clock = cluster.clock if cluster is not None else ManualClock()
        self.store = store or (cluster.store.beside() if cluster is not None else MemoryStore())
        self.metrics = Metrics(version="test")
        context = ChannelContext(instance="stage", clock=self.clock.now)
        self.platform = platform or MemoryPlatform(context, capabilities, first_update=first_update)
        self.door: MemoryRegistry | None = cluster.door() if cluster is not None else None
        self.house = House(
            [
                ChannelPlan(
                    channel=self.platform,
                    delivery=delivery or DeliverySettings(per_chat=0, per_bot=0),
                    webhook_url=webhook_url,
                )
            ],
            faq if isinstance(faq, FaqManager) else FaqManager(faq),
            store=self.store,
            clock=self.clock,
            observer=MetricsObserver(self.metrics),
            settings=settings or HouseSettings(join_window=0, person_per_minute=0),
            # The same spread every time, but not the numbers of the run before: a restart is another process.
            rng=random.Random(first_update),  # noqa: S311 - keeps no secret
            cluster=self._cluster(role, people),
            people=people,
        )

    def _cluster(self, role: str, people: PeoplePlan | None) -> Cluster | None:
        if self.door is None:
            return None
        duties = {receiving(self.platform.instance): Role.POLLER}
        if people is not None and people.helpdesk is not None:
            duties[receiving(people.helpdesk.instance)] = Role.POLLER
        membership = Membership(self.door, self.clock, roles=ROLES[role], duties=duties)
        return Cluster(membership=membership, registry=self.door)

    async def __aenter__(self) -> Self:
        await self.store.open()
        await self.house.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopping = asyncio.create_task(self.house.stop())
        while not stopping.done():
            await self.clock.advance(1)
        await stopping
        await self.store.close()

    def person(self, name: str = "Анна", *, chat: str | None = None, locale: str | None = "ru") -> Person:
        """Somebody who talks to the bot, in a private chat unless a group's `chat` is named."""
        return Person(self, name, chat=chat, locale=locale)

    async def settle(self, seconds: float = _PATIENCE_SECONDS) -> None:
        """Let everything happen that follows from what has arrived, moving the clock when the house waits."""
        for _ in range(int(seconds * 10)):
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if self.quiet:
                return
            await self.clock.advance(0.1)
        raise AssertionError("the house did not come to rest")

    @property
    def quiet(self) -> bool:
        """Whether nothing waits anywhere."""
        unsent = sum(delivery.depth for delivery in self.house.deliveries.values())
        return not self.platform.waiting and not self.house.dispatcher.held and not unsent

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric, 0 if nothing was counted."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


class Person:
    """Somebody at the other end. What they do returns when the house has come to rest."""

    def __init__(self, stage: Stage, name: str, *, chat: str | None, locale: str | None) -> None:
        self._stage = stage
        self._platform = stage.platform
        self._group = chat is not None
        self.sender = SenderRef(external_id=f"id-{name}", display_name=name, locale=locale)
        self.chat = ChatRef(channel="stage", chat_id=chat or f"chat-{name}")
        self._seen = 0
        self._wrote = 0

    # -- what people do -----------------------------------------------------------------------------------

    async def says(self, text: str, *, addressed: bool = True) -> None:
        """Write a text."""
        self.writes(text, addressed=addressed)
        await self._stage.settle()

    def writes(self, text: str, *, addressed: bool = True) -> str:
        """Write a text without waiting for anything; gives the message id."""
        event = TextIn(text=text, addressed=addressed, **self._facts())
        self._platform.push(event)
        return event.message_id or ""

    async def starts(self, payload: str = "") -> None:
        """Open the bot, by a link with a payload or without."""
        await self._does(StartIn(payload=payload, **self._facts()))

    async def edits(self, message_id: str, text: str) -> None:
        """Correct a message."""
        await self._does(EditedIn(text=text, **{**self._facts(), "message_id": message_id}))

    async def sends(self, kind: str, caption: str = "", group_id: str | None = None) -> None:
        """Send something that is not text."""
        await self._does(MediaIn(kind=kind, caption=caption, group_id=group_id, **self._facts()))

    async def shares_phone(self, phone: str) -> None:
        """Share the own contact."""
        await self._does(ContactIn(phone=phone, own=True, **self._facts()))

    async def leaves(self) -> None:
        """Block the bot."""
        await self._does(LeftIn(**self._facts()))

    async def takes_back(self, message_id: str) -> None:
        """Delete a message."""
        await self._does(RemovedIn(**{**self._facts(), "message_id": message_id}))

    async def misses(self, message_id: str, reason: str = "no account") -> None:
        """Not get a message of ours that the platform had accepted."""
        await self._does(UndeliveredIn(reason=reason, **{**self._facts(), "message_id": message_id}))

    async def hears_from_us(self, text: str) -> None:
        """One of our own people writes to this person from the phone."""
        owner = SenderRef(external_id="id-owner", display_name="Ольга")
        await self._does(OwnerIn(text=text, **{**self._facts(), "sender": owner}))

    async def presses(self, label: str, *, on: Delivered | None = None) -> None:
        """Press a button of the newest message that has one of that label."""
        for one in [on] if on is not None else reversed(self.inbox):
            for row in one.message.actions:
                for action in row:
                    if action.label == label and action.token is not None:
                        return await self.presses_token(action.token, on=one)
        raise AssertionError(f"there is no button {label!r}")

    async def presses_token(self, token: str, *, on: Delivered | None = None) -> None:
        """Press whatever a token says, also a forged one."""
        facts = self._facts() | {"message_id": on.id if on is not None else None}
        await self._does(ActionIn(token=token, callback_id=f"c{self._wrote}", **facts))

    # -- what people see ----------------------------------------------------------------------------------

    @property
    def inbox(self) -> list[Delivered]:
        """Every message in this chat, oldest first."""
        return [one for one in self._platform.delivered if one.message.chat == self.chat]

    def sees(self, words: str = "") -> Delivered:
        """Take the next unseen message; it contains these words."""
        unseen = self.inbox[self._seen :]
        assert unseen, f"nothing new to see, expected {words!r}"  # noqa: S101 - a tool of tests
        self._seen += 1
        assert words in unseen[0].message.text, f"expected {words!r} in {unseen[0].message.text!r}"  # noqa: S101
        return unseen[0]

    def sees_nothing(self) -> None:
        """There is no unseen message."""
        texts = [one.message.text for one in self.inbox[self._seen :]]
        assert not texts, f"unexpected: {texts}"  # noqa: S101 - a tool of tests

    async def _does(self, event: Inbound) -> None:
        self._platform.push(event)
        await self._stage.settle()

    def _facts(self) -> dict[str, Any]:
        self._wrote += 1
        return {
            "event_id": f"{self.sender.external_id}-{self._wrote}",
            "message_id": f"{self.sender.external_id}-{self._wrote}",
            "chat": self.chat,
            "sender": self.sender,
            "at": self._stage.clock.now(),
            "is_group": self._group,
        }
