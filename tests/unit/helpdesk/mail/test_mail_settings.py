"""The settings of a mail helpdesk: no password in the clear by mistake, nobody lets the whole world answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from optfm_bot.helpdesk.mail.reply import Rules
from optfm_bot.helpdesk.mail.spec import SPEC, MailSettings


def settings(**changes: Any) -> MailSettings:
    smtp = {"host": "smtp.shop.test", "username": "bot@shop.test", "password": "canary-password"}
    imap = {"host": "imap.shop.test", "username": "bot@shop.test", "password": "canary-password"}
    given: dict[str, Any] = {"address": "bot@shop.test", "to": "staff@shop.test"}
    parts = {"smtp": {**smtp, **changes.pop("smtp", {})}, "imap": {**imap, **changes.pop("imap", {})}}
    return MailSettings.model_validate({**given, **parts, **changes})


def test_the_defaults_are_encrypted() -> None:
    made = settings()

    assert (made.smtp.port, str(made.smtp.security)) == (587, "starttls")
    assert (made.imap.port, str(made.imap.security), made.imap.folder) == (993, "tls", "INBOX")
    assert (made.poll_seconds, made.file_limit) == (30, SPEC.file_limit)


@pytest.mark.parametrize("part", ["smtp", "imap"])
def test_a_password_is_not_sent_readably_by_mistake(part: str) -> None:
    with pytest.raises(ValidationError, match="readably"):
        settings(**{part: {"security": "none"}})
    settings(**{part: {"security": "none", "allow_plain": True}})
    for host in ("127.0.0.1", "localhost", "::1"):
        settings(**{part: {"security": "none", "host": host}})


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "bot"},
        {"to": "a@shop.test, b@shop.test"},
        {"to": "a@shop.test\r\nBcc: x"},
        {"agents": ["gmail.com"]},
        {"agents": ["@mail.ru"]},
        {"agents": ["not an address"]},
        {"name": "a\nb"},
        {"unknown": 1},
        {"smtp": {"password": ""}},
        {"smtp": {"password": "a\r\nb"}},
        {"smtp": {"host": "https://smtp.shop.test"}},
        {"imap": {"folder": "Входящие"}},
        {"imap": {"folder": ""}},
        {"poll_seconds": 1},
    ],
)
def test_what_cannot_work_is_refused_without_telling_the_password(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**changes)

    assert "canary" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    assert "canary" not in repr(settings())
    assert "canary" not in settings().model_dump_json()


@pytest.mark.parametrize(
    ("changes", "may", "may_not"),
    [
        ({}, ["olga@shop.test", "staff@shop.test"], ["x@sub.shop.test", "x@gmail.com"]),
        ({"to": "owner@gmail.com"}, ["owner@gmail.com"], ["x@gmail.com", "x@shop.test"]),
        ({"agents": ["Olga@Other.test"]}, ["olga@other.test"], ["x@other.test", "x@shop.test"]),
        (
            {"agents": ["@other.test", "owner@gmail.com"]},
            ["x@other.test", "owner@gmail.com"],
            ["y@gmail.com"],
        ),
    ],
)
def test_who_may_answer(changes: dict[str, Any], may: list[str], may_not: list[str]) -> None:
    rules = Rules.of(settings(**changes))

    assert [address for address in may + may_not if rules.allow(address)] == may


def test_the_example_of_the_documentation_is_valid() -> None:
    page = (Path(__file__).parents[4] / "docs" / "how-to" / "answer-by-mail.md").read_text("utf-8")
    found = re.search(r"```yaml\n(# config.yaml\n.*?)```", page, re.DOTALL)
    assert found is not None
    example = yaml.safe_load(found[1])["helpdesk"][SPEC.kind]

    assert MailSettings.model_validate(example).address == "bot@shop.example"
