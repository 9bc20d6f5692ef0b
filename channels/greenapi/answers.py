"""What GREEN-API's answers mean: the content, or the reaction that a refusal calls for. Pure.

The status decides; the body is looked at only where it is JSON. A body of status 400 repeats the path of the request
with the token in it, so nothing but its `message` is ever taken, and secrets are masked in that too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from channels.errors import (
    ChannelError,
    Conflict,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from channels.http import HttpAnswer, json_value
from channels.phrase import phrase

NOT_READY = timedelta(seconds=5)
"""How long to wait for an instance that is starting. It needs up to five minutes, but tells when it is ready."""

LOOKUPS_CLOSED = timedelta(hours=2)
"""How long MAX closes the look-up of contacts after too many of them."""

WRONG_TOKEN = phrase(
    "green_api.wrong_token", "GREEN-API does not know this apiTokenInstance. Copy it again from the console."
)
WRONG_INSTANCE = phrase(
    "green_api.wrong_instance",
    "GREEN-API does not know this instance at this address. Compare id_instance and api_url "
    "with the console.",
)
WEBHOOK_SET = phrase(
    "green_api.webhook_set",
    "A webhook address is set for this instance, so GREEN-API answers no request for messages. "
    "Stop the other program that receives them and clear the address: optfm-bot channels do "
    "<instance> settings-set webhook_url=",
)
SUSPENDED = phrase(
    "green_api.suspended",
    "MAX has suspended this account: only saved contacts may be written to. Everything waits "
    "until that ends.",
)

_NOT_READY = re.compile(r"starting|not authorized|notAuthorized", re.IGNORECASE)
_SUSPENDED = re.compile(r"suspend", re.IGNORECASE)
_WEBHOOK_SET = re.compile(r"custom webhook url", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"length must be (less|at most)|too long|too large|max(imum)? length|exceed", re.IGNORECASE
)
_SILENT = frozenset({408, 425, 499})
"""Statuses of servers in front of the gateway: the call may have passed them."""
NO_REASON = phrase("green_api.no_reason", "no reason given")
_TARIFF = phrase(
    "green_api.tariff",
    "Change the tariff in the console, or wait until the 1st of the month, when it starts anew.",
)


class NotReady(RetryLater):
    """The instance is starting or nobody is logged in."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            phrase("green_api.not_ready", "The instance is not ready: {reason}", reason=reason),
            after=NOT_READY,
            whole_bot=True,
        )


class Suspended(RetryLater):
    """The account may write to saved contacts only, until a moment that `getAccountSettings` tells."""


def read_answer(answer: HttpAnswer, redact: Callable[[str], str], *, sends: bool = False) -> Any:
    """Give the JSON content of an accepted call; otherwise raise by reaction.

    `sends`: the call sends something that cannot be taken back, so an answer that tells nothing is "maybe sent".
    """
    content = _json(answer)
    if 200 <= answer.status < 300:  # noqa: PLR2004 - the 2xx class of HTTP
        if content is _UNREADABLE:
            raise _silence(answer, sends=sends)
        return content
    raise refusal(answer, content, redact, sends=sends)


def refusal(  # noqa: PLR0911 - a table of statuses, read row by row
    answer: HttpAnswer, content: Any, redact: Callable[[str], str], *, sends: bool
) -> ChannelError:
    """Give the reaction to a refused call. `content` is its JSON, if it has any."""
    fields = content if isinstance(content, dict) else {}
    message = redact(_message(fields))[:500]
    if answer.status in {401, 403, 404}:
        return _denied(answer.status, fields, message, sends=sends)
    if answer.status in _SILENT or answer.status >= 500:  # noqa: PLR2004 - the 5xx class of HTTP
        return _silence(answer, sends=sends)
    match answer.status:
        case 400:
            return _bad_request(message)
        case 413:
            return TooLarge(
                message
                or phrase("green_api.body_too_large", "GREEN-API does not take a body as large as this")
            )
        case 429:
            return RetryLater(
                phrase("green_api.slower", "GREEN-API asks us to be slower"),
                after=answer.retry_after(),
                whole_bot=True,
            )
        case 466:
            return Rejected(quota_sentence(fields))
        case 469:
            return RetryLater(
                phrase(
                    "green_api.lookups_closed",
                    "MAX closes the look-up of contacts for about two hours after too many of them",
                ),
                after=LOOKUPS_CLOSED,
            )
    return Rejected(
        phrase(
            "green_api.refused",
            "GREEN-API refused the call (HTTP {status}): {message}",
            status=answer.status,
            message=message or NO_REASON,
        )
    )


def quota_sentence(content: Mapping[str, Any]) -> str:
    """Say which quota of the tariff is used up. The platform's description is left out: it lists other people's chats.

    Both parts are looked at, because one may say "allowed" while the other is what refused.
    """
    for part in ("correspondentsStatus", "invokeStatus"):
        status = content.get(part)
        if not isinstance(status, dict) or "EXCEEDED" not in str(status.get("status", "")).upper():
            continue
        counted = _counted(status)
        if part == "correspondentsStatus":
            return phrase(
                "green_api.quota_of_chats",
                "The quota of chats in this tariff is used up{counted}. {advice}",
                counted=counted,
                advice=_TARIFF,
            )
        return phrase(
            "green_api.quota_of_calls",
            "The quota of calls of {method} in this tariff is used up{counted}. {advice}",
            method=_word(status.get("method")),
            counted=counted,
            advice=_TARIFF,
        )
    return phrase("green_api.quota", "A quota of this tariff is used up. {advice}", advice=_TARIFF)


