"""What is checked: the base that every group of checks builds on, and all that the author of a channel writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

import orjson
import pytest

from channels.body import parse_body
from channels.contract import (
    Channel,
    ChannelContext,
    ChannelSettings,
    ChannelSpec,
    Cursor,
    Polling,
    Transport,
    Webhook,
    WebhookRequest,
)
from channels.errors import BadPayload, ChannelError
from channels.model import Action, ChatRef, Outbound, RawUpdate, Rendered
from channels.registry import create_channel
from channels.render import render
from channels.testing.conformance.fault_server import FAULTS, FaultServer
from channels.testing.conformance.looptime import put_forward
from channels.testing.conformance.payloads import Recorded, load_recorded
from channels.testing.conformance.platform import Platform, Update

ABSENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "secret": "nothing in the settings is secret",
        "proof": "a push carries nothing that could prove where it comes from",
        "start": "people do not start the bot, they just write",
        "media": "people can send nothing but text",
        "edit": "people cannot change what they wrote, or the platform does not tell",
        "echo": "the platform shows neither our own messages nor those of our people",
        "unknown": "there are no updates that mean nothing to us",
        "queue": "the platform keeps nothing: what was given away once is not given again",
    }
)
"""What a platform may lack, and what its absence means. The class says why in `absent`."""

_KEYS: Final = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """What a platform does otherwise than others: the reactions that are right here, and why.

    `requests` is how many requests one call makes when this happens.
    """

    reactions: tuple[type[ChannelError], ...] = ()
    because: str
    requests: int = 1


@dataclass(slots=True)
class Connection:
    """A channel, the platform on its other side, and the server in between."""

    channel: Channel
    platform: Platform
    front: FaultServer
    transport: Transport
    request: Callable[[Update, Mapping[str, str]], WebhookRequest]
    cursor: Cursor | None = None
    fetched: bool = False

    def chat(self, chat_id: str) -> ChatRef:
        """The reference of a chat of this channel."""
        return ChatRef(channel=self.channel.instance, chat_id=chat_id)

    async def arrivals(self, *, headers: Mapping[str, str] | None = None) -> Sequence[RawUpdate]:
        """What has arrived: fetched and confirmed, or pushed; a push that is refused brings nothing."""
        if self.transport is Transport.POLLING:
            if not isinstance(self.channel, Polling):
                raise AssertionError(f"{type(self.channel).__name__} cannot be polled")
            if self.fetched:
                put_forward(1.0)  # a channel may keep its requests apart, and nobody wants to wait for that
            self.fetched = True
            batch = await self.channel.fetch(self.cursor)
            await self.channel.confirm(batch)
            self.cursor = batch.cursor
            return batch.updates
        if not isinstance(self.channel, Webhook):
            raise AssertionError(f"{type(self.channel).__name__} cannot be pushed to")  # noqa: TRY004 - a failed check
        found: list[RawUpdate] = []
        for update in self.platform.take():
            request = self.request(update, headers or {})
            self.channel.authenticate(request)
            try:
                found += self.channel.split(request)
            except BadPayload:
                continue  # refused at the door, as it should be when it cannot be read
        return found

    async def received(
        self, recordings: Sequence[Recorded]
    ) -> Sequence[tuple[Recorded, Sequence[RawUpdate]]]:
        """Let recorded updates arrive; gives each with what came of it."""
        if self.transport is Transport.WEBHOOK:
            found = []
            for one in recordings:
                self.platform.put(one.update)
                found.append((one, await self.arrivals(headers=one.headers)))
            return found
        for one in recordings:
            self.platform.put(one.update)
        raws: list[RawUpdate] = []
        for _ in recordings:
            if len(raws) < len(recordings):
                raws += await self.arrivals()
        if len(raws) != len(recordings):
            raise AssertionError(f"{len(recordings)} updates arrived as {len(raws)}")
        return [(one, (raw,)) for one, raw in zip(recordings, raws, strict=True)]


class Subject:
    """What the author of a channel says of it. The checks are in the classes that build on this one.

    `spec` is the channel's, `payloads` the folder of recorded updates. `transports` are the modes that this class
    checks, all of the spec's unless some are checked by another class: then `elsewhere` says by which. `absent` says
    what the platform lacks, with the reason; `deviations` what it does otherwise, by `deliver` or `fetch` and the
    fault's name. `chat` is the id of a private chat, as the platform writes ids. `canary` belongs into every secret of
    the settings: wherever it turns up later, a secret has leaked.
    """

    spec: ClassVar[ChannelSpec]
    payloads: ClassVar[Path]
    transports: ClassVar[Sequence[Transport]] = ()
    elsewhere: ClassVar[Mapping[Transport, str]] = MappingProxyType({})
    absent: ClassVar[Mapping[str, str]] = MappingProxyType({})
    deviations: ClassVar[Mapping[str, Deviation]] = MappingProxyType({})
    chat: ClassVar[str] = "70001"
    instance: ClassVar[str] = ""
    canary: ClassVar[str] = "canary-0123456789abcdef"
    now: ClassVar[datetime] = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
    patience: ClassVar[float] = 10.0
    """Seconds in which the whole house has to answer; a slow machine may need more."""
    examples: ClassVar[int] = 150
    """How many malformed updates Hypothesis makes for each property."""

    # -- what the author writes ---------------------------------------------------------------------------

    def settings(self, base_url: str, transport: Transport) -> Mapping[str, Any]:
        """The settings of a channel whose platform is at `base_url`, with short poll times."""
        raise NotImplementedError(f"{type(self).__name__} says no settings for {transport} at {base_url}")

    def platform(self) -> Platform:
        """A fresh platform."""
        raise NotImplementedError(f"{type(self).__name__} has no platform")

    def push_headers(self, body: bytes) -> Mapping[str, str]:
        """The headers (lower-case) that prove a push of this body to be genuine; each of them has to count."""
        del body
        return {}

    def make(self, settings: ChannelSettings, context: ChannelContext, platform: Platform) -> Channel:
        """Make the channel. Only a channel that is handed its other side, such as a terminal, needs another way."""
        del platform
        return create_channel(self.spec, settings, context)

    # -- what the checks use ------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of the channel's instance."""
        return self.instance or self.spec.kind

    def channel(
        self,
        base_url: str,
        transport: Transport,
        platform: Platform,
        *,
        clock: Callable[[], datetime] | None = None,
    ) -> Channel:
        """Make a channel from the settings of this class."""
        settings = self.spec.settings.model_validate(dict(self.settings(base_url, transport)))
        context = ChannelContext(instance=self.name, clock=clock or _started_at(self.now))
        return self.make(settings, context, platform)

    def push(self, update: Update, headers: Mapping[str, str] | None = None) -> WebhookRequest:
        """A genuine push of one update."""
        body = orjson.dumps(update)
        return WebhookRequest(
            headers={**(headers or {}), **self.push_headers(body)}, body=body, remote="203.0.113.5"
        )

    @asynccontextmanager
    async def connected(
        self, transport: Transport, *, opened: bool = True, clock: Callable[[], datetime] | None = None
    ) -> AsyncIterator[Connection]:
        """A channel with its platform, opened unless told otherwise, closed at the end."""
        platform = self.platform()
        await platform.open()
        try:
            async with FaultServer(platform) as front:
                channel = self.channel(front.address, transport, platform, clock=clock)
                try:
                    if opened:
                        await channel.open()
                    yield Connection(channel, platform, front, transport, self.push)
                finally:
                    await channel.close()
        finally:
            await platform.close()

    def recordings(self) -> Sequence[Recorded]:
        """The recorded updates."""
        return load_recorded(self.payloads)

    def message(
        self, channel: Channel, words: str = "Доставка от 300 ₽", *, key: str = "", rows: Sequence[str] = ()
    ) -> Rendered:
        """A message to the private chat, as the house would hand it to `deliver`; one button for each of `rows`.

        Without a `key` it gets one of its own.
        """
        chat = ChatRef(channel=channel.instance, chat_id=self.chat)
        actions = tuple((Action(label=label, token=f"t-{n}"),) for n, label in enumerate(rows))
        outbound = Outbound(chat=chat, body=parse_body(words), actions=actions)
        return render(outbound, channel.capabilities, key=key or f"key-{next(_KEYS)}")

    def needs(self, thing: str) -> None:
        """Leave a check out where the platform lacks what it is about."""
        if thing in self.absent:
            pytest.skip(f"no {thing}: {self.absent[thing]}")

    def needs_mode(self, transport: Transport, wanted: Transport) -> None:
        """Leave a check out that is about the other mode."""
        if transport is not wanted:
            pytest.skip(f"this is about {wanted}")

    def needs_wire(self, connection: Connection) -> None:
        """Leave a check out where no request goes to anybody."""
        if not connection.platform.remote:
            pytest.skip("there is no network between this channel and its people")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each check in every mode, with every recording and every fault that it asks for."""
        values: Mapping[str, Callable[[], Sequence[Any]]] = {
            "transport": lambda: list(modes(type(self))),
            "payload": lambda: [one.name for one in self.recordings()],
            "fault": lambda: sorted(FAULTS) if self.platform().remote else ["no network"],
        }
        for name, of in values.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, of(), ids=str)


def _started_at(moment: datetime) -> Callable[[], datetime]:
    """A clock that begins at this moment when it is first looked at, and goes by whole seconds of the loop."""
    began: list[float] = []

    def now() -> datetime:
        time = asyncio.get_running_loop().time()
        if not began:
            began.append(time)
        return moment + timedelta(seconds=int(time - began[0]))

    return now


def modes(subject: type[Subject]) -> Sequence[Transport]:
    """The modes that a class checks: those it names, else all of its spec's."""
    return tuple(subject.transports) or tuple(sorted(subject.spec.transports))


def promise(holds: object, otherwise: str) -> None:
    """Fail the check with a sentence unless it holds."""
    if not holds:
        raise AssertionError(otherwise)
