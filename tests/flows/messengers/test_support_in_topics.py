"""The staff sits in a Telegram group with topics, and customers write from anywhere, the group's own bot included."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from channels.testing.max_server import MaxServer
from channels.testing.telegram_server import TelegramServer
from optfm_bot.helpdesk.topics.helpdesk import NOTE_SIGN
from tests.flows.messengers.support import (
    PHOTO,
    TRACK,
    Customer,
    MaxCustomer,
    RunApp,
    TelegramCustomer,
    telegram_settings,
)
from tests.flows.messengers.town import eventually

GROUP = -1001234567890
AGENT = 501


class Group:
    """The staff's group, as its people see it."""

    def __init__(self, server: TelegramServer, customer: Customer) -> None:
        self.server = server
        self.customer = customer
        server.set_forum(GROUP)
        server.world.person(AGENT, first_name="Ольга")

    @property
    def topic(self) -> int:
        """The only topic there is."""
        (found,) = {one.thread_id for one in self.server.sent_to(GROUP)}
        assert found is not None
        return found

    def posts(self) -> list[str]:
        """What the bot has posted, oldest first; a file by what is in it."""
        files = self.server.world.files
        return [
            one.plain or repr(files[one.file_id].content) if one.file_id else one.plain
            for one in self.server.sent_to(GROUP)
        ]

    async def hears(self, words: str) -> str:
        """Wait until the last post has these words."""
        await eventually(lambda: words in (self.posts() or [""])[-1], f"the group reads {words!r}")
        return self.posts()[-1]

    def says(self, text: str) -> None:
        """Somebody of the staff writes in the topic."""
        self.server.push.text(text, chat=GROUP, user=AGENT, topic=self.topic)


@asynccontextmanager
async def in_a_group(messenger: str, folder: Path, run_app: RunApp) -> AsyncIterator[Group]:
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(TelegramServer())
        channels: dict[str, Any] = {"telegram": telegram_settings(telegram)}
        customer: Customer = TelegramCustomer(telegram)
        if messenger == "max":
            other = await stack.enter_async_context(MaxServer())
            channels["max"] = {"token": other.token, "api_base": other.base_url, "poll_timeout": 1}
            customer = MaxCustomer(other)
        group = Group(telegram, customer)
        await stack.enter_async_context(
            run_app(
                folder,
                {
                    "server": {"port": 0},
                    "channels": channels,
                    "conversation": {"join_window": 1.0},
                    "helpdesk": {
                        "team": {"type": "telegram", "channel": "telegram", "group": str(GROUP)},
                    },
                },
            )
        )
        yield group


@pytest.mark.parametrize("messenger", ["max", "telegram"])
async def test_the_staff_answers_in_a_topic(messenger: str, tmp_path: Path, run_app: RunApp) -> None:
    async with in_a_group(messenger, tmp_path, run_app) as group:
        anna = group.customer
        await anna.says("какая гарантия на насосы")
        await anna.sees("Пока не знаю точного ответа")
        await anna.says("позовите человека")
        await anna.sees("Передал разговор человеку")
        note = await group.hears(NOTE_SIGN)
        assert "Разговор до обращения" in note
        title = {"max": "MAX", "telegram": "Telegram"}[messenger]
        assert group.posts()[0].splitlines()[1:] == [title, "", "какая гарантия на насосы"]
        assert all(one.thread_id == group.topic for one in group.server.sent_to(GROUP))

        group.says("// кто возьмёт?")
        group.says("Гарантия два года.")
        told = await anna.sees("Гарантия два года.")
        assert "Ольга" in told
        group.server.push.document(
            name="track.pdf", words="Вот накладная", content=TRACK, chat=GROUP, user=AGENT, topic=group.topic
        )
        await eventually(lambda: len(anna.files()) == 1, "the file is there")
        assert anna.files()[0][1] == TRACK
        assert "Вот накладная" in anna.texts()[-1]

        await anna.says("сколько стоит доставка")  # the bot knows that, and is silent
        assert await group.hears("сколько стоит доставка") == "сколько стоит доставка"
        await anna.sends_photo("вот он")
        await eventually(
            lambda: any(repr(PHOTO) == one for one in group.posts()), "the photo is in the topic"
        )
        assert "вот он" in group.posts()[-2]

        group.says("/close")
        await eventually(lambda: "Разговор с человеком закончен" in anna.texts()[-1], "the end is told")
        await anna.says("сколько стоит доставка")
        await eventually(lambda: "от 300 ₽" in anna.texts()[-1], "the bot answers again")
        assert sum("кто возьмёт" in text for text in anna.texts()) == 0


async def test_in_the_group_the_bot_answers_nobody(tmp_path: Path, run_app: RunApp) -> None:
    async with in_a_group("telegram", tmp_path, run_app) as group:
        anna = group.customer
        await anna.says("/operator")
        await anna.sees("Передал разговор человеку")
        await group.hears("просит позвать человека")
        posts = len(group.posts())
        group.server.push.text("сколько стоит доставка", chat=GROUP, user=AGENT)
        post = group.server.sent_to(GROUP)[-1]
        for words in (
            "/faq",
            "как вернуть товар",
        ):  # an answer to a post of the bot's speaks to it, elsewhere
            group.server.push.text(words, chat=GROUP, user=AGENT, topic=group.topic, reply_to=post.message_id)
        await anna.sees("как вернуть товар")
        assert len(group.posts()) == posts
        await anna.leaves()
        group.says("Вы здесь?")
        await group.hears("Сообщение клиенту не доставлено")
