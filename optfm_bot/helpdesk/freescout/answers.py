"""What FreeScout's answers mean: the content, or the reaction that a refusal calls for. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.errors import ChannelError, Gone, Rejected, RetryLater, TooLarge, Unauthorized, Unreachable
from channels.fields import Json
from channels.http import HttpAnswer, json_value
from channels.phrase import answered, phrase

WRONG_KEY = phrase(
    "freescout.wrong_key",
    "FreeScout does not accept this api_key. Copy it again from Manage → API & Webhooks; a new "
    "key ends the old one.",
)
NO_MODULE = phrase(
    "freescout.no_module",
    "There is no API at this address. FreeScout needs its API & Webhooks module, installed and "
    "active; compare url with the address at which people open FreeScout.",
)
REDIRECTED = phrase(
    "freescout.redirected",
    "FreeScout's server sends us to another address, and a key does not follow. Set url to the "
    "one that people see in the end, with https if it has that.",
)
_SILENT = frozenset({408, 425, 499})
_MOST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Accepted:
    """A call that was accepted: the id of what it made, if it made something, and the JSON object that came."""

    id: str | None
    content: Json


def read_answer(answer: HttpAnswer, redact: Callable[[str], str], *, changes: bool) -> Accepted:
    """Give what an accepted call brought; otherwise raise by reaction.

    `changes`: the call changes something, so an answer that tells nothing is "maybe sent". A call that reads is not.
    """
    content = _object(answer.body)
    if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP statuses are known by their numbers here and below
        made = answer.headers.get("Resource-ID", "").strip()
        if content is None:
            if changes and (answer.status == 204 or made.isdigit()):  # noqa: PLR2004 - as above
                return Accepted(made or None, {})
            raise Unreachable(_wordless(answer), maybe_sent=changes)
        return Accepted(made if made.isdigit() else _identifier(content), content)
    raise refusal(answer, content, redact, changes=changes)


def refusal(  # noqa: PLR0911 - a table of statuses, read row by row
    answer: HttpAnswer, content: Json | None, redact: Callable[[str], str], *, changes: bool
) -> ChannelError:
    """Give the reaction to a refused call. `content` is the JSON object that came, None if there is none."""
    status = answer.status
    if status in _SILENT or status >= 500:  # noqa: PLR2004 - as above
        return Unreachable(
            phrase(
                "freescout.broke_down",
                "FreeScout or the server in front of it broke down (HTTP {status})",
                status=status,
            ),
            maybe_sent=changes,
        )
    if 300 <= status < 400:  # noqa: PLR2004 - as above
        return Rejected(answered(REDIRECTED, f"HTTP {status}"))
    match status:
        case 401:
            return Unauthorized(WRONG_KEY)
        case 403:
            return Unauthorized(
                phrase(
                    "freescout.not_let_in",
                    "The server in front of FreeScout does not let us in (HTTP 403): allow the bot's address "
                    "and header.",
                )
            )
        case 404 if content is not None and "message" in content:
            return Gone(phrase("freescout.gone", "FreeScout does not have this any more (HTTP 404)"))
        case 404 | 405:
            return Rejected(answered(NO_MODULE, f"HTTP {status}"))
        case 413:
            return TooLarge(
                phrase(
                    "freescout.too_large",
                    "The server of FreeScout does not take a message as large as this (HTTP 413)",
                )
            )
        case 429:
            return RetryLater(
                phrase("freescout.slower", "FreeScout's server asks us to be slower"),
                after=answer.retry_after(),
            )
    why = redact(_words(content))[:_MOST_WORDS] or phrase("freescout.no_reason", "it gives no reason")
    return Rejected(
        phrase(
            "freescout.refused", "FreeScout refused the call (HTTP {status}): {why}", status=status, why=why
        )
    )


def _wordless(answer: HttpAnswer) -> str:
    if answer.body.strip():
        return phrase(
            "freescout.yes_and_no_json",
            "FreeScout said yes (HTTP {status}) and something that is no JSON",
            status=answer.status,
        )
    return phrase(
        "freescout.yes_and_nothing", "FreeScout said yes (HTTP {status}) and nothing", status=answer.status
    )


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        content = json_value(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _identifier(content: Json) -> str | None:
    found = content.get("id")
    return str(found) if type(found) is int else None


def _words(content: Json | None) -> str:
    """Give what the module says: which field, and what of it; empty if it says nothing."""
    if content is None:
        return ""
    embedded = content.get("_embedded")
    errors = embedded.get("errors") if isinstance(embedded, dict) else None
    parts = [
        f"{error.get('path') or '?'}: {error.get('message')}"
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, dict)
    ]
    return "; ".join(parts) or str(content.get("message") or "")
