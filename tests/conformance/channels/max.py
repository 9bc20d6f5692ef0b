"""What the checks of MAX have in common, however updates come."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from channels.contract import Transport
from channels.max.spec import SPEC
from channels.testing.conformance.platforms.max import MaxPlatform
from optfm_bot.testing.conformance import ChannelConformance


class MaxConformance(ChannelConformance, abstract=True):
    spec = SPEC
    payloads = Path(__file__).parent / "payloads" / "max"
    chat = "182000037"

    def settings(self, base_url: str, transport: Transport) -> Mapping[str, Any]:
        return {
            "token": f"max-{self.canary}",
            "mode": transport,
            "api_base": base_url,
            "webhook_secret": f"hook-{self.canary}",
            "poll_timeout": 5,
        }

    def platform(self) -> MaxPlatform:
        return MaxPlatform(f"max-{self.canary}")

    def push_headers(self, body: bytes) -> Mapping[str, str]:
        return {"x-max-bot-api-secret": f"hook-{self.canary}"}
