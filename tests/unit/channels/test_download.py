"""A file is fetched from where the platform says, within a limit, and never from a machine that only we can reach."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from channels.addresses import NotPublic, PublicResolver, is_public
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
        ("https://[2606:4700::1111]/f", True),
        ("https://[::ffff:10.0.0.8]/f", False),
        ("https://[::ffff:8.8.8.8]/f", True),
        ("https://[::10.0.0.8]/f", False),
        ("https://[2002:a00:8::]/f", False),
        ("https://[2002:808:808::]/f", True),
        ("https://[64:ff9b::10.0.0.8]/f", False),
        ("https://[64:ff9b::a9fe:a9fe]/f", False),
        ("https://[64:ff9b::8.8.8.8]/f", True),
        ("https://[64:ff9b:1::8.8.8.8]/f", False),
        ("https://[fec0::1]/f", False),
        ("https://[fe80::1%25eth0]/f", False),
        ("https://224.0.0.1/f", False),
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


# -- names -----------------------------------------------------------------------------------------------


class Names(AbstractResolver):
    """A resolver that knows some names, and what it was asked for."""

    def __init__(self, **known: tuple[str, ...]) -> None:
        self._known = known
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        name = host.partition(".")[0]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
            for one in self._known.get(name, ())
        ]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    "address", ["10.0.0.8", "127.0.0.1", "169.254.169.254", "64:ff9b::a00:8", "2002:a00:8::"]
)
async def test_a_public_name_that_leads_to_a_machine_near_us_is_not_asked(address: str) -> None:
    names = Names(cdn=(address,))
    http = HttpClient(timeout=5, resolver=names)
    try:
        with pytest.raises(Rejected, match=r"cdn\.example\.org"):
            await download(http, "https://cdn.example.org/f?sig=hidden", limit=9, homes=HOME)
    finally:
        await http.close()
    assert names.asked == ["cdn.example.org"]


async def test_a_redirect_to_a_name_that_leads_near_us_is_not_followed() -> None:
    away = web.Response(status=302, headers={"Location": "https://cdn.example.org/f"})
    async with storage(away) as (base, _):
        http = HttpClient(timeout=5, resolver=Names(cdn=("10.0.0.8",)))
        try:
            with pytest.raises(Rejected):
                await download(http, f"{base}/file", limit=9, homes=(base,))
        finally:
            await http.close()


async def test_the_platform_of_the_owners_settings_may_have_a_private_address() -> None:
    async with storage(web.Response(body=FILE)) as (base, _):
        home = f"http://desk.example.org:{urlsplit(base).port}"
        http = HttpClient(timeout=5, resolver=Names(desk=("127.0.0.1",)))
        try:
            assert await download(http, f"{home}/file", limit=len(FILE), homes=(home,)) == FILE
        finally:
            await http.close()


async def test_a_name_is_resolved_to_its_public_addresses_alone() -> None:
    names = PublicResolver(Names(both=("10.0.0.8", "8.8.8.8", "2606:4700::1111"), near=("10.0.0.8",)))
    assert [one["host"] for one in await names.resolve("both.example.org")] == ["8.8.8.8", "2606:4700::1111"]
    with pytest.raises(NotPublic):
        await names.resolve("near.example.org")
    assert await names.resolve("nobody.example.org") == []
    await names.close()


def test_an_address_with_a_zone_is_read_and_a_name_is_none() -> None:
    assert not is_public("fe80::1%eth0")
    with pytest.raises(ValueError, match="example"):
        is_public("example.org")
