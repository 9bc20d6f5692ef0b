"""The other side of a channel, as the checks drive it: what a person does there, and what a person sees."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar, Final

import orjson
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

Update = Mapping[str, Any]
"""One update as the platform sends it."""

_JSON: Final = {"Content-Type": "application/json"}
_OWN_TO_A_CONNECTION: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "content-encoding"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that the channel made. Header names are lower-case; `json` reads the body."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    target: str = ""
    """Path and query exactly as they came."""

    @property
    def json(self) -> Any:
        """The body as JSON. Raises `ValueError` if it is none."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What goes back to the channel."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def reply(data: Any, status: int = 200) -> Answered:
    """An answer in JSON."""
    return Answered(status=status, body=orjson.dumps(data), headers=_JSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button under a message; `token` is what a press sends back, empty for one that opens an address."""

    label: str
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message that reached a person: `text` is what they read, without markup where the platform shows none."""

    id: str
    chat: str
    text: str = field(repr=False)
    buttons: tuple[Button, ...] = ()


class Platform(ABC):
    """A platform in the hands of a test.

    `remote`: the channel reaches it by HTTP, at the address that the checks give to its settings. One that is not
    remote (a terminal, a page that the house serves itself) has no wire on which anything could go wrong. What a person
    does waits in a queue until the channel fetches it, or until `take` takes it out to be pushed.
    """

    remote: ClassVar[bool] = True

    async def open(self) -> None:  # noqa: B027 - many platforms have nothing to begin
        """Begin; called before the channel is made."""

    async def close(self) -> None:  # noqa: B027 - nor to end
        """End everything that `open` began."""

    @abstractmethod
    async def answer(self, asked: Asked) -> Answered:
        """Answer a request as the platform does when all is well."""

    @abstractmethod
    def put(self, update: Update) -> None:
        """Let exactly this update wait, whatever it looks like."""

    @abstractmethod
    def take(self) -> Sequence[Update]:
        """Take out what waits, oldest first; nothing for a platform that pushes to the subscribed address itself."""

    @abstractmethod
    def writes(self, chat: str, words: str) -> None:
        """Let the person of this private chat write a text."""

    @abstractmethod
    def sent(self) -> Sequence[Sent]:
        """Every message that reached somebody, oldest first, each as it looks now."""

    def refusal(self, status: int, delay: int | None = None) -> Answered:
        """How the platform itself refuses a call with this status, asking to wait `delay` seconds if that is given."""
        phrase = HTTPStatus(status).phrase
        headers = _JSON if delay is None else {**_JSON, "Retry-After": str(delay)}
        return Answered(status=status, body=orjson.dumps({"error": phrase}), headers=headers)

    def starts(self, chat: str) -> None:
        """Let the person start the bot, as the platform tells it (a command, an event)."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a person starts the bot in {chat}")

    def presses(self, button: Button, message: Sent) -> None:
        """Let the person press a button of a message."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how {button.label!r} is pressed: {message}"
        )

    def shows(self, chat: str) -> None:
        """Let the person send something that is not text (a picture, a voice message)."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a picture is sent to {chat}")

    def hands(self, chat: str, content: bytes) -> None:
        """Let the person send a file with this in it; asked of channels that are `Downloads`."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how {len(content)} bytes are sent to {chat}"
        )

    def loses_files(self) -> None:
        """Let the platform not have any more what people sent."""
        raise NotImplementedError(f"{type(self).__name__} does not say how files are lost")

    def hook(self, address: str) -> str:
        """The address to subscribe, when the house can be pushed to at `address`."""
        return address


