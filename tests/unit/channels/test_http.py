"""The HTTP client tells "never written" from "maybe sent", keeps to its limits and gives no secret away."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from yarl import URL

from channels.errors import Misconfigured, Rejected, TooLarge, Unreachable
from channels.http import HttpAnswer, HttpClient, Redactor, _socks_address, json_body, json_value
from config.secret import Secret

CANARY = "123456:canary-TOKEN"
Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(reply: Reply, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[URL]:
    """A server that reads one request head after another and lets `reply` do the rest."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reply(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
    async with listener:
        yield URL(f"{scheme}://{host}:{port}/bot{CANARY}/getMe")


def answering(*answers: bytes) -> Reply:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()

    return reply


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[HttpClient]:
    made = HttpClient(secrets=[Secret(CANARY)], **options)
    try:
        yield made
    finally:
        await made.close()


async def failure(url: URL, *, timeout: float = 5.0, **options: Any) -> Unreachable:  # noqa: ASYNC109 - passed on
    async with client(**options) as made:
        with pytest.raises(Unreachable) as caught:
            await made.request("POST", str(url), data=b"{}", timeout=timeout)
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert "canary" not in shown
    assert error.__context__ is None
    assert error.__cause__ is None
    return error


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_an_answer_comes_back_whole_whatever_its_status() -> None:
    async with server(answering(http("404 Not Found", b"gone", "X-Note: 1"))) as url, client() as made:
        answer = await made.request("GET", str(url))

    assert (answer.status, answer.body, answer.headers["x-note"]) == (404, b"gone", "1")


async def test_a_redirect_is_not_followed() -> None:
    """The body could go to a stranger."""
    async with (
        server(answering(http("302 Found", b"", "Location: http://127.0.0.1:1/"))) as url,
        client() as made,
    ):
        assert (await made.request("POST", str(url), data=b"{}")).status == 302


async def test_a_connection_is_used_again() -> None:
    async with server(answering(http("200 OK", b"1"), http("200 OK", b"2"))) as url, client() as made:
        first, second = await made.request("GET", str(url)), await made.request("GET", str(url))

    assert (first.body, second.body) == (b"1", b"2")


async def test_an_answer_in_chunks_comes_back_whole() -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    async with server(answering(chunks)) as url, client() as made:
        assert (await made.request("GET", str(url))).body == b"abc"


async def test_a_refused_connection_was_certainly_not_written() -> None:
    error = await failure(URL(f"http://127.0.0.1:{free_port()}/bot{CANARY}/sendMessage"))

    assert not error.maybe_sent
    assert "could not be reached" in str(error)


async def test_an_unknown_host_was_certainly_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*args: Any, **options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)

    assert not (await failure(URL(f"http://api.example/bot{CANARY}/getMe"))).maybe_sent


async def test_waiting_for_a_free_connection_was_certainly_not_written() -> None:
    arrived = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read(-1)

    async with server(hold) as url, client(connections=1) as made:
        holding = asyncio.create_task(made.request("GET", str(url)))
        await asyncio.wait_for(arrived.wait(), 5)
        with pytest.raises(Unreachable) as caught:
            await made.request("POST", str(url), timeout=0.1)
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)

    assert not caught.value.maybe_sent
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"this is not HTTP\r\n\r\n",
    ],
    ids=["closed", "cut", "cut chunk", "nonsense"],
)
async def test_a_broken_answer_may_mean_sent(answer: bytes) -> None:
    async with server(answering(answer)) as url:
        assert (await failure(url)).maybe_sent


async def test_no_answer_in_time_may_mean_sent() -> None:
    async with server(never) as url:
        error = await failure(url, timeout=0.1)

    assert error.maybe_sent
    assert "did not answer within 0.1 s" in str(error)


async def test_a_body_that_stalls_may_mean_sent() -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")(reader, writer)
        await reader.read(-1)

    async with server(stall) as url:
        assert (await failure(url, timeout=0.1)).maybe_sent


@pytest.mark.parametrize(
    "answer",
    [
        http("200 OK", b"x" * 1001),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n",
        http("200 OK", gzip.compress(b"x" * 1001), "Content-Encoding: gzip"),
    ],
    ids=["length", "chunks", "packed"],
)
async def test_an_answer_over_the_limit_is_not_read(answer: bytes) -> None:
    async with server(answering(answer)) as url:
        error = await failure(url, max_answer=1000)

    assert "more than 1000 bytes" in str(error)
    assert error.maybe_sent


async def test_a_caller_may_set_a_limit_of_its_own_in_either_direction() -> None:
    async with server(answering(http("200 OK", b"x" * 1001))) as url, client(max_answer=10) as made:
        assert len((await made.request("GET", str(url), limit=1001)).body) == 1001
    async with server(answering(http("200 OK", b"x" * 1001))) as url, client() as made:
        with pytest.raises(TooLarge, match="more than 1000 bytes") as raised:
            await made.request("GET", str(url), limit=1000)
    assert CANARY not in str(raised.value)


async def test_a_client_can_be_closed_twice_and_used_again() -> None:
    async with server(answering(http("200 OK", b"1"))) as url:
        made = HttpClient()
        await made.request("GET", str(url))
        await made.close()
        await made.close()
        assert (await made.request("GET", str(url))).body == b"1"
        await made.close()


