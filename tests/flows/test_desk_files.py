"""A file that stays away holds nobody up: the words go on, and who reads them hears what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from channels.capabilities import Capabilities
from channels.contract import ChannelContext, Downloads
from channels.errors import Gone, TooLarge, Unreachable
from channels.model import Media, MediaIn, MediaKind
from optfm_bot.clock import ManualClock
from optfm_bot.helpdesk.contract import (
    AgentFile,
    AgentReplied,
    DeskFile,
    DeskMessage,
    HelpdeskContext,
    HelpdeskEvent,
    KnownTicket,
    ThreadRef,
    TicketRef,
)
from optfm_bot.testing.memory_desk import MemoryHelpdesk
from optfm_bot.testing.platform import MemoryPlatform
from optfm_bot.testing.stage import Person
from tests.flows.desk import StageWith, at_the_desk

AWAY = Unreachable("HTTP 503", maybe_sent=False)
TAKES_FILES = Capabilities(text_limit=4096, caption_limit=1024, media={MediaKind.FILE: 1000})


@dataclass
class Origin:
    """Where a file lies, and what comes of asking for it."""

    trouble: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def give(self, name: str) -> bytes:
        self.asked.append(name)
        if self.trouble is not None:
            raise self.trouble
        return b"%PDF"


class Messenger(MemoryPlatform, Downloads):
    """A platform whose file server can be away."""

    def __init__(self, context: ChannelContext, origin: Origin) -> None:
        super().__init__(context, TAKES_FILES)
        self._origin = origin

    async def download(self, file: Media, *, limit: int) -> bytes:
        return self._origin.give(file.name)


class AwayFiles(MemoryHelpdesk):
    """A helpdesk that gives no files."""

    async def fetch(self, file: AgentFile, *, limit: int) -> bytes:
        raise AWAY


class Linked(MemoryHelpdesk):
    """A helpdesk whose files may have an address that everybody can open."""

    link: str | None = None

    async def read(self, ticket_id: str, known: KnownTicket | None) -> Sequence[HelpdeskEvent]:
        return [
            replace(event, files=tuple(replace(file, link=self.link) for file in event.files))
            if isinstance(event, AgentReplied)
            else event
            for event in await super().read(ticket_id, known)
        ]


class NoPrograms(MemoryHelpdesk):
    """A helpdesk that takes the words and leaves the file out."""

    async def add_customer_message(self, ticket: TicketRef, message: DeskMessage) -> ThreadRef:
        ref = await super().add_customer_message(ticket, message)
        return ThreadRef(id=ref.id, refused=tuple(file.name for file in message.files))


def file_of(person: Person, name: str, caption: str, size: int | None = None) -> MediaIn:
    return MediaIn(kind="document", caption=caption, file_id="f1", name=name, size=size, **person._facts())


def messenger(origin: Origin) -> Messenger:
    clock = ManualClock()
    return Messenger(ChannelContext(instance="stage", clock=clock.now), origin)


@pytest.mark.parametrize(
    ("trouble", "tries", "said"),
    [
        (AWAY, 8, "получить не удалось"),
        (Gone("HTTP 404"), 1, "получить не удалось"),
        (TooLarge("the file is too large"), 1, "слишком велик для обращения"),
    ],
)
async def test_the_words_behind_a_customers_file_go_on_without_it(
    stage_with: StageWith, trouble: Exception, tries: int, said: str
) -> None:
    origin = Origin(trouble)
    async with at_the_desk(stage_with, platform=messenger(origin)) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        stage.platform.push(file_of(anna, "счёт.pdf", "вот счёт"))
        anna.writes("видно?")
        await stage.clock.advance(130)
        await stage.settle()
        (_, told, after) = desk.words(anna)
        assert told.startswith("вот счёт\n\n[Файл «счёт.pdf» ")
        assert said in told
        assert "где его отправил клиент: Memory" in told
        assert after == "видно?"
        assert len(origin.asked) == tries


async def test_a_file_that_comes_back_in_time_is_in_the_ticket(stage_with: StageWith) -> None:
    origin = Origin(AWAY)
    async with at_the_desk(stage_with, platform=messenger(origin)) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        stage.platform.push(file_of(anna, "счёт.pdf", "вот счёт"))
        await stage.clock.advance(20)
        origin.trouble = None
        await stage.settle()
        last = desk.ticket(anna).threads[-1]
        assert (last.text, [file.name for file in last.files]) == ("вот счёт", ["счёт.pdf"])


async def test_an_agent_is_told_of_a_file_that_does_not_reach_the_customer(stage_with: StageWith) -> None:
    helpdesk = AwayFiles(HelpdeskContext(instance="desk", clock=ManualClock().now))
    async with at_the_desk(stage_with, capabilities=TAKES_FILES, helpdesk=helpdesk) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал")
        bill = DeskFile(name="счёт.pdf", mime="application/pdf", data=b"%PDF")
        ticket = desk.ticket(anna).id
        desk.helpdesk.agent_replies(ticket, "Вот счёт", files=[bill])
        desk.helpdesk.agent_replies(ticket, "Оплатите до пятницы")
        await desk.news()
        await stage.clock.advance(180)
        await stage.settle()
        assert "счёт.pdf" in anna.sees("Вот счёт").message.text
        anna.sees("Оплатите до пятницы")
        notes = [note for note in desk.notes(anna) if "без файлов" in note]
        assert len(notes) == 1
        assert "📎 счёт.pdf: " in notes[0]
        assert "HTTP 503" in notes[0]


async def test_agents_read_the_name_of_a_file_that_the_helpdesk_does_not_take(stage_with: StageWith) -> None:
    helpdesk = NoPrograms(HelpdeskContext(instance="desk", clock=ManualClock().now))
    platform = messenger(Origin())
    async with at_the_desk(stage_with, platform=platform, helpdesk=helpdesk) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        platform.push(file_of(anna, "shell.php", ""))
        await stage.settle()
        assert desk.notes(anna)[-1] == (
            "[Служба поддержки не приняла файл «shell.php». Он остался там, где его отправил клиент: Memory]"
        )


async def test_a_file_whose_size_is_known_to_be_too_large_is_told_in_a_sentence(
    stage_with: StageWith,
) -> None:
    origin = Origin()
    async with at_the_desk(stage_with, platform=messenger(origin)) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        stage.platform.push(file_of(anna, "фильм.mp4", "вот", size=10**9))
        await stage.settle()
        assert desk.words(anna)[-1].startswith("вот\n\n[Файл «фильм.mp4» слишком велик для обращения.")
        assert origin.asked == []


@pytest.mark.parametrize("link", [None, "https://desk.test/f/1"])
async def test_an_agent_is_told_of_a_file_of_which_the_customer_has_the_name_alone(
    stage_with: StageWith, link: str | None
) -> None:
    helpdesk = Linked(HelpdeskContext(instance="desk", clock=ManualClock().now))
    helpdesk.link = link
    async with at_the_desk(stage_with, capabilities=TAKES_FILES, helpdesk=helpdesk) as (stage, desk):
        anna = stage.person()
        await anna.says("/operator")
        anna.sees("Передал")
        plan = DeskFile(name="план.pdf", mime="application/pdf", data=b"x" * 1001)
        desk.helpdesk.agent_replies(desk.ticket(anna).id, "Вот план", files=[plan])
        await desk.news()
        assert "план.pdf" in anna.sees("Вот план").message.text
        told = [note for note in desk.notes(anna) if "без файлов" in note]
        assert told == (
            []
            if link
            else ["Ответ дошёл до клиента, но без файлов:\n\n📎 план.pdf: в файле 1001 байт, предел 1000"]
        )
