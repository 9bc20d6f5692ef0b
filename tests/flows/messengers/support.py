"""A bot in one messenger with a FreeScout behind it: what the customer sees, and what stands in the ticket."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from channels.testing.green_server import GreenServer
from channels.testing.max_server import MaxServer
from channels.testing.telegram_server import TelegramServer
from optfm_bot.app import App
from optfm_bot.testing.freescout_server import FreeScoutServer
from optfm_bot.testing.freescout_server.world import Conversation, Thread, words
from tests.flows.messengers.town import (
    InGreen,
    InGreenMax,
    InMax,
    InTelegram,
    Talker,
    eventually,
    quick,
)

RunApp = Callable[[Path, Mapping[str, Any]], AbstractAsyncContextManager[App]]
File = tuple[str, bytes]
"""The name of a file and what is in it."""

PHOTO = b"\xff\xd8\xff the photo of a pump"
TRACK = b"%PDF the way of a parcel"


class Customer(Talker):
    """Somebody in one messenger who also sends pictures, gets files, and may leave."""

    @abstractmethod
    async def sends_photo(self, caption: str) -> None:
        """Send the photo."""

    @abstractmethod
    def files(self) -> list[File]:
        """Every file that the bot has sent here."""

    @abstractmethod
    async def leaves(self) -> None:
        """Be out of reach for the bot from now on; where a platform tells that, it tells."""


class TelegramCustomer(InTelegram, Customer):
    """A customer in Telegram."""

    async def sends_photo(self, caption: str) -> None:
        self._server.push.photo(chat=11, words=caption, content=PHOTO)

    def files(self) -> list[File]:
        stored = [self._server.world.files.get(one.file_id or "") for one in self._server.sent_to(11)]
        return [(one.path, one.content or b"") for one in stored if one is not None]

    async def leaves(self) -> None:
        self._server.set_standing(11, "blocked")


class MaxCustomer(InMax, Customer):
    """A customer in MAX."""

    async def sends_photo(self, caption: str) -> None:
        self._server.push.photo(chat=21, words=caption, content=PHOTO)

    def files(self) -> list[File]:
        tokens = [one["payload"]["token"] for sent in self._server.sent_to(21) for one in sent.attachments]
        stored = [self._server.world.uploads[token] for token in tokens]
        return [(one.name, one.content or b"") for one in stored]

    async def leaves(self) -> None:
        self._server.set_standing(21, "suspended")


class GreenCustomer(InGreen, Customer):
    """A customer through GREEN-API, which takes everything and tells later what became of it."""

    def is_told_of_late(self, status: str) -> None:
        """Tell what became of the last message."""
        last = next(one for one in reversed(self.account.sent) if one.chat_id == self.chat)
        self.account.push.status(status, chat=self.chat, message_id=last.message_id)

    async def sends_photo(self, caption: str) -> None:
        self.account.push.file("photo.jpg", chat=self.chat, words=caption, content=PHOTO)

    def files(self) -> list[File]:
        stored = self.account.book.files
        sent = [one for one in self.account.sent if one.chat_id == self.chat and one.file_url]
        return [
            (
                one.file_name,
                next(file.content for path, file in stored.items() if one.file_url.endswith(path)),
            )
            for one in sent
        ]

    async def leaves(self) -> None:
        self.is_told_of_late("noAccount")


class WhatsAppCustomer(GreenCustomer):
    """A customer in WhatsApp, through GREEN-API."""


class GreenMaxCustomer(InGreenMax, GreenCustomer):
    """A customer in MAX, through GREEN-API."""


class Support:
    """The agents' side: FreeScout, and what the house has brought there."""

    def __init__(self, app: App, desk: FreeScoutServer, customer: Customer) -> None:
        self.app = app
        self.desk = desk
        self.agents = desk.agents
        self.customer = customer

    @property
    def ticket(self) -> Conversation:
        """The only ticket there is."""
        (found,) = self.desk.world.conversations.values()
        return found

    def threads(self) -> list[tuple[str, str, list[File]]]:
        """The ticket word for word: who, what and which files, oldest first, without lines that changes leave."""
        return [_shown(thread) for thread in self.ticket.threads if thread.type != "lineitem"]

    def said(self) -> list[tuple[str, str]]:
        """The same without files."""
        return [(kind, text) for kind, text, _ in self.threads()]

    async def hears(self, kind: str, text: str) -> None:
        """Wait until the last entry of the ticket is this one."""
        await eventually(
            lambda: len(self.desk.world.conversations) > 0 and self.said()[-1:] == [(kind, text)],
            f"the ticket ends with {kind} {text!r}",
        )

    async def called(self) -> None:
        """Wait until there is a ticket, with everything that is known of the talk."""
        await eventually(lambda: len(self.desk.world.conversations) > 0, "there is a ticket")
        await self.calm()

    async def hooks(self, **how: Any) -> None:
        """Let FreeScout send its webhooks; all are taken."""
        statuses = await self.desk.deliver_webhooks(everything=True, **how)
        assert all(200 <= status < 300 for status in statuses), statuses

    async def calm(self) -> None:
        """Wait until the house has done everything that it knows of."""
        await self.app.house.idle()