class ScriptedPlatform(Platform):
    """A platform in a few lines: `answer` says what its addresses answer, `text` how its updates look.

    The rest is kept here: updates are numbered and wait in `waiting`, accepted messages are remembered by `accept`, and
    a long poll awaits `something`. `start`, `press` and `media` are written by platforms that have such things.
    """

    def __init__(self) -> None:
        self.waiting: list[Update] = []
        self.accepted: list[Sent] = []
        self._number = 0
        self._arrived = asyncio.Event()

    @abstractmethod
    def text(self, number: int, chat: str, words: str) -> Update:
        """The update of a text; `number` is different for every update."""

    def start(self, number: int, chat: str) -> Update:
        """The update of a person who starts the bot."""
        raise NotImplementedError(f"{type(self).__name__}.start is not written: {number}, {chat}")

    def press(self, number: int, button: Button, message: Sent) -> Update:
        """The update of a pressed button."""
        raise NotImplementedError(
            f"{type(self).__name__}.press is not written: {number}, {button}, {message}"
        )

    def media(self, number: int, chat: str) -> Update:
        """The update of a picture, or of whatever else is not text there."""
        raise NotImplementedError(f"{type(self).__name__}.media is not written: {number}, {chat}")

    def accept(self, chat: str, text: str, buttons: Sequence[Button] = ()) -> Sent:
        """Remember a message that the platform accepts; gives it with its new id."""
        one = Sent(id=f"m{len(self.accepted) + 1}", chat=chat, text=text, buttons=tuple(buttons))
        self.accepted.append(one)
        return one

    async def something(self, seconds: float) -> None:
        """Return as soon as an update waits, or after so many seconds."""
        if not self.waiting and seconds > 0:
            self._arrived.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._arrived.wait()
            except TimeoutError:
                pass

    def put(self, update: Update) -> None:
        """Let an update wait, and end a long poll."""
        self.waiting.append(update)
        self._arrived.set()

    def take(self) -> Sequence[Update]:
        """Take out what waits."""
        taken, self.waiting = self.waiting, []
        return taken

    def writes(self, chat: str, words: str) -> None:
        """Let a text wait."""
        self.put(self.text(self._next(), chat, words))

    def starts(self, chat: str) -> None:
        """Let a start wait."""
        self.put(self.start(self._next(), chat))

    def presses(self, button: Button, message: Sent) -> None:
        """Let a press wait."""
        self.put(self.press(self._next(), button, message))

    def shows(self, chat: str) -> None:
        """Let a picture wait."""
        self.put(self.media(self._next(), chat))

    def sent(self) -> Sequence[Sent]:
        """What was accepted."""
        return tuple(self.accepted)

    def _next(self) -> int:
        self._number += 1
        return self._number


class ServerPlatform(Platform):
    """A platform whose answers come from a server of its own, such as a strict fake: requests are passed on to it.

    `address` is where that server is. What people do there is written by the subclass with the server's own means.
    """

    def __init__(self) -> None:
        self._session: ClientSession | None = None
        self._known_as = ""

    @property
    @abstractmethod
    def address(self) -> str:
        """Where the server is, without a slash at the end."""

    async def open(self) -> None:
        """Get ready to pass requests on; a subclass starts its server before or after."""
        self._session = ClientSession(
            connector=TCPConnector(limit=0),
            timeout=ClientTimeout(total=None),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close the connections to the server."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def answer(self, asked: Asked) -> Answered:
        """Pass a request on, and its answer back."""
        if self._session is None:
            raise RuntimeError("the platform is not open")
        self._known_as = f"http://{asked.headers['host']}" if "host" in asked.headers else self._known_as
        headers = {k: v for k, v in asked.headers.items() if k not in _OWN_TO_A_CONNECTION}
        async with self._session.request(
            asked.method, self.address + asked.target, data=asked.body, headers=headers, allow_redirects=False
        ) as response:
            kept = {k: v for k, v in response.headers.items() if k.lower() not in _OWN_TO_A_CONNECTION}
            body = self.as_seen(await response.read())
            return Answered(status=response.status, body=body, headers=kept)

    def as_seen(self, body: bytes) -> bytes:
        """The same with the server's address as the channel knows it: it may name its files by that."""
        known_as = self._known_as or self.address
        return body.replace(self.address.encode(), known_as.encode())
