"""Mails that arrive: whose they are, which ticket they belong to, and what in them is for the customer. Pure.

Anybody can write to a mailbox, so nothing here raises for what a mail contains, and who may speak to customers is
decided before a word is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import Header, decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from enum import StrEnum

from channels.body import plain_text
from channels.model import Body
from optfm_bot.helpdesk.mail.message import KIND, Kind
from optfm_bot.helpdesk.mail.naming import Naming, marked, message_ids, thread_of
from optfm_bot.helpdesk.mail.quotation import said, unflowed
from optfm_bot.helpdesk.mail.spec import ADDRESS, PUBLIC_DOMAINS, MailSettings
from optfm_bot.helpdesk.markup import read_html, read_plain

_FROM = re.compile(r'\s*((?:"(?:[^"\\]|\\.)*"|[^"<>,;:])*)<([^<>\s]+)>\s*')
_DMARC = re.compile(r"\s*dmarc\s*=\s*(\w*)", re.IGNORECASE)
_ROBOTS = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply)@", re.IGNORECASE)
_LONGEST_HEADER = 20_000
_DEEPEST = 20
_SIGNED = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
_UNNAMED = frozenset({"text/calendar", "message/delivery-status", "message/disposition-notification"})


class Refusal(StrEnum):
    """Why a mail is passed over."""

    NO_TICKET = "belongs to no ticket"
    AUTOMATIC = "was written by a program"
    STRANGER = "is from somebody who may not answer"
    UNPROVEN = "its sender is not proven"


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may answer, and how a sender is proven."""

    naming: Naming
    agents: frozenset[str]
    domains: frozenset[str]
    authserv_id: str = ""

    @classmethod
    def of(cls, settings: MailSettings) -> Rules:
        """The rules that the settings mean."""
        domain = settings.to.rpartition("@")[2]
        entries = settings.agents or ((settings.to,) if domain.lower() in PUBLIC_DOMAINS else (domain,))
        lowered = {entry.lstrip("@").lower() for entry in entries}
        return cls(
            naming=Naming(settings.address),
            agents=frozenset(entry for entry in lowered if "@" in entry),
            domains=frozenset(entry for entry in lowered if "@" not in entry),
            authserv_id=settings.authserv_id.lower(),
        )

    def allow(self, address: str) -> bool:
        """Whether this address may answer customers."""
        return address in self.agents or address.rpartition("@")[2] in self.domains


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A mail that we wrote."""

    code: str
    thread: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A mail of somebody who may answer, seen from outside. `thread` is our id of it."""

    code: str
    thread: str
    agent: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file in a mail: the number of its part, and what is in it."""

    part: int
    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an answer says: words for the customer, files, and what becomes of the ticket (`close`, `open`)."""

    body: Body = field(repr=False)
    files: tuple[Attachment, ...] = ()
    command: str = ""


def judge(mail: Message, rules: Rules) -> Own | Answer | Refusal:
    """Say what a mail is by its headers alone."""
    own = rules.naming.code_of(header(mail, "Message-ID"))
    if own is not None:
        kind = header(mail, KIND)
        known = Kind(kind) if kind in frozenset(Kind) else Kind.NOTE
        return Own(code=own, thread=thread_of(header(mail, "Message-ID")), kind=known)
    code = _ticket(mail, rules.naming)
    if code is None:
        return Refusal.NO_TICKET
    sender = _sender(mail)
    if sender is None or _automatic(mail, sender[1]):
        return Refusal.AUTOMATIC
    name, address = sender
    if not rules.allow(address):
        return Refusal.STRANGER
    if rules.authserv_id and not _proven(mail, rules.authserv_id):
        return Refusal.UNPROVEN
    identity = header(mail, "Message-ID") or f"{header(mail, 'Date')} {header(mail, 'Received')}"
    return Answer(code=code, thread=thread_of(identity), agent=name or address.partition("@")[0])


def content(mail: Message, code: str) -> Content:
    """Read what an answer in a ticket says; its own words only, and nothing at all of a note but its command."""
    texts: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    files = []
    for number, part in enumerate(leaves(mail)):
        mime = part.get_content_type()
        if mime in texts and not _is_file(part):
            texts[mime].append(_text(part))
        elif attachment := _attachment(number, part):
            files.append(attachment)
    plain = "\n".join(texts["text/plain"])
    written = Body() if plain.strip() else read_html("\n".join(texts["text/html"]), history=True).body
    words = said(plain if plain.strip() else plain_text(written), code)
    command = words.commands[-1] if words.commands else ""
    if words.note:
        return Content(body=Body(), command=command)
    untouched = (
        bool(written.blocks) and not words.commands and plain_text(written).strip() == words.text.strip()
    )
    return Content(body=written if untouched else read_plain(words.text), files=tuple(files), command=command)


def leaves(mail: Message) -> list[Message]:
    """The parts of a mail that have no parts, in their order; a mail inside of it is left out, parts and all."""
    found: list[Message] = []
    pending = [(mail, 0)]
    while pending:
        part, depth = pending.pop()
        payload = _sensible(part).get_payload()
        if part.get_content_maintype() == "message" or depth > _DEEPEST:
            continue
        if part.is_multipart() and isinstance(payload, list):
            pending += [(one, depth + 1) for one in reversed(payload) if isinstance(one, Message)]
        else:
            found.append(part)
    return found


