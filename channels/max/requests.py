"""What to ask of MAX: pure functions from our data to the bodies that it reads. Only known fields are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from channels.contract import BotCommand
from channels.errors import Rejected
from channels.max.keyboard import Rows, attachment, button, fitting
from channels.max.spec import TextFormat
from channels.measure import is_blank
from channels.model import Media, MediaKind, Rendered
from channels.phrase import phrase

UPDATE_TYPES = (
    "message_created",
    "message_callback",
    "message_edited",
    "message_removed",
    "bot_started",
    "bot_stopped",
    "bot_added",
    "bot_removed",
    "dialog_removed",
)
"""Named in both modes: what a support bot has to know of. Without the list MAX would send everything."""

BATCH_LIMIT = 100
POLL_LIMIT = 30
NOTICE_LIMIT = 200
QUIET_NOTICE = "✓"
"""An answer to a press must say something; this is the shortest that a person understands."""

_MOST_COMMANDS = 32
_NAME_LENGTH = 64
_DESCRIPTION_LENGTH = 128
_MOST_FILES = 12
_MIXED = frozenset({MediaKind.IMAGE, MediaKind.VIDEO})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToSend:
    """A file that MAX has or can fetch: exactly one of a token of an upload and a public address of a picture.

    `fresh` says that it was uploaded for this very message: uploading it once more would change nothing.
    """

    kind: MediaKind
    token: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    fresh: bool = False

    def as_json(self) -> dict[str, Any]:
        """Give the attachment."""
        payload = {"token": self.token} if self.token is not None else {"url": self.url}
        return {"type": self.kind.value, "payload": payload}


def check(message: Rendered) -> None:
    """Raise `Rejected` for what MAX would refuse after we have made ourselves the work of uploading it."""
    if not message.media and is_blank(message.plain):
        raise Rejected(
            phrase("max.nothing_to_see", "the message has no text that can be seen, and MAX refuses those")
        )
    alone = [media for media in message.media if media.kind not in _MIXED]
    if (alone and len(message.media) > 1) or len(message.media) > _MOST_FILES:
        raise Rejected(
            phrase(
                "max.too_many_files",
                "MAX takes up to {files} pictures and videos in a message, and any other file only alone",
                files=_MOST_FILES,
            )
        )


def keyboard(message: Rendered) -> tuple[Rows, tuple[str, ...]]:
    """Give the rows of buttons of `message`, and the note that they are other rows than the house made."""
    rows = [[button(action) for action in row] for row in message.actions if row]
    fit = fitting(rows)
    return fit, () if fit == rows else ("buttons_rewrapped",)


def new_message(
    message: Rendered, files: Sequence[FileToSend], rows: Rows, markup: TextFormat
) -> dict[str, Any]:
    """Build the body of a new message. Who gets it stands in the address: here MAX would refuse it."""
    body = _content(message, markup)
    attached = _attachments(files, rows)
    if attached:
        body["attachments"] = attached
    if message.reply_to is not None:
        body["link"] = {"type": "reply", "mid": message.reply_to}
    return body


def edited_message(
    message: Rendered, files: Sequence[FileToSend], rows: Rows, markup: TextFormat
) -> dict[str, Any]:
    """Build the body that replaces a message of ours. No attachments means that old buttons and files disappear."""
    return {**_content(message, markup), "attachments": _attachments(files, rows)}


def fetched_by_max(media: Media) -> bool:
    """Whether MAX may be given the address of this file instead of its bytes: it may for pictures."""
    return media.kind is MediaKind.IMAGE and media.path is None and media.url is not None


def notification(notice: str) -> str:
    """Give the words that appear for a moment when a button is pressed; never empty."""
    return notice[:NOTICE_LIMIT] if not is_blank(notice) else QUIET_NOTICE


def commands(menu: Mapping[str, Sequence[BotCommand]]) -> list[dict[str, str]]:
    """Give the one menu that MAX shows to everybody: the one without a language, else the first."""
    entries = menu.get("") or next(iter(menu.values()), ())
    return [_command(entry) for entry in entries[:_MOST_COMMANDS]]


def _command(entry: BotCommand) -> dict[str, str]:
    command = {"name": entry.name[:_NAME_LENGTH]}
    if entry.description:
        command["description"] = entry.description[:_DESCRIPTION_LENGTH]
    return command


def _content(message: Rendered, markup: TextFormat) -> dict[str, Any]:
    body: dict[str, Any] = {"text": message.text}
    if message.markup and message.text:
        body["format"] = markup.value
    return body


def _attachments(files: Sequence[FileToSend], rows: Rows) -> list[dict[str, Any]]:
    attached = [file.as_json() for file in files]
    return [*attached, attachment(rows)] if rows else attached
