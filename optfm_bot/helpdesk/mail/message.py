"""Mails that we write: what a customer said, a note for the staff, the end of a talk. Pure."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum

from channels.errors import TooLarge
from channels.phrase import phrase
from optfm_bot.helpdesk.contract import DeskFile, DeskMessage, TicketDraft
from optfm_bot.helpdesk.mail.naming import Naming, mark
from optfm_bot.i18n.catalogue import Catalogue

KIND = "X-OptFM-Kind"
"""The header that says what a mail of ours is, for filters of mail programs and for ourselves."""

_SUBJECT = 150
# Seven bits pass through every server; long lines keep the parser of the standard library from encoding an id.
_POLICY = SMTP.clone(cte_type="7bit", max_line_length=400)
_WHITE = re.compile(r"\s+")
_UNSENDABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_MIME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")


class Kind(StrEnum):
    """What a mail of ours is."""

    TICKET = "ticket"
    CUSTOMER = "customer"
    NOTE = "note"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What all our mails have in common. `words` are the bot's own, with what the owner has put in their place."""

    address: str
    to: str
    name: str = ""
    language: str = "ru"
    file_limit: int
    words: Catalogue = field(default_factory=Catalogue.load)

    @property
    def naming(self) -> Naming:
        """The names of this mailbox."""
        return Naming(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail that is ready to leave. `refused` names the files that had no room in it."""

    message_id: str
    subject: str = field(repr=False)
    data: bytes = field(repr=False)
    refused: tuple[str, ...] = ()


def ticket_letter(head: Letterhead, draft: TicketDraft, at: datetime) -> Letter:
    """The mail that opens a ticket: who the customer is, and what they wrote. Raises `TooLarge`."""
    words, customer = head.words, draft.customer
    known = (
        ("who", customer.name),
        ("channel", customer.channel),
        ("phone", customer.phone),
        ("email", customer.email),
    )
    about = [
        f"{words.label(f'helpdesk.mail.{key}', head.language)}: {_one_line(value)}"
        for key, value in known
        if value
    ]
    code = head.naming.code(draft.key)
    return _letter(
        head,
        code=code,
        message_id=head.naming.root(code),
        subject=subject_of(code, draft.subject),
        kind=Kind.TICKET,
        text="\n\n".join(part for part in (draft.message.text, "\n".join(about)) if part),
        files=draft.message.files,
        at=at,
    )


def message_letter(
    head: Letterhead, code: str, subject: str, message: DeskMessage, kind: Kind, at: datetime
) -> Letter:
    """A later mail in a ticket: the customer's words, or a note. Raises `TooLarge`."""
    return _letter(
        head,
        code=code,
        message_id=head.naming.message_id(code, message.key),
        subject=f"Re: {subject}",
        kind=kind,
        text=message.text,
        files=message.files,
        at=at,
    )


def closing_letter(head: Letterhead, code: str, subject: str, at: datetime) -> Letter:
    """The mail that says that the customer needs nobody any more."""
    return _letter(
        head,
        code=code,
        message_id=head.naming.message_id(code, f"closed {at.isoformat()}"),
        subject=f"Re: {subject}",
        kind=Kind.CLOSED,
        text="",
        files=(),
        at=at,
    )


def subject_of(code: str, subject: str) -> str:
    """The subject of a ticket: its mark, and what it is about in one line."""
    return f"{mark(code)} {_one_line(subject)}".strip()[:_SUBJECT]


def _letter(
    head: Letterhead,
    *,
    code: str,
    message_id: str,
    subject: str,
    kind: Kind,
    text: str,
    files: Sequence[DeskFile],
    at: datetime,
) -> Letter:
    naming, words = head.naming, head.words
    taken, refused = _fitting(files, head.file_limit)
    # The first line has the mark: wherever it stands in an answer, quoted mail begins.
    parts = [f"{_one_line(words.label(f'helpdesk.mail.{kind}', head.language))} · {mark(code)}"]
    if text.strip():
        parts.append(_UNSENDABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    if refused:
        parts.append(f"{words.label('helpdesk.mail.refused', head.language)}: {', '.join(refused)}")
    if kind is Kind.TICKET:
        parts.append(f"-- \n{words.label('helpdesk.mail.how', head.language)}")
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(display_name=head.name, addr_spec=head.address)
    mail["To"] = Address(addr_spec=head.to)
    mail["Reply-To"] = Address(addr_spec=head.address)
    mail["Subject"] = _one_line(subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    if kind is not Kind.TICKET:
        mail["In-Reply-To"] = naming.root(code)
        mail["References"] = naming.root(code)
    # So that nobody's holiday notice answers.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail[KIND] = str(kind)
    mail.set_content("\n\n".join(parts) + "\n")
    for file in taken:
        main, _, sub = _mime(file).partition("/")
        mail.add_attachment(file.data, maintype=main, subtype=sub, filename=_file_name(file.name))
    return Letter(message_id=message_id, subject=subject, data=mail.as_bytes(), refused=refused)


def _fitting(files: Sequence[DeskFile], limit: int) -> tuple[list[DeskFile], tuple[str, ...]]:
    """Divide files into those that fit into one mail together, and the names of the others."""
    taken: list[DeskFile] = []
    refused: list[str] = []
    room = limit
    for file in files:
        if len(file.data) > limit:
            raise TooLarge(
                phrase(
                    "mail.file_too_large",
                    "a mail takes files of {limit} bytes, this one has {count}",
                    limit=limit,
                    count=len(file.data),
                )
            )
        if len(file.data) > room:
            refused.append(_file_name(file.name))
        else:
            taken.append(file)
            room -= len(file.data)
    return taken, tuple(refused)


def _mime(file: DeskFile) -> str:
    mime = file.mime.partition(";")[0].strip().lower()
    if not _MIME.fullmatch(mime):
        mime = mimetypes.guess_type(file.name)[0] or ""
    # A mail inside of a mail, or parts of one, would be taken apart instead of attached.
    return mime if mime and not mime.startswith(("message/", "multipart/")) else "application/octet-stream"


def _file_name(name: str) -> str:
    return _one_line(name).replace("/", "_").replace("\\", "_")[:120] or "file"


def _one_line(text: str) -> str:
    # The standard library would read what looks like an encoded word: its line breaks would begin headers.
    return _WHITE.sub(" ", _UNSENDABLE.sub(" ", text)).replace("=?", "= ?").strip()