def read_deletion(answer: HttpAnswer, redact: Callable[[str], str]) -> bool:
    """Tell whether this very call deleted the notification; false if it was gone before. Raises by reaction."""
    # Seen instead of `result: false`, with status 500.
    if answer.status >= 500 and b"findUnAckedMessage" in answer.body:  # noqa: PLR2004 - the 5xx class of HTTP
        return False
    content = read_answer(answer, redact)
    return isinstance(content, dict) and content.get("result") is True


def read_sent(content: Any) -> str:
    """Give the id of a message that was accepted. Raises by reaction if the answer has none."""
    fields = content if isinstance(content, dict) else {}
    message_id = fields.get("idMessage")
    if isinstance(message_id, str | int) and not isinstance(message_id, bool) and message_id != "":
        return str(message_id)
    require(fields, "status")
    raise Unreachable(
        phrase("green_api.no_message_id", "GREEN-API accepted the message and named no id for it"),
        maybe_sent=True,
    )


def require(content: Any, name: str) -> Mapping[str, Any]:
    """Give the object of an answer in which `name` is not false. Raises by reaction: a no comes with status 200."""
    if not isinstance(content, dict):
        raise RetryLater(
            phrase("green_api.unexpected_answer", "GREEN-API's answer is not what its documentation promises")
        )
    if content.get(name, True) is not False:
        return content
    reason = str(content.get("reason") or content.get("description") or "")[:200]
    if _NOT_READY.search(reason):
        raise NotReady(reason)
    left = content.get("leftTime")
    if isinstance(left, int) and 0 < left < 86_400:  # noqa: PLR2004 - seconds of a day
        raise RetryLater(
            phrase("green_api.wait_reason", "GREEN-API asks us to wait: {reason}", reason=reason),
            after=timedelta(seconds=left),
        )
    raise Rejected(
        phrase(
            "green_api.says_no",
            "GREEN-API says no ({name}): {reason}",
            name=name,
            reason=reason or NO_REASON,
        )
    )


_UNREADABLE: Any = object()


def _json(answer: HttpAnswer) -> Any:
    try:
        return json_value(answer.body)
    except ValueError:
        return _UNREADABLE


def _message(fields: Mapping[str, Any]) -> str:
    for name in ("message", "reason", "description", "error"):
        value = fields.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _denied(status: int, fields: Mapping[str, Any], message: str, *, sends: bool) -> ChannelError:
    """Tell wrong credentials, which come without JSON, from a refusal of this one call."""
    if status == 401:  # noqa: PLR2004 - HTTP statuses are known by their numbers
        return Unauthorized(WRONG_TOKEN)
    if status == 403 and _SUSPENDED.search(message):  # noqa: PLR2004 - as above
        return Suspended(SUSPENDED, after=timedelta(hours=1), whole_bot=True)
    if fields and (sends or status == 404):  # noqa: PLR2004 - as above
        return Rejected(
            phrase(
                "green_api.refused",
                "GREEN-API refused the call (HTTP {status}): {message}",
                status=status,
                message=message or NO_REASON,
            )
        )
    return Unauthorized(WRONG_INSTANCE)


def _bad_request(message: str) -> ChannelError:
    if _WEBHOOK_SET.search(message):
        return Conflict(WEBHOOK_SET)
    if _SUSPENDED.search(message):
        return Suspended(SUSPENDED, after=timedelta(hours=1), whole_bot=True)
    if _NOT_READY.search(message):
        return NotReady(message)
    if _TOO_LONG.search(message):
        return TooLarge(message)
    return Rejected(
        message
        or phrase("green_api.refused_silently", "GREEN-API refused the call without a reason (HTTP 400)")
    )


def _silence(answer: HttpAnswer, *, sends: bool) -> ChannelError:
    if sends:
        return Unreachable(
            phrase(
                "green_api.no_result",
                "GREEN-API answered with HTTP {status} and no result",
                status=answer.status,
            ),
            maybe_sent=True,
        )
    return RetryLater(
        phrase(
            "green_api.not_working",
            "GREEN-API does not work at the moment (HTTP {status})",
            status=answer.status,
        ),
        after=answer.retry_after(),
    )


def _counted(status: Mapping[str, Any]) -> str:
    used, total = _word(status.get("used")), _word(status.get("total"))
    if not used.isdecimal() or not total.isdecimal():
        return ""
    return phrase("green_api.counted", " ({used} of {total})", used=used, total=total)


def _word(value: Any) -> str:
    word = str(value)
    return word if word.isalnum() and len(word) <= 40 else "?"  # noqa: PLR2004 - a name, no essay
