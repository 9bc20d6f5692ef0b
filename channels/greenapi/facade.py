"""Sends messages from a program that knows nothing of event loops: three lines, and it waits until they are done."""

from __future__ import annotations

import asyncio
import mimetypes
import threading
import weakref
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from channels.body import text_body
from channels.capabilities import DialectName
from channels.contract import ChannelContext
from channels.errors import Misconfigured, Rejected
from channels.greenapi.channel import GreenApiChannel
from channels.greenapi.chats import ChatKind, kind_of_chat
from channels.greenapi.spec import GreenApiSettings, Network
from channels.model import ChatRef, Media, MediaKind, Outbound
from channels.phrase import phrase
from channels.render import render, split_outbound

T = TypeVar("T")

_KINDS = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
_STOP_SECONDS = 10.0


class GreenApi:
    """One GREEN-API instance for a program without an event loop.

    Every call waits until the gateway has queued the message and gives its id; whether it arrived is told later, in the
    journal of the instance. The errors are those of `channels.errors`: what to do next is their name. Nothing is sent
    while nobody is logged in, because it would pile up at the gateway and leave a day later.

    The calls run on a loop of their own in a thread of their own, made at the first call. So they also work inside a
    running loop, which stands still meanwhile (use `asyncio.to_thread` there), and from several threads.

    Raises `Misconfigured` for credentials that cannot be right.
    """

    def __init__(
        self,
        *,
        id_instance: str | int,
        api_token_instance: str,
        api_url: str,
        network: str = "max",
        media_url: str | None = None,
        **more: Any,
    ) -> None:
        try:
            settings = GreenApiSettings(
                id_instance=id_instance,
                api_token_instance=api_token_instance,
                api_url=api_url,
                network=network,
                media_url=media_url or "",
                **more,
            )
        except ValidationError as error:
            raise Misconfigured(_problems(error)) from None
        self._network: Network = settings.network
        self._worker = _Worker(settings)
        # A program that forgets `close` still leaves no open connection behind.
        self._finalizer = weakref.finalize(self, self._worker.stop)

    def send_text(self, phone_or_chat: str, text: str) -> str:
        """Send `text` as it is and give the message's id; a long text goes as several, the id is the last one's.

        A phone number is taken in any human form and looked up once (MAX), because the bare number would be another
        person's chat. If a later part of a long text fails, the earlier ones are out.
        """
        return self._worker.run(self._worker.send(phone_or_chat, text))

    def send_text_to_group(self, group: str, text: str) -> str:
        """Send `text` to a group (MAX: a negative number, WhatsApp: `…@g.us`) and give the message's id."""
        if kind_of_chat(str(group).strip()) is not ChatKind.GROUP:
            raise Rejected(
                phrase(
                    "green_api.no_group",
                    "this is not the id of a group: those of MAX begin with -, those of WhatsApp end in @g.us",
                )
            )
        return self.send_text(group, text)

    def send_file(self, phone_or_chat: str, path_or_url: str, caption: str = "") -> str:
        """Send a file of at most 100 MB and give the id of its message.

        A local file is uploaded, an address is fetched by the gateway. Captions stand under pictures and videos; the
        text of another file goes before it as a message of its own.
        """
        return self._worker.run(self._worker.send(phone_or_chat, caption, _media(str(path_or_url))))

    def close(self) -> None:
        """Close the connections and end the thread; may be called twice, a later call begins anew."""
        self._worker.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"GreenApi({self._network.value})"


class _Worker:
    """Owns the thread, its loop and the channel that lives on it."""

    def __init__(self, settings: GreenApiSettings) -> None:
        self._settings = settings
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._channel = GreenApiChannel(
            settings, ChannelContext(instance="green", clock=lambda: datetime.now(UTC))
        )
        # A program's text is sent as it is: nothing in it is a mark of ours.
        self._limits = replace(self._channel.capabilities, dialect=DialectName.PLAIN)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run `call` on the loop of the thread and wait for it."""
        future = asyncio.run_coroutine_threadsafe(call, self._running_loop())
        try:
            return future.result()
        finally:
            future.cancel()  # the program was interrupted while it waited; else this does nothing

    async def send(self, phone_or_chat: str, text: str, media: Media | None = None) -> str:
        """Send one message in as many parts as it takes; gives the id of the file's part, or of the last one."""
        chat = ChatRef(channel="green", chat_id=await self._channel.contacts.chat(str(phone_or_chat)))
        message = Outbound(chat=chat, body=text_body(text), media=() if media is None else (media,))
        try:
            parts = split_outbound(message, self._limits)
        except ValueError as error:
            raise Rejected(str(error)) from error
        sent = ""
        file_sent = ""
        for part in parts:
            rendered = render(part, self._limits)
            receipt = await self._channel.deliver(rendered)
            sent = receipt.external_ids[-1]
            if rendered.media:
                file_sent = sent
        return file_sent or sent

    def stop(self) -> None:
        """Close the channel, end the loop and the thread."""
        with self._starting:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._channel.close(), loop).result(_STOP_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_STOP_SECONDS)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="green-api", daemon=True
                )
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


def _media(path_or_url: str) -> Media:
    is_address = path_or_url.partition("://")[0].lower() in {"http", "https"}
    name = PurePath(unquote(urlsplit(path_or_url).path) if is_address else path_or_url).name
    mime = mimetypes.guess_type(name)[0] or ""
    kind = _KINDS.get(mime.partition("/")[0], MediaKind.FILE)
    if is_address:
        return Media(kind=kind, url=path_or_url, name=name, mime=mime)
    return Media(kind=kind, path=path_or_url, name=name, mime=mime)


def _problems(error: ValidationError) -> str:
    """Say what is wrong with the credentials without a value: the token is among them."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'settings'}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_input=False, include_context=False, include_url=False)
    )
