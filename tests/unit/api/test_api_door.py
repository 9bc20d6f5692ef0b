"""The door: who comes in with what, and in which form everybody is answered."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from optfm_bot.api.application import BODY_LIMIT
from optfm_bot.api.endpoints import ENDPOINTS
from optfm_bot.api.refusals import STATUSES
from optfm_bot.api.tokens import Scope
from optfm_bot.errors import StoreUnavailable
from optfm_bot.i18n.catalogue import Catalogue

GUARDED = [one for one in ENDPOINTS if one.scopes]
OTHER = "ofb_" + "A" * 43


def path(endpoint: Any) -> str:
    return "/api" + endpoint.path.format(instance="acc", name="queue", id="1", chat="plain:1", number="1")


@pytest.mark.parametrize("endpoint", GUARDED, ids=lambda one: one.name)
@pytest.mark.parametrize("token", [None, "", "x", OTHER, "ofb_ü" + "A" * 42])
async def test_nobody_comes_in_without_a_token(office: Any, endpoint: Any, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = await office.ask(endpoint.method, path(endpoint), headers=headers)

    assert (answer.status, answer.code) == (401, "bad_token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("endpoint", GUARDED, ids=lambda one: one.name)
async def test_a_token_opens_only_what_its_scopes_say(office: Any, endpoint: Any) -> None:
    for scope in Scope:
        answer = await office.ask(endpoint.method, path(endpoint), scope=scope)
        forbidden = answer.status == 403

        assert forbidden == (scope not in endpoint.scopes), scope
        if forbidden:
            assert answer.code == "wrong_scope"


@pytest.mark.parametrize("scheme", ["Basic", "", "Token"])
async def test_a_token_under_another_scheme_is_none(office: Any, scheme: str) -> None:
    token = await office.token(Scope.READ)
    answer = await office.ask("GET", "/api/channels", headers={"Authorization": f"{scheme} {token}".strip()})

    assert answer.status == 401


async def test_a_revoked_token_ends_at_once(office: Any) -> None:
    assert (await office.ask("GET", "/api/channels", scope=Scope.READ)).status == 200
    async with office.store.unit() as unit:
        unit.api.revoke_token(1, at=office.clock.ms())

    assert (await office.ask("GET", "/api/channels", scope=Scope.READ)).status == 401


async def test_a_token_ends_when_it_expires(office: Any) -> None:
    token = await office.token(Scope.READ, expires_at=office.clock.ms() + 1000)
    assert (await office.ask("GET", "/api/channels", token=token)).status == 200
    await office.clock.advance(1)

    assert (await office.ask("GET", "/api/channels", token=token)).status == 401


async def test_a_scope_that_this_release_does_not_know_opens_nothing(office: Any) -> None:
    token = await office.token(Scope.READ)
    row = next(iter(office.store._tokens.values()))
    from dataclasses import replace  # noqa: PLC0415 - used once

    office.store._tokens[row.id] = replace(row, scopes="reader everything")

    assert (await office.ask("GET", "/api/channels", token=token)).status == 403


async def test_the_last_use_is_written_rarely(office: Any) -> None:
    async def used() -> int | None:
        (row,) = await office.store.tokens()
        return row.last_used_at

    began = office.clock.ms()
    await office.ask("GET", "/api/channels", scope=Scope.READ)
    await office.clock.advance(599)
    await office.ask("GET", "/api/channels", scope=Scope.READ)
    assert await used() == began
    await office.clock.advance(1)
    await office.ask("GET", "/api/channels", scope=Scope.READ)

    assert await used() == began + 600_000


async def test_looking_needs_no_writing(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await office.token(Scope.READ)

    async def full(_: Any) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(office.store, "_commit", full)

    assert (await office.ask("GET", "/api/channels", token=token)).status == 200


async def test_a_store_that_cannot_be_read_lets_nobody_in(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(_: str) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(office.store, "token", down)
    answer = await office.ask("GET", "/api/channels", token=OTHER)

    assert (answer.status, answer.code) == (503, "store_unavailable")


# -- failures ---------------------------------------------------------------------------------------------


async def test_who_guesses_too_often_is_sent_away_unheard_for_a_while(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = await office.token(Scope.READ)
    await office.ask("GET", "/api/channels", token=good)
    for _ in range(20):
        assert (await office.ask("GET", "/api/channels", token=OTHER)).status == 401
    looked: list[str] = []
    look = office.store.token

    async def watched(digest: str) -> Any:
        looked.append(digest)
        return await look(digest)

    monkeypatch.setattr(office.store, "token", watched)
    answer = await office.ask("GET", "/api/channels", token=OTHER)

    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (429, "too_many_failures", "60")
    assert looked == []
    assert (await office.ask("GET", "/api/channels", token=good)).status == 200  # behind the same proxy
    await office.clock.advance(60)
    assert (await office.ask("GET", "/api/channels", token=OTHER)).status == 401


# -- bodies -----------------------------------------------------------------------------------------------

SEND = "/api/channels/plain/messages"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("data", "headers", "status", "code"),
    [
        (b"{", JSON, 400, "bad_json"),
        (b"[]", JSON, 400, "bad_json"),
        (b'"x"', JSON, 400, "bad_json"),
        (b"\xff", JSON, 400, "bad_json"),
        (b'{"text":"\\ud800","chat":"1"}', JSON, 400, "bad_json"),
        (b"", JSON, 400, "bad_request"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "wrong_type"),
        (b'{"text":"' + b"x" * BODY_LIMIT + b'"}', JSON, 413, "too_large"),
        (b"[" * 5_000, JSON, 400, "bad_json"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    office: Any, data: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await office.ask("POST", SEND, scope=Scope.MESSAGES, data=data, headers=headers)

    assert (answer.status, answer.code) == (status, code)


async def test_a_text_of_the_longest_length_fits_however_it_is_written(office: Any) -> None:
    body = json.dumps({"chat": "1", "text": "щ" * 10_000}).encode()
    answer = await office.ask("POST", SEND, scope=Scope.MESSAGES, data=body, headers=JSON)

    assert (len(body) > 60_000, answer.status) == (True, 202)


async def test_a_body_that_does_not_come_is_not_waited_for(office: Any) -> None:
    token = await office.token(Scope.MESSAGES)
    reader, writer = await asyncio.open_connection("127.0.0.1", office.client.port)
    head = (
        f"POST {SEND} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n"
    )
    writer.write(head.encode() + b'{"a"')
    answering = asyncio.create_task(reader.readline())
    while not answering.done():
        await office.clock.advance(1)
        await asyncio.sleep(0.01)
    writer.close()

    assert b"408" in await answering


# -- form -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "where", "status", "code"),
    [
        ("GET", "/api", 404, "no_address"),
        ("GET", "/api/", 404, "no_address"),
        ("GET", "/api/nothing/here", 404, "no_address"),
        ("PUT", "/api/channels", 405, "wrong_method"),
        ("GET", SEND, 405, "wrong_method"),
    ],
)
async def test_mistakes_in_the_address_are_answered_in_the_same_form(
    office: Any, method: str, where: str, status: int, code: str
) -> None:
    answer = await office.ask(method, where)

    assert (answer.status, answer.code) == (status, code)
    assert set(answer.json["error"]) == {"code", "message", "hint"}
    assert (status == 405) == ("Allow" in answer.headers)


@pytest.mark.parametrize("where", ["/api/openapi.json", "/api/channels", "/api/nothing"])
async def test_no_answer_is_kept_by_anybody_on_the_way(office: Any, where: str) -> None:
    answer = await office.ask("GET", where)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("given", "taken"), [("abc-1", True), ("x" * 65, False), ("a b", False), ("", False)]
)
async def test_a_request_has_an_id(office: Any, given: str, taken: bool) -> None:  # noqa: FBT001 - expected
    answer = await office.ask("GET", "/api/nothing", headers={"X-Request-ID": given})

    assert (answer.headers["X-Request-ID"] == given) == taken
    assert answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("accepts", "language", "words"),
    [
        ("", "ru", "Такого адреса нет."),
        ("en", "en", "There is no such address."),
        ("de, en-GB;q=0.8, ru;q=0.5", "en", "There is no such address."),
        ("en;q=0.3, ru", "ru", "Такого адреса нет."),
        ("fr", "ru", "Такого адреса нет."),
    ],
)
async def test_people_are_answered_in_their_language(
    office: Any, accepts: str, language: str, words: str
) -> None:
    answer = await office.ask("GET", "/api/nothing", headers={"Accept-Language": accepts})

    assert (answer.headers["Content-Language"], answer.json["error"]["message"]) == (language, words)


@pytest.mark.parametrize(
    ("language", "hint"),
    [
        ("ru", "phone: нужен номер телефона с кодом страны"),
        ("en", "phone: not a phone number with its country code"),
    ],
)
async def test_mistakes_in_fields_are_told_in_the_language_too(office: Any, language: str, hint: str) -> None:
    answer = await office.ask(
        "POST",
        SEND,
        {"phone": "12", "text": "x"},
        scope=Scope.MESSAGES,
        headers={"Accept-Language": language},
    )

    assert answer.json["error"]["hint"] == hint


async def test_what_nobody_foresaw_is_logged_and_not_shown(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("CANARY")

    monkeypatch.setattr("optfm_bot.api.accounts._abilities", broken)
    answer = await office.ask(
        "GET", "/api/channels", scope=Scope.READ, headers={"X-Request-ID": "r1", "Accept-Language": "en"}
    )

    assert (answer.status, answer.code) == (500, "internal")
    assert "CANARY" not in answer.text
    assert "r1" in answer.json["error"]["hint"]


def test_every_refusal_has_its_words() -> None:
    keys = Catalogue.load("api").keys

    assert {f"{code}.{part}" for code in STATUSES for part in ("message", "hint")} <= keys
