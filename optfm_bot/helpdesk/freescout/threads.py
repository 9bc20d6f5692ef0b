"""Conversations of FreeScout as JSON tells them, and what is new in one of them. Pure.

FreeScout tells states and not what happened, newest first and everything mixed, so news is what our record lacks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from channels.errors import BadPayload
from channels.fields import Json, child, children, identifier, number, required_id, required_text, text
from channels.links import WEB_SCHEMES
from optfm_bot.helpdesk.contract import (
    AgentFile,
    AgentReplied,
    Assigned,
    Closed,
    DeskMessage,
    HelpdeskEvent,
    KnownTicket,
    Removed,
    Reopened,
    ThreadRef,
)
from optfm_bot.helpdesk.markup import AgentText, fingerprint, read_html, write_html

_SLACK = timedelta(minutes=2)
"""How far a clock may be wrong when what FreeScout dates is compared with a moment of ours."""
_SECOND = timedelta(seconds=2)
"""What the clocks of two machines, told in whole seconds, cannot tell apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of a thread."""

    id: str
    name: str
    mime: str
    size: int | None
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One entry of a conversation. `author` is the first name; `by` is user or customer, `source` web, email or api."""

    id: str
    type: str
    state: str
    body: str = field(repr=False)
    source: str
    by: str
    author: str = field(repr=False)
    created_at: datetime | None
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A ticket as it is now; threads oldest first."""

    id: str
    number: str
    subject: str = field(repr=False)
    status: str
    state: str
    mailbox_id: int | None
    assignee: str
    assignee_id: str
    customer_id: str | None
    created_at: datetime | None
    updated_at: datetime
    threads: tuple[Thread, ...] = field(repr=False)


def read_conversation(data: Json) -> Conversation:
    """Read a conversation with its threads. Raises `BadPayload` for what cannot be one."""
    assignee = child(data, "assignee") or {}
    customer = child(data, "customer") or {}
    updated = moment(data, "updatedAt") or moment(data, "createdAt")
    if updated is None:
        raise BadPayload("updatedAt is missing")
    embedded = child(data, "_embedded") or {}
    threads = [read_thread(thread) for thread in children(embedded, "threads")]
    return Conversation(
        id=required_id(data, "id"),
        number=identifier(data, "number") or "",
        subject=text(data, "subject") or "",
        status=required_text(data, "status"),
        state=text(data, "state") or "published",
        mailbox_id=number(data, "mailboxId"),
        assignee=_name(assignee),
        assignee_id=identifier(assignee, "id") or "",
        customer_id=identifier(customer, "id"),
        created_at=moment(data, "createdAt"),
        updated_at=updated,
        threads=tuple(sorted(threads, key=_age)),
    )


def read_thread(data: Json) -> Thread:
    """Read a thread. Raises `BadPayload` for one of an agent that lacks what has to be known before it is passed on."""
    kind = text(data, "type") or ""
    author = child(data, "createdBy") or {}
    source = child(data, "source") or {}
    created = moment(data, "createdAt")
    if kind == "message":
        required_text(data, "state")
        if not author or created is None:
            raise BadPayload(f"{'createdBy' if not author else 'createdAt'} of a reply is missing")
    embedded = child(data, "_embedded") or {}
    return Thread(
        id=required_id(data, "id"),
        type=kind,
        state=text(data, "state") or "",
        body=text(data, "body") or "",
        source=text(source, "type") or "",
        by=text(author, "type") or "",
        author=_name(author),
        created_at=created,
        files=tuple(read_attachment(one) for one in children(embedded, "attachments")),
    )


def read_attachment(data: Json) -> Attachment:
    """Read what is told of a file."""
    return Attachment(
        id=required_id(data, "id"),
        name=text(data, "fileName") or "file",
        mime=text(data, "mimeType") or "",
        size=number(data, "size"),
        url=text(data, "fileUrl") or "",
    )


def moment(data: Json, name: str) -> datetime | None:
    """Give the time under `name`, aware; FreeScout writes UTC with a Z. Raises `BadPayload` for nonsense."""
    value = text(data, name)
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise BadPayload(f"{name} is no time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def written(at: datetime) -> str:
    """Give a moment as FreeScout writes and reads it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- what is new -----------------------------------------------------------------------------------------


def news(
    conversation: Conversation, known: KnownTicket | None, *, now: datetime, undo: timedelta, base: str
) -> list[HelpdeskEvent]:
    """Give what our record lacks, oldest first. `now` is FreeScout's time.

    An agent may take a reply back for a while (`undo`): until then neither the reply is told nor anything after it.
    FreeScout calls us, and is asked, again after that.
    """
    seen = known.threads if known else frozenset()
    was_open = known.open if known else True
    replies: list[HelpdeskEvent] = []
    for thread in conversation.threads:
        if not is_reply(thread) or thread.id in seen or thread.created_at is None:
            continue
        if thread.source == "web" and now < thread.created_at + undo - _SECOND:
            return replies
        replies.append(_reply(conversation, thread, base))
    status = _status(conversation, was_open=was_open)
    before = [event for event in status if isinstance(event, Reopened)]
    after = [event for event in status if not isinstance(event, Reopened)]
    return [*before, *_assignment(conversation, known), *replies, *after]


def is_reply(thread: Thread) -> bool:
    """Whether a thread is what an agent says to the customer: no note, no draft, and nothing of ours."""
    return (
        thread.type == "message"
        and thread.state == "published"
        and thread.by == "user"
        and thread.source != "api"
    )


