"""One web chat in several processes: a page sees in one what was said in another, in order and once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, MutableMapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from channels.body import parse_body
from channels.contract import WebhookRequest
from channels.errors import BadPayload
from channels.model import ActionIn, ChatRef, Outbound, Past, Rendered
from channels.web.bubbles import Button, ChatMessage, SentFile
from channels.web.channel import WebChatChannel
from channels.web.dialect import WEB_HTML
from channels.web.following import LATEST
from channels.web.hearsay import Changed, Missed, Passing, heard, told
from channels.web.seen import Seen
from channels.web.window import StreamEvent

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SESSION = "s" * 24
CHAT = ChatRef(channel="web", chat_id=SESSION)
LONG = 3600.0
"""Seconds that no test waits: nothing happens by looking again."""
Maker = Callable[..., WebChatChannel]


class Record(Protocol):
    """The record of the conftest."""

    past: list[Past]
    broken: bool
    asked: list[tuple[str, int]]


class Time(Protocol):
    """The clock of the conftest."""

    now: datetime


class Line:
    """What two processes tell each other. While `cut`, nothing arrives."""

    def __init__(self, *channels: WebChatChannel) -> None:
        self.channels = channels
        self.cut = False
        self.told: list[str] = []
        for channel in channels:
            channel.share(partial(self._tell, channel))

    def _tell(self, speaker: WebChatChannel, text: str) -> None:
        self.told.append(text)
        for channel in self.channels:
            if channel is not speaker and not self.cut:
                channel.hear(text)


def remembered(record: Record, key: str, words: str) -> None:
    """Commit a message of ours."""
    said = Outbound(chat=CHAT, body=parse_body(words))
    record.past.append(Past(id=key, at=NOW, message=said))


async def answers(
    channel: WebChatChannel, record: Record, key: str, words: str, *, replaces: str | None = None
) -> None:
    """What the house does in the process that owns the talk: commit, then deliver."""
    if replaces is None:
        remembered(record, key, words)
    else:
        place = next(place for place, past in enumerate(record.past) if past.id == replaces)
        said = Outbound(chat=CHAT, body=parse_body(words), replaces=replaces)
        record.past[place] = Past(id=replaces, at=NOW, message=said)
    html = WEB_HTML.write(parse_body(words))
    await channel.deliver(Rendered(chat=CHAT, text=html, plain=words, key=key, replaces=replaces))


def asks(channel: WebChatChannel, record: Record, name: str, words: str) -> None:
    """What the door does once the house has stored a message."""
    record.past.append(Past(id=name, at=NOW, text=words))
    channel.remember(posted(channel, {"id": name, "text": words}))


def posted(channel: WebChatChannel, payload: dict[str, Any]) -> Any:
    body = json.dumps({"session": SESSION, **payload}).encode()
    [raw] = channel.split(WebhookRequest(headers={}, body=body))
    return raw


class Page:
    """A page that follows the talk."""

    def __init__(self, stream: AsyncGenerator[StreamEvent]) -> None:
        self._stream = stream

    async def sees(self, *kinds: str) -> StreamEvent:
        """The next event that is no sign of life."""
        async with asyncio.timeout(5):
            while (event := await anext(self._stream)).kind == "ping":
                pass
        assert event.kind in kinds
        return event

    async def reads(self) -> str:
        """The words of the next message."""
        seen = (await self.sees("message")).data
        return str(seen.get("text") or seen["html"]).removeprefix("<p>").removesuffix("</p>")

    async def sees_nothing(self) -> None:
        """Nothing more is on its way. The stream ends with this look."""
        waiting = asyncio.ensure_future(anext(self._stream))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])


def follow(channel: WebChatChannel, *, again: float = LONG, heartbeat: float = LONG) -> Any:
    return aclosing(channel.stream(SESSION, heartbeat=heartbeat, again=again))


def words(history: StreamEvent) -> list[str]:
    return [one.get("text") or one["html"] for one in history.data["messages"]]


@pytest.fixture
def here(make: Maker) -> WebChatChannel:
    """Where the page is."""
    return make()


@pytest.fixture
def there(make: Maker) -> WebChatChannel:
    """Where the talk is answered."""
    return make()


@pytest.fixture
def line(here: WebChatChannel, there: WebChatChannel) -> Line:
    return Line(here, there)


async def test_what_is_said_there_is_seen_here_in_order_and_once(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        for number in range(3):
            asks(here, record, f"m{number}", f"вопрос {number}")
            await answers(there, record, f"10{number}", f"ответ {number}")

        seen = [await page.reads() for _ in range(6)]
        assert sorted(seen) == sorted(f"{kind} {n}" for kind in ("вопрос", "ответ") for n in range(3))
        assert [one for one in seen if "ответ" in one] == [f"ответ {n}" for n in range(3)]
        await page.sees_nothing()


async def test_a_message_goes_by_the_same_name_in_both_processes(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    async with follow(here) as at_here, follow(there) as at_there:
        pages = Page(at_here), Page(at_there)
        for page in pages:
            await page.sees("history")
        await answers(there, record, "101", "ответ")
        one, other = [(await page.sees("message")).data for page in pages]

    assert one == other
    assert one["id"] == "101"


async def test_a_message_that_was_changed_there_is_changed_here(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        await answers(here, record, "101", "страница 1")
        assert await page.reads() == "страница 1"
        await answers(there, record, "102", "страница 2", replaces="101")

        changed = (await page.sees("message")).data
        assert (changed["id"], changed["html"], changed["edited"]) == ("101", "<p>страница 2</p>", True)
        await page.sees_nothing()
    async with follow(here) as stream:
        assert words(await Page(stream).sees("history")) == ["<p>страница 2</p>"]


async def test_what_one_page_saw_long_ago_does_not_hide_what_came_since(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    """The talk has moved to another process and back; its old window here is not the talk."""
    async with follow(here) as stream:
        await Page(stream).sees("history")
        await answers(here, record, "101", "старое")
    line.cut = True
    await answers(there, record, "102", "новое", replaces="101")

    async with follow(here) as stream:
        assert words(await Page(stream).sees("history")) == ["<p>новое</p>"]


async def test_more_than_is_read_at_first_is_not_missed(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    remembered(record, "100", "давно")
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        for number in range(LATEST * 2):
            remembered(record, f"2{number:02}", f"{number}")
        await answers(there, record, "299", "последнее")

        said = [await page.reads() for _ in range(LATEST * 2 + 1)]
        assert said == [*map(str, range(LATEST * 2)), "последнее"]
        await page.sees_nothing()


async def test_an_answer_between_known_questions_is_not_missed(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    """Questions are in the record before their answers, which then come to stand between them."""
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        for number in range(LATEST):
            asks(here, record, f"m{number}", f"вопрос {number}")
        for _ in range(LATEST):
            await page.sees("message")
        questions = list(record.past)
        record.past.clear()
        for number, question in enumerate(questions):
            record.past.append(question)
            if number < len(questions) - 2:
                remembered(record, f"10{number}", f"ответ {number}")
        there._say(Changed(SESSION))

        assert [await page.reads() for _ in range(LATEST - 2)] == [f"ответ {n}" for n in range(LATEST - 2)]


async def test_a_change_of_an_old_message_hides_nothing(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    """Where the record does not reach the message itself, its change stands where it was made."""
    remembered(record, "100", "раз")
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        remembered(record, "101", "два")
        said = Outbound(chat=CHAT, body=parse_body("три"), replaces="100")
        record.past.append(Past(id="102", at=NOW, message=said))
        for number in range(3, LATEST + 2):
            remembered(record, f"10{number}", f"{number}")
        there._say(Changed(SESSION))
        assert "два" in [await page.reads() for _ in range(LATEST + 1)]


async def test_little_is_read_when_little_is_new(make: Maker, record: Record) -> None:
    here, there = make(history=50), make(history=50)
    Line(here, there)
    for number in range(30):
        record.past.append(Past(id=f"m{number}", at=NOW, text="?"))
        remembered(record, f"1{number:02}", f"{number}")
    record.past.append(Past(id="last", at=NOW, text="?"))
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        await answers(there, record, "200", "новое")
        assert await page.reads() == "новое"
    assert [limit for _, limit in record.asked] == [50, LATEST]


async def test_an_answer_of_which_nobody_told_is_found_by_looking(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    line.cut = True
    async with follow(here, again=0.001, heartbeat=0.002) as stream:
        page = Page(stream)
        await page.sees("history")
        asks(here, record, "m1", "вопрос")
        assert await page.reads() == "вопрос"
        await answers(there, record, "101", "ответ")
        assert await page.reads() == "ответ"
        looks = len(record.asked)
        for _ in range(5):
            assert (await anext(stream)).kind == "ping"
        assert len(record.asked) <= looks + 1  # answered: nothing more to look for


async def test_nobody_looks_for_an_answer_that_is_here(
    here: WebChatChannel, record: Record, line: Line
) -> None:
    async with follow(here, again=0.001, heartbeat=0.002) as stream:
        page = Page(stream)
        await page.sees("history")
        asks(here, record, "m1", "вопрос")
        await answers(here, record, "101", "ответ")
        assert [await page.reads(), await page.reads()] == ["вопрос", "ответ"]
        for _ in range(5):
            assert (await anext(stream)).kind == "ping"
    assert len(record.asked) == 1


async def test_so_is_the_answer_to_a_press(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    line.cut = True
    async with follow(here, again=0.001) as stream:
        page = Page(stream)
        await page.sees("history")
        here.remember(posted(here, {"id": "p1", "token": "t"}))
        await answers(there, record, "101", "ответ")
        assert await page.reads() == "ответ"


async def test_a_question_that_waits_when_the_page_comes_is_looked_after(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    line.cut = True
    record.past.append(Past(id="m1", at=NOW, text="вопрос"))
    async with follow(here, again=0.001) as stream:
        page = Page(stream)
        assert words(await page.sees("history")) == ["вопрос"]
        await answers(there, record, "101", "ответ")
        assert await page.reads() == "ответ"


async def test_what_was_told_while_the_line_was_cut_is_looked_for_afterwards(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        line.cut = True
        await answers(there, record, "101", "раз")
        await page.sees_nothing()
        line.cut = False
        here.hear("")  # our own connection is back
    assert heard(line.told[-1]) == Missed()
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        line.cut = True
        await answers(there, record, "102", "два")
        line.cut = False
        before = len(line.told)
        there.hear("")  # theirs is: what they told may have been lost
        assert await page.reads() == "два"
        assert len(line.told) == before + 1  # who hears of it does not say it again


async def test_a_record_that_cannot_be_read_is_read_later(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    transcript, failed = here._transcript, asyncio.Event()

    async def broken(_chat: ChatRef, _limit: int) -> Sequence[Past]:
        failed.set()
        raise OSError("the disk is gone")

    async with follow(here, again=0.01) as stream:
        page = Page(stream)
        await page.sees("history")
        here._transcript = broken
        await answers(there, record, "101", "раз")
        await answers(here, record, "102", "два")
        assert await page.reads() == "два"
        whole = asyncio.create_task(page.sees("history"))
        async with asyncio.timeout(5):
            await failed.wait()
        here._transcript = transcript
        history = await whole
    assert words(history) == ["<p>раз</p>", "<p>два</p>"]
    assert history.data["complete"] is True


async def test_news_do_not_take_the_place_of_the_whole_talk(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    """A page that could not be shown the record waits for all of it."""
    record.broken = True
    async with follow(here, again=0.01) as stream:
        page = Page(stream)
        assert (await page.sees("history")).data["complete"] is False
        record.broken = False
        await answers(there, record, "101", "ответ")
        history = await page.sees("history")
    assert (words(history), history.data["complete"]) == (["<p>ответ</p>"], True)


async def test_what_is_said_here_while_the_record_is_read_is_seen_once(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    reading, read = asyncio.Event(), asyncio.Event()
    transcript = here._transcript

    async def slow(chat: ChatRef, limit: int) -> Sequence[Past]:
        past = await transcript(chat, limit)
        reading.set()
        await read.wait()
        return past

    remembered(record, "099", "давно")
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        await answers(here, record, "100", "старое")
        await page.sees("message")
        here._transcript = slow
        await answers(there, record, "101", "раз")
        dots = asyncio.create_task(page.sees("typing"))
        await reading.wait()
        await answers(here, record, "102", "два")
        await here.typing(CHAT)
        await answers(here, record, "103", "новое", replaces="100")
        read.set()
        await dots  # before the messages, since a message ends them
        assert {await page.reads() for _ in range(3)} == {"раз", "два", "новое"}
        await page.sees_nothing()


async def test_dots_and_notices_pass_to_pages_elsewhere(
    here: WebChatChannel, there: WebChatChannel, line: Line
) -> None:
    [action] = there.parse(posted(there, {"id": "p1", "token": "t"}))
    assert isinstance(action, ActionIn)
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        await there.typing(CHAT)
        await page.sees("typing")
        await there.acknowledge_action(action, "Спасибо")
        assert (await page.sees("notice")).data == {"text": "Спасибо", "for": "p1"}


async def test_times_do_not_go_back_when_clocks_differ(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    """A page sorts by time; an answer must not come to stand above its question."""
    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        asks(here, record, "m1", "вопрос")
        asked = (await page.sees("message")).data["at"]
        said = Outbound(chat=CHAT, body=parse_body("ответ"))
        record.past.append(Past(id="101", at=NOW - timedelta(seconds=3), message=said))
        there._say(Changed(SESSION))
        assert (await page.sees("message")).data["at"] == asked


async def test_talks_that_nobody_follows_here_cost_nothing(
    here: WebChatChannel, there: WebChatChannel, record: Record, line: Line
) -> None:
    await answers(there, record, "101", "ответ")
    asks(there, record, "m1", "вопрос")
    await there.typing(CHAT)
    assert (len(here.sessions), len(there.sessions), record.asked) == (0, 0, [])
    async with follow(here) as stream:
        assert words(await Page(stream).sees("history")) == ["<p>ответ</p>", "вопрос"]


async def test_words_from_elsewhere_keep_a_page_connected(make: Maker, record: Record, time: Time) -> None:
    here, there = make(idle_minutes=30), make(idle_minutes=30)
    Line(here, there)
    async with follow(here, heartbeat=0.001) as stream:
        page = Page(stream)
        await page.sees("history")
        time.now += timedelta(minutes=29)
        await answers(there, record, "101", "ещё здесь")
        assert await page.reads() == "ещё здесь"
        time.now += timedelta(minutes=29)
        assert (await anext(stream)).kind == "ping"
        time.now += timedelta(minutes=2)
        await page.sees("rest")


async def test_old_files_do_not_hide_what_is_new(make: Maker, record: Record, tmp_path: Path) -> None:
    options = {"uploads": True, "upload_dir": str(tmp_path)}
    here, there = make(**options), make(**options)
    Line(here, there)
    assert here.files is not None

    async def picture() -> Any:
        yield b"\x89PNG\r\n\x1a\n"

    await here.files.take(SESSION, "f1", "чек.png", picture(), NOW - timedelta(days=1))
    async with follow(here) as stream:
        page = Page(stream)
        assert len((await page.sees("history")).data["messages"]) == 1
        for number in range(LATEST * 2):
            remembered(record, f"2{number:02}", f"{number}")
        there._say(Changed(SESSION))
        assert [await page.reads() for _ in range(LATEST * 2)] == [*map(str, range(LATEST * 2))]


async def test_a_file_sent_to_one_process_is_shown_and_found_in_another(
    make: Maker, record: Record, tmp_path: Path
) -> None:
    options = {"uploads": True, "upload_dir": str(tmp_path)}
    here, there = make(**options), make(**options)
    Line(here, there)
    assert here.files is not None
    assert there.files is not None

    async def picture() -> Any:
        yield b"\x89PNG\r\n\x1a\n"

    async with follow(here) as stream:
        page = Page(stream)
        await page.sees("history")
        sent: SentFile = await there.files.take(SESSION, "f1", "чек.png", picture(), NOW)
        there.uploaded(SESSION, "f1", sent)
        there.remember(posted(there, {"id": "f1", "file": sent.name}))
        assert (await page.sees("message")).data["file"]["title"] == "чек.png"
    assert here.files.find(SESSION, sent.name) is not None


async def test_alone_it_tells_nobody_and_reads_the_record_once(here: WebChatChannel, record: Record) -> None:
    async with follow(here, heartbeat=0.001, again=0.001) as stream:
        page = Page(stream)
        await page.sees("history")
        asks(here, record, "m1", "вопрос")
        assert await page.reads() == "вопрос"
        for _ in range(5):
            assert (await anext(stream)).kind == "ping"
    assert len(record.asked) == 1


# -- what a page was shown -----------------------------------------------------------------------------------


def bubble_of(name: str, **changes: Any) -> ChatMessage:
    return ChatMessage(message_id=name, at=NOW, **{"author": "bot", **changes})


@pytest.mark.parametrize(
    "changes",
    [{"html": "другое"}, {"text": "x"}, {"edited": True}, {"buttons": ((Button(label="Да", token="t"),),)}],
)
def test_a_message_is_news_when_it_looks_different(changes: dict[str, Any]) -> None:
    seen = Seen()
    before, after = bubble_of("1"), bubble_of("1", **changes)
    assert seen.news([before, before]) == [before]
    assert seen.news([replace(before, at=NOW + timedelta(hours=1))]) == []
    assert seen.news([after]) == [after]
    assert seen.news([after]) == []


def test_the_memory_of_what_was_shown_is_bounded_and_keeps_the_last() -> None:
    seen = Seen()
    seen.news([bubble_of("first"), *(bubble_of(str(number)) for number in range(599))])
    assert seen.news([bubble_of("first")]) == []
    seen.news([bubble_of("first", html="x"), bubble_of("600")])
    assert [message.message_id for message in seen.news([bubble_of("first", html="x"), bubble_of("0")])] == [
        "0"
    ]


# -- what is told --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hearsay",
    [
        Changed(SESSION),
        Passing(SESSION, StreamEvent(kind="typing")),
        Passing(SESSION, StreamEvent(kind="notice", data={"text": "Спасибо", "for": "p1"})),
        Missed(),
    ],
)
def test_what_is_told_is_heard(hearsay: Any) -> None:
    assert heard(told(hearsay)) == hearsay


def test_silence_says_that_something_was_missed() -> None:
    assert heard("") == Missed()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 100_000,
        "[]",
        "{}",
        '{"kind": "changed"}',
        '{"kind": "changed", "session": "short"}',
        '{"kind": "changed", "session": 7}',
        '{"kind": "history", "session": "ssssssssssssssssssssssss", "data": {}}',
        '{"kind": "notice", "session": "ssssssssssssssssssssssss", "data": "x"}',
        '{"kind": "from a later version"}',
    ],
)
def test_what_cannot_be_understood_is_passed_over(
    here: WebChatChannel, text: str, logged: list[MutableMapping[str, Any]]
) -> None:
    with pytest.raises(BadPayload):
        heard(text)
    here.hear(text)
    assert [line["event"] for line in logged] == ["webchat.not_understood"]


def test_the_name_of_a_talk_stays_out_of_logs(
    here: WebChatChannel, logged: list[MutableMapping[str, Any]]
) -> None:
    here.hear(json.dumps({"kind": "unknown", "session": SESSION}))
    assert SESSION not in repr(logged)
    assert SESSION not in repr(Changed(SESSION)) + repr(Passing(SESSION, StreamEvent(kind="typing")))
