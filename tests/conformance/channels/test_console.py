"""The terminal keeps every promise of a channel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from channels.console.channel import ConsoleChannel
from channels.console.spec import SPEC
from channels.contract import ChannelContext, Transport
from channels.testing.conformance.platforms.console import TerminalPlatform
from optfm_bot.testing.conformance import ChannelConformance


class TestConsole(ChannelConformance):
    spec = SPEC
    payloads = Path(__file__).parent / "payloads" / "console"
    chat = "console"
    absent = MappingProxyType(
        {
            "secret": "nobody else has this keyboard",
            "media": "a keyboard has letters only",
            "edit": "what is printed stays printed",
            "echo": "the terminal never gives back what was printed",
            "unknown": "every line is a message",
            "queue": "a line that was read is gone from the terminal",
        }
    )

    def settings(self, base_url: str, transport: Transport) -> Mapping[str, Any]:
        return {}

    def platform(self) -> TerminalPlatform:
        return TerminalPlatform()

    def make(self, settings: Any, context: ChannelContext, platform: Any) -> ConsoleChannel:
        return ConsoleChannel(settings, context, read=platform.read, write=platform.write)
