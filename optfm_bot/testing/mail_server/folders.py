"""What a mailbox keeps: folders of mails, each with a number that is never given again, and searching among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header


class SearchError(ValueError):
    """A search that RFC 3501 does not know, or this server."""


@dataclass(slots=True)
class Stored:
    """A mail in a folder."""

    uid: int
    at: datetime
    data: bytes = field(repr=False)
    flags: set[str] = field(default_factory=set)

    @property
    def head(self) -> bytes:
        """The header with the empty line behind it."""
        head, found, _ = self.data.partition(b"\r\n\r\n")
        return head + found

    def header(self, name: str) -> str:
        """Every header of that name, encoded words read."""
        values = message_from_bytes(self.data).get_all(name, [])
        return "\n".join(str(make_header(decode_header(str(value)))) for value in values)


class Folder:
    """One folder. `validity` changes when the numbers are given anew."""

    def __init__(self, validity: int = 1) -> None:
        self.validity = validity
        self.next_uid = 1
        self.mails: list[Stored] = []

    def add(self, data: bytes, at: datetime, flags: Sequence[str] = ()) -> Stored:
        """Put a mail behind the others."""
        stored = Stored(self.next_uid, at, data, set(flags))
        self.next_uid += 1
        self.mails.append(stored)
        return stored

    def renumber(self) -> None:
        """Give every mail a new number, as a server does that was restored from a copy."""
        self.validity += 1
        self.next_uid = 1
        for mail in self.mails:
            mail.uid, self.next_uid = self.next_uid, self.next_uid + 1

    def within(self, numbers: str) -> list[Stored]:
        """The mails of a set like `1,4:*`; by the standard `9:*` has the last mail, however small its number is."""
        last = self.mails[-1].uid if self.mails else 0
        wanted: set[int] = set()
        for part in numbers.split(","):
            low, _, high = part.partition(":")
            ends = [last if end == "*" else _positive(end) for end in (low, high or low)]
            wanted |= {mail.uid for mail in self.mails if min(ends) <= mail.uid <= max(ends)}
        return [mail for mail in self.mails if mail.uid in wanted]

    def search(self, words: Sequence[str]) -> list[int]:
        """The numbers of the mails that fit all keys. Raises `SearchError`."""
        rest = list(words)
        found = self.mails
        while rest:
            fitting = self._key(rest)
            found = [mail for mail in found if mail in fitting]
        return [mail.uid for mail in found]

    def _key(self, rest: list[str]) -> list[Stored]:
        key = _taken(rest).upper()
        match key:
            case "NOT":
                without = self._key(rest)
                return [mail for mail in self.mails if mail not in without]
            case "OR":
                one, other = self._key(rest), self._key(rest)
                return [mail for mail in self.mails if mail in one or mail in other]
            case "UID":
                return self.within(_taken(rest))
            case "SUBJECT" | "HEADER":
                name = key if key == "SUBJECT" else _taken(rest)
                return self._with(name, _taken(rest))
            case "SINCE":
                day = datetime.strptime(_taken(rest), "%d-%b-%Y").replace(tzinfo=UTC).date()
                return [mail for mail in self.mails if mail.at.date() >= day]
            case "ALL" | "SEEN" | "UNSEEN":
                return [
                    mail for mail in self.mails if key == "ALL" or (r"\Seen" in mail.flags) is (key == "SEEN")
                ]
        raise SearchError(f"unknown key {key}")

    def _with(self, name: str, value: str) -> list[Stored]:
        return [mail for mail in self.mails if value.lower() in mail.header(name).lower()]


@dataclass(slots=True)
class Account:
    """Somebody's mailbox. `password` may change while the server runs."""

    address: str
    password: str = field(repr=False)
    folders: dict[str, Folder] = field(default_factory=lambda: {"INBOX": Folder()})

    @property
    def inbox(self) -> Folder:
        """Where mail arrives."""
        return self.folders["INBOX"]


def _taken(rest: list[str]) -> str:
    if not rest:
        raise SearchError("a value is missing")
    return rest.pop(0)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise SearchError(f"not a number of a mail: {text}")
    return int(text)
