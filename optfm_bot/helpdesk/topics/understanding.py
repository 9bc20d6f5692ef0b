"""What agents do in a topic, as events of a ticket. Pure."""

from __future__ import annotations

import re

from channels.body import text_body
from channels.model import Inbound, MediaIn, TextIn, TopicIn
from optfm_bot.helpdesk.contract import AgentFile, AgentReplied, Closed, HelpdeskEvent, Reopened
from optfm_bot.scratch import safe_name

_COMMAND = re.compile(r"/([a-z_]+)(?:\s|$)", re.IGNORECASE)
_TO_COLLEAGUES = "//"
_FILES = frozenset({"photo", "voice", "audio", "video", "document"})


def understood(event: Inbound, *, channel: str, group: str) -> tuple[HelpdeskEvent, ...]:
    """What an event of the group means for a ticket; nothing for other chats, the general topic, and bots."""
    ticket = event.chat.thread_id
    if (event.chat.channel, event.chat.chat_id) != (channel, group) or ticket is None or event.sender.is_bot:
        return ()
    match event:
        case TopicIn(closed=closed):
            return (_closed(event, ticket) if closed else _reopened(event, ticket),)
        case TextIn(text=text):
            return _said(event, ticket, text)
        case MediaIn(caption=text):
            file = _file(event)
            return _said(event, ticket, text, file)
    return ()


def file_id(file: AgentFile) -> str:
    """What Telegram calls a file of an agent."""
    return file.id.partition(":")[2]


def _said(
    event: TextIn | MediaIn, ticket: str, text: str, file: AgentFile | None = None
) -> tuple[HelpdeskEvent, ...]:
    command = _COMMAND.match(text)
    if text.startswith(_TO_COLLEAGUES):
        return ()
    if command is not None:
        # What looks like a command is never for the customer, also one that is misspelt.
        match command[1].lower():
            case "close":
                return (_closed(event, ticket),)
            case "reopen":
                return (_reopened(event, ticket),)
        return ()
    if event.message_id is None or (not text.strip() and file is None):
        return ()
    return (
        AgentReplied(
            key=f"said-{event.message_id}",
            ticket=ticket,
            at=event.at,
            thread_id=event.message_id,
            agent=event.sender.display_name,
            body=text_body(text),
            files=() if file is None else (file,),
        ),
    )


def _file(event: MediaIn) -> AgentFile | None:
    if event.kind not in _FILES or event.file_id is None:
        return None
    return AgentFile(
        id=f"{event.kind}:{event.file_id}",
        name=safe_name(event.name, mime=event.mime, otherwise=event.kind),
        mime=event.mime,
        size=event.size,
    )


def _closed(event: Inbound, ticket: str) -> Closed:
    return Closed(key=f"closed-{event.message_id or event.event_id}", ticket=ticket, at=event.at)


def _reopened(event: Inbound, ticket: str) -> Reopened:
    return Reopened(key=f"reopened-{event.message_id or event.event_id}", ticket=ticket, at=event.at)
