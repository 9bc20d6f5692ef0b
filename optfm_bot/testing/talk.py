"""A talk through the whole house: the channel, the platform, the knowledge base, and a person who reads and answers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from channels.contract import Transport
from channels.testing.conformance.platform import Sent
from channels.testing.conformance.subject import Connection, Subject, promise
from optfm_bot.clock import SystemClock
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.housed import Housed


class Talker:
    """A person at the other end, and the life of the bot that they talk to."""

    def __init__(self, it: Connection, life: Housed, chat: str, patience: float) -> None:
        self.it = it
        self.life = life
        self._chat = chat
        self._patience = patience
        self._seen = len(self._messages)

    @property
    def _messages(self) -> list[Sent]:
        return [one for one in self.it.platform.sent() if one.chat == self._chat]

    async def hears(self, words: str) -> Sent:
        """Take the next message; it holds these words."""
        arrived = await self.life.until(lambda: len(self._messages) > self._seen, self._patience)
        promise(arrived, f"nothing came, expected {words!r}")
        message = self._messages[self._seen]
        promise(words in message.text, f"expected {words!r} in {message.text!r}")
        self._seen += 1
        return message

    async def hears_no_more(self) -> None:
        """Nothing else was said."""
        await self.life.rests(self._patience)
        unheard = [one.text for one in self._messages[self._seen :]]
        promise(not unheard, f"unexpected: {unheard}")

    def writes(self, words: str) -> None:
        """Write a text."""
        self.it.platform.writes(self._chat, words)

    def chooses(self, label: str, message: Sent) -> None:
        """Press the button of a message, or write its number where there are no buttons."""
        for button in message.buttons:
            if label in button.label:
                self.it.platform.presses(button, message)
                return
        number = re.search(rf"^\s*(\d+)\.\s+.*{re.escape(label)}", message.text, re.MULTILINE)
        if number is None:
            raise AssertionError(
                f"neither a button nor a number for {label!r} in {message}: {message.text!r}"
            )
        self.writes(number[1])


class TalkChecks(Subject):
    """The bot is a bot on this platform too."""

    @asynccontextmanager
    async def talking(self, transport: Transport) -> AsyncIterator[Talker]:
        """A person who talks to a bot with a small knowledge base, on this platform."""
        async with self.connected(transport, opened=False, clock=SystemClock().now) as it:
            life = Housed(it, it.channel, MemoryStore())
            await life.begin()
            try:
                talker = Talker(it, life, self.chat, self.patience)
                yield talker
            finally:
                await talker.life.stop()

    async def test_a_person_who_starts_the_bot_is_greeted(self, transport: Transport) -> None:
        """A start is answered by the greeting, once."""
        self.needs("start")
        async with self.talking(transport) as anna:
            anna.it.platform.starts(self.chat)
            await anna.hears("OptFM")
            await anna.hears_no_more()

    async def test_a_question_is_answered_and_leads_on(self, transport: Transport) -> None:
        """A question is answered; a button, or its number, leads to the next answer."""
        async with self.talking(transport) as anna:
            anna.writes("Сколько стоит доставка?")
            answer = await anna.hears("от 300 ₽")
            anna.chooses("Сроки", answer)
            await anna.hears("2–7 дней")
            await anna.hears_no_more()

    async def test_an_unclear_question_is_clarified(self, transport: Transport) -> None:
        """An unclear question is asked back, and the choice is answered."""
        async with self.talking(transport) as anna:
            anna.writes("как вернуть")
            asked = await anna.hears("Уточните")
            anna.chooses("Как вернуть деньги?", asked)
            await anna.hears("за 10 дней")

    async def test_an_answer_can_be_rated(self, transport: Transport) -> None:
        """A rating is taken by button or by number."""
        async with self.talking(transport) as anna:
            anna.writes("способы оплаты")
            answer = await anna.hears("По счёту")
            anna.chooses("Помогло", answer)
            await anna.hears("Рад, что помогло")

    async def test_what_the_bot_does_not_know_is_admitted(self, transport: Transport) -> None:
        """An unknown question is admitted and kept for the owner of the base."""
        async with self.talking(transport) as anna:
            anna.writes("как приготовить борщ")
            await anna.hears("Пока не знаю")
            misses = await anna.life.store.misses()
            promise([miss.text for miss in misses] == ["как приготовить борщ"], "the miss was not kept")

    async def test_what_is_not_text_gets_a_reply(self, transport: Transport) -> None:
        """A picture gets a reply, once."""
        self.needs("media")
        async with self.talking(transport) as anna:
            anna.it.platform.shows(self.chat)
            await anna.hears("")
            await anna.hears_no_more()

    async def test_a_choice_offered_before_a_restart_still_counts(self, transport: Transport) -> None:
        """A button, or a number, offered before a restart is understood after it."""
        async with self.talking(transport) as anna:
            anna.writes("Сколько стоит доставка?")
            answer = await anna.hears("от 300 ₽")
            await anna.life.rests(self.patience)
            await anna.life.stop()
            channel = self.channel(
                anna.it.front.address, transport, anna.it.platform, clock=SystemClock().now
            )
            anna.life = Housed(anna.it, channel, anna.life.store, life=2)
            await anna.life.begin()
            anna.chooses("Сроки", answer)
            await anna.hears("2–7 дней")
            anna.writes("способы оплаты")
            await anna.hears("По счёту")

    async def test_a_network_is_needed_only_where_there_is_one(self, transport: Transport) -> None:
        """A platform that is not remote is asked nothing over the wire."""
        async with self.talking(transport) as anna:
            anna.writes("способы оплаты")
            await anna.hears("По счёту")
            promise(
                bool(anna.it.front.asked) == anna.it.platform.remote,
                f"`remote` is {anna.it.platform.remote}, and {len(anna.it.front.asked)} requests were made",
            )
