"""Text: what people and authors write arrives as they wrote it, in both directions, or is refused by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import pytest

from channels.body import parse_body, text_body
from channels.contract import Transport
from channels.errors import BadPayload, ChannelError
from channels.measure import text_length
from channels.model import Body, Bold, Code, Italic, Link, ListBlock, Outbound, Paragraph, Quote, Text, TextIn
from channels.render import render, split_outbound
from channels.testing.conformance.subject import Connection, Subject, promise

_LONG: Final = 5000
_TYPED: Final = 1000
"""No platform lets a person type less than this into one message."""

SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        "one letter": "a",
        "emoji": "Привет 👩‍👩‍👧‍👦 мир 👍🏽 🇷🇺 1️⃣",
        "right to left": "שלום עليكم, цена 300 ₽ و 5",
        "combining marks": "é ё й — " + "ÿ̈́" * 50,
        "markup characters": "<b>&\"'`*_[x](y)~>#+=|{}!.- \\ & &amp; **a** __b__ ~~c~~ <script>1</script>",
        "lines": "раз\nдва\n\n\nтри\r\nчетыре\tпять",
        "control characters": "a\x01b\x07c\x1bd\x7fe",
        "five thousand characters": "слово " * (_LONG // 6 + 1),
        "five thousand emoji": "😀" * _LONG,
        "one word without an end": "х" * _LONG,
    }
)
"""Texts that are sent as plain words: all of their letters must reach the person, in order."""

WRITTEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bold and a link": "**Доставка** по России — [от 300 ₽](https://example.ru/a_b?x=1&y=2)",
        "lists": "Можно:\n\n- картой\n- по счёту\n\n1. раз\n2. два",
        "code": "Наберите `*#06#` или `a < b`",
        "markup that ends nowhere": "цена **300 и [ссылка](без скобки",
        "much markup": "**жирный** [ссылка](https://example.ru) *курсив* " * 300,
    }
)
"""Texts as authors of a knowledge base write them, in our Markdown."""


class TextChecks(Subject):
    """Words survive the way."""

    async def test_what_is_said_reaches_the_person_letter_by_letter(
        self, transport: Transport, said: str
    ) -> None:
        """Emoji, right-to-left, combining marks, markup characters, long texts: every letter arrives, in order."""
        async with self.connected(transport) as it:
            message = Outbound(chat=it.chat(self.chat), body=text_body(SAID[said]))
            got, wanted = _letters(await self._delivered(it, message)), _letters(SAID[said])
            promise(got == wanted, f"the person reads {_first_difference(wanted, got)}")

    async def test_what_authors_write_reaches_the_person(self, transport: Transport, written: str) -> None:
        """Every word of formatted texts arrives in order, whatever becomes of the markup."""
        async with self.connected(transport) as it:
            body = parse_body(WRITTEN[written])
            message = Outbound(chat=it.chat(self.chat), body=body)
            got, wanted = _letters(await self._delivered(it, message)), _letters(_words(body))
            missing = _first_missing(wanted, got)
            promise(
                missing is None,
                f"the person does not read all of it, from {wanted[missing or 0 :][:30]!r} on",
            )

    async def test_what_people_write_is_read_as_they_wrote_it(self, transport: Transport) -> None:
        """Texts of people come in unchanged."""
        async with self.connected(transport) as it:
            short = {
                n: w for n, w in SAID.items() if n not in {"lines", "control characters"} and len(w) <= _TYPED
            }
            for words in short.values():
                it.platform.writes(self.chat, words)
            read: list[str] = []
            for _ in short:
                if len(read) < len(short):
                    events = [event for raw in await it.arrivals() for event in it.channel.parse(raw)]
                    read += [event.text for event in events if isinstance(event, TextIn)]
            for (name, words), got in zip(short.items(), read, strict=False):
                promise(got == words, f"{name}: {words[:60]!r} was read as {got[:60]!r}")
            promise(len(read) == len(short), f"{len(short)} texts were read as {len(read)}")

    async def test_what_people_write_can_be_stored_whatever_it_is(self, transport: Transport) -> None:
        """Zero characters, nothing but spaces, 5,000 characters: refused, or read into what a database takes."""
        async with self.connected(transport) as it:
            odd = ("a\x00b", "\x00", " ", "\u200b", "\u2028", "х" * _LONG, "\ufffe\uffff", "конец")
            for words in odd:
                it.platform.writes(self.chat, words)
            read: list[str] = []
            for _ in odd:
                for raw in await it.arrivals() if "конец" not in read else ():
                    try:
                        events = it.channel.parse(raw)
                    except BadPayload:
                        continue
                    for event in events:
                        read.append(getattr(event, "text", ""))
                        read[-1].encode()  # a half of a surrogate pair would raise here
            promise(read[-1:] == ["конец"], f"the last of these texts did not arrive: {read[-3:]}")

    async def test_what_no_text_can_hold_is_refused_by_reaction(self, transport: Transport) -> None:
        """Halves of surrogate pairs, zero characters, nothing at all: a `ChannelError` or a message."""
        async with self.connected(transport) as it:
            for words in ("a\ud800b", "\udfff", "a\x00b", "\x00", "", " ", "\u200b", "\ufeff"):
                message = replace(self.message(it.channel), text=words, plain=words)
                try:
                    await it.channel.deliver(message)
                except ChannelError as error:
                    promise(str(error).strip(), f"{words!r} was refused without a word")
            await it.channel.deliver(self.message(it.channel, "после всего этого"))
            promise("после всего этого" in it.platform.sent()[-1].text, "the channel does not work any more")

    async def _delivered(self, it: Connection, message: Outbound) -> str:
        """Send a message in as many parts as it takes; gives what the person reads."""
        limits = it.channel.capabilities
        before = len(it.platform.sent())
        parts = split_outbound(message, limits)
        for part in parts:
            rendered = replace(render(part, limits), key=self.message(it.channel).key)
            shown = rendered.text if limits.counts_markup else rendered.plain
            length = text_length(shown, limits.text_unit)
            promise(length <= limits.text_limit, f"a message of {length}, the limit is {limits.text_limit}")
            promise(rendered.text.strip(), "a message in which nothing can be seen")
            await it.channel.deliver(rendered)
        seen = it.platform.sent()[before:]
        promise(len(seen) == len(parts), f"{len(parts)} messages were sent, {len(seen)} arrived")
        return "".join(one.text for one in seen)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run the checks with every text."""
        super().pytest_generate_tests(metafunc)
        for name, values in (("said", SAID), ("written", WRITTEN)):
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, list(values))


def _words(thing: object) -> str:
    """The words of a body, without the addresses of its links and the numbers of its lists."""
    match thing:
        case Text(value) | Code(value):
            return value
        case Body(children) | Paragraph(children) | Quote(children) | Bold(children) | Italic(children):
            return " ".join(map(_words, children))
        case Link(_, children):
            return " ".join(map(_words, children))
        case ListBlock(items):
            return " ".join(_words(child) for item in items for child in item)
    return " "


def _letters(text: str) -> str:
    """What can be told apart whatever the markup: letters and digits, in order."""
    return re.sub(r"[\W_]", "", text)


def _first_difference(wanted: str, got: str) -> str:
    at = next(
        (n for n, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), min(len(wanted), len(got))
    )
    return f"{got[at : at + 30]!r} where {wanted[at : at + 30]!r} was said (letter {at} of {len(wanted)})"


def _first_missing(wanted: str, got: str) -> int | None:
    """Where the first letter is that was not found in order; addresses and numbers of lists may be added in between."""
    letters = iter(got)
    return next((at for at, letter in enumerate(wanted) if letter not in letters), None)
