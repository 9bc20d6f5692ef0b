"""The conformance kit in one class: subclass it in a test, say what the channel is, and inherit every check.

    from optfm_bot.sdk import ChannelConformance

    class TestVk(ChannelConformance):
        spec = SPEC
        payloads = Path(__file__).parent / "payloads"

        def settings(self, base_url, transport):
            return {"token": self.canary, "api_base": base_url, "mode": transport}

        def platform(self):
            return VkPlatform()

It needs pytest, pytest-asyncio and hypothesis: `pip install "optfm-bot[testing]"`.
"""

from __future__ import annotations

from typing import Any

import pytest

from channels.testing.conformance.guard import CheckRemovedError, faults_of
from channels.testing.conformance.honesty import HonestyChecks
from channels.testing.conformance.life import LifeChecks
from channels.testing.conformance.parsing import ParsingChecks
from channels.testing.conformance.reactions import ReactionChecks
from channels.testing.conformance.security import SecurityChecks
from channels.testing.conformance.subject import promise
from channels.testing.conformance.text import TextChecks
from optfm_bot.testing.order import OrderChecks
from optfm_bot.testing.talk import TalkChecks


class ChannelConformance(
    HonestyChecks,
    ParsingChecks,
    OrderChecks,
    SecurityChecks,
    ReactionChecks,
    TextChecks,
    LifeChecks,
    TalkChecks,
):
    """Every promise that the house relies on, whatever the platform.

    A subclass that takes a check away, or overrides one without a strict and reasoned `xfail`, cannot be made: that
    raises `CheckRemovedError`, which pytest reports as a failed collection. A base for several subclasses, which says
    only part of what is needed, is declared with `class Base(ChannelConformance, abstract=True)`.
    """

    pytestmark = pytest.mark.asyncio

    def __init_subclass__(cls, *, abstract: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        if abstract:
            return
        faults = list(faults_of(cls))
        if faults:
            raise CheckRemovedError(f"{cls.__name__}: " + "; ".join(faults))

    async def test_no_check_is_missing_or_replaced(self) -> None:
        """Looked at once more when the checks run: a class may have been changed after it was made."""
        faults = list(faults_of(type(self)))
        promise(not faults, "; ".join(faults))
