"""A certificate of an authority that the machine does not know is explained, and `ca_file` makes it known."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from channels.contract import ChannelContext, HealthState
from channels.errors import Unreachable
from channels.max.channel import MaxChannel
from channels.max.spec import MaxSettings

_SELF_SIGNED = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    " -addext subjectAltName=DNS:localhost"
)
_ANSWER = orjson.dumps({"user_id": 700000001, "username": "optfm_bot", "subscriptions": []})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its own authority, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes its certificate with openssl")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "root.pem", folder / "key.pem"
    subprocess.run(
        [openssl, *_SELF_SIGNED.split(), "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
        timeout=30,
    )
    cert.write_text(cert.read_text() + key.read_text())
    return cert


@pytest.fixture
async def base(certificate: Path) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(_ANSWER)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + _ANSWER)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listener:
        yield f"https://localhost:{listener.sockets[0].getsockname()[1]}"


def made(base: str, ca_file: Path | None = None) -> MaxChannel:
    settings = MaxSettings.model_validate(
        {"token": "canary-TOKEN", "api_base": base, "ca_file": str(ca_file) if ca_file else None}
    )
    return MaxChannel(settings, ChannelContext(instance="max", clock=lambda: datetime.now(UTC)))


async def test_an_unknown_authority_is_named_with_what_to_do(base: str) -> None:
    channel = made(base)

    with pytest.raises(Unreachable) as caught:
        await channel.open()
    health = await channel.probe()
    await channel.close()

    assert not caught.value.maybe_sent
    assert caught.value.__context__ is None
    for sentence in (str(caught.value), health.hint):
        assert "ca_file" in sentence
        assert "Russian Trusted Root CA" in sentence
        assert "localhost" in sentence
        assert "canary" not in sentence
    assert health.state is HealthState.DOWN


async def test_a_ca_file_makes_it_known(base: str, certificate: Path) -> None:
    channel = made(base, certificate)

    await channel.open()
    health = await channel.probe()
    await channel.close()

    assert (health.state, health.identity) == (HealthState.OK, "@optfm_bot")
