"""The example of the page for accounting systems does what the page says."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from channels.greenapi.operations import OPERATIONS
from channels.testing.green_server import GreenServer, Pace

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs" / "how-to" / "send-from-accounting.md"
REFERENCE = ROOT / "docs" / "reference" / "channels" / "green-api.md"


async def test_the_example_sends_a_message_and_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "invoice-7.pdf").write_bytes(b"%PDF")
    monkeypatch.chdir(tmp_path)
    async with GreenServer(pace=Pace(delay=0.0)) as server:
        server.instance.book.person(10000010, phone=79001234567)
        monkeypatch.setenv("GREEN_API_ID", server.instance.id)
        monkeypatch.setenv("GREEN_API_TOKEN", server.instance.token)
        monkeypatch.setenv("GREEN_API_URL", server.api_url)
        await asyncio.to_thread(exec, compile(example, str(PAGE), "exec"), {"__name__": "example"})
        await server.wait_sent(3)
        assert [one.plain for one in server.instance.sent][:2] == ["Счёт № 7 на 12 300 ₽ готов", "Счёт № 7"]
        assert server.instance.sent[2].file_name == "invoice-7.pdf"


def test_the_reference_names_every_operation_and_no_other() -> None:
    table = REFERENCE.read_text("utf-8").split("## Service operations")[1].split("## Limits")[0]
    named = {
        name
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`([\w-]+)`", row)
    }
    assert named == {one.name for one in OPERATIONS}
