"""One of us by REST: takes a talk over, silences the bot, and lets it speak again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from channels.errors import RetryLater
from optfm_bot.api.application import Api
from optfm_bot.api.tokens import Scope, digest, new_token
from optfm_bot.store.records import TokenRow
from optfm_bot.testing.stage import Person, Stage
from tests.flows.desk import StageWith, at_the_desk


class Office:
    """One of us at the REST API of a stage."""

    def __init__(self, stage: Stage, client: TestClient[Any, Any], token: str) -> None:
        self._stage = stage
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}

    async def does(self, action: str, person: Person) -> str:
        """Do something to a talk; gives the stage that was announced, once the house has come to rest."""
        where = f"/api/conversations/{person.chat}/stage"
        body = {"action": action, "by": "Ольга"}
        async with self._client.post(where, json=body, headers=self._headers) as answer:
            assert answer.status == 202
            told = await answer.json()
        await self._stage.settle()
        return str(told["stage"])

    async def sees(self, person: Person) -> dict[str, Any]:
        """What the API shows of a talk."""
        where = f"/api/conversations/{person.chat}"
        async with self._client.get(where, headers=self._headers) as answer:
            assert answer.status == 200
            return dict(await answer.json())


@asynccontextmanager
async def office_of(stage: Stage) -> AsyncIterator[Office]:
    token = new_token(random.Random(1).randbytes)  # noqa: S311 - a test repeats itself
    row = TokenRow(
        id=1,
        name="admin",
        digest=digest(token),
        scopes=Scope.CONVERSATIONS_WRITE,
        created_at=stage.clock.ms(),
    )
    async with stage.store.unit() as unit:
        unit.api.add_token(row)
    api = Api(stage.house, stage.clock)
    app = web.Application()
    app.add_subapp("/api", api.application())
    async with TestClient(TestServer(app)) as client:
        yield Office(stage, client, token)
        await api.close()


async def test_one_of_us_silences_the_bot_and_lets_it_speak_again(stage: Stage) -> None:
    async with office_of(stage) as office:
        anna, boris = stage.person("Анна"), stage.person("Борис")
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")

        assert await office.does("pause", anna) == "paused"
        await anna.says("как оплатить заказ")
        anna.sees_nothing()
        assert ((await office.sees(anna))["stage"], (await office.sees(anna))["by"]) == ("paused", "admin")
        await boris.says("сколько стоит доставка")
        boris.sees("300 ₽")

        stage.clock.jump(30 * 24 * 60 * 60)
        await anna.says("как оплатить заказ")
        anna.sees_nothing()

        assert await office.does("resume", anna) == "bot"
        anna.sees_nothing()
        await anna.says("как оплатить заказ")
        anna.sees("По счёту")


async def test_what_the_bot_had_promised_is_held_back_by_a_pause(stage: Stage) -> None:
    async with office_of(stage) as office:
        anna = stage.person()
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")
        stage.platform.refuse = [RetryLater("busy", after=timedelta(minutes=2))]
        anna.writes("как оплатить заказ")
        while stage.platform.refuse:  # noqa: ASYNC110 - the clock stands still until we move it
            await asyncio.sleep(0)
        await office.does("pause", anna)

        anna.sees_nothing()
        (closed,) = await stage.store.closed("stage")
        assert closed.error == "one of our own people is talking here"


async def test_one_of_us_takes_over_who_waits_for_a_person(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk), office_of(stage) as office:
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал разговор человеку")
        waits = await office.sees(anna)
        assert (waits["stage"], waits["ticket"]["status"]) == ("queued", "open")
        assert waits["ticket"]["number"] == (await stage.store.tickets())[0].number
        assert waits["waiting_since"] is not None

        assert await office.does("take_over", anna) == "human"
        taken = await office.sees(anna)
        assert (taken["stage"], taken["by"]) == ("human", "admin")
        await stage.clock.advance(31 * 60)  # nobody is told that nobody was free
        await stage.settle()
        anna.sees_nothing()

        await anna.says("сколько стоит доставка")
        anna.sees_nothing()
        assert desk.words(anna)[-1] == "сколько стоит доставка"

        assert await office.does("resume", anna) == "bot"
        await anna.says("сколько стоит доставка")
        anna.sees("300 ₽")


async def test_an_agent_who_answers_in_a_pause_is_heard_and_the_bot_stays_silent(
    stage_with: StageWith,
) -> None:
    async with at_the_desk(stage_with) as (stage, desk), office_of(stage) as office:
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал")
        assert await office.does("pause", anna) == "paused"
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Я здесь")
        await desk.news()
        anna.sees("Я здесь")
        await anna.says("сколько стоит доставка")
        anna.sees_nothing()
        assert desk.words(anna)[-1] == "сколько стоит доставка"
