"""Reads a raw update of MAX into our events. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from channels.errors import BadPayload
from channels.fields import (
    Json,
    child,
    children,
    moment_ms,
    required_child,
    required_number,
    required_text,
    text,
)
from channels.max.address import BotIdentity, Spoken, spoken
from channels.max.attachments import ContactSeal, attached, contacts
from channels.max.updates import conversation
from channels.model import (
    ActionIn,
    ContactIn,
    EchoIn,
    EditedIn,
    Inbound,
    LeftIn,
    MediaIn,
    RawUpdate,
    RemovedIn,
    SenderRef,
    StartIn,
    TextIn,
)

_START_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{0,512}", re.ASCII)
_GROUPS = frozenset({"chat", "channel"})
_NOTHING: Json = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What reading needs to know besides the update: our instance, our bot, and how contacts are sealed."""

    instance: str
    bot: BotIdentity
    seal: ContactSeal

    def read(self, raw: RawUpdate) -> tuple[Inbound, ...]:  # noqa: PLR0911 - one return for each kind of update
        """Give the events of one raw update, none for kinds that are of no interest or newer than we are.

        A message with several files is several events that share a `group_id`; its words are with the first. Raises
        `BadPayload` only.
        """
        update = raw.payload
        match required_text(update, "update_type"):
            case "message_created":
                return self._message(update, raw)
            case "message_callback":
                return self._press(update, raw)
            case "message_edited":
                return self._edit(update, raw)
            case "message_removed":
                return self._removal(update, raw)
            case "bot_started":
                return (
                    StartIn(**self._of_user(update, raw), payload=_start_payload(text(update, "payload"))),
                )
            case "bot_stopped" | "dialog_removed":
                return (LeftIn(**self._of_user(update, raw)),)
            case "bot_removed":
                return (LeftIn(**self._of_user(update, raw), is_group=True),)
        return ()

    # -- messages -----------------------------------------------------------------------------------------

    def _message(self, update: Json, raw: RawUpdate) -> tuple[Inbound, ...]:
        message = required_child(update, "message")
        event = self._of_message(update, message, raw)
        if self._is_ours(event["sender"]):
            return (EchoIn(**event),)
        body, link = child(message, "body") or _NOTHING, child(message, "link") or _NOTHING
        passed_on = child(link, "message") or _NOTHING if text(link, "type") == "forward" else _NOTHING
        own_words, their_words = _words(body), _words(passed_on)
        said = self._spoken(body if own_words or not passed_on else passed_on, link, event)
        words = f"{said.words}\n\n{their_words}" if own_words and their_words else said.words
        event["addressed"] = said.addressed
        attachments = [*children(body, "attachments"), *children(passed_on, "attachments")]
        found = self._attached(attachments, words, event, forwarded=bool(passed_on))
        if found:
            return found
        if not own_words and not their_words:
            return ()  # a kind of content that is newer than we are
        if said.command == "start" and not passed_on:
            return (StartIn(**event, payload=_start_payload("".join(words.split(maxsplit=1)[1:]).strip())),)
        return (TextIn(**event, text=words, reply_to=_reply_to(link), forwarded=not own_words),)

    def _attached(
        self, attachments: Sequence[Json], words: str, event: dict[str, Any], *, forwarded: bool
    ) -> tuple[Inbound, ...]:
        if not attachments:
            return ()
        sender = event["sender"].external_id
        sender_id = int(sender) if sender.lstrip("-").isdecimal() else None
        events: list[Inbound] = [
            ContactIn(**event, phone=contact.phone, own=contact.own)
            for contact in contacts(attachments, sender_id=sender_id, forwarded=forwarded, seal=self.seal)
        ]
        files = attached(attachments, has_text=bool(words.strip()))
        album = event["message_id"] if len(files) > 1 else None
        events += [
            MediaIn(
                **event,
                kind=file.kind,
                caption=words if file is files[0] else "",
                file_id=file.file_id,
                group_id=album,
                url=file.url,
                name=file.name,
                size=file.size,
            )
            for file in files
        ]
        if words.strip() and not files and events:
            events.insert(0, TextIn(**event, text=words))
        return tuple(events)

    def _edit(self, update: Json, raw: RawUpdate) -> tuple[Inbound, ...]:
        message = required_child(update, "message")
        event = self._of_message(update, message, raw)
        if self._is_ours(event["sender"]):
            return (EchoIn(**event),)
        event["at"] = moment_ms(update, "timestamp") or event["at"]
        body = child(message, "body") or _NOTHING
        if not _words(body):
            return ()  # a file was exchanged, or all words were taken away
        said = self._spoken(body, child(message, "link") or _NOTHING, event)
        event["addressed"] = said.addressed
        return (EditedIn(**event, text=said.words),)

    def _removal(self, update: Json, raw: RawUpdate) -> tuple[Inbound, ...]:
        sender = SenderRef(external_id=str(required_number(update, "user_id")))
        event = self._event(update, raw, sender)
        event["message_id"] = required_text(update, "message_id")
        return (EchoIn(**event),) if self._is_ours(sender) else (RemovedIn(**event),)

    # -- the rest -----------------------------------------------------------------------------------------

    def _press(self, update: Json, raw: RawUpdate) -> tuple[Inbound, ...]:
        press = required_child(update, "callback")
        token = text(press, "payload")
        if token is None:
            return ()
        message = child(update, "message") or _NOTHING
        event = self._event(update, raw, _person(required_child(press, "user"), update))
        event["at"] = moment_ms(press, "timestamp") or event["at"]
        event["message_id"] = _mid(message)
        event["is_group"] = _is_group(message)
        return (ActionIn(**event, token=token, callback_id=text(press, "callback_id") or ""),)

    # -- what every event carries -------------------------------------------------------------------------

    def _of_message(self, update: Json, message: Json, raw: RawUpdate) -> dict[str, Any]:
        author = child(message, "sender")
        if author is None:  # a channel speaks in its own name
            chat_id = required_number(required_child(message, "recipient"), "chat_id")
            sender = SenderRef(external_id=str(chat_id))
        else:
            sender = _person(author, update)
        event = self._event(update, raw, sender, at=message)
        event["message_id"] = _mid(message)
        event["is_group"] = _is_group(message)
        return event

    def _of_user(self, update: Json, raw: RawUpdate) -> dict[str, Any]:
        return self._event(update, raw, _person(required_child(update, "user"), update))

    def _event(
        self, update: Json, raw: RawUpdate, sender: SenderRef, *, at: Json = _NOTHING
    ) -> dict[str, Any]:
        when = moment_ms(at, "timestamp") or moment_ms(update, "timestamp")
        if when is None:
            raise BadPayload("timestamp is missing")
        return {
            "event_id": raw.key,
            "raw_ref": raw.key,
            "chat": conversation(update, self.instance),
            "sender": sender,
            "at": when,
        }

    def _is_ours(self, sender: SenderRef) -> bool:
        return self.bot.id is not None and sender.external_id == str(self.bot.id)

    def _spoken(self, body: Json, link: Json, event: dict[str, Any]) -> Spoken:
        replied = link if text(link, "type") == "reply" else None
        marks = children(body, "markup")
        return spoken(_words(body), marks, in_group=event["is_group"], replied=replied, bot=self.bot)


def _person(person: Json, update: Json) -> SenderRef:
    names = (text(person, "first_name"), text(person, "last_name"))
    return SenderRef(
        external_id=str(required_number(person, "user_id")),
        display_name=" ".join(name for name in names if name) or text(person, "name") or "",
        locale=text(update, "user_locale") or None,
        is_bot=person.get("is_bot") is True,
    )


def _words(body: Json) -> str:
    words = text(body, "text") or ""
    return words if words.strip() else ""


def _mid(message: Json) -> str | None:
    body = child(message, "body")
    return None if body is None else text(body, "mid") or None


def _is_group(message: Json) -> bool:
    # The sign of a chat's id says nothing: dialogs have negative ones too.
    return text(child(message, "recipient") or _NOTHING, "chat_type") in _GROUPS


def _reply_to(link: Json) -> str | None:
    if text(link, "type") != "reply":
        return None
    return text(child(link, "message") or _NOTHING, "mid") or None


def _start_payload(payload: str | None) -> str:
    return payload if payload and _START_PAYLOAD.fullmatch(payload) else ""