def _shown(thread: Thread) -> tuple[str, str, list[File]]:
    return thread.type, words(thread.body or ""), [(file.name, file.data) for file in thread.files]


CUSTOMERS = ("telegram", "max", "whatsapp", "green")


@asynccontextmanager
async def with_support(
    messenger: str,
    folder: Path,
    run_app: RunApp,
    *,
    hooked: bool = True,
    desk: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Support]:
    """A bot in that messenger with FreeScout behind it, told of changes by webhooks or asking each second."""
    async with AsyncExitStack() as stack:
        freescout = await stack.enter_async_context(FreeScoutServer(undo=0.0))
        channel, customer = await _MESSENGERS[messenger](stack)
        about: dict[str, Any] = {
            "type": "freescout",
            "url": freescout.base_url,
            "api_key": freescout.api_key,
            "mailbox_id": 2,
            "undo_seconds": 0,
            "poll_seconds": 3600 if hooked else 1,
            **({"webhook_secret": freescout.webhook_secret} if hooked else {}),
            **(desk or {}),
        }
        app = await stack.enter_async_context(
            run_app(
                folder,
                {
                    "server": {"port": 0},
                    "channels": {messenger: channel},
                    "conversation": {"join_window": 0},
                    "helpdesk": {"desk": about},
                    **settings,
                },
            )
        )
        if hooked:
            freescout.subscribe(f"{app.addresses()[-1].url.rstrip('/')}/desk/webhook")
        yield Support(app, freescout, customer)
        assert freescout.refused_keys == 0


def telegram_settings(server: TelegramServer) -> dict[str, Any]:
    """The channel of that bot, with what sends files at hand."""
    importlib.import_module(
        "channels.telegram.aiogram_api"
    )  # takes seconds, which nobody shall wait for in a talk
    return {"token": server.token, "api_base": server.base_url, "poll_timeout": 1}


async def _telegram(stack: AsyncExitStack) -> tuple[dict[str, Any], Customer]:
    server = await stack.enter_async_context(TelegramServer())
    return telegram_settings(server), TelegramCustomer(server)


async def _max(stack: AsyncExitStack) -> tuple[dict[str, Any], Customer]:
    server = await stack.enter_async_context(MaxServer())
    settings = {"token": server.token, "api_base": server.base_url, "poll_timeout": 1}
    return settings, MaxCustomer(server)


async def _green(
    stack: AsyncExitStack, network: str, made: Callable[[GreenServer], Customer]
) -> tuple[dict[str, Any], Customer]:
    server = await stack.enter_async_context(GreenServer(network=network, pace=quick()))
    server.instance.listen()
    settings = {
        "type": "green_api",
        "network": network,
        "api_url": server.api_url,
        "media_url": server.media_url,
        "id_instance": server.instance.id,
        "api_token_instance": server.instance.token,
    }
    return settings, made(server)


async def _whatsapp(stack: AsyncExitStack) -> tuple[dict[str, Any], Customer]:
    return await _green(stack, "whatsapp", WhatsAppCustomer)


async def _green_max(stack: AsyncExitStack) -> tuple[dict[str, Any], Customer]:
    return await _green(stack, "max", GreenMaxCustomer)


_MESSENGERS = {"telegram": _telegram, "max": _max, "whatsapp": _whatsapp, "green": _green_max}
