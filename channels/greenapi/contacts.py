"""Finds the chat of a phone number, and remembers it: the messengers watch for mass look-ups."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from channels.errors import Rejected, RetryLater
from channels.greenapi.answers import require
from channels.greenapi.chats import is_chat_id, known_to_max, phone_digits
from channels.greenapi.client import GreenClient
from channels.greenapi.spec import Network
from channels.phrase import phrase

_REMEMBERED = 10_000
_DEAD_FOR = timedelta(hours=24)
_ALIVE_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Known:
    chat_id: str | None
    until: datetime


class Contacts:
    """Chats by phone number, for one instance. A number without an account is not asked about again for a day."""

    def __init__(self, client: GreenClient, network: Network, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._network = network
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def check(self, phone: str, *, force: bool = False) -> str | None:
        """Give the chat of a phone number in any human form, None if it has no account here.

        Raises by reaction; `Rejected` for what is no phone number, and for one that MAX cannot know. `force` asks the
        messenger itself, but never twice within the time that an answer is remembered.
        """
        digits = phone_digits(phone)
        if digits is None:
            raise Rejected(
                phrase(
                    "green_api.no_phone",
                    "this is not a phone number; write it with its country code, like +7 900 123-45-67",
                )
            )
        if self._network is Network.MAX and not known_to_max(digits):
            raise Rejected(
                phrase(
                    "green_api.foreign_phone", "MAX looks up Russian (+7) and Belarusian (+375) numbers only"
                )
            )
        known = self._known.get(digits)
        if known is not None and known.until > self._clock():
            return known.chat_id
        chat_id = await self._ask(digits, force=force)
        lasts = _DEAD_FOR if chat_id is None else _ALIVE_FOR
        self._known[digits] = _Known(chat_id, self._clock() + lasts)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return chat_id

    async def chat(self, phone_or_chat: str) -> str:
        """Give the chat to write to: an id as it is, a phone number by its account.

        MAX numbers are looked up, because a message to the number itself splits the talk in two; a WhatsApp id is made
        of the number. Raises `Rejected` if nobody has an account under this number.
        """
        given = phone_or_chat.strip()
        if is_chat_id(given, self._network):
            return given
        if self._network is Network.WHATSAPP:
            digits = phone_digits(given)
            if digits is None:
                raise Rejected(
                    phrase(
                        "green_api.neither_phone_nor_chat",
                        "this is neither a phone number nor a WhatsApp chat id",
                    )
                )
            return f"{digits}@c.us"
        chat_id = await self.check(given.removesuffix("@c.us"))
        if chat_id is None:
            raise Rejected(
                phrase("green_api.nobody_in_max", "nobody has an account in MAX under this phone number")
            )
        return chat_id

    async def _ask(self, digits: str, *, force: bool) -> str | None:
        if self._network is Network.WHATSAPP:
            found = await self._client.post("checkWhatsapp", {"phoneNumber": int(digits)})
            found = require(found, "status")
            return f"{digits}@c.us" if _flag(found, "existsWhatsapp") else None
        body: dict[str, Any] = {"phoneNumber": int(digits)}
        if force:
            body["force"] = True
        found = require(await self._client.post("checkAccount", body), "status")
        if not _flag(found, "exist"):
            return None
        chat_id = found.get("chatId")
        if not isinstance(chat_id, str | int) or isinstance(chat_id, bool) or not str(chat_id):
            raise RetryLater(
                phrase(
                    "green_api.account_without_chat",
                    "GREEN-API says that the account exists and names no chat for it",
                )
            )
        return str(chat_id)


def _flag(found: Any, name: str) -> bool:
    value = found.get(name)
    if not isinstance(value, bool):
        raise RetryLater(
            phrase(
                "green_api.account_unknown",
                "GREEN-API's answer does not say whether the account exists ({name} is missing)",
                name=name,
            )
        )
    return value
