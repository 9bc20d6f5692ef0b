"""A fake of a platform in a process of its own, steered over `/_control`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from optfm_bot.bench.codes import code_in, texts
from optfm_bot.bench.judge import Answer, Offer
from optfm_bot.bench.load import Load
from optfm_bot.bench.processes import STOP_SECONDS, BenchFailed
from optfm_bot.bench.side import Counts

_WAIT = 30.0
_LONG = aiohttp.ClientTimeout(total=120)
_SECRET = "bench-webhook-secret"  # noqa: S105 - between two processes of one measurement
_GREEN_NOTICES = (
    "incomingWebhook",
    "outgoingMessageWebhook",
    "stateWebhook",
    "editedMessageWebhook",
    "deletedMessageWebhook",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What there is to know of one fake: its module, its options, and the bot's channel to it.

    `settings` makes the channel of the line in which the fake names its addresses. The waits before a webhook request
    is repeated are shortened, since real ones take minutes.
    """

    module: str
    arguments: tuple[str, ...]
    settings: Callable[[Mapping[str, Any]], dict[str, Any]]
    setup: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    first_chat: int = 1_000_000
    keeps_order_of_webhooks: bool = True


PLATFORMS: Mapping[str, Platform] = {
    "telegram": Platform(
        module="channels.testing.telegram_server",
        arguments=("--retry-scale", "0.05", "--set-webhook-interval", "0"),
        settings=lambda told: {"token": told["token"], "api_base": told["base_url"], "max_connections": 100},
    ),
    "max": Platform(
        module="channels.testing.max_server",
        arguments=("--retry-scale", "0.005"),
        settings=lambda told: {"token": told["token"], "api_base": told["base_url"]},
        # MAX posts updates beside each other and promises no order.
        keeps_order_of_webhooks=False,
    ),
    "green_api": Platform(
        module="channels.testing.green_server",
        arguments=("--network", "max", "--delay-scale", "0", "--restart", "0", "--retry-scale", "0.005"),
        settings=lambda told: {
            "network": "max",
            "api_url": told["api_url"],
            "media_url": told["media_url"],
            "id_instance": told["id_instance"],
            "api_token_instance": told["token"],
        },
        setup=(("settings", dict.fromkeys(_GREEN_NOTICES, "yes")),),
        first_chat=20_000_000,
    ),
}


class FakeProcess:
    """A fake as a process: start it, give it commands, stop it. Raises `BenchFailed` when it does not do as told."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.told: Mapping[str, Any] = {}
        self._command = (sys.executable, "-m", module, *arguments)
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Start it and wait until it has named its addresses."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # as the bots: Ctrl+C is for the measurement alone
        )
        output = self._process.stdout
        try:
            async with asyncio.timeout(_WAIT):
                line = await output.readline() if output is not None else b""
            self.told = json.loads(line)
        except (TimeoutError, ValueError):
            await self.stop()
            raise BenchFailed("The fake of the platform did not start") from None
        self._session = aiohttp.ClientSession(timeout=_LONG)

    async def stop(self) -> None:
        """End it; may be called twice."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def control(self, command: str, **fields: Any) -> dict[str, Any]:
        """Give one command; its `control.py` tells which there are."""
        if self._session is None:
            raise BenchFailed("The fake of the platform is not running")
        address = f"{self.told['base_url']}/_control/{command}"
        try:
            async with self._session.post(address, json=fields) as answer:
                found: dict[str, Any] = await answer.json(content_type=None)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise BenchFailed(f"The fake of the platform is gone: {type(error).__name__}") from error
        if status != 200:  # noqa: PLR2004 - the status of a yes
            raise BenchFailed(f"The fake of the platform refused {command}: {found.get('error')}")
        return found


class FakeSide:
    """People of a platform, and the platform between them and the bot. See `Side`.

    `latency` is how many seconds the platform takes to answer a send, `webhook` whether it posts its updates.
    """

    def __init__(self, kind: str, *, webhook: bool, latency: float) -> None:
        self._kind = kind
        self._platform = PLATFORMS[kind]
        self._webhook = webhook
        arguments = (*self._platform.arguments, "--latency", str(latency))
        self._fake = FakeProcess(self._platform.module, *arguments)
        self._load = Load(chats=1, messages=1)
        self._first = 0
        self._since = self._before = self._seen_before = 0
        self.keeps_order = not webhook or self._platform.keeps_order_of_webhooks

    async def open(self) -> None:
        """Start the fake."""
        await self._fake.start()
        for command, fields in self._platform.setup:
            await self._fake.control(command, **fields)

    async def close(self) -> None:
        """Stop the fake."""
        await self._fake.stop()

    def channels(self) -> Mapping[str, Any]:
        """One channel, to the fake."""
        mode = {"mode": "webhook", "webhook_secret": _SECRET} if self._webhook else {"mode": "polling"}
        found = {"type": self._kind, **self._platform.settings(self._fake.told), **mode}
        if not self._webhook:
            found.pop("max_connections", None)
        return {self._kind: found}

    async def reach(self, addresses: Sequence[str]) -> None:
        """Share the webhook's requests among these processes."""
        if self._webhook and len(addresses) > 1:
            await self._fake.control("balance", processes=list(addresses))

    async def begin(self, load: Load, first_chat: int) -> None:
        """Let people write."""
        counts = await self._fake.control("counts")
        answers = (await self._fake.control("answers", since=self._since))["answers"]
        self._since = answers[-1][0] if answers else self._since
        self._before, self._seen_before = counts["offered"], counts["sent"]
        self._load, self._first = load, self._platform.first_chat + first_chat
        given = {"chats": load.chats, "texts": texts(load.period), "first_chat": self._first}
        if load.per_second:
            await self._fake.control("rate", per_second=load.per_second, seconds=load.seconds, **given)
        else:
            await self._fake.control("burst", messages=load.messages, **given)

    async def end(self) -> None:
        """Let nobody write any more."""
        await self._fake.control("hush")

    async def counts(self) -> Counts:
        """How far it is."""
        found = await self._fake.control("counts")
        return Counts(
            offered=found["offered"] - self._before,
            seen=found["sent"] - self._seen_before,
            running=found["load_running"],
        )

    async def log(self) -> tuple[Sequence[Offer], Sequence[Answer]]:
        """What the fake has written down."""
        written = (await self._fake.control("offered", since=self._before))["at"]
        seen = (await self._fake.control("answers", since=self._since))["answers"]
        load = self._load
        offers = [
            Offer(str(self._first + load.chat(number)), load.code(number), at)
            for number, at in enumerate(written)
        ]
        return offers, [Answer(chat, code_in(words), at) for _, chat, words, at in seen]
