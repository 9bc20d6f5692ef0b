"""What MAX's answers mean: the JSON object, or the reaction that its refusal calls for. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from channels.errors import (
    ChannelError,
    Gone,
    MarkupRejected,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from channels.fields import Json
from channels.http import HttpAnswer, json_value
from channels.phrase import answered, phrase

WRONG_TOKEN = phrase(
    "max.wrong_token",
    "MAX does not accept this token. Copy it again from the integration page of the bot at "
    "business.max.ru, without the word Bearer; it works once the bot has passed moderation, and"
    " a new one ends the old one.",
)
WEBHOOK_AND_POLLER = phrase(
    "max.webhook_and_poller",
    "MAX answers no request for updates: a webhook is set for this bot, or another copy asks "
    "for its updates. Stop the other copy, then start this one again.",
)
_NO_REASON = phrase("max.no_reason", "it does not say why")
_NOT_READY = re.compile(r"attachment\.not\.ready|not\.processed|not\.ready", re.IGNORECASE)
_NO_CHAT = re.compile(r"\b(?:dialog|chat)\.not\.found\b", re.IGNORECASE)
_TOO_LARGE = re.compile(r"too (?:long|large|big)", re.IGNORECASE)
# No refusal of markup is known (unknown tags are dropped silently). One that came would speak of it.
_MARKUP = re.compile(r"\b(?:markup|markdown|html)\b", re.IGNORECASE)


def read_answer(answer: HttpAnswer, redact: Callable[[str], str], *, once: bool = False) -> Json:
    """Give the JSON object of an accepted call; otherwise raise by reaction, with every secret masked.

    `once` says that the call must not be made twice (a message would be there twice). MAX takes no id by which it
    could know a repeated send, so an answer that does not say whether a send was carried out is `Unreachable` and the
    delivery policy decides: that are 500, 502 and 504. 503 says that nobody worked on it.
    """
    content = _object(answer.body)
    if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP statuses are known by their numbers here and below
        if content is None:
            # Something said yes in words that we cannot read: nobody can know whether the call was accepted.
            raise Unreachable(
                phrase(
                    "max.answer_unreadable",
                    "the answer (HTTP {status}) is not the MAX API's",
                    status=answer.status,
                ),
                maybe_sent=True,
            )
        if content.get("success") is False:
            raise Rejected(
                phrase("max.not_done", "MAX did not do it: {why}", why=redact(_words(content)) or _NO_REASON)
            )
        return content
    raise refusal(answer, content, redact, once=once)


def refusal(
    answer: HttpAnswer, content: Json | None, redact: Callable[[str], str], *, once: bool = False
) -> ChannelError:
    """Give the reaction to a refused call. `content` is the JSON object that came, None if there is none."""
    words = _words(content) if content is not None else ""
    description = redact(f"{words} (HTTP {answer.status})" if words else f"HTTP {answer.status}")
    match answer.status:
        case 429:
            return RetryLater(
                phrase("max.slower", "MAX asks us to slow down: {description}", description=description),
                after=answer.retry_after(),
            )
        case 500 | 502 | 504 if once:
            return Unreachable(
                phrase(
                    "max.broke_down",
                    "MAX broke down while it worked on this: {description}",
                    description=description,
                ),
                maybe_sent=True,
            )
        case status if status >= 500:  # noqa: PLR2004 - the 5xx class of HTTP
            return RetryLater(
                phrase("max.not_working", "MAX cannot work now: {description}", description=description),
                after=answer.retry_after(),
            )
        case 413:
            return TooLarge(description)
        case status if not words:
            # A page of some proxy: it must not be taken for MAX's word on a token or a chat.
            what = phrase(
                "max.stranger",
                "something other than MAX answered (HTTP {status}); check api_base",
                status=status,
            )
            return RetryLater(what, after=answer.retry_after())
    return _by_status(answer.status, words, description)


def _by_status(status: int, words: str, description: str) -> ChannelError:
    match status:
        case 401:
            return Unauthorized(answered(WRONG_TOKEN, description))
        case 403:
            return Gone(description)
        case 404 if _NO_CHAT.search(words):
            return Gone(description)
        case 400:
            return _bad_request(words, description)
        case _:
            return Rejected(description)


def _bad_request(words: str, description: str) -> ChannelError:
    if _NOT_READY.search(words):
        return RetryLater(
            phrase(
                "max.file_not_ready",
                "MAX is still working on the file: {description}",
                description=description,
            )
        )
    if _NO_CHAT.search(words):
        return Gone(description)
    if _TOO_LARGE.search(words):
        return TooLarge(description)
    if _MARKUP.search(words):
        return MarkupRejected(description)
    return Rejected(description)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        content = json_value(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _words(content: Json) -> str:
    """Give what MAX says, code first: what is a code in one answer is the message in another."""
    parts = [content.get(name) for name in ("code", "message", "error")]
    return ": ".join(dict.fromkeys(part for part in parts if isinstance(part, str) and part))