def _sensible(part: Message) -> Message:
    """The part without its parameters if they make no sense: the standard library fails on some."""
    try:
        part.get_content_charset(), part.get_filename(), part.get_param("format"), part.get_payload()
    except (TypeError, ValueError):
        for name, value in (
            ("Content-Type", part.get_content_type()),
            ("Content-Disposition", part.get_content_disposition()),
        ):
            del part[name]
            if value is not None:
                part[name] = value
    return part


def data_of(part: Message) -> bytes:
    """What is in a part, as bytes."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def parse(data: bytes) -> Message:
    """Read a mail; never raises. One of too many parts inside of parts has headers alone."""
    try:
        return message_from_bytes(data)
    except RecursionError:
        head = BytesHeaderParser().parsebytes(data)
    del head["Content-Type"]
    head.set_payload("")
    return head


def header(mail: Message, name: str) -> str:
    """A header in one line with its encoded words read; empty if there is none."""
    value = mail.get(name)
    return _decoded(value) if value is not None else ""


def _decoded(value: str | Header) -> str:
    raw = " ".join(str(value)[:_LONGEST_HEADER].split())
    try:
        parts = decode_header(raw)
    except (HeaderParseError, ValueError):
        return _whole(raw)
    text = ""
    for piece, charset in parts:
        text += _whole(piece) if isinstance(piece, str) else _read(piece, charset or "ascii")
    return " ".join(text.split())


def _read(data: bytes, charset: str) -> str:
    """Read text in the charset that was named, else in the likeliest."""
    for name in (charset, "utf-8", "cp1251"):
        try:
            return _whole(data.decode(name))
        except (LookupError, ValueError):
            continue
    return data.decode("utf-8", "replace")


def _whole(text: str) -> str:
    """The text with a mark for each half of a character, which some charsets let through and nobody can store."""
    return text.encode("utf-8", "replace").decode()


def _ticket(mail: Message, naming: Naming) -> str | None:
    told = message_ids(header(mail, "In-Reply-To")) + message_ids(header(mail, "References"))[::-1]
    for one in told:
        if code := naming.code_of(one):
            return code
    return marked(header(mail, "Subject"))


def _sender(mail: Message) -> tuple[str, str] | None:
    """Name and address of the one who wrote; None if there is nobody, several, or something to be puzzled by."""
    lines = mail.get_all("From", [])
    if len(lines) != 1:
        return None
    raw = " ".join(str(lines[0])[:1000].split())
    found = _FROM.fullmatch(raw)
    name, address = (found[1], found[2]) if found else ("", raw.strip())
    if not ADDRESS.fullmatch(address):
        return None
    return _decoded(name).strip().strip('"').strip()[:100], address.lower()


def _automatic(mail: Message, address: str) -> bool:
    submitted = header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    return (
        submitted not in {"", "no"}
        or header(mail, "Precedence").lower() in {"bulk", "junk", "auto_reply", "auto-reply"}
        or any(mail.get(name) is not None for name in ("X-Autoreply", "X-Autorespond", "X-Failed-Recipients"))
        or header(mail, "Return-Path") == "<>"
        or mail.get_content_type() == "multipart/report"
        or _ROBOTS.match(address) is not None
    )


def _proven(mail: Message, authserv_id: str) -> bool:
    # The first one is the one that our own server put on top; those below may be anybody's. It is not decoded: what
    # the sender is called stands in it, and must not become a result.
    name, *results = _bare(str(mail.get("Authentication-Results", ""))).split(";")
    verdicts = {found[1].lower() for result in results if (found := _DMARC.match(result))}
    return name.lower().split()[:1] == [authserv_id] and verdicts == {"pass"}


def _bare(text: str) -> str:
    """A structured header without its comments and quoted strings, in which anything may stand."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for sign in text:
        if escaped:
            escaped = False
        elif sign == "\\" and (depth or quoted):
            escaped = True
        elif sign == '"' and not depth:
            quoted = not quoted
        elif not quoted and sign in "()":
            depth = max(0, depth + (1 if sign == "(" else -1))
        elif not (depth or quoted):
            kept.append(sign)
    return "".join(kept)


def _text(part: Message) -> str:
    charset = part.get_content_charset() or "utf-8"
    text = _read(data_of(part), charset).replace("\0", "")
    if str(part.get_param("format", "")).lower() == "flowed":
        return unflowed(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
    return text


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _attachment(number: int, part: Message) -> Attachment | None:
    mime = part.get_content_type()
    # Pictures that a text shows by Content-ID are logos of signatures far more often than anything to be passed on.
    shown = part.get("Content-ID") is not None and part.get_content_disposition() != "attachment"
    if mime in _SIGNED or (mime in _UNNAMED and not _is_file(part)) or (shown and mime.startswith("image/")):
        return None
    if not _is_file(part) and mime.startswith("text/"):
        return None
    name = _decoded(part.get_filename() or "").replace("/", "_").replace("\\", "_")[:120]
    return Attachment(part=number, name=name or f"file-{number}", mime=mime, data=data_of(part))
