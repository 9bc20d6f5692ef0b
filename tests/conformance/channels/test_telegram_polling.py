"""Telegram keeps every promise of a channel while it is polled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from channels.contract import Transport
from channels.errors import Unauthorized
from channels.telegram.spec import SPEC
from channels.testing.conformance.platforms.telegram import TelegramPlatform
from channels.testing.conformance.subject import Deviation
from optfm_bot.testing.conformance import ChannelConformance

WRONG_TOKEN = "the token is part of the address, so a wrong one is an address that is not found"


class TestTelegramPolling(ChannelConformance):
    spec = SPEC
    payloads = Path(__file__).parent / "payloads" / "telegram"
    transports = (Transport.POLLING,)
    elsewhere = MappingProxyType({Transport.WEBHOOK: "test_telegram_webhook.py"})
    deviations = MappingProxyType(
        {
            "deliver 404": Deviation(reactions=(Unauthorized,), because=WRONG_TOKEN),
            "fetch 404": Deviation(reactions=(Unauthorized,), because=WRONG_TOKEN),
        }
    )

    def settings(self, base_url: str, transport: Transport) -> Mapping[str, Any]:
        return {
            "token": f"123456:{self.canary}",
            "mode": transport,
            "api_base": base_url,
            "webhook_secret": f"hook-{self.canary}",
            "poll_timeout": 5,
        }

    def platform(self) -> TelegramPlatform:
        return TelegramPlatform(f"123456:{self.canary}")

    def push_headers(self, body: bytes) -> Mapping[str, str]:
        return {"x-telegram-bot-api-secret-token": f"hook-{self.canary}"}
