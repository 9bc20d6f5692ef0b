"""Files that lie elsewhere are at hand when the message is sent, gone afterwards, and never cost anybody the words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.body import text_body
from channels.capabilities import Capabilities, DialectName
from channels.errors import (
    ChannelError,
    Gone,
    MarkupRejected,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from channels.model import ChatRef, Inline, Media, MediaKind, Outbound, Purpose, Receipt, Rendered, Text
from optfm_bot.clock import ManualClock
from optfm_bot.outbox.files import FileDoor, lies_elsewhere, with_files
from optfm_bot.outbox.outgoing import DeliverySettings, Outgoing
from optfm_bot.store.records import OutboxState

TARGET = Capabilities(
    text_limit=200,
    caption_limit=100,
    dialect=DialectName.TELEGRAM_HTML,
    media={MediaKind.FILE: 1000, MediaKind.IMAGE: 500},
)
BILL = Media(kind=MediaKind.FILE, name="счёт.pdf", mime="application/pdf", origin="freescout", file_id="7")


def rendered(*media: Media, text: str = "<b>Вот</b>", plain: str = "Вот", **fields: object) -> Rendered:
    chat = ChatRef(channel="telegram", chat_id="1")
    return replace(Rendered(chat=chat, text=text, plain=plain, media=media), **fields)


def giving(
    content: bytes = b"%PDF", error: Exception | None = None
) -> Callable[[Media, int], Awaitable[bytes]]:
    async def fetch(_file: Media, _limit: int) -> bytes:
        if error is not None:
            raise error
        return content

    return fetch


def door(
    fetch: Callable[[Media, int], Awaitable[bytes]] | None = None, clock: ManualClock | None = None
) -> FileDoor:
    return FileDoor({"freescout": fetch or giving()}, clock or ManualClock())


def content(path: Path) -> bytes:
    return path.read_bytes()


def others_may(folder: Path) -> int:
    return folder.stat().st_mode & 0o077


async def test_a_file_is_here_while_the_message_is_sent_and_gone_afterwards() -> None:
    async with door().open(rendered(BILL), TARGET) as ready:
        (media,) = ready.media
        assert media.path is not None
        path = Path(media.path)
        assert content(path) == b"%PDF"
        assert others_may(path.parent.parent) == 0
        assert (media.name, media.mime, media.kind) == ("счёт.pdf", "application/pdf", MediaKind.FILE)
        assert (media.origin, media.file_id, media.url) == (None, None, None)
        assert (ready.text, ready.degraded) == ("<b>Вот</b>", ())
    assert not path.parent.parent.exists()


async def test_it_is_removed_when_sending_fails() -> None:
    paths = []
    with pytest.raises(RetryLater):
        async with door().open(rendered(BILL), TARGET) as ready:
            paths = [Path(media.path or "") for media in ready.media]
            raise RetryLater
    assert paths
    assert not any(path.exists() for path in paths)


async def test_the_fetcher_hears_what_the_target_takes() -> None:
    asked: list[tuple[Media, int]] = []

    async def fetch(file: Media, limit: int) -> bytes:
        asked.append((file, limit))
        return b"x"

    photo = replace(BILL, kind=MediaKind.IMAGE)
    async with door(fetch).open(rendered(BILL, photo), TARGET):
        pass
    assert asked == [(BILL, 1000), (photo, 500)]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b\\..\\c.pdf", "x" * 300 + ".pdf", "\x00\u202efdp.exe", "..", ""]
)
async def test_names_are_made_safe_and_may_be_equal(name: str) -> None:
    async with door().open(rendered(*[replace(BILL, name=name)] * 2), TARGET) as ready:
        first, second = (Path(media.path or "") for media in ready.media)
        assert first != second
        assert content(first) == content(second) == b"%PDF"
        root = first.parent.parent
        assert first.resolve().is_relative_to(root)
        assert first.name == second.name == ready.media[0].name
        assert not set(first.name) & set("/\\\x00\u202e")
        assert len(first.name.encode()) <= 160


async def test_what_lies_here_is_left_alone() -> None:
    here = Media(kind=MediaKind.IMAGE, path="/srv/a.png", name="a.png")
    assert not lies_elsewhere(rendered(here))
    async with door().open(rendered(here, BILL), TARGET) as ready:
        assert ready.media[0] is here


@pytest.mark.parametrize("error", [Gone("weg"), Rejected("nein"), TooLarge("zu groß")])
async def test_what_cannot_be_had_is_left_out_and_named(error: ChannelError) -> None:
    odd = replace(BILL, name="a <b>&.pdf")
    async with door(giving(error=error)).open(rendered(odd), TARGET) as ready:
        assert ready.media == ()
        assert ready.text == "<b>Вот</b>\n\na &lt;b&gt;&amp;.pdf"
        assert ready.plain == "Вот\n\na <b>&.pdf"
        assert ready.degraded == ("file_left_out",)


async def test_an_origin_that_nobody_knows_is_as_good_as_gone() -> None:
    async with door().open(rendered(replace(BILL, origin="who")), TARGET) as ready:
        assert ready.plain == "Вот\n\nсчёт.pdf"


def test_an_address_is_told_only_if_people_may_have_it() -> None:
    file = replace(BILL, url="https://x.ru/f")
    assert "https://x.ru/f" in with_files(rendered(file), [Gone()], TARGET).text
    assert "https://x.ru/f" not in with_files(rendered(replace(file, public=False)), [Gone()], TARGET).text


def test_a_message_that_would_be_empty_says_the_name() -> None:
    said = with_files(rendered(replace(BILL, name=""), text="", plain=""), [Gone()], TARGET)
    assert (said.text, said.plain) == ("file.pdf", "file.pdf")


def test_plain_words_stay_plain() -> None:
    file = replace(BILL, name="a&b", url="https://x.ru/f")
    said = with_files(rendered(file, text="Вот", markup=False), [Gone()], TARGET)
    assert said.text == said.plain == "Вот\n\na&b (https://x.ru/f)"


def test_beside_a_file_that_is_sent_the_line_has_to_fit_a_caption() -> None:
    long = "я" * 80
    file = replace(BILL, url="https://example.org/" + "x" * 40)
    kept = Media(kind=MediaKind.IMAGE, path="/srv/a.png")
    alone = with_files(rendered(file, text=long, plain=long), [Gone()], TARGET)
    beside = with_files(rendered(file, kept, text=long, plain=long), [Gone(), kept], TARGET)
    full = "я" * 100
    none = with_files(rendered(file, kept, text=full, plain=full), [Gone(), kept], TARGET)
    assert "https://" in alone.text
    assert beside.text == f"{long}\n\nсчёт.pdf"
    assert (none.text, none.degraded) == (full, ("file_left_out",))


@pytest.mark.parametrize(
    "error", [RetryLater("slow"), Unauthorized("who"), Unreachable("?", maybe_sent=True)]
)
async def test_an_origin_that_cannot_now_is_asked_again_and_nothing_was_sent(error: ChannelError) -> None:
    with pytest.raises(Unreachable, match="freescout") as raised:
        async with door(giving(error=error)).open(rendered(BILL), TARGET):
            pytest.fail("nothing may be sent")
    assert raised.value.maybe_sent is False


async def test_at_the_last_try_the_words_go_without_the_file() -> None:
    fetch = giving(error=RetryLater("slow"))
    async with door(fetch).open(rendered(BILL), TARGET, last=True) as ready:
        assert (ready.media, ready.plain) == ((), "Вот\n\nсчёт.pdf")


async def test_an_origin_that_is_silent_is_given_up() -> None:
    clock = ManualClock()

    async def fetch(_file: Media, _limit: int) -> bytes:
        await asyncio.Event().wait()
        return b""

    async def opened() -> None:
        async with door(fetch, clock).open(rendered(BILL), TARGET):
            pytest.fail("nothing may be sent")

    task = asyncio.create_task(opened())
    await clock.advance(76)
    with pytest.raises(Unreachable):
        await task


async def test_a_full_disk_is_a_reason_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(Unreachable, match="No space"):
        async with door().open(rendered(BILL), TARGET):
            pytest.fail("nothing may be sent")


# -- in the outbox ---------------------------------------------------------------------------------------


def carrying(desk: Any) -> list[bytes]:
    """Let the platform read the files that it is given; gives what it has read."""
    read: list[bytes] = []
    deliver = desk.platform.deliver

    async def reading(message: Rendered) -> Receipt:
        paths = [Path(media.path or "") for media in message.media]
        read.extend(await asyncio.to_thread(lambda: [path.read_bytes() for path in paths]))
        receipt: Receipt = await deliver(message)
        return receipt

    desk.platform.deliver = reading
    return read


async def test_the_platform_is_given_the_file(desk: Any) -> None:
    async with desk(capabilities=TARGET, fetchers={"freescout": giving(b"bill")}) as d:
        read = carrying(d)
        await d.promise("a", "Вот счёт", media=(BILL,))
        await d.delivery.idle()
        assert read == [b"bill"]
        assert d.platform.texts("a") == ["Вот счёт"]
        assert d.platform.delivered[0].message.media[0].origin is None


async def test_nothing_is_marked_as_being_sent_before_the_file_is_there(desk: Any) -> None:
    asked, come = asyncio.Event(), asyncio.Event()

    async def fetch(_file: Media, _limit: int) -> bytes:
        asked.set()
        await come.wait()
        return b"x"

    async with desk(capabilities=TARGET, fetchers={"freescout": fetch}) as d:
        (row,) = await d.promise("a", "Вот счёт", media=(BILL,))
        await asked.wait()
        assert (await d.states())[row] is OutboxState.READY
        come.set()
        await d.delivery.idle()
        assert (await d.states())[row] is OutboxState.SENT


async def test_a_file_that_comes_later_holds_up_its_chat_alone(desk: Any) -> None:
    tries: list[Exception | bytes] = [RetryLater("slow"), Unauthorized("who"), b"x"]

    async def fetch(_file: Media, _limit: int) -> bytes:
        found = tries.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async with desk(capabilities=TARGET, fetchers={"freescout": fetch}) as d:
        read = carrying(d)
        await d.promise("a", "Вот счёт", media=(BILL,))
        await d.promise("a", "И ещё")
        await d.promise("b", "Привет")
        await d.clock.advance(0)
        assert d.platform.texts() == ["Привет"]
        await d.clock.advance(10)
        await d.delivery.idle()
        assert read == [b"x"]
        assert d.platform.texts("a") == ["Вот счёт", "И ещё"]
        assert d.observer.hints == []  # whose credentials are wrong is not this bot


async def test_words_are_not_lost_with_a_file_that_never_comes(desk: Any) -> None:
    fetch = giving(error=Unreachable("down", maybe_sent=False))
    settings = DeliverySettings(per_chat=0, per_bot=0, max_attempts=3)
    async with desk(settings, capabilities=TARGET, fetchers={"freescout": fetch}) as d:
        (row,) = await d.promise("a", "Вот счёт", media=(BILL,))
        await d.clock.advance(60)
        assert d.platform.texts("a") == ["Вот счёт\n\nсчёт.pdf"]
        assert (await d.states())[row] is OutboxState.SENT


async def test_a_file_has_its_own_patience_and_what_is_behind_it_goes_on(desk: Any) -> None:
    """The platform may be tried for ever; an origin that stays away may not hold the chat up for so long."""
    asked = 0

    async def fetch(_file: Media, _limit: int) -> bytes:
        nonlocal asked
        asked += 1
        raise Unreachable("down", maybe_sent=False)

    settings = DeliverySettings(per_chat=0, per_bot=0, max_attempts=10**6, file_attempts=4)
    async with desk(settings, capabilities=TARGET, fetchers={"freescout": fetch}) as d:
        await d.promise("a", "Вот счёт", media=(BILL,))
        await d.promise("a", "И ещё")
        await d.clock.advance(6)
        assert d.platform.texts() == []
        await d.clock.advance(1)
        assert asked == 4
        assert d.platform.texts("a") == ["Вот счёт\n\nсчёт.pdf", "И ещё"]


async def test_a_platform_that_was_away_for_long_does_not_make_a_files_tries_slow(desk: Any) -> None:
    asked: list[float] = []

    async def fetch(_file: Media, _limit: int) -> bytes:
        asked.append(d.clock.monotonic() - d.start)
        raise RetryLater("slow")

    settings = DeliverySettings(per_chat=0, per_bot=0, max_attempts=10**6, file_attempts=4)
    async with desk(settings, capabilities=TARGET, fetchers={"freescout": fetch}) as d:
        chat = ChatRef(channel="stage", chat_id="a")
        message = Outbound(chat=chat, body=text_body("Вот счёт"), media=(BILL,))
        tried = Outgoing(id=1, lane="stage:a", message=message, created_at=d.clock.ms(), attempts=500)
        await d.keep([tried], OutboxState.READY)
        d.delivery.accept([tried])
        await d.clock.advance(10)
        assert asked == [0, 1, 3, 7]
        assert d.platform.texts("a") == ["Вот счёт\n\nсчёт.pdf"]


@pytest.mark.parametrize("purpose", [Purpose.AGENT, Purpose.ANSWER])
async def test_that_an_agents_file_was_left_out_is_told_once_the_words_are_there(
    desk: Any, purpose: Purpose
) -> None:
    async with desk(capabilities=TARGET, fetchers={"freescout": giving(error=Gone("weg"))}) as d:
        await d.promise("a", "Вот счёт", media=(BILL,), purpose=purpose)
        await d.promise("a", "И ещё", purpose=purpose)
        d.platform.script["a"] = [RetryLater("busy")]
        await d.clock.advance(5)
        assert d.platform.texts("a") == ["Вот счёт\n\nсчёт.pdf", "И ещё"]
        assert d.lost == ([((("счёт.pdf", "weg"),), None)] if purpose is Purpose.AGENT else [])


async def test_a_carrier_may_have_words_of_its_own_for_a_file_that_does_not_come() -> None:
    def line(item: Media, why: ChannelError) -> tuple[Inline, ...]:
        return (Text(f"[{item.name}: {why}]"),)

    fetchers = {"freescout": giving(error=Gone("weg"))}
    own = FileDoor(fetchers, ManualClock(), lines={"telegram": line})
    async with own.open(rendered(BILL), TARGET) as ready:
        assert ready.plain == "Вот\n\n[счёт.pdf: weg]"
    other = FileDoor(fetchers, ManualClock(), lines={"max": line})
    async with other.open(rendered(BILL), TARGET) as ready:
        assert ready.plain == "Вот\n\nсчёт.pdf"


async def test_when_markup_is_refused_the_file_is_brought_once_more(desk: Any) -> None:
    async with desk(capabilities=TARGET, fetchers={"freescout": giving(b"bill")}) as d:
        read = carrying(d)
        d.platform.script["a"] = [MarkupRejected("no")]
        await d.promise("a", "Вот счёт", media=(BILL,))
        await d.delivery.idle()
        assert read == [b"bill", b"bill"]
        assert d.platform.texts("a") == ["Вот счёт"]
