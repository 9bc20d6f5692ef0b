"""GREEN-API for MAX keeps every promise of a channel while it is pushed to."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from channels.contract import Transport
from tests.conformance.channels.green import GreenConformance


class TestGreenMaxWebhook(GreenConformance):
    network = "max"
    payloads = Path(__file__).parent / "payloads" / "green_max"
    transports = (Transport.WEBHOOK,)
    elsewhere = MappingProxyType({Transport.POLLING: "test_green_max_polling.py"})
    chat = "10000010"
