"""Names that tie mails together: the code of a ticket, the Message-ID of what we send, the mark in a subject. Pure.

A ticket's code is worked out from the key of its draft, a Message-ID from the code and the key of the message. So
every attempt at the same mail has the same names, and a mail is found again by them without a record of ours.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

_CODE = r"[a-z2-7]{10}"
_CODES = re.compile(_CODE)
_IDS = re.compile(r"<[^<>\s]{1,300}>")
_MARKS = re.compile(rf"\[#({_CODE})\]", re.IGNORECASE)
ROOT = "ticket"
"""What stands in the Message-ID of the mail that opens a ticket, where others have a digest of their key."""


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of one mailbox: `address` is its own, so two mailboxes never share a code."""

    address: str

    @property
    def domain(self) -> str:
        """What stands behind the @ of our Message-IDs."""
        return self.address.rpartition("@")[2].lower()

    def code(self, key: str) -> str:
        """The code of the ticket that a draft with this key opens: ten letters and digits."""
        digest = hashlib.sha256(f"{self.address.lower()}\n{key}".encode()).digest()
        return base64.b32encode(digest)[:10].decode().lower()

    def root(self, code: str) -> str:
        """The Message-ID of the mail that opens a ticket."""
        return f"<{code}.{ROOT}@{self.domain}>"

    def message_id(self, code: str, key: str) -> str:
        """The Message-ID of a later mail of ours in a ticket."""
        return f"<{code}.{hashlib.sha256(key.encode()).hexdigest()[:16]}@{self.domain}>"

    def code_of(self, message_id: str) -> str | None:
        """The ticket that a Message-ID of ours belongs to; None if it is not ours."""
        found = re.fullmatch(
            rf"<({_CODE})\.(?:{ROOT}|[0-9a-f]{{16}})@{re.escape(self.domain)}>",
            message_id.strip(),
            re.IGNORECASE,
        )
        return found[1].lower() if found else None


def is_code(text: str) -> bool:
    """Whether a text looks like the code of a ticket."""
    return _CODES.fullmatch(text) is not None


def mark(code: str) -> str:
    """What stands in the subject: `[#code]`."""
    return f"[#{code}]"


def marked(text: str) -> str | None:
    """The code in the first mark of a text, or None."""
    found = _MARKS.search(text)
    return found[1].lower() if found else None


def message_ids(header: str) -> list[str]:
    """The Message-IDs in a header like References, in their order."""
    return _IDS.findall(header)


def thread_of(message_id: str) -> str:
    """Our id of a mail: short, and without what other people's programs write into a Message-ID."""
    return hashlib.sha256(message_id.strip().encode("utf-8", "replace")).hexdigest()[:24]
