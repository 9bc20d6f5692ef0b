"""GREEN-API for WhatsApp keeps every promise of a channel while it is polled."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from channels.contract import Transport
from tests.conformance.channels.green import GreenConformance


class TestGreenWhatsAppPolling(GreenConformance):
    network = "whatsapp"
    payloads = Path(__file__).parent / "payloads" / "green_whatsapp"
    transports = (Transport.POLLING,)
    elsewhere = MappingProxyType({Transport.WEBHOOK: "test_green_whatsapp_webhook.py"})
    chat = "79001112233@c.us"
