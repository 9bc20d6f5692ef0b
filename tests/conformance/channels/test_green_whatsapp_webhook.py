"""GREEN-API for WhatsApp keeps every promise of a channel while it is pushed to."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from channels.contract import Transport
from tests.conformance.channels.green import GreenConformance


class TestGreenWhatsAppWebhook(GreenConformance):
    network = "whatsapp"
    payloads = Path(__file__).parent / "payloads" / "green_whatsapp"
    transports = (Transport.WEBHOOK,)
    elsewhere = MappingProxyType({Transport.POLLING: "test_green_whatsapp_polling.py"})
    chat = "79001112233@c.us"
