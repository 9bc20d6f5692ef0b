"""Telling our own people: what arrives, what is tried again, and what is never seen in a log."""

from __future__ import annotations

import asyncio
import email
import logging
import socket
import subprocess
import sys
import threading
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from channels.body import text_body
from channels.errors import ChannelError, Rejected, RetryLater, Unreachable
from channels.model import ChatRef, Outbound, Rendered
from channels.render import render
from config.people import NotifySection
from optfm_bot.clock import ManualClock
from optfm_bot.notify.carrier import NOTIFY, NotifyCarrier, UnusableTargets
from optfm_bot.notify.targets import targets

ROOT = Path(__file__).parents[3]
TEXT = "Заявка 261121-4807: Обратный звонок\n\nИмя: Анна <b>\nТелефон: +79001234567"


def carrier(*urls: str, clock: ManualClock | None = None) -> NotifyCarrier:
    section = NotifySection.model_validate({"urls": list(urls)})
    return NotifyCarrier(targets(section), clock or ManualClock())


def rendered(text: str = TEXT, target: str = "#1") -> Rendered:
    message = Outbound(chat=ChatRef(channel=NOTIFY, chat_id=target), body=text_body(text))
    return render(message, carrier().capabilities, key="7")


async def test_a_web_hook_gets_subject_and_text_as_they_are(hook: Any) -> None:
    clock = ManualClock()
    receipt = await carrier(hook.url, clock=clock).deliver(rendered())

    assert clock.now() == receipt.sent_at
    (got,) = hook.got
    assert "Заявка 261121-4807: Обратный звонок" == got["title"]
    assert "Имя: Анна <b>\nТелефон: +79001234567" == got["message"]


async def test_a_letter_has_the_subject_and_the_lines(mail: Any) -> None:
    await carrier(mail.url("boss@example.ru")).deliver(rendered())

    (got,) = mail.got
    letter = email.message_from_string(got, policy=default)
    assert "Заявка 261121-4807: Обратный звонок" == letter["subject"]
    body = letter.get_body(("html", "plain"))
    assert body is not None
    assert "Имя: Анна <b>\r\nТелефон: +79001234567\r\n" == body.get_content()


async def test_a_text_of_one_line_is_subject_and_body(hook: Any) -> None:
    await carrier(hook.url).deliver(rendered("Проверка"))

    assert ("Проверка", "Проверка") == (hook.got[0]["title"], hook.got[0]["message"])


async def test_what_a_service_refuses_is_tried_again(hook: Any) -> None:
    hook.answer = 500
    with pytest.raises(RetryLater) as caught:
        await carrier(hook.url).deliver(rendered())
    assert caught.value.after is None


async def test_a_refused_letter_is_tried_again_unless_somebody_has_it(mail: Any) -> None:
    mail.refused = {"gone@"}
    with pytest.raises(RetryLater):
        await carrier(mail.url("gone@example.ru")).deliver(rendered())

    with pytest.raises(Unreachable) as caught:
        await carrier(mail.url("boss@example.ru", "gone@example.ru")).deliver(rendered())
    assert caught.value.maybe_sent
    assert 1 == len(mail.got)


async def test_a_connection_that_breaks_off_is_uncertain(hook: Any) -> None:
    hook.cut = True
    with pytest.raises(Unreachable) as caught:
        await carrier(hook.url).deliver(rendered())

    assert caught.value.maybe_sent
    assert 1 == len(hook.got)


