"""The web chat keeps every promise of a channel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from channels.contract import ChannelContext, Transport
from channels.testing.conformance.platforms.webchat import PagePlatform
from channels.web.channel import WebChatChannel
from channels.web.spec import SPEC
from optfm_bot.testing.conformance import ChannelConformance


class TestWebChat(ChannelConformance):
    spec = SPEC
    payloads = Path(__file__).parent / "payloads" / "webchat"
    chat = "visitor-0123456789abcdef"
    absent = MappingProxyType(
        {
            "secret": "nobody signs in to a page",
            "proof": "the page's origin is compared, and an origin is no secret",
            "media": "uploads are off unless the owner switches them on",
            "edit": "what a visitor said stays as it is",
            "echo": "the page is ours and sends nothing back",
            "unknown": "the page is ours, and what it does not send is refused",
        }
    )

    def settings(self, base_url: str, transport: Transport) -> Mapping[str, Any]:
        return {}

    def platform(self) -> PagePlatform:
        return PagePlatform()

    def push_headers(self, body: bytes) -> Mapping[str, str]:
        return {"origin": "https://bot.example", "host": "bot.example"}

    def make(self, settings: Any, context: ChannelContext, platform: Any) -> WebChatChannel:
        channel = WebChatChannel(settings, context)
        platform.watch(channel)
        return channel