def same_message(thread: Thread, message: DeskMessage) -> bool:
    """Whether a thread is this message of ours: the words are equal, or without words the files.

    The words are those of now or of an earlier attempt, which may have had a file that this one only speaks of.
    """
    there = fingerprint(thread.body)
    if all(there != fingerprint(write_html(text)) for text in (message.text, *message.also)):
        return False
    names = message.named or [file.name for file in message.files]
    return bool(there) or {_stem(file.name) for file in thread.files} == {_stem(name) for name in names}


def find_thread(
    conversation: Conversation, message: DeskMessage, *, since: datetime, known: Collection[str], note: bool
) -> ThreadRef | None:
    """Give the thread that this message became after a moment of FreeScout's time, among those we do not know."""
    kind = "note" if note else "customer"
    for thread in conversation.threads:
        if thread.type != kind or thread.source not in {"api", ""} or thread.id in known:
            continue
        if thread.created_at is not None and thread.created_at < since - _SLACK:
            continue
        if same_message(thread, message):
            return ThreadRef(id=thread.id, refused=refused(message, thread.files))
    return None


def is_draft(
    conversation: Conversation, subject: str, message: DeskMessage, *, since: datetime, known: Collection[str]
) -> bool:
    """Whether a conversation is the ticket that was to be opened with this message."""
    if conversation.id in known or conversation.subject.split() != subject.split():
        return False
    if conversation.created_at is not None and conversation.created_at < since - _SLACK:
        return False
    first = first_thread(conversation)
    return first is not None and same_message(first, message)


def first_thread(conversation: Conversation) -> Thread | None:
    """Give the message by which the customer began."""
    return next((thread for thread in conversation.threads if thread.type == "customer"), None)


def refused(message: DeskMessage, taken: Sequence[Attachment]) -> tuple[str, ...]:
    """Give the names of files that FreeScout did not take: it leaves them out without a word, and may rename others."""
    left = list(taken)
    missing: list[str] = []
    for file in message.files:
        match = next((one for one in left if one.name == file.name), None) or next(
            (one for one in left if one.size == len(file.data)), None
        )
        if match is None:
            missing.append(file.name)
        else:
            left.remove(match)
    return tuple(missing)


def is_older(conversation: Conversation, since: datetime) -> bool:
    """Whether a conversation was there before that moment for sure."""
    return conversation.created_at is not None and conversation.created_at < since - _SLACK


def agent_text(thread: Thread) -> AgentText:
    """Give what a thread says. Only a mail has other mails under it; what agents quote in FreeScout is meant."""
    return read_html(thread.body, history=thread.source not in {"web", "api"})


# -- events ----------------------------------------------------------------------------------------------


def _reply(conversation: Conversation, thread: Thread, base: str) -> AgentReplied:
    said = agent_text(thread)
    place = f"{conversation.id}/{thread.id}"
    files = [
        AgentFile(
            id=f"{place}/{file.id}",
            name=file.name,
            mime=file.mime,
            size=file.size,
            link=_link(base, file.url),
        )
        for file in thread.files
    ]
    attached = {_address(file.url) for file in thread.files}
    for place_in_text, image in enumerate(said.images):
        link = _link(base, image.src)
        if link is None or _address(image.src) in attached:
            continue  # `cid:` names an attachment
        name = urlsplit(link).path.rpartition("/")[2] or "image"
        files.append(AgentFile(id=f"{place}/image-{place_in_text}", name=name, mime="", link=link))
    return AgentReplied(
        key=f"thread-{thread.id}",
        ticket=conversation.id,
        at=thread.created_at or conversation.updated_at,
        thread_id=thread.id,
        agent=thread.author,
        body=said.body,
        files=tuple(files),
        customer_id=conversation.customer_id,
    )


def _status(conversation: Conversation, *, was_open: bool) -> list[HelpdeskEvent]:
    ticket, at = conversation.id, conversation.updated_at
    if conversation.state == "deleted" or conversation.status == "spam":
        spam = conversation.state != "deleted"
        key = _key("status", conversation, "spam" if spam else "deleted")
        return [Removed(key=key, ticket=ticket, at=at, spam=spam)] if was_open else []
    is_open = conversation.status != "closed"
    if is_open == was_open:
        return []
    key = _key("status", conversation, conversation.status)
    return [Reopened(key=key, ticket=ticket, at=at) if is_open else Closed(key=key, ticket=ticket, at=at)]


def _assignment(conversation: Conversation, known: KnownTicket | None) -> list[HelpdeskEvent]:
    if conversation.assignee == (known.assignee if known else ""):
        return []
    key = _key("assign", conversation, conversation.assignee_id or "0")
    return [
        Assigned(key=key, ticket=conversation.id, at=conversation.updated_at, agent=conversation.assignee)
    ]


def _key(kind: str, conversation: Conversation, word: str) -> str:
    """A key that differs for two changes within one second: each leaves a line in the conversation."""
    lines = [thread.id for thread in conversation.threads if thread.type == "lineitem"]
    last = f"-{lines[-1]}" if lines else ""
    return f"{kind}-{conversation.id}-{written(conversation.updated_at)}-{word}{last}"


def _name(person: Json) -> str:
    return (text(person, "firstName") or "").strip()


def _age(thread: Thread) -> tuple[datetime, int]:
    age = thread.created_at or datetime.min.replace(tzinfo=UTC)
    return age, int(thread.id) if thread.id.isascii() and thread.id.isdigit() else 0


def _link(base: str, url: str) -> str | None:
    """The whole address of a file; None for what is no web address."""
    try:
        link = urljoin(f"{base}/", url)
        return link if url and urlsplit(link).scheme in WEB_SCHEMES else None
    except ValueError:
        return None


def _stem(name: str) -> str:
    """A file's name without its ending, which may be found out only when the file is at hand."""
    return name.rpartition(".")[0] or name


def _address(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url, ""
    return parts.path, parts.query