def nobody() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1:{port}/",
        "mailto://127.0.0.1:{port}/?from=a@example.ru&to=b@example.ru&smtp=127.0.0.1&mode=insecure",
    ],
)
async def test_where_nobody_listens_nothing_was_sent(url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        await carrier(url.format(port=nobody())).deliver(rendered())
    assert not caught.value.maybe_sent


async def test_a_service_that_never_answers_is_given_up_and_uncertain(
    monkeypatch: pytest.MonkeyPatch, hook: Any
) -> None:
    begun, ends = threading.Event(), threading.Event()

    def stuck(*_: Any) -> None:
        begun.set()
        ends.wait(10)

    monkeypatch.setattr("optfm_bot.notify.carrier._notify", stuck)
    clock = ManualClock()
    sending = asyncio.create_task(carrier(hook.url, clock=clock).deliver(rendered()))
    await asyncio.to_thread(begun.wait, 10)
    await clock.advance(61)

    with pytest.raises(Unreachable) as caught:
        await sending
    assert caught.value.maybe_sent
    ends.set()


async def test_a_target_that_is_gone_from_the_settings_is_refused_for_good(hook: Any) -> None:
    with pytest.raises(Rejected, match="no target '#2'"):
        await carrier(hook.url).deliver(rendered(target="#2"))


@pytest.mark.parametrize("url", ["nonsense", "tgram://hunter2hunter2", "foo://u:hunter2@h/", "json://"])
def test_an_address_that_is_none_is_told_at_the_start_and_masked(url: str) -> None:
    with pytest.raises(UnusableTargets) as caught:
        carrier("json://127.0.0.1/", url)

    assert [("notify", "urls", 1)] == [target.path for target, _ in caught.value.found]
    assert "none that apprise can use" in str(caught.value)
    assert "hunter2" not in str(caught.value)


MAIL = "mailto://bot:hunter2@example.ru"


@pytest.mark.parametrize(
    "url",
    [
        f"{MAIL}?to=почта@example.ru",
        f"{MAIL}?to=anna@example.ru,почта@example.ru",
        f"{MAIL}?to=anna@example.ru&cc=%D0%BF%D0%BE%D1%87%D1%82%D0%B0@example.ru",
        f"{MAIL}?to=anna@example.ru&from=Бот<бот@example.ru>",
        f"{MAIL}/anna@example.ru/почта@example.ru",
        f"{MAIL}?to=anna@почта.рф",
        "mailtos://почта:hunter2@example.ru",
    ],
)
def test_a_mail_address_that_no_server_takes_is_told_at_the_start(url: str) -> None:
    """Apprise leaves such a recipient out and says nothing."""
    with pytest.raises(UnusableTargets, match="Latin letters only") as caught:
        carrier(url)

    assert "hunter2" not in str(caught.value)


def test_all_targets_that_nobody_can_be_told_by_are_named_at_once() -> None:
    with pytest.raises(UnusableTargets) as caught:
        carrier("nonsense", f"{MAIL}?to=почта@example.ru", f"{MAIL}?to=anna")

    assert [0, 1, 2] == [target.path[-1] for target, _ in caught.value.found]
    assert "none of the recipients" in str(caught.value.found[2][1])


@pytest.mark.parametrize(
    "url",
    [
        MAIL,
        f"{MAIL}?name=Бот&to=anna@example.ru",
        f"{MAIL}?from=Бот<bot@example.ru>&to=Анна<anna@example.ru>",
        "mailto://логин:пароль@example.ru?from=bot@example.ru&to=anna@example.ru",
    ],
)
def test_names_and_passwords_of_mail_may_have_any_letters(url: str) -> None:
    assert carrier(url).instance == NOTIFY


async def test_nothing_of_an_address_or_a_notice_is_logged_or_told(
    hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    logging.getLogger("urllib3.connectionpool").setLevel(1)
    told = []
    for status in (200, 403):
        hook.answer = status
        try:
            await carrier(hook.url).deliver(rendered())
        except ChannelError as error:
            told.append(str(error))

    assert 1 == len(told)
    for text in (caplog.text, *told):
        assert "hunter2" not in text
        assert "127.0.0.1" not in text
        assert "79001234567" not in text


def test_apprise_is_loaded_only_where_there_are_targets() -> None:
    code = "import sys, optfm_bot.notify.carrier; assert 'apprise' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
