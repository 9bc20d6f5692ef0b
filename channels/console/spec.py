"""What the terminal can do: plain text, no buttons, one person."""

from __future__ import annotations

from pydantic import Field

from channels.capabilities import Capabilities, DialectName
from channels.contract import ChannelSettings, ChannelSpec, Transport


class ConsoleSettings(ChannelSettings):
    """Settings of the terminal channel."""

    person: str = Field(default="console", description="Under which id the person at the keyboard is known.")
    locale: str | None = Field(default=None, description="Language of that person, such as `ru` or `en`.")
    prompt: str = Field(default="› ", description="What is printed in front of each answer.")


SPEC = ChannelSpec(
    kind="console",
    title="Terminal",
    settings=ConsoleSettings,
    factory="channels.console.channel:ConsoleChannel",
    transports=frozenset({Transport.POLLING}),
    capabilities=Capabilities(text_limit=10_000, dialect=DialectName.PLAIN, buttons=None),
)
