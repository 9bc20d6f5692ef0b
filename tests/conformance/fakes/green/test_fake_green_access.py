"""Who may call what: addresses, tokens, verbs, and bodies that are read strictly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from channels.testing.green_server import GreenServer, Instance
from channels.testing.green_server.methods import METHODS

Raw = Callable[..., Awaitable[tuple[int, Any]]]


async def get(client: aiohttp.ClientSession, url: str, verb: str = "GET") -> tuple[int, str, str]:
    async with client.request(verb, url) as answer:
        return answer.status, await answer.text(), answer.headers["Content-Type"]


@pytest.mark.parametrize("prefix", ["", "/v3"])
@pytest.mark.parametrize("method", ["getStateInstance", "GetStateInstance"])
async def test_max_takes_the_prefix_or_not_and_either_case_of_the_first_letter(
    server: GreenServer, green: Instance, client: aiohttp.ClientSession, prefix: str, method: str
) -> None:
    url = f"{server.api_url}{prefix}/waInstance{green.id}/{method}/{green.token}"
    status, body, _ = await get(client, url)
    assert (status, body) == (200, '{"stateInstance":"authorized"}')


@pytest.mark.parametrize("network", ["whatsapp"], indirect=True)
async def test_whatsapp_has_no_prefix(
    server: GreenServer, green: Instance, client: aiohttp.ClientSession
) -> None:
    rest = f"waInstance{green.id}/getStateInstance/{green.token}"
    assert (await get(client, f"{server.api_url}/{rest}"))[0] == 200
    assert (await get(client, f"{server.api_url}/v3/{rest}"))[0] == 404


async def test_a_wrong_token_is_401_with_nothing_in_it(
    server: GreenServer, green: Instance, client: aiohttp.ClientSession
) -> None:
    status, body, _ = await get(client, f"{server.api_url}/waInstance{green.id}/getStateInstance/wrong")
    assert (status, body) == (401, "")


async def test_a_wrong_instance_is_a_page_of_403(server: GreenServer, client: aiohttp.ClientSession) -> None:
    status, body, kind = await get(client, f"{server.api_url}/waInstance1/getStateInstance/x")
    assert status == 403
    assert "<html>" in body
    assert kind.startswith("text/html")


@pytest.mark.parametrize(
    ("verb", "method"),
    [
        ("GET", "getMoon"),
        ("GET", "getWaSettings"),
        ("GET", "checkWhatsapp"),
        ("POST", "getStateInstance"),
        ("GET", "sendMessage"),
        ("GET", "clearWebhooksQueue"),
        ("DELETE", "clearMessagesQueue"),
        ("PUT", "getStateInstance"),
    ],
)
async def test_a_wrong_method_or_verb_is_404(
    server: GreenServer, green: Instance, client: aiohttp.ClientSession, verb: str, method: str
) -> None:
    url = f"{server.api_url}/waInstance{green.id}/{method}/{green.token}"
    assert (await get(client, url, verb))[0] == 404


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ({"chatId": 10000010, "message": "x"}, "'chatId' must be a string"),
        ({"message": "x"}, "'chatId' is required"),
        ({"chatId": "10000010"}, "'message' is required"),
        ({"chatId": "10000010", "message": ""}, "'message' is not allowed to be empty"),
        ({"chatId": "10000010", "message": 5}, "'message' must be a string"),
        ({"chatId": "Мария", "message": "x"}, "'chatId' has an invalid format"),
        ({"chatId": "49301234567@c.us", "message": "x"}, "'chatId' has an invalid format"),
        ({"chatId": "1-5@g.us", "message": "x"}, "'chatId' has an invalid format"),
        (
            {"chatId": "10000010", "message": "x" * 4001},
            "'message' length must be less than or equal to 4000",
        ),
        ({"chatId": "10000010", "message": "x", "parseMode": "HTML"}, "'parseMode' is not allowed"),
        ({"chatId": "10000010", "message": "x", "linkPreview": True}, "'linkPreview' is not allowed"),
        ({"chatId": "10000010", "message": "x", "typingTime": 999}, "'typingTime' must be between"),
    ],
)
async def test_a_body_is_read_strictly_and_the_refusal_quotes_the_token(
    green: Instance, raw: Raw, given: dict[str, Any], detail: str
) -> None:
    status, body = await raw("sendMessage", **given)
    assert (status, body["statusCode"]) == (400, 400)
    assert body["message"].startswith(f"Validation failed. Details: {detail}")
    assert body["path"].endswith(f"/sendMessage/{green.token}")
    assert body["timestamp"]
    assert not green.sent


async def test_the_longest_text_of_each_network_passes(
    green: Instance, raw: Raw, server: GreenServer, client: aiohttp.ClientSession
) -> None:
    green.book.person(10000010)
    assert (await raw("sendMessage", chatId="10000010", message="я" * 4000))[0] == 200
    other = server.add_instance("whatsapp")
    other.book.person("79001112233@c.us")
    url = f"{server.api_url}/waInstance{other.id}/sendMessage/{other.token}"
    for length, status in ((20_000, 200), (20_001, 400)):
        async with client.post(url, json={"chatId": "79001112233@c.us", "message": "x" * length}) as answer:
            assert answer.status == status


async def test_a_body_of_more_than_100_kilobytes_is_a_page_of_500(raw: Raw) -> None:
    status, body = await raw("sendMessage", chatId="10000010", message="x" * 103_000)
    assert status == 500
    assert "<html>" in body


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b""])
async def test_what_is_no_json_object_is_refused(
    server: GreenServer, green: Instance, client: aiohttp.ClientSession, body: bytes
) -> None:
    url = f"{server.api_url}/waInstance{green.id}/sendMessage/{green.token}"
    async with client.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400
    async with client.post(url, data=b"{}", headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 400


async def test_unknown_parameters_of_an_address_are_refused(
    server: GreenServer, green: Instance, client: aiohttp.ClientSession
) -> None:
    url = f"{server.api_url}/waInstance{green.id}/lastIncomingMessages/{green.token}"
    assert (await get(client, f"{url}?minutes=5"))[0] == 200
    assert (await get(client, f"{url}?hours=5"))[0] == 400
    assert (await get(client, f"{url}?minutes=none"))[0] == 400


async def test_every_method_of_the_table_is_answered_by_someone(green: Instance) -> None:
    assert METHODS.keys() - green.handlers.keys() == {"receiveNotification"}
    assert green.handlers.keys() - METHODS.keys() == set()


async def test_rate_limits_are_off_until_they_are_switched_on(green: Instance, raw: Raw) -> None:
    assert [(await raw("getStateInstance"))[0] for _ in range(3)] == [200, 200, 200]
    green.limits.on = True
    assert [(await raw("getStateInstance"))[0] for _ in range(2)] == [200, 429]
    assert (await raw("getSettings"))[0] == 200
    assert {(await raw("receiveNotification"))[0] for _ in range(20)} == {200}


async def test_a_media_host_of_its_own_has_the_files_and_nothing_else(client: aiohttp.ClientSession) -> None:
    async with GreenServer(separate_media=True) as server:
        green = server.instance
        assert server.media_url != server.api_url
        rest = f"waInstance{green.id}/%s/{green.token}"
        headers = {"GA-Filename": "a.txt", "Content-Type": "text/plain"}
        for host, method, status in (
            (server.media_url, "uploadFile", 200),
            (server.api_url, "uploadFile", 404),
            (server.api_url, "sendMessage", 400),
            (server.media_url, "sendMessage", 404),
        ):
            async with client.post(f"{host}/{rest % method}", data=b"x", headers=headers) as answer:
                assert (host, method, answer.status) == (host, method, status)
