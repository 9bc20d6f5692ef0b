"""Hints: every sentence that the code can tell an operator has both languages, and nobody loses it on the way."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

import channels
import optfm_bot
from channels.contract import Health, HealthState, Transport
from channels.errors import ChannelError, Conflict, RetryLater, Unauthorized
from channels.greenapi.answers import quota_sentence
from channels.greenapi.state import login_error
from channels.phrase import Phrase, phrase
from channels.telegram.answers import WRONG_TOKEN
from channels.telegram.health import diagnose, refused
from optfm_bot.api.refusals import refused_by_channel
from optfm_bot.blueprint import HouseSettings
from optfm_bot.cli.probing import Probe
from optfm_bot.cli.words import Words
from optfm_bot.errors import OptfmError, StoreUnavailable
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.i18n.hints import TRANSLATED, translate
from optfm_bot.observe.readiness import Level, Problem, Verdict
from optfm_bot.receive.status import ChannelStatus
from optfm_bot.testing.stage import Stage
from optfm_bot.web.server import StatusPages

ROOTS = [Path(package.__path__[0]) for package in (channels, optfm_bot)]
PLACE = re.compile(r"\{(\w+)\}")


def phrases() -> Iterator[tuple[str, str, frozenset[str], str]]:
    """Every `phrase(code, english, …)` that is written anywhere: its code, its words, its values, its place."""
    for root in ROOTS:
        for path in root.rglob("*.py"):
            text = path.read_text("utf-8")
            if "from channels.phrase import" not in text and path.name != "phrase.py":
                continue
            for node in ast.walk(ast.parse(text)):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id == "phrase"
                ):
                    where = f"{path.name}:{node.lineno}"
                    if where.startswith("errors.py"):  # the default words of errors have a test of their own
                        continue
                    code, english = (
                        one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else ""
                        for one in node.args
                    )
                    yield code, english, frozenset(word.arg or "**" for word in node.keywords), where


def errors(base: type[Exception]) -> Iterator[type[Exception]]:
    for kind in base.__subclasses__():
        if kind.__module__ in {"channels.errors", "optfm_bot.errors"}:
            yield kind
        yield from errors(kind)


def russian() -> Catalogue:
    return Catalogue.load("hints", TRANSLATED)


def test_every_phrase_of_the_code_has_both_languages_and_the_same_places() -> None:
    found, hints, seen = list(phrases()), russian(), dict[str, str]()

    assert len(found) > 200, "the walk finds the phrases"
    for code, english, values, where in found:
        assert "" not in {code, english}, (
            f"{where}: code and words are written out, so that they can be found"
        )
        assert seen.setdefault(code, english) == english, f"{where}: {code} says something else elsewhere"
        assert code in hints.keys, f"{where}: {code} has no Russian"
        assert set(PLACE.findall(english)) == values, where
        assert set(PLACE.findall(str(hints.message(code, "ru")))) == values, (
            f"{code}: other places in Russian"
        )


def test_nothing_is_translated_that_nobody_says() -> None:
    said = {code for code, *_ in phrases()}

    assert set() == {key for key in russian().keys if not key.startswith("error.")} - said


@pytest.mark.parametrize("base", [ChannelError, OptfmError])
def test_an_error_without_words_has_both_languages(base: type[Exception]) -> None:
    for kind in (base, *errors(base)):
        code = f"error.{kind.__name__.lower()}"
        assert code in russian().keys
        assert re.search("[а-я]", translate(Phrase("x", code), "ru"))


def test_an_error_keeps_its_phrase_and_those_inside_it() -> None:
    inner = RetryLater(phrase("telegram.no_updates", "Telegram's answer to getUpdates is no list of updates"))
    outer = refused(inner)

    assert outer.hint == "Telegram asks us to wait: Telegram's answer to getUpdates is no list of updates"
    assert translate(outer.hint, "ru") == (
        "Telegram просит подождать: ответ Telegram на getUpdates — не список обновлений"
    )
    assert translate(outer.hint, "en") == outer.hint
    assert type(translate(outer.hint, "en")) is str
    assert translate(copy.deepcopy(outer.hint), "ru") == translate(outer.hint, "ru")


def test_what_somebody_else_wrote_stays_as_it_is() -> None:
    assert "The tower is down." == translate("The tower is down.", "ru")
    assert "Climb 7 m." == translate(phrase("tower.climb", "Climb {height} m.", height=7), "ru")


def test_values_may_have_any_name() -> None:
    said = phrase("registry.no_factory", "{factory} {distribution} …", factory="key", distribution="code")

    assert translate(said, "ru").startswith("key не существует")


async def test_the_status_page_speaks_the_language_of_the_settings() -> None:
    for language, why, problem in [
        ("ru", "Telegram не знает этот токен", "их задерживает платформа"),
        ("en", "Telegram does not know this token", "the platform holds them up"),
    ]:
        settings = HouseSettings(join_window=0, person_per_minute=0, language=language)
        async with Stage([], settings=settings) as on:
            on.house.runners["stage"].status.failed(Unauthorized(WRONG_TOKEN))
            shown = on.house.report.states()["stage"]
            assert shown["why"].startswith(why)

            held_up = phrase("ready.held_up", "; the platform holds them up")
            found = Problem(name="queue", level=Level.DEGRADED, text=held_up)
            pages = StatusPages(
                status=on.house.report.status, ready=AsyncMock(return_value=Verdict([found])),
                metrics=bytes, home=None, language=language,
            )  # fmt: skip
            route = next(one for one in pages.routes() if one.path == "/readyz")
            response = await route.handler(make_mocked_request("GET", "/readyz"))  # type: ignore[arg-type] # a plain handler
            assert isinstance(response, web.Response)
            assert problem in (response.text or "")
            assert why in (response.text or "")


def test_an_answer_of_rest_is_translated_first_and_masked_then() -> None:
    error = RetryLater(phrase("max.slower", "MAX asks us to slow down: {description}", description="s3cret"))
    refusal = refused_by_channel(error, lambda text: text.replace("s3cret", "***"))

    told = {language: json.loads(refusal.response(language).text or "") for language in ("ru", "en")}

    assert "MAX просит обращаться реже: ***" == told["ru"]["error"]["hint"]
    assert "MAX asks us to slow down: ***" == told["en"]["error"]["hint"]


def test_a_server_cannot_put_values_into_our_words() -> None:
    said = phrase("telegram.wait", "Telegram asks us to wait: {why}", why="{why} {host}")

    assert "Telegram просит подождать: {why} {host}" == translate(said, "ru")


def test_the_command_in_a_hint_is_the_same_in_both_languages() -> None:
    error = login_error("notAuthorized", "shop")

    assert error is not None
    assert "optfm-bot channels login shop" in str(error)
    assert translate(str(error), "ru") == (
        "Инстанс в состоянии notAuthorized. Вход не выполнен. Выполните: optfm-bot channels login shop"
    )


def test_parts_of_a_sentence_are_translated_too() -> None:
    used = {"correspondentsStatus": {"status": "EXCEEDED", "used": 3, "total": 3}}

    assert translate(quota_sentence(used), "ru").startswith(
        "Квота чатов этого тарифа исчерпана (3 из 3). Смените"
    )


def test_the_state_of_a_channel_carries_the_hint() -> None:
    status = ChannelStatus(lambda: datetime(2026, 11, 22, tzinfo=UTC))

    status.failed(Unauthorized(WRONG_TOKEN))
    assert translate(status.now.why, "ru") == (
        "Telegram не знает этот токен. Скопируйте его заново у @BotFather и проверьте api_base."
    )
    status.failed(Conflict())
    assert translate(status.now.why, "ru").startswith("Обновления этого бота получает кто-то ещё")
    assert translate(str(StoreUnavailable()), "ru").startswith("В базу сейчас нельзя писать")


def test_a_probe_is_told_in_the_language_of_the_terminal() -> None:
    health = diagnose(
        {"username": "shop_bot"}, {}, mode=Transport.WEBHOOK, now=datetime(2026, 11, 22, tzinfo=UTC),
        conflict="", removed_webhook=None, redact=str,
    )  # fmt: skip
    probe = Probe(instance="telegram", kind="telegram", health=health)

    assert HealthState.DEGRADED is health.state
    assert probe.sentence(Words("ru")).endswith(
        "Вебхук не задан, поэтому сообщения не приходят. Запустите бота, указав server.public_url."
    )
    assert "No webhook is set" in probe.sentence(Words("en"))
    assert "No webhook is set" in probe.data()["hint"], "programs read one language"
    stranger = Probe(instance="x", kind="x", health=Health(state=HealthState.DOWN, hint="Plug it in."))
    assert stranger.sentence(Words("ru")).endswith("Plug it in.")
