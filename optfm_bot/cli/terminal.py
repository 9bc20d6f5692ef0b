"""A talk in the terminal: the whole house in this process, the console its only channel, nothing kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from channels.console.channel import ConsoleChannel
from channels.console.spec import ConsoleSettings
from channels.contract import ChannelContext
from faq import FaqManager
from faq.parts import Part
from optfm_bot.blueprint import ChannelPlan, HouseObserver, HouseSettings
from optfm_bot.cli.words import Words as CommandWords
from optfm_bot.clock import Clock
from optfm_bot.domain.conversation import Conversation
from optfm_bot.domain.say import Response
from optfm_bot.domain.smalltalk import SmallTalkPhrases
from optfm_bot.domain.talk import Around, Said, Talk, TalkSettings
from optfm_bot.domain.words import Words
from optfm_bot.house import House
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.store.memory import MemoryStore

LEAVE = frozenset({"/quit", "/exit", "/q"})
WHY = "/why"
JOIN_SECONDS = 0.3
"""Lines pasted at once are one question; a person who types does not notice the wait."""
_QUESTIONS = frozenset({"answered", "clarified", "unanswered"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Where the talk takes place. `prompt` invites the person to type; it is empty when nobody is looking."""

    read: Callable[[], Awaitable[str]]
    write: Callable[[str], object]
    prompt: str = ""


class TerminalTalk:
    """Joins a terminal and a house. Lines are answered one after another, in their order.

    A person may paste several lines: those that are there already are read before the answer, so that the
    house joins them as it joins quick messages. From a pipe each line is a question of its own.
    """

    def __init__(
        self,
        faq: FaqManager,
        settings: HouseSettings,
        terminal: Terminal,
        *,
        clock: Clock,
        observer: HouseObserver,
        language: str,
        instance: str = "console",
        explain: bool = False,
        explain_language: str | None = None,
    ) -> None:
        self._terminal = terminal
        self._faq = faq
        self._explain_language = explain_language or language
        self._line: asyncio.Future[str] | None = None
        self._invited = False
        self._asked: tuple[Part, ...] = ()
        self._channel = ConsoleChannel(
            ConsoleSettings(locale=language),
            ChannelContext(instance=instance, clock=clock.now),
            read=self._read,
            write=self._write,
        )
        self._store = MemoryStore()
        free = DeliverySettings(per_chat=0.0, per_bot=0.0)
        joining = JOIN_SECONDS if terminal.prompt else 0.0
        self._house = House(
            [ChannelPlan(channel=self._channel, delivery=free)],
            faq,
            store=self._store,
            clock=clock,
            observer=observer,
            settings=replace(settings, join_window=joining, person_per_minute=0),
            talk=partial(_TellingTalk, self._heard),
        )
        self._explaining = explain

    async def run(self) -> None:
        """Talk until the input ends or the person leaves, and everything is answered."""
        await self._store.open()
        try:
            await self._house.start()
            await self._channel.ended.wait()
            await self._house.idle()
        finally:
            await self._house.stop()
            await self._store.close()
            if self._line is not None:
                self._line.cancel()

    async def _read(self) -> str:
        """Give the next line. A cancelled call loses nothing: the line is still being waited for."""
        while True:
            line = await self._next()
            command = line.strip().lower()
            if command in LEAVE:
                return ""
            if command != WHY:
                return line
            self._explain()

    async def _next(self) -> str:
        if self._line is None:
            self._line = asyncio.ensure_future(self._terminal.read())
        idle = asyncio.ensure_future(self._house.idle())
        either: set[asyncio.Future[Any]] = {self._line, idle}
        try:
            if self._terminal.prompt:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            else:
                await idle
        finally:
            idle.cancel()
        if not self._line.done() and not self._invited:
            self._invited = True
            self._terminal.write(self._terminal.prompt)
        line = await asyncio.shield(self._line)
        self._line, self._invited = None, False
        return line

    def _write(self, text: str) -> None:
        # The channel ends its line at the end of input: that is for a person whose prompt stands there.
        if text.strip() or self._terminal.prompt:
            self._terminal.write(text)

    def _heard(self, said: Said, response: Response) -> None:
        if response.outcome not in _QUESTIONS or said.text.strip().startswith("/"):
            return
        self._asked = response.parts
        if self._explaining:
            self._explain()

    def _explain(self) -> None:
        """Say why the last question was answered as it was: each part of it, also in the light of what came before."""
        words = CommandWords(self._explain_language)
        for number, part in enumerate(self._asked, start=1):
            lines = list(self._faq.explain(part.text).instead(part.decision).lines(words.language))
            if len(self._asked) > 1:
                text = " ".join(part.text.split())
                lines.insert(0, words("faq_why.part", number=number, total=len(self._asked), text=text))
            self._terminal.write("".join(f"  | {line}\n" for line in lines))


class _TellingTalk(Talk):
    """A talk that tells of each response before it goes out."""

    def __init__(
        self,
        heard: Callable[[Said, Response], None],
        faq: FaqManager,
        words: Words,
        phrases: SmallTalkPhrases,
        settings: TalkSettings,
    ) -> None:
        super().__init__(faq, words, phrases, settings)
        self._heard = heard

    def hear(self, said: Said, talk: Conversation, around: Around) -> Response:
        """Answer a message, and tell of it."""
        response = super().hear(said, talk, around)
        self._heard(said, response)
        return response
