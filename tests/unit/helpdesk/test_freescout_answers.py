"""FreeScout's answers are told by reaction; signatures and settings are checked."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import ValidationError

from channels.contract import HealthState
from channels.errors import ChannelError, Gone, Rejected, RetryLater, TooLarge, Unauthorized, Unreachable
from channels.http import HttpAnswer
from config.secret import Secret
from optfm_bot.helpdesk.freescout.answers import read_answer
from optfm_bot.helpdesk.freescout.health import diagnose
from optfm_bot.helpdesk.freescout.signature import is_genuine, sign
from optfm_bot.helpdesk.freescout.spec import SPEC, FreeScoutSettings

PAGE = b"<!DOCTYPE html><html><title>Page Not Found</title></html>"
LEAST: dict[str, Any] = {"url": "https://desk.test", "api_key": "0123456789abcdef", "mailbox_id": 2}


def answer(status: int, body: Any = b"", **headers: str) -> HttpAnswer:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return HttpAnswer(status, CIMultiDict(headers), content)


def read(found: HttpAnswer, *, changes: bool = True) -> Any:
    return read_answer(found, lambda text: text.replace("canary", "•"), changes=changes)


@pytest.mark.parametrize(
    ("found", "reaction"),
    [
        (answer(401, {"message": "Not Authorized"}), Unauthorized),
        (answer(403, PAGE), Unauthorized),
        (answer(404, {"message": "Not Found", "_embedded": {"errors": []}}), Gone),
        (answer(404, PAGE), Rejected),
        (answer(405, "The method is not supported"), Rejected),
        (answer(400, {"message": "Error occurred"}), Rejected),
        (answer(413, PAGE), TooLarge),
        (answer(429, PAGE), RetryLater),
        (answer(500, PAGE), Unreachable),
        (answer(502, PAGE), Unreachable),
        (answer(504, b""), Unreachable),
        (answer(408, b""), Unreachable),
        (answer(200, b" "), Unreachable),
        (answer(200, PAGE), Unreachable),
        (answer(200, [1]), Unreachable),
        (answer(301, b"", Location="https://other.test/"), Rejected),
    ],
)
@pytest.mark.parametrize("changes", [True, False])
def test_answers_are_told_by_reaction(found: HttpAnswer, reaction: type[ChannelError], changes: bool) -> None:  # noqa: FBT001 - a column of the table
    with pytest.raises(reaction) as caught:
        read(found, changes=changes)
    assert type(caught.value) is reaction
    if isinstance(caught.value, Unreachable):
        assert caught.value.maybe_sent is changes


def test_no_module_is_said_in_words() -> None:
    with pytest.raises(Rejected, match="API & Webhooks module"):
        read(answer(404, PAGE))


def test_a_refusal_says_which_field_and_no_secret() -> None:
    errors = [{"path": "user", "message": "`user` parameter is required canary", "source": "JSON"}]
    with pytest.raises(Rejected) as caught:
        read(answer(400, {"message": "Error occurred", "_embedded": {"errors": errors}}))
    assert "user: `user` parameter is required •" in str(caught.value)


def test_a_wait_is_the_one_that_is_asked_for() -> None:
    with pytest.raises(RetryLater) as caught:
        read(answer(429, PAGE, **{"Retry-After": "7"}))
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() == 7


def test_what_was_made_is_told_by_the_header_or_by_the_body() -> None:
    assert read(answer(201, b"", **{"Resource-ID": "981"})).id == "981"
    assert read(answer(201, {"id": 981})).id == "981"
    assert read(answer(204)).id is None


@pytest.mark.parametrize("body", [b"{}", rb'{"a":"\/\u043f"}', b"\xff\x00"])
def test_a_signature_is_over_the_raw_bytes(body: bytes) -> None:
    secret = Secret("d41d8cd98f00b204e9800998ecf8427e")
    assert is_genuine(body, sign(body, secret), secret)
    assert not is_genuine(body + b" ", sign(body, secret), secret)
    assert not is_genuine(body, sign(body, Secret("other")), secret)
    assert not is_genuine(body, "", secret)


def test_the_signature_is_the_known_one() -> None:
    # printf '{"id":77}' | openssl dgst -sha1 -hmac secret -binary | base64
    assert sign(b'{"id":77}', Secret("secret")) == "FBAtOB+Y8Aiq4kteDApna5OzsFc="


@given(st.text(), st.binary())
def test_a_strange_signature_is_refused(signature: str, body: bytes) -> None:
    assert not is_genuine(body, signature + "!", Secret("secret"))


def test_settings_need_little() -> None:
    settings = FreeScoutSettings.model_validate(LEAST)
    assert (settings.mode, settings.conversation_type, settings.agent_name) == ("handoff", "chat", True)
    assert SPEC.settings is FreeScoutSettings


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://desk.test/", "https://desk.test"),
        ("https://desk.test/help/api/", "https://desk.test/help"),
        (" http://10.0.0.5:8080 ", "http://10.0.0.5:8080"),
    ],
)
def test_an_address_is_kept_without_what_is_added_to_it(given: str, kept: str) -> None:
    assert FreeScoutSettings.model_validate({**LEAST, "url": given}).url == kept


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "desk.test"},
        {"url": "ftp://desk.test"},
        {"url": "https://user:canary-password@desk.test"},
        {"api_key": "canary key"},
        {"api_key": "short"},
        {"mailbox_id": 0},
        {"tags": ["a,b"]},
        {"tags": [" "]},
        {"proxy": "canary-proxy"},
        {"conversation_type": "sms"},
        {"file_hosts": ["files"]},
        {"poll_seconds": 0},
        {"unknown": 1},
    ],
)
def test_wrong_settings_are_refused_without_being_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        FreeScoutSettings.model_validate({**LEAST, **wrong})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "state", "hint"),
    [
        ({}, HealthState.OK, ""),
        ({"user_id": 9}, HealthState.OK, ""),
        ({"user_id": 7}, HealthState.DEGRADED, "no active user 7"),
        ({"mailbox_id": 5}, HealthState.DOWN, "2 (Поддержка), 3 (Продажи)"),
    ],
)
def test_the_health_says_what_is_missing(settings: dict[str, Any], state: HealthState, hint: str) -> None:
    mailboxes = [{"id": 2, "name": "Поддержка"}, {"id": 3, "name": "Продажи"}]
    users = [{"id": 7, "status": "disabled"}, {"id": 9}]
    found = diagnose(FreeScoutSettings.model_validate({**LEAST, **settings}), mailboxes, users)
    assert found.state is state
    assert hint in found.hint
    nobody = diagnose(FreeScoutSettings.model_validate(LEAST), mailboxes, users[:1])
    assert nobody.state is HealthState.DEGRADED
