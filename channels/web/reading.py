"""What a page has posted, read: a text, a pressed button, a start or a file. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from channels.errors import BadPayload
from channels.model import ActionIn, ChatRef, MediaIn, SenderRef, StartIn, TextIn
from channels.phrase import phrase
from channels.web.bubbles import SentFile
from channels.web.files import FILE_NAME
from channels.web.frames import event_name, talk_name
from channels.web.signatures import type_of

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,16}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_START = re.compile(r"[A-Za-z0-9_-]{0,64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")


class Reader:
    """Reads the updates of one chat. `place` says where a talk's file is (a URL), by the names of both."""

    def __init__(self, instance: str, *, longest: int, place: Callable[[str, str], str | None]) -> None:
        self._instance = instance
        self._longest = longest
        self._place = place

    def read(self, payload: Mapping[str, Any]) -> TextIn | ActionIn | StartIn | MediaIn:
        """Read what was posted, with the time of arrival in it. Raises `BadPayload`."""
        session, event_id = talk_name(payload.get("session")), event_name(payload.get("id"))
        language = payload.get("lang")
        locale = language if isinstance(language, str) and _LANGUAGE.fullmatch(language) else None
        common: dict[str, Any] = {
            "event_id": event_id,
            "chat": ChatRef(channel=self._instance, chat_id=session),
            "sender": SenderRef(external_id=session, locale=locale),
            "at": _moment(payload.get("received_at")),
        }
        kinds = [kind for kind in ("text", "token", "start", "file") if kind in payload]
        match kinds:
            case ["text"]:
                return TextIn(**common, message_id=event_id, text=self._text(payload["text"]))
            case ["token"]:
                under = _matched(payload, "message", _MESSAGE_ID) if "message" in payload else None
                token = _matched(payload, "token", _TOKEN)
                return ActionIn(**common, message_id=under, token=token, callback_id=event_id)
            case ["start"]:
                start = payload["start"]
                if start is not True and not (isinstance(start, str) and _START.fullmatch(start)):
                    raise BadPayload(phrase("web.no_start", "not a start of the web chat"))
                return StartIn(**common, payload="" if start is True else start)
            case ["file"]:
                return self._media(common, session, sent_file(payload["file"]))
        raise BadPayload(
            phrase("web.update_shape", "an update has exactly one of text, token, start and file")
        )

    def _media(self, common: Mapping[str, Any], session: str, file: SentFile) -> MediaIn:
        known = type_of(file.mime)
        if known is None:
            raise BadPayload(phrase("web.file_unknown_type", "the file is of no type that this chat takes"))
        return MediaIn(
            **common,
            message_id=common["event_id"],
            kind=known.kind,
            file_id=file.name,
            url=self._place(session, file.name),
            name=file.title,
            mime=file.mime,
            size=file.size,
        )

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise BadPayload(phrase("web.text_no_text", "the text is not a text"))
        # Halves of characters and zero bytes are legal in JSON, and poison for databases.
        text = value.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
        if not text:
            raise BadPayload(phrase("web.text_empty", "the text is empty"))
        if len(text) > self._longest:
            raise BadPayload(
                phrase("web.text_too_long", "the text is longer than {limit} characters", limit=self._longest)
            )
        return text


def sent_file(value: object) -> SentFile:
    """Read what we wrote about an uploaded file. Raises `BadPayload`."""
    match value:
        case {"name": str(name), "title": str(title), "mime": str(mime), "size": int(size)} if (
            FILE_NAME.fullmatch(name)
        ):
            return SentFile(name=name, title=title, mime=mime, size=size)
    raise BadPayload(phrase("web.file_not_ours", "the file is not one that this chat has taken"))


def _matched(payload: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadPayload(phrase("web.malformed", "{name} is missing or malformed", name=name))
    return value


def _moment(value: object) -> datetime:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadPayload(phrase("web.no_time", "the time of arrival is missing"))
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadPayload(phrase("web.bad_time", "the time of arrival makes no sense")) from error
