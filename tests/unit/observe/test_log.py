"""What reaches the log, and what must not."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from typing import Any

import pytest
import structlog
from aiohttp import ClientResponseError, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from optfm_bot.observe.correlation import bind_update
from optfm_bot.observe.log import LogFormat, configure_logging, get_logger, log_crashes, set_level
from optfm_bot.observe.redact import Redactor
from optfm_bot.observe.repeats import RepeatGate

pytestmark = pytest.mark.usefixtures("_logging_restored")

TOKEN = "987654321:CANARYcanaryCANARYcanaryCANARY"
KNOWN = "known-canary-value"
PHONE = "+79161234567"
EMAIL = "canary.person@example.com"
CANARIES = (TOKEN, TOKEN.partition(":")[2], KNOWN, PHONE, PHONE[1:], EMAIL, "canary.person", "hunter2")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def configured(
    stream: io.StringIO | None = None,
    *,
    fmt: LogFormat = "json",
    level: str = "info",
    secrets: tuple[str, ...] = (),
) -> io.StringIO:
    stream = stream or io.StringIO()
    configure_logging(format=fmt, level=level, redactor=Redactor(secrets), stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def response_error() -> ClientResponseError:
    """The error of aiohttp that prints the whole address, token included."""
    url = URL(f"https://api.telegram.org/bot{TOKEN}/getUpdates")
    info = RequestInfo(url=url, method="GET", headers=CIMultiDictProxy(CIMultiDict()), real_url=url)
    return ClientResponseError(info, (), status=401, message="Unauthorized")


class Leaky:
    """An object whose repr shows everything."""

    def __repr__(self) -> str:
        return f"<Leaky password=hunter2 {TOKEN} {EMAIL}>"


class Broken:
    """An object that cannot be shown at all."""

    def __repr__(self) -> str:
        raise RuntimeError(f"no repr, but {TOKEN}")


@pytest.mark.parametrize("level", ["debug", "info"])
@pytest.mark.parametrize("fmt", ["json", "console"])
def test_no_canary_ever_reaches_the_output(
    fmt: LogFormat, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = configured(fmt=fmt, level=level, secrets=(KNOWN,))
    log_crashes()
    log = get_logger("canary", bound=KNOWN)
    library = logging.getLogger("some.library")
    assert TOKEN in str(response_error()), "the canary must be alive: aiohttp prints the address"

    planted = f"event {TOKEN} {PHONE}"
    log.info(planted)
    log.info("kwargs", token=TOKEN, phone=PHONE, mail=EMAIL, note=f"known: {KNOWN}", api_key="hunter2")
    log.info("nested", data={"list": [{"deep": (TOKEN, {EMAIL: PHONE})}], "set": {KNOWN}, "obj": Leaky()})
    log.info("number", chat=int(PHONE[1:]))
    log.debug("text", text=f"my phone is {PHONE}, mail {EMAIL}, {TOKEN}")
    log.warning("broken", value=Broken())
    structlog.get_logger("theirs").warning("structlog", url=f"https://x/bot{TOKEN}/send")
    library.warning("args %s %s", TOKEN, {"mail": EMAIL, "k": KNOWN})
    library.error("bad format %d", TOKEN)
    library.info("GET /waInstance1101000001/receiveNotification/%s", KNOWN, stack_info=True)
    library.warning("extra", extra={"optfm_fields": {"phone": PHONE}})
    with bind_update(1, "telegram", note=EMAIL):
        log.info("bound")
    try:
        try:
            raise response_error()
        except ClientResponseError as error:
            raise RuntimeError(f"could not send to {PHONE}") from error
    except RuntimeError as error:
        log.exception("failed", error_code="x")
        library.exception("failed too")
        log.warning("passed", exc_info=error)
        log.warning("value", error=error)
        sys.excepthook(type(error), error, error.__traceback__)
        thread = threading.Thread(target=int, args=(TOKEN,))
        thread.start()
        thread.join(timeout=10)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"deprecated {TOKEN}", stacklevel=1)

    captured = capsys.readouterr()
    output = stream.getvalue() + captured.out + captured.err
    assert [canary for canary in CANARIES if canary in output] == []
    for event in ("kwargs", "nested", "structlog", "args", "bound", "failed", "passed", "process.crashed", "thread.crashed", "log.record_lost", "deprecated"):  # fmt: skip # noqa: E501 - one list
        assert event in output, "a line that is missing proves nothing"


def test_a_line_of_json_has_the_agreed_fields() -> None:
    stream = configured()
    with bind_update(42, "telegram"):
        get_logger("optfm_bot.outbox").info("outbox.sent", attempt=1)

    (line,) = lines(stream)
    assert list(line) == ["ts", "level", "event", "logger", "update_id", "channel", "attempt"]
    assert line["ts"].endswith("Z")
    assert len(line["ts"]) == len("2026-01-01T00:00:00.000Z")
    assert [line["level"], line["event"], line["logger"]] == ["info", "outbox.sent", "optfm_bot.outbox"]


def test_fields_cannot_replace_the_head_of_a_line() -> None:
    stream = configured()
    get_logger("x").info("a", level="fake", ts=1)

    (line,) = lines(stream)
    assert (line["level"], line["field_level"], line["field_ts"]) == ("info", "fake", 1)


def test_libraries_write_into_the_same_log() -> None:
    stream = configured()
    logging.getLogger("aiohttp.server").warning("port %d is taken", 80)

    (line,) = lines(stream)
    assert (line["event"], line["message"]) == ("library.message", "port 80 is taken")


def test_handlers_of_libraries_are_removed() -> None:
    bare = io.StringIO()
    logging.getLogger("some.library").addHandler(logging.StreamHandler(bare))
    stream = configured()
    logging.getLogger("some.library").warning("hello")

    assert bare.getvalue() == ""
    assert len(lines(stream)) == 1


def test_texts_of_messages_appear_only_at_debug() -> None:
    stream = configured(level="debug")
    log = get_logger("x")
    log.info("a", text="Где заказ?")
    log.debug("b", text="Где заказ?")

    assert [line["text"] for line in lines(stream)] == ["<10>", "Где заказ?"]


def test_the_level_changes_at_once_also_for_loggers_in_use() -> None:
    stream = configured(level="warning")
    log = get_logger("x")
    log.info("a")
    set_level("debug")
    log.debug("b")

    assert [line["event"] for line in lines(stream)] == ["b"]


def test_configuring_again_replaces_the_stream() -> None:
    first = configured()
    log = structlog.get_logger("x")
    log.info("a")
    second = configured()
    log.info("b")

    assert [line["event"] for line in lines(first) + lines(second)] == ["a", "b"]


def test_chatty_libraries_are_kept_quiet() -> None:
    """The database driver writes every statement with its values at debug level."""
    stream = configured(level="debug")
    logging.getLogger("aiosqlite").debug("INSERT … %s", "personal")

    assert stream.getvalue() == ""


def test_auto_is_columns_on_a_terminal_and_json_elsewhere() -> None:
    get_logger("x")
    terminal = configured(Terminal(), fmt="auto")
    get_logger("x").info("hello")
    pipe = configured(fmt="auto")
    get_logger("x").info("hello")

    assert "\x1b[" in terminal.getvalue()
    assert json.loads(pipe.getvalue())["event"] == "hello"


def test_nothing_that_is_logged_can_fake_a_line_on_the_console() -> None:
    fake = "x\n12:00:00.000 info     fake.event [x]"
    stream = configured(fmt="console")
    get_logger("x").info("a", value=fake)
    get_logger("x").warning("b", exc_info=ValueError(fake))

    rows = stream.getvalue().splitlines()
    assert [row for row in rows if "info" in row and not row.startswith("    |")] == [rows[0]]
    assert rows[0].split(" ", 1)[1].startswith("info     a value=")


def test_a_repeated_error_is_written_when_its_number_doubles() -> None:
    stream = io.StringIO()
    configure_logging(format="json", level="info", redactor=Redactor(), stream=stream, repeats=RepeatGate())
    for _ in range(10):
        get_logger("x").error("send.failed", channel="telegram")
    get_logger("x").error("send.failed", channel="web")

    assert [(line["channel"], line.get("repeated")) for line in lines(stream)] == [
        ("telegram", None), ("telegram", 2), ("telegram", 4), ("telegram", 8), ("web", None),
    ]  # fmt: skip


def test_a_stream_that_is_gone_breaks_nothing() -> None:
    stream = configured()
    stream.close()

    get_logger("x").info("a")


async def test_what_is_bound_stays_within_its_task() -> None:
    stream = configured()
    log = get_logger("x")
    ready = asyncio.Event()

    async def work(update_id: int) -> None:
        with bind_update(update_id, "telegram"):
            if update_id == 2:
                ready.set()
            async with asyncio.timeout(5):
                await ready.wait()
            log.info("done", mine=update_id)

    await asyncio.gather(work(1), work(2))
    log.info("after")

    *done, after = lines(stream)
    assert [line["update_id"] == line["mine"] for line in done] == [True, True]
    assert "update_id" not in after
