"""Every answer of MAX calls for exactly one reaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

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
from channels.http import HttpAnswer, Redactor
from channels.max.answers import read_answer

KEEP = Redactor([])


def answer(status: int, content: Any, headers: dict[str, str] | None = None) -> HttpAnswer:
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return HttpAnswer(status, headers or {}, body)


def refusal(status: int, code: str, message: str = "") -> HttpAnswer:
    return answer(status, {"code": code, "message": message})


def reaction(given: HttpAnswer, *, once: bool = False) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        read_answer(given, KEEP, once=once)
    return caught.value


def test_an_accepted_call_gives_its_object() -> None:
    assert read_answer(answer(200, {"user_id": 5}), KEEP) == {"user_id": 5}


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (400, "proto.payload", "Can't deserialize body", Rejected),
        (400, "proto.payload", "errors.maxRowSize", Rejected),
        (400, "proto.payload", "Unknown recipient", Rejected),
        (400, "proto.payload", "text is too long", TooLarge),
        (400, "proto.payload", "Can't parse markdown at 5", MarkupRejected),
        (400, "attachment.not.ready", "Key: errors.process.attachment.file.not.processed", RetryLater),
        (400, "proto.payload", "Key: errors.process.attachment.video.not.processed", RetryLater),
        (401, "verify.token", "Invalid access_token", Unauthorized),
        (403, "chat.denied", "error.dialog.suspended", Gone),
        (404, "dialog.not.found", "", Gone),
        (404, "chat.not.found", "", Gone),
        (404, "not.found", "dialog.not.found", Gone),
        (404, "not.found", "message not found", Rejected),
        (405, "method.not.allowed", "", Rejected),
        (413, "too.large", "", TooLarge),
        (429, "too.many.requests", "", RetryLater),
        (500, "internal.error", "", RetryLater),
        (502, "x", "", RetryLater),
        (503, "service.unavailable", "", RetryLater),
        (504, "x", "", RetryLater),
    ],
)
def test_a_refusal_calls_for_its_reaction(
    status: int, code: str, message: str, expected: type[ChannelError]
) -> None:
    error = reaction(refusal(status, code, message))

    assert expected is type(error)
    assert code in str(error)
    assert message in str(error)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(500, Unreachable), (502, Unreachable), (504, Unreachable), (503, RetryLater), (429, RetryLater)],
)
def test_a_send_that_broke_down_may_have_been_carried_out(status: int, expected: type[ChannelError]) -> None:
    error = reaction(refusal(status, "x"), once=True)

    assert expected is type(error)
    assert getattr(error, "maybe_sent", True)


@pytest.mark.parametrize(("value", "after"), [("7", 7), ("0", 0), ("soon", None), (None, None)])
def test_how_long_to_wait_is_taken_from_the_header_if_it_is_there(
    value: str | None, after: int | None
) -> None:
    error = reaction(answer(429, {"code": "too.many.requests"}, {"Retry-After": value} if value else None))

    assert isinstance(error, RetryLater)
    assert error.after == (None if after is None else timedelta(seconds=after))


def test_a_yes_that_means_no_says_why() -> None:
    error = reaction(answer(200, {"success": False, "message": "error.edit.time"}))

    assert type(error) is Rejected
    assert "error.edit.time" in str(error)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message":{"bo', b"1", b"null"])
def test_a_yes_that_cannot_be_read_may_mean_done(body: bytes) -> None:
    error = reaction(answer(200, body))

    assert isinstance(error, Unreachable)
    assert error.maybe_sent


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 502, 504])
def test_a_page_of_some_proxy_is_not_taken_for_the_word_of_max(status: int) -> None:
    """A 403 of a firewall must not mark a person as gone, nor a 401 stop the bot."""
    assert isinstance(reaction(answer(status, b"<html>")), RetryLater)


def test_a_proxy_that_takes_no_large_body_is_understood() -> None:
    assert isinstance(reaction(answer(413, b"<html>")), TooLarge)


@pytest.mark.parametrize("content", [{}, {"code": 5, "message": []}, {"error": "x"}, {"success": False}])
def test_an_odd_refusal_is_still_a_reaction(content: dict[str, Any]) -> None:
    assert isinstance(reaction(answer(400, content)), ChannelError)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
def test_a_description_that_echoes_a_secret_is_masked(status: int) -> None:
    content = {"success": False, "code": "canary-1", "message": "wrong token canary-1"}
    with pytest.raises(ChannelError) as caught:
        read_answer(answer(status, content), Redactor(["canary-1"]))

    assert "canary" not in str(caught.value)
