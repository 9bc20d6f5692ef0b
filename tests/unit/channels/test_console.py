"""The terminal channel: lines come in, answers are printed, the end of input ends the talk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.console import channel as console
from channels.console.channel import ConsoleChannel
from channels.console.keyboard import KeyboardReader
from channels.console.spec import SPEC, ConsoleSettings
from channels.contract import ChannelContext, Cursor
from channels.errors import BadPayload, Gone
from channels.model import ChatRef, RawUpdate, Rendered, StartIn, TextIn
from channels.registry import create_channel

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CONTEXT = ChannelContext(instance="console", clock=lambda: NOW)
CHAT = ChatRef(channel="console", chat_id="console")


class Terminal:
    """A person at the keyboard, prepared in advance."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)
        self.shown: list[str] = []

    async def read(self) -> str:
        return self._lines.pop(0) if self._lines else ""

    def channel(self, **settings: Any) -> ConsoleChannel:
        return ConsoleChannel(ConsoleSettings(**settings), CONTEXT, read=self.read, write=self.shown.append)


def answer(text: str) -> Rendered:
    return Rendered(chat=CHAT, text=text, plain=text, markup=False)


async def test_a_line_is_a_message() -> None:
    channel = Terminal("сколько стоит?\n").channel(locale="ru", person="anna")

    (raw,) = (await channel.fetch(None)).updates
    (event,) = channel.parse(raw)

    assert isinstance(event, TextIn)
    assert (event.text, event.at, event.sender.external_id, event.sender.locale) == (
        "сколько стоит?",
        NOW,
        "anna",
        "ru",
    )
    assert raw.lane == str(event.chat) == "console:anna"


async def test_start_begins_the_talk_with_its_payload() -> None:
    channel = Terminal("/start promo\n").channel()

    (raw,) = (await channel.fetch(None)).updates
    (event,) = channel.parse(raw)

    assert isinstance(event, StartIn)
    assert event.payload == "promo"


async def test_a_line_comes_again_until_it_is_confirmed() -> None:
    channel = Terminal("раз\n", "два\n").channel()

    first = await channel.fetch(None)
    assert await channel.fetch(None) == first
    await channel.confirm(first)

    assert (await channel.fetch(None)).updates[0].payload["line"] == "два"


async def test_every_line_of_every_run_has_a_key_of_its_own() -> None:
    keys = []
    moments = iter([NOW, NOW.replace(minute=1)])
    for now in moments:
        terminal = Terminal("да\n", "да\n")
        context = ChannelContext(instance="console", clock=lambda now=now: now)  # type: ignore[misc]
        channel = ConsoleChannel(ConsoleSettings(), context, read=terminal.read, write=terminal.shown.append)
        for _ in range(2):
            batch = await channel.fetch(None)
            await channel.confirm(batch)
            keys.append(batch.updates[0].key)

    assert len(set(keys)) == 4


async def test_an_empty_line_is_no_message() -> None:
    assert (await Terminal("  \n").channel().fetch(Cursor("7"))).updates == ()


async def test_an_answer_is_printed_behind_the_prompt() -> None:
    terminal = Terminal()

    receipt = await terminal.channel(prompt="> ").deliver(answer("300 ₽\n1. Сроки"))

    assert terminal.shown == ["> 300 ₽\n1. Сроки\n"]
    assert receipt.sent_at == NOW
    assert len(receipt.external_ids) == 1


async def test_the_end_of_input_is_told_and_then_nothing_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "POLL_SECONDS", 0.01)
    terminal = Terminal("раз\n")
    channel = terminal.channel()
    await channel.confirm(await channel.fetch(None))
    assert not channel.ended.is_set()

    assert (await channel.fetch(None)).updates == ()
    assert channel.ended.is_set()
    assert terminal.shown == ["\n"]
    assert (await channel.fetch(None)).updates == ()


async def test_after_the_end_a_fetch_waits_instead_of_spinning() -> None:
    channel = Terminal().channel()
    await channel.fetch(None)

    waiting = asyncio.create_task(channel.fetch(None))
    await asyncio.sleep(0)

    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_silence_ends_a_fetch_with_an_empty_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "POLL_SECONDS", 0.01)

    async def silent() -> str:
        await asyncio.Event().wait()
        return ""

    channel = ConsoleChannel(ConsoleSettings(), CONTEXT, read=silent, write=print)

    assert (await channel.fetch(Cursor("7"))).cursor == Cursor("7")
    assert not channel.ended.is_set()


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
async def test_a_closed_terminal_is_gone(error: Exception) -> None:
    def broken(text: str) -> None:
        raise error

    with pytest.raises(Gone):
        await ConsoleChannel(ConsoleSettings(), CONTEXT, write=broken).deliver(answer("да"))


@given(
    st.dictionaries(st.sampled_from(["line", "at", "x"]), st.none() | st.text() | st.floats() | st.integers())
)
def test_any_payload_is_read_or_refused(payload: dict[str, Any]) -> None:
    try:
        events = Terminal().channel().parse(RawUpdate(key="1", lane="console:console", payload=payload))
    except BadPayload:
        return
    assert len(events) == 1


def test_the_registry_makes_it() -> None:
    assert isinstance(create_channel(SPEC, ConsoleSettings(), CONTEXT), ConsoleChannel)


# -- the real keyboard -----------------------------------------------------------------------------------


@asynccontextmanager
async def keyboard() -> AsyncIterator[tuple[KeyboardReader, Callable[[bytes], int], Callable[[], None]]]:
    inner, outer = os.pipe()
    open_ends = {inner, outer}

    def hang_up() -> None:
        if outer in open_ends:
            open_ends.remove(outer)
            os.close(outer)

    reader = KeyboardReader(inner)
    try:
        yield reader, lambda data: os.write(outer, data), hang_up
    finally:
        hang_up()
        async with asyncio.timeout(5):
            while await reader.line():
                pass
        os.close(inner)


async def test_the_keyboard_gives_lines_in_order_and_then_the_end() -> None:
    async with keyboard() as (reader, type_, hang_up), asyncio.timeout(5):
        type_("привет\nпока".encode())
        assert await reader.line() == "привет\n"
        hang_up()
        assert await reader.line() == "пока"
        assert await reader.line() == ""
        assert await reader.line() == ""


async def test_a_cancelled_wait_for_the_keyboard_loses_nothing() -> None:
    async with keyboard() as (reader, type_, _), asyncio.timeout(5):
        waiting = asyncio.create_task(reader.line())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        type_("раз\n".encode())

        assert await reader.line() == "раз\n"


async def test_bytes_that_are_no_text_do_not_end_the_talk() -> None:
    async with keyboard() as (reader, type_, _), asyncio.timeout(5):
        type_(b"\xff\n")

        assert await reader.line() == "\ufffd\n"


def test_a_process_ends_while_the_keyboard_is_silent() -> None:
    program = (
        "import asyncio; from channels.console.keyboard import KeyboardReader\n"
        "async def main():\n"
        "    task = asyncio.create_task(KeyboardReader().line())\n"
        "    await asyncio.wait([task], timeout=0.05)\n"
        "    task.cancel()\n"
        "asyncio.run(main())"
    )

    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as process:
        assert process.wait(timeout=30) == 0
