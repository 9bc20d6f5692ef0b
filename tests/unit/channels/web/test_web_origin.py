"""Origins of the web chat: our own page and the allowed sites may write, nobody else's page may."""

from __future__ import annotations

import pytest

from channels.web.origin import is_loopback, normalize_origin, origin_allowed
from channels.web.spec import WebChatSettings

ALLOWED = frozenset({"https://optfm.ru"})


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://OptFM.ru", "https://optfm.ru"),
        ("https://optfm.ru/", "https://optfm.ru"),
        ("https://optfm.ru:443", "https://optfm.ru"),
        ("http://optfm.ru:80", "http://optfm.ru"),
        ("http://optfm.ru:8080", "http://optfm.ru:8080"),
        ("https://магазин.рф", "https://xn--80aairftm.xn--p1ai"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(written: str, normal: str) -> None:
    assert normalize_origin(written) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "optfm.ru",
        "ftp://optfm.ru",
        "https://",
        "https://optfm.ru/chat",
        "https://a@optfm.ru",
        "https://x:y",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        normalize_origin(text)


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("https://bot.example.ru", "bot.example.ru", True),
        ("https://bot.example.ru", "bot.example.ru:443", True),
        ("https://optfm.ru", "bot.example.ru", True),
        ("http://optfm.ru", "bot.example.ru", False),
        ("https://optfm.ru.evil.ru", "bot.example.ru", False),
        ("https://evil.ru", "127.0.0.1:8080", False),
        ("http://127.0.0.1:9999", "127.0.0.1:8080", False),
        ("null", "127.0.0.1:8080", False),
        ("https://evil.ru", "", False),
        (None, "127.0.0.1:8080", True),
        (None, "localhost:8080", True),
        (None, "[::1]:8080", True),
        (None, "bot.example.ru", False),
        (None, "", False),
        (None, "127.0.0.1.evil.ru", False),
    ],
)
def test_who_may_write(origin: str | None, host: str, *, expected: bool) -> None:
    assert origin_allowed(origin, host, ALLOWED) is expected


@pytest.mark.parametrize(
    ("remote", "expected"),
    [("127.0.0.1", True), ("::1", True), ("", True), ("203.0.113.5", False), ("2001:db8::1", False)],
)
def test_a_program_that_says_it_is_here_has_to_be_here(remote: str, *, expected: bool) -> None:
    assert origin_allowed(None, "127.0.0.1:8080", ALLOWED, remote=remote) is expected


@pytest.mark.parametrize("host", ["a b", "[", "999.1.1.1", "127.0.0.1@evil.ru:80"])
def test_a_strange_host_is_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


def test_settings_normalise_the_allowed_origins() -> None:
    settings = WebChatSettings(allowed_origins=("https://OptFM.ru/",))
    assert settings.allowed_origins == ("https://optfm.ru",)


def test_settings_refuse_an_origin_with_a_path() -> None:
    with pytest.raises(ValueError, match="origin has neither a path"):
        WebChatSettings(allowed_origins=("https://optfm.ru/chat",))
