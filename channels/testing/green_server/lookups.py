"""The methods that look things up: journals, marks, people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from channels.testing.green_server import notices
from channels.testing.green_server.account import Account
from channels.testing.green_server.book import Book, Message
from channels.testing.green_server.faults import Tariff
from channels.testing.green_server.fields import MAX
from channels.testing.green_server.refusal import NOT_READY, Refusal, invalid

Given = Mapping[str, Any]
DAY: Final = 1440
DEFAULT_COUNT: Final = 100
MONTHS: Final = 90 * 24 * 3600.0
"""How far back MAX gives its journals."""


class Journals:
    """What was written in one account. `lag` is how many seconds a journal is behind."""

    def __init__(self, *, book: Book, account: Account, clock: Callable[[], float]) -> None:
        self.book = book
        self.account = account
        self.clock = clock
        self.lag = 0.0

    @property
    def handlers(self) -> Mapping[str, Callable[[Given], Any]]:
        """The methods that are answered here."""
        return {
            "getChatHistory": self._history,
            "getMessage": self._message,
            "lastIncomingMessages": lambda given: self._last(given, outgoing=False),
            "lastOutgoingMessages": lambda given: self._last(given, outgoing=True),
            "getChats": self._chats,
            "readChat": self._read,
        }

    def _visible(self, found: Iterable[Message], since: float) -> list[Message]:
        until = self.clock() - self.lag
        return [one for one in found if since <= one.at <= until]

    def _rows(self, found: Iterable[Message]) -> list[dict[str, Any]]:
        newest_first = sorted(found, key=lambda one: one.at, reverse=True)
        return [notices.journal_row(self.book, one) for one in newest_first]

    def _history(self, given: Given) -> list[dict[str, Any]]:
        found = self._visible(self.book.chats.get(given["chatId"], ()), self.clock() - MONTHS)
        return self._rows(found)[: given.get("count", DEFAULT_COUNT)]

    def _message(self, given: Given) -> dict[str, Any]:
        found = self.book.find(given["chatId"], given["idMessage"])
        if found is None or not self._visible([found], 0.0):
            raise Refusal(400, "message not found")
        return notices.journal_row(self.book, found)

    def _last(self, given: Given, *, outgoing: bool) -> list[dict[str, Any]]:
        minutes = _positive("minutes", given.get("minutes", DAY))
        every = (one for chat in self.book.chats.values() for one in chat if one.outgoing is outgoing)
        return self._rows(self._visible(every, self.clock() - minutes * 60))

    def _chats(self, given: Given) -> list[dict[str, Any]]:
        rows = []
        for chat in self.book.chats:
            person = self.book.people.get(chat)
            row: dict[str, Any] = {"chatId": chat, "phoneNumber": person.phone if person else 0}
            if self.book.network != MAX:
                row = {
                    "id": chat,
                    "name": person.name if person else "",
                    "type": "user" if person else "group",
                }
            rows.append(row)
        return rows[: _positive("count", given.get("count", len(rows) or 1))]

    def _read(self, given: Given) -> dict[str, Any]:
        chat, last = given["chatId"], given.get("idMessage")
        incoming = [one for one in self.book.chats.get(chat, ()) if not one.outgoing]
        if last is not None and last not in [one.id for one in incoming]:
            raise Refusal(400, "message not found")
        if self.account.settings["incomingWebhook"] != "yes":
            return {"setRead": False}
        for one in incoming:
            if last is None or self.book.network == MAX or one.id == last:
                one.read = True
            if one.id == last:
                break
        self.book.reads.append((chat, last or ""))
        return {"setRead": True}


class People:
    """Who is there. Every look-up counts: MAX watches for people who make many."""

    def __init__(self, *, book: Book, account: Account, tariff: Tariff) -> None:
        self.book = book
        self.account = account
        self.tariff = tariff
        self._checked: set[int] = set()

    @property
    def handlers(self) -> Mapping[str, Callable[[Given], Any]]:
        """The methods that are answered here."""
        return {
            "checkAccount": self._check_account,
            "checkWhatsapp": self._check_whatsapp,
            "getContactInfo": self._info,
            "getContacts": self._contacts,
            "getAvatar": self._avatar,
        }

    def _check_account(self, given: Given) -> dict[str, Any]:
        if not self.account.connected:
            raise Refusal(400, NOT_READY, body={"status": False, "reason": NOT_READY})
        phone = given["phoneNumber"]
        cached = phone in self._checked and not given.get("force", False)
        if not cached:
            self.tariff.check("checkAccount")
            self._checked.add(phone)
        person = next((one for one in self.book.people.values() if one.phone == phone), None)
        return {"exist": person is not None, "chatId": person.id if person else "", "fromCache": cached}

    def _check_whatsapp(self, given: Given) -> dict[str, Any]:
        if not self.account.connected:
            raise Refusal(400, NOT_READY)
        if "phoneNumber" not in given and "chatId" not in given:
            raise invalid("'phoneNumber' is required")
        self.tariff.check("checkWhatsapp")
        chat = given.get("chatId") or f"{given['phoneNumber']}@c.us"
        return {"existsWhatsapp": chat in self.book.people}

    def _info(self, given: Given) -> dict[str, Any]:
        chat = given["chatId"]
        self.tariff.look_up()
        person = self.book.people.get(chat)
        if self.book.is_group(chat) or person is None:
            raise Refusal(400, "chatId is not a person")
        found: dict[str, Any] = {
            "avatar": person.avatar,
            "name": person.name,
            "contactName": person.contact_name,
            "chatId": person.id,
            "lastSeen": None,
        }
        if self.book.network == MAX:
            return found | {"chatType": "bot" if person.is_bot else "user", "phoneNumber": person.phone}
        return found | {"email": "", "category": "", "description": "", "products": [], "isArchive": False}

    def _contacts(self, given: Given) -> list[dict[str, Any]]:
        name = "chatId" if self.book.network == MAX else "id"
        rows: list[dict[str, Any]] = [
            {
                name: one.id,
                "name": one.name,
                "contactName": one.contact_name,
                "type": "user",
                **({"phoneNumber": one.phone} if self.book.network == MAX else {}),
            }
            for one in self.book.people.values()
            if one is not self.book.own
        ]
        if given.get("group") != "false":
            rows += [
                {name: one.id, "name": one.name, "contactName": "", "type": "group"}
                for one in self.book.groups.values()
            ]
        if given.get("group") == "true":
            rows = [one for one in rows if one["type"] == "group"]
        return rows[: _positive("count", given.get("count", len(rows) or 1))]

    def _avatar(self, given: Given) -> dict[str, Any]:
        person = self.book.people.get(given["chatId"])
        found: dict[str, Any] = {"urlAvatar": person.avatar if person else ""}
        if self.book.network == MAX:
            return found
        return found | {"existsWhatsapp": person is not None, "reason": "" if person else "bad_request_data"}


def _positive(name: str, value: Any) -> int:
    try:
        found = int(value)
    except (TypeError, ValueError):
        found = 0
    if found < 1:
        raise invalid(f"'{name}' must be a positive number")
    return found
