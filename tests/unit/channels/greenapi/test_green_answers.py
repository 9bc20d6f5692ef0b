"""What the gateway's answers mean, by their status; none of them shows a token or a stranger's chat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from channels.errors import (
    ChannelError,
    Conflict,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from channels.greenapi.answers import Suspended, read_answer, read_deletion, read_sent, require
from channels.http import HttpAnswer, Redactor

REDACT = Redactor(["canary0123456789"])


def answer(status: int, content: Any = b"", **headers: str) -> HttpAnswer:
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return HttpAnswer(status, headers, body)


def refused(status: int, content: Any = b"", *, sends: bool = True, **headers: str) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        read_answer(answer(status, content, **headers), REDACT, sends=sends)
    assert "canary" not in str(caught.value)
    return caught.value


def bad_request(message: str) -> dict[str, Any]:
    path = "/waInstance3100/sendMessage/canary0123456789"
    return {"statusCode": 400, "path": path, "message": message}


def test_an_accepted_call_gives_its_content() -> None:
    assert read_answer(answer(200, {"idMessage": "1"}), REDACT) == {"idMessage": "1"}
    assert read_answer(answer(200, b"null"), REDACT) is None


@pytest.mark.parametrize("page", [b"", b"<html>canary0123456789</html>"])
def test_wrong_credentials_stop_everything(page: bytes) -> None:
    assert type(refused(401, page)) is Unauthorized
    assert type(refused(403, page)) is Unauthorized
    assert type(refused(404, page)) is Unauthorized
    assert "apiTokenInstance" in str(refused(401, page))
    assert "api_url" in str(refused(403, page))


def test_a_forbidden_message_is_not_a_wrong_token() -> None:
    assert type(refused(403, {"message": "Forbidden for this chat"})) is Rejected
    assert type(refused(403, {"message": "Forbidden"}, sends=False)) is Unauthorized


def test_a_suspended_account_holds_everything() -> None:
    error = refused(403, {"message": "Your account is suspended"})
    assert isinstance(error, Suspended)
    assert error.whole_bot
    assert error.after == timedelta(hours=1)


def test_a_validation_error_is_final_and_says_why_without_its_path() -> None:
    error = refused(400, bad_request("Validation failed. Details: 'chatId' must be a string"))
    assert type(error) is Rejected
    assert "'chatId' must be a string" in str(error)
    assert "waInstance" not in str(error)
    leaky = refused(400, bad_request("no such path /sendMessage/canary0123456789"))
    assert "••••" in str(leaky)


def test_a_text_that_is_too_long_is_too_large() -> None:
    assert type(refused(400, bad_request("'message' length must be less than 4000"))) is TooLarge
    assert type(refused(413)) is TooLarge


@pytest.mark.parametrize(
    "message", ["instance is starting or not authorized", "instance in starting process try later"]
)
def test_an_instance_that_is_not_ready_is_waited_for(message: str) -> None:
    error = refused(400, bad_request(message))
    assert isinstance(error, RetryLater)
    assert error.after
    assert error.whole_bot


def test_a_webhook_that_is_set_is_a_conflict() -> None:
    error = refused(
        400, bad_request("Message cannot be received because custom webhook url is set"), sends=False
    )
    assert type(error) is Conflict
    assert "settings-set" in str(error)


def test_a_rate_limit_is_waited_for_as_long_as_it_says() -> None:
    plain, timed = refused(429), refused(429, **{"Retry-After": "3"})
    assert isinstance(plain, RetryLater)
    assert isinstance(timed, RetryLater)
    assert (plain.after, timed.after, timed.whole_bot) == (None, timedelta(seconds=3), True)


def test_a_used_up_quota_is_final_and_names_what_is_used_up() -> None:
    content = {
        "invokeStatus": {"method": "checkaccount", "used": "100", "total": 100, "status": "QUOTE_EXCEEDED"}
    }
    error = refused(466, content)
    assert type(error) is Rejected
    assert "calls of checkaccount" in str(error)
    assert "(100 of 100)" in str(error)


def test_the_quota_of_chats_counts_even_if_the_call_was_allowed() -> None:
    content = {
        "invokeStatus": {"method": "sendmessage", "used": 67, "total": 0, "status": "QUOTE_ALLOWED"},
        "correspondentsStatus": {
            "method": "correspondents",
            "used": 3,
            "total": 3,
            "status": "CORRESPONDENTS_QUOTA_EXCEEDED",
            "description": "allowed: 79001112233@c.us, 10000010",
        },
    }
    error = refused(466, content)
    assert "chats" in str(error)
    assert "(3 of 3)" in str(error)
    assert "79001112233" not in str(error)
    assert "10000010" not in str(error)
    assert type(refused(466, b"<html>")) is Rejected


def test_the_look_up_of_contacts_is_closed_for_two_hours() -> None:
    error = refused(469, {"message": "User get contact info limit reached"}, sends=False)
    assert isinstance(error, RetryLater)
    assert error.after == timedelta(hours=2)


@pytest.mark.parametrize("status", [408, 499, 500, 502, 503, 504])
def test_silence_after_sending_is_maybe_sent_and_after_asking_it_is_not(status: int) -> None:
    sent = refused(status, b"<html>Bad Gateway</html>")
    assert isinstance(sent, Unreachable)
    assert sent.maybe_sent
    assert type(refused(status, b"", sends=False)) is RetryLater


def test_a_yes_that_cannot_be_read_is_maybe_sent() -> None:
    error = refused(200, b"<html>")
    assert isinstance(error, Unreachable)
    assert error.maybe_sent


def test_a_message_id_is_text_whatever_it_came_as() -> None:
    assert read_sent({"idMessage": "1763115112345"}) == "1763115112345"
    assert read_sent({"idMessage": 115000000000000001}) == "115000000000000001"


def test_a_yes_without_a_message_id_is_maybe_sent_and_a_no_is_a_no() -> None:
    for content in ({}, None, {"idMessage": ""}):
        with pytest.raises(Unreachable) as caught:
            read_sent(content)
        assert caught.value.maybe_sent
    with pytest.raises(RetryLater):
        read_sent({"status": False, "reason": "instance is starting or not authorized"})


def test_a_no_with_status_200_is_a_no() -> None:
    with pytest.raises(Rejected, match="not an administrator"):
        require({"addParticipant": False, "reason": "not an administrator"}, "addParticipant")
    assert require({"isReboot": True}, "isReboot") == {"isReboot": True}
    with pytest.raises(RetryLater) as caught:
        require({"isCleared": False, "reason": "Too many requests", "leftTime": 46}, "isCleared")
    assert caught.value.after == timedelta(seconds=46)
    with pytest.raises(RetryLater):
        require([], "isCleared")


def test_a_notification_that_is_gone_counts_as_deleted() -> None:
    assert read_deletion(answer(200, {"result": True, "reason": ""}), REDACT)
    assert not read_deletion(answer(200, {"result": False, "reason": "not found"}), REDACT)
    page = {"message": "Cannot read properties of null (reading 'findUnAckedMessage')"}
    assert not read_deletion(answer(500, page), REDACT)
    with pytest.raises(RetryLater):
        read_deletion(answer(500, b"<html>"), REDACT)
