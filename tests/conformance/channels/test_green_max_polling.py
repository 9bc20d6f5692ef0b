"""GREEN-API for MAX keeps every promise of a channel while it is polled."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from channels.contract import Transport
from tests.conformance.channels.green import GreenConformance


class TestGreenMaxPolling(GreenConformance):
    network = "max"
    payloads = Path(__file__).parent / "payloads" / "green_max"
    transports = (Transport.POLLING,)
    elsewhere = MappingProxyType({Transport.WEBHOOK: "test_green_max_webhook.py"})
    chat = "10000010"
