"""Every answer of the Bot API calls for exactly one reaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

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
from channels.http import HttpAnswer, Redactor
from channels.telegram.answers import cannot_be_edited, is_not_modified, is_stale_press, read_answer

KEEP = Redactor([])


def refusal(status: int, description: str, **parameters: Any) -> HttpAnswer:
    content = {"ok": False, "error_code": status, "description": description, "parameters": parameters}
    return HttpAnswer(status, {}, orjson.dumps(content))


def reaction(answer: HttpAnswer) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        read_answer(answer, KEEP)
    return caught.value


def test_an_accepted_call_gives_its_result() -> None:
    assert read_answer(HttpAnswer(200, {}, b'{"ok":true,"result":{"message_id":5}}'), KEEP) == {
        "message_id": 5
    }


@pytest.mark.parametrize(
    ("status", "description", "expected"),
    [
        (400, "Bad Request: message thread not found", TopicGone),
        (400, "Bad Request: TOPIC_DELETED", TopicGone),
        (400, "Bad Request: TOPIC_ID_INVALID", TopicGone),
        (400, "Bad Request: TOPIC_CLOSED", Rejected),
        (
            400,
            'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 0',
            MarkupRejected,
        ),
        (400, "Bad Request: message is too long", TooLarge),
        (400, "Bad Request: message caption is too long", TooLarge),
        (400, "Bad Request: MEDIA_CAPTION_TOO_LONG", TooLarge),
        (400, "Bad Request: message text is empty", Rejected),
        (400, "Bad Request: BUTTON_DATA_INVALID", Rejected),
        (400, "Bad Request: chat not found", Rejected),
        (401, "Unauthorized", Unauthorized),
        (403, "Forbidden: bot was blocked by the user", Gone),
        (403, "Forbidden: user is deactivated", Gone),
        (403, "Forbidden: bot can't initiate conversation with a user", Gone),
        (404, "Not Found", Unauthorized),
        (409, "Conflict: terminated by other getUpdates request", Conflict),
        (413, "Request Entity Too Large", TooLarge),
        (420, "FLOOD", Rejected),
        (500, "Internal Server Error", RetryLater),
        (502, "Bad Gateway", RetryLater),
    ],
)
def test_a_refusal_calls_for_its_reaction(
    status: int, description: str, expected: type[ChannelError]
) -> None:
    assert expected is type(reaction(refusal(status, description)))


def test_a_refusal_says_what_telegram_said() -> None:
    assert "BUTTON_DATA_INVALID" in str(reaction(refusal(400, "Bad Request: BUTTON_DATA_INVALID")))


def test_too_many_requests_says_how_long_to_wait() -> None:
    error = reaction(refusal(429, "Too Many Requests: retry after 7", retry_after=7))

    assert isinstance(error, RetryLater)
    assert timedelta(seconds=7) == error.after


def test_a_proxy_in_front_may_say_how_long_to_wait() -> None:
    error = reaction(HttpAnswer(429, {"Retry-After": "3"}, b"slow down"))

    assert isinstance(error, RetryLater)
    assert timedelta(seconds=3) == error.after


def test_an_upgraded_group_gives_its_new_id() -> None:
    error = reaction(
        refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1001)
    )

    assert isinstance(error, Moved)
    assert error.chat_id == "-1001"


@pytest.mark.parametrize(
    ("description", "word"),
    [
        ("Conflict: terminated by other getUpdates request; make sure that only one…", "Another copy"),
        (
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook…",
            "A webhook is set",
        ),
        ("Conflict: terminated by setWebhook request", "A webhook is set"),
    ],
)
def test_a_conflict_tells_two_pollers_from_a_webhook(description: str, word: str) -> None:
    assert str(reaction(refusal(409, description))).startswith(word)


@pytest.mark.parametrize("status", [301, 403, 404, 502, 504])
def test_an_answer_that_is_not_the_bot_apis_is_repeated_later(status: int) -> None:
    assert isinstance(reaction(HttpAnswer(status, {}, b"<html>")), RetryLater)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"ok":true,"resu', b"1", b'{"status":"ok"}'])
def test_a_yes_that_cannot_be_read_may_mean_sent(body: bytes) -> None:
    error = reaction(HttpAnswer(200, {}, body))

    assert isinstance(error, Unreachable)
    assert error.maybe_sent


@pytest.mark.parametrize(
    "content",
    [
        {"ok": False},
        {"ok": False, "error_code": "x", "description": 5, "parameters": []},
        {"ok": None, "parameters": {"retry_after": "soon"}},
    ],
)
def test_an_odd_refusal_is_still_a_reaction(content: dict[str, Any]) -> None:
    assert isinstance(reaction(HttpAnswer(400, {}, orjson.dumps(content))), ChannelError)


def test_a_description_that_echoes_a_secret_is_masked() -> None:
    with pytest.raises(Rejected) as caught:
        read_answer(refusal(400, "Bad Request: wrong secret canary-1"), Redactor(["canary-1"]))

    assert "canary" not in str(caught.value)


def test_harmless_refusals_are_told_from_real_ones() -> None:
    assert is_not_modified(Rejected("Bad Request: message is not modified: specified new message content…"))
    assert cannot_be_edited(Rejected("Bad Request: message to edit not found"))
    assert cannot_be_edited(Rejected("Bad Request: message can't be edited"))
    assert is_stale_press(
        Rejected("Bad Request: query is too old and response timeout expired or query ID is invalid")
    )
    for harmless in (is_not_modified, cannot_be_edited, is_stale_press):
        assert not harmless(Rejected("Bad Request: message text is empty"))
