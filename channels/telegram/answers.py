"""What the Bot API's answers mean: the result, or the reaction that its refusal calls for. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from channels.errors import (
    ChannelError,
    Conflict,
    Gone,
    MarkupRejected,
    Moved,
    Rejected,
    RetryLater,
    TooLarge,
    TopicGone,
    Unauthorized,
    Unreachable,
)
from channels.http import HttpAnswer, json_value
from channels.phrase import answered, phrase

TWO_POLLERS = phrase(
    "telegram.two_pollers",
    "Another copy of this bot is asking Telegram for updates, and Telegram serves only one of "
    "them at a time. Stop the other copy, or give this one a token of its own.",
)
WEBHOOK_AND_POLLER = phrase(
    "telegram.webhook_and_poller",
    "A webhook is set for this bot, so Telegram answers no request for updates. Somebody set it"
    " after this copy started: stop the copy that runs in webhook mode, then start this one "
    "again.",
)
WRONG_TOKEN = phrase(
    "telegram.wrong_token",
    "Telegram does not know this token. Copy it again from @BotFather, and check api_base.",
)
_MOST_SECONDS = 86_400
_TOO_LARGE = re.compile(
    r"message is too long|caption.* too long|MEDIA_CAPTION_TOO_LONG|file is too big|too large", re.IGNORECASE
)
_NO_TOPIC = re.compile(r"message thread not found|TOPIC_DELETED|TOPIC_ID_INVALID", re.IGNORECASE)
_NO_FILE = re.compile(r"wrong file_?id|file is temporarily unavailable|invalid file_?id", re.IGNORECASE)
_CANNOT_EDIT = re.compile(
    r"message to edit not found|message can't be edited|no text in the message to edit|MESSAGE_ID_INVALID",
    re.IGNORECASE,
)


def read_answer(answer: HttpAnswer, redact: Callable[[str], str]) -> Any:
    """Give the `result` of an accepted call; otherwise raise by reaction, with every secret masked."""
    try:
        content = json_value(answer.body)
    except ValueError:
        content = None
    if not isinstance(content, dict) or "ok" not in content:
        raise _unreadable(answer)
    if content["ok"] is True:
        return content.get("result")
    raise refusal(answer, content, redact)


def refusal(answer: HttpAnswer, content: Mapping[str, Any], redact: Callable[[str], str]) -> ChannelError:
    """Give the reaction to a refused call. `content` is the JSON object that came instead of a result."""
    code = content.get("error_code")
    status = code if isinstance(code, int) else answer.status
    description = redact(str(content.get("description") or f"HTTP {status}"))
    parameters = content.get("parameters")
    extras = parameters if isinstance(parameters, dict) else {}
    moved_to = extras.get("migrate_to_chat_id")
    if moved_to is not None:
        return Moved(description, chat_id=str(moved_to))
    if status == 429 or "retry_after" in extras:  # noqa: PLR2004 - HTTP statuses are known by their numbers here and below
        return RetryLater(description, after=_seconds(extras.get("retry_after")) or answer.retry_after())
    if status >= 500:  # noqa: PLR2004 - as above
        return RetryLater(description, after=answer.retry_after())
    return _by_status(status, description)


def is_not_modified(error: Rejected) -> bool:
    """Tell whether an edit was refused because the message says that already (a button pressed twice)."""
    return "message is not modified" in str(error).lower()


def cannot_be_edited(error: Rejected) -> bool:
    """Tell whether an edit was refused for ever: the message is gone, too old, not ours, or has no text."""
    return _CANNOT_EDIT.search(str(error)) is not None


def is_topic_unchanged(error: Rejected) -> bool:
    """Tell whether a topic was not closed because it is closed already, or not opened because it is open."""
    return "topic_not_modified" in str(error).lower()


def is_file_gone(error: Rejected) -> bool:
    """Tell whether Telegram does not have a file, or never had it for this bot."""
    return _NO_FILE.search(str(error)) is not None


def is_stale_press(error: Rejected) -> bool:
    """Tell whether a press was acknowledged too late or twice: there is no spinner left to stop."""
    text = str(error).lower()
    return "query is too old" in text or "query id is invalid" in text or "query_id_invalid" in text


def _by_status(status: int, description: str) -> ChannelError:
    match status:
        case 401 | 404:
            return Unauthorized(answered(WRONG_TOKEN, description))
        case 403:
            return Gone(description)
        case 409:
            return Conflict(WEBHOOK_AND_POLLER if "webhook" in description.lower() else TWO_POLLERS)
        case 413:
            return TooLarge(description)
        case _:
            return _bad_request(description)


def _bad_request(description: str) -> ChannelError:
    if _NO_TOPIC.search(description):
        return TopicGone(description)
    if "can't parse entities" in description.lower():
        return MarkupRejected(description)
    if _TOO_LARGE.search(description):
        return TooLarge(description)
    return Rejected(description)


def _unreadable(answer: HttpAnswer) -> ChannelError:
    if 200 <= answer.status < 300:  # noqa: PLR2004 - the 2xx class of HTTP
        # Something said yes in words that we cannot read: nobody can know whether the call was accepted.
        return Unreachable(
            phrase(
                "telegram.answer_unreadable",
                "the answer (HTTP {status}) is not the Bot API's",
                status=answer.status,
            ),
            maybe_sent=True,
        )
    if answer.status < 500:  # noqa: PLR2004 - the 5xx class of HTTP
        what = phrase(
            "telegram.stranger",
            "something other than the Bot API answered (HTTP {status}); check api_base",
            status=answer.status,
        )
    else:
        what = phrase(
            "telegram.stranger_broken",
            "something other than the Bot API answered (HTTP {status})",
            status=answer.status,
        )
    return RetryLater(what, after=answer.retry_after())


def _seconds(value: Any) -> timedelta | None:
    if isinstance(value, int) and 0 <= value <= _MOST_SECONDS:
        return timedelta(seconds=value)
    return None