async def test_a_cancelled_request_leaves_the_client_usable() -> None:
    async with server(never) as hanging, server(answering(http("200 OK", b"1"))) as url, client() as made:
        waiting = asyncio.create_task(made.request("GET", str(hanging)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await made.request("GET", str(url))).status == 200


# -- proxy -----------------------------------------------------------------------------------------------


async def test_a_proxy_is_asked_with_its_password() -> None:
    heads: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(http("200 OK", b"via"))

    async with (
        server(proxy) as url,
        client(proxy=Secret(f"http://me:pass@127.0.0.1:{url.port}")) as made,
    ):
        answer = await made.request("GET", "http://api.example/getMe")

    assert answer.body == b"via"
    assert heads[0].startswith(b"GET http://api.example/getMe HTTP/1.1")
    assert b"Proxy-Authorization: Basic" in heads[0]


async def test_a_dead_proxy_was_certainly_not_written_and_keeps_its_password() -> None:
    proxy = Secret(f"http://me:canary-password@127.0.0.1:{free_port()}")

    assert not (await failure(URL("https://api.example/getMe"), proxy=proxy)).maybe_sent


async def test_a_proxy_that_refuses_the_tunnel_was_certainly_not_written() -> None:
    async with server(answering(http("407 Proxy Authentication Required", b""))) as url:
        proxy = Secret(f"http://me:canary-password@127.0.0.1:{url.port}")
        assert not (await failure(URL("https://api.example/getMe"), proxy=proxy)).maybe_sent


def test_a_socks_proxy_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp_socks", None)

    with pytest.raises(Misconfigured, match=r'pip install "optfm-bot\[proxy\]"'):
        HttpClient(proxy=Secret("socks5://127.0.0.1:1080"))


@pytest.mark.parametrize("address", ["socks5://me:canary@proxy.example", "socks5://proxy.example:port"])
def test_a_socks_proxy_without_a_port_is_told_at_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(ProxyError=OSError, ProxyConnectionError=OSError, ProxyTimeoutError=OSError)
    monkeypatch.setitem(sys.modules, "aiohttp_socks", library)  # type: ignore[arg-type]

    with pytest.raises(Misconfigured, match="ends with its port") as caught:
        HttpClient(proxy=Secret(address))

    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("socks5h://a.example:1080", "socks5://a.example:1080"),
        ("SOCKS5://a.example:1080", "socks5://a.example:1080"),
        ("socks4a://a.example:1080", "socks4://a.example:1080"),
        ("socks4://me:pa@a.example:1080", "socks4://me:pa@a.example:1080"),
    ],
)
def test_every_way_to_write_a_socks_proxy_is_understood(written: str, known: str) -> None:
    """The library itself refuses the names that ask the proxy to look up hosts."""
    assert _socks_address(written) == known


# -- TLS -------------------------------------------------------------------------------------------------


_SELF_SIGNED = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    " -subj /CN=localhost -addext subjectAltName=DNS:localhost"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes its certificate with openssl")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [openssl, *_SELF_SIGNED.split(), "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return cert, key


def serving(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_an_unknown_certificate_is_refused_before_anything_is_written(
    certificate: tuple[Path, Path],
) -> None:
    async with server(answering(http("200 OK", b"1")), tls=serving(certificate)) as url:
        error = await failure(url)

    assert not error.maybe_sent


async def test_a_ca_file_adds_an_authority(certificate: tuple[Path, Path]) -> None:
    async with (
        server(answering(http("200 OK", b"1")), tls=serving(certificate)) as url,
        client(ca_file=str(certificate[0])) as made,
    ):
        assert (await made.request("GET", str(url))).body == b"1"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unreadable_ca_file_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "russian-trusted.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(Misconfigured, match=r"russian-trusted\.pem"):
        HttpClient(ca_file=str(path))


# -- words -----------------------------------------------------------------------------------------------


def test_a_redactor_masks_a_secret_in_every_form() -> None:
    redact = Redactor(["12:a/b", "12:a/b-longer", "abc"])

    assert redact("12:a/b-longer 12%3Aa%2Fb 12%3Aa/b abc") == "•••• •••• •••• abc"


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3), ("0.5", 0.5), ("", None), ("soon", None), ("-1", None), ("1e99", None)]
)
def test_retry_after_is_read_when_it_is_a_sane_number(header: str, seconds: float | None) -> None:
    answer = HttpAnswer(429, {"Retry-After": header}, b"")

    assert answer.retry_after() == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'{"text": "\\ud83d hi"}', {"text": "\ufffd hi"}),
        (b'{"text": "\\uDE00\\ud83d"}', {"text": "\ufffd\ufffd"}),
        (b'{"text": "\\ud83d\\ude00"}', {"text": "\U0001f600"}),
        ('{"text": "я \\ud83d"}'.encode(), {"text": "я \ufffd"}),
    ],
)
def test_half_of_a_character_does_not_make_the_rest_unreadable(body: bytes, value: object) -> None:
    assert json_value(body) == value


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'"\\ud83d', b"NaN", b"[" * 100_000, b'["\\ud83d",' * 100_000]
)
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        json_value(body)


def test_a_body_that_cannot_be_written_is_rejected() -> None:
    assert json_body({"text": "я"}) == '{"text":"я"}'.encode()
    with pytest.raises(Rejected, match="cannot be written"):
        json_body({"text": "\ud83d"})
