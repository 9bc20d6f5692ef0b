"""Polling and webhooks of several platforms at once, on one port: everybody is answered, strangers are refused."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from channels.testing.green_server import GreenServer
from channels.testing.max_server import MaxServer
from channels.testing.telegram_server import TelegramServer
from tests.flows.messengers.town import PATIENCE, InGreenMax, InMax, InTelegram, Talker, eventually, quick

SECRET = "right-secret-0123456789"
HEADERS: Mapping[str, Callable[[str], Mapping[str, str]]] = {
    "telegram-push": lambda secret: {"X-Telegram-Bot-Api-Secret-Token": secret},
    "max-push": lambda secret: {"X-Max-Bot-Api-Secret": secret},
    "green-push": lambda secret: {"Authorization": f"Bearer {secret}"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """The one port of a bot, and everybody who talks to it by instance of channel."""

    base: str
    people: Mapping[str, Talker]


@pytest.fixture
async def port(tmp_path: Path, run_app: Callable[[Path, Mapping[str, Any]], Any]) -> AsyncIterator[Port]:
    async with AsyncExitStack() as stack:
        telegram = [
            await stack.enter_async_context(TelegramServer(token=f"{number}:TEST", set_webhook_interval=0.0))
            for number in (101, 102)
        ]
        max_ = [
            await stack.enter_async_context(MaxServer(token=f"max-token-{number}-0123456789abcdef"))
            for number in (1, 2)
        ]
        green = await stack.enter_async_context(GreenServer(network="max", pace=quick()))
        green.instance.listen()
        free = free_port()
        base = f"http://127.0.0.1:{free}"
        push = {"mode": "webhook", "webhook_secret": SECRET}
        poll = {"mode": "polling", "poll_timeout": 1}
        settings = {
            "server": {"port": free, "public_url": base},
            "channels": {
                "telegram": {"token": telegram[0].token, "api_base": telegram[0].base_url, **poll},
                "telegram-push": {
                    "type": "telegram", "token": telegram[1].token, "api_base": telegram[1].base_url, **push,
                },
                "max": {"token": max_[0].token, "api_base": max_[0].base_url, **poll},
                "max-push": {"type": "max", "token": max_[1].token, "api_base": max_[1].base_url, **push},
                "green-push": {
                    "type": "green_api", "network": "max", "api_url": green.api_url,
                    "media_url": green.media_url, "id_instance": green.instance.id,
                    "api_token_instance": green.instance.token, **push,
                },
            },
        }  # fmt: skip
        app = await stack.enter_async_context(run_app(tmp_path, settings))
        await eventually(
            lambda: {one["state"] for one in app.house.report.states().values()} == {"connected"},
            "everybody is connected",
        )
        people: dict[str, Talker] = {
            "telegram": InTelegram(telegram[0]),
            "telegram-push": InTelegram(telegram[1]),
            "max": InMax(max_[0]),
            "max-push": InMax(max_[1]),
            "green-push": InGreenMax(green),
        }
        yield Port(base=base, people=people)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def test_both_modes_of_both_platforms_answer_at_once(port: Port) -> None:
    async def talk(person: Talker) -> None:
        await person.says("сколько стоит доставка")
        await person.sees("от 300 ₽")
        await person.chooses("Сроки")
        await person.sees("2–7 дней")

    async with asyncio.TaskGroup() as everywhere:
        for person in port.people.values():
            everywhere.create_task(talk(person))


async def test_what_is_written_while_an_account_restarts_is_answered_when_it_is_back(port: Port) -> None:
    person = port.people["green-push"]
    assert isinstance(person, InGreenMax)
    await eventually(lambda: person.account.settings["webhookUrl"] != "", "the gateway knows the address")
    person.account.account.become("starting")
    await person.says("сколько стоит доставка")
    person.account.account.become("authorized")
    await person.sees("от 300 ₽")


@pytest.mark.parametrize("instance", sorted(HEADERS))
async def test_a_wrong_or_missing_secret_is_refused_and_counted_and_never_answered(
    port: Port, instance: str
) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as stranger:
        address = f"{port.base}/{instance}/webhook"
        for headers in (HEADERS[instance]("wrong-secret-0123456789"), {}):
            async with stranger.post(address, json={"forged": True}, headers=headers) as answer:
                assert answer.status == 401
                assert SECRET not in await answer.text()
        # The right secret of one channel opens no other one.
        for other in HEADERS.keys() - {instance}:
            async with stranger.post(address, json={}, headers=HEADERS[other](SECRET)) as answer:
                assert answer.status == 401
        async with stranger.get(f"{port.base}/metrics") as answer:
            metrics = await answer.text()
        assert f'optfm_webhook_rejected_total{{channel="{instance}",reason="bad_secret"}} 4.0' in metrics
        async with stranger.get(address) as answer:
            assert answer.status == 200
    port.people[instance].sees_nothing()
