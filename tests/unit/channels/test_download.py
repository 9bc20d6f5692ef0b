"""A file is fetched from where the platform says, within a limit, and never from a machine that only we can reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from channels.download import download, may_be_asked
from channels.errors import ChannelError, Gone, Rejected, RetryLater, TooLarge
from channels.http import HttpClient
from config.secret import Secret

HOME = ("https://api.example.org/v3",)
FILE = bytes(range(256)) * 10


@asynccontextmanager
async def storage(answer: web.Response) -> AsyncIterator[tuple[str, list[str]]]:
    """A host with one answer at `/file`, redirects at `/moved/N`, and what it was asked for."""
    asked: list[str] = []

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        if request.path.startswith("/moved/"):
            left = int(request.path.rsplit("/", 1)[-1])
            return web.Response(status=302, headers={"Location": f"/moved/{left - 1}" if left else "/file"})
        if request.path == "/away":
            return web.Response(status=302, headers={"Location": "http://169.254.169.254/secrets"})
        return answer

    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def fetched(url: str, base: str, *, limit: int = len(FILE)) -> bytes:
    http = HttpClient(timeout=5, secrets=[Secret("hidden")])
    try:
        return await download(http, url, limit=limit, homes=(base,))
    finally:
        await http.close()


async def test_a_file_comes_whole_through_redirects() -> None:
    async with storage(web.Response(body=FILE)) as (base, asked):
        assert await fetched(f"{base}/moved/2", base) == FILE
        assert asked == ["/moved/2", "/moved/1", "/moved/0", "/file"]


async def test_a_chain_of_redirects_ends() -> None:
    async with storage(web.Response(body=FILE)) as (base, asked):
        with pytest.raises(Rejected):
            await fetched(f"{base}/moved/9", base)
        assert len(asked) == 4


async def test_a_redirect_leads_to_nobody_near_us() -> None:
    async with storage(web.Response(body=FILE)) as (base, _):
        with pytest.raises(Rejected, match="public"):
            await fetched(f"{base}/away", base)


@pytest.mark.parametrize("chunked", [False, True])
async def test_more_than_the_limit_is_not_read(*, chunked: bool) -> None:
    answer = web.Response(body=FILE)
    if chunked:
        answer.enable_chunked_encoding()
    async with storage(answer) as (base, _):
        with pytest.raises(TooLarge):
            await fetched(f"{base}/file", base, limit=len(FILE) - 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, Gone), (410, Gone), (403, Gone), (429, RetryLater), (503, RetryLater), (400, Rejected)],
)
async def test_a_refusal_is_told_by_reaction_and_without_the_address(
    status: int, kind: type[ChannelError]
) -> None:
    async with storage(web.Response(status=status)) as (base, _):
        with pytest.raises(kind) as raised:
            await fetched(f"{base}/file?sig=hidden", base)
    assert type(raised.value) is kind
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://cdn.example.org/f", True),
        ("https://api.example.org/f", True),
        ("https://93.184.215.14/f", True),
        ("http://cdn.example.org/f", False),
        ("http://api.example.org/f", False),
        ("ftp://cdn.example.org/f", False),
        ("file:///etc/passwd", False),
        ("https://127.0.0.1/f", False),
        ("https://10.0.0.8/f", False),
        ("https://169.254.169.254/f", False),
        ("https://[::1]/f", False),
        ("https://2130706433/f", False),
        ("https://127.1/f", False),
        ("https://0x7f.0x1/f", False),
        ("https://127.0.0.①/f", False),
        ("https://localhost/f", False),
        ("https://localhost.localdomain/f", False),
        ("https://database/f", False),
        ("https://printer.local/f", False),
        ("https://printer.local./f", False),
        ("https://user@cdn.example.org/f", False),
        ("https://[/f", False),
        ("/f", False),
        ("", False),
    ],
)
def test_only_public_addresses_and_the_platform_itself_are_asked(url: str, *, allowed: bool) -> None:
    assert may_be_asked(url, HOME) is allowed


def test_a_platform_that_is_configured_near_us_may_be_asked() -> None:
    assert may_be_asked("http://127.0.0.1:8081/file/1", ("http://127.0.0.1:8081",))
    assert not may_be_asked("http://127.0.0.1:5432/file/1", ("http://127.0.0.1:8081",))
