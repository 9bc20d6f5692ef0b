"""MAX keeps every promise of a channel while it is polled."""

from __future__ import annotations

from types import MappingProxyType

from channels.contract import Transport
from tests.conformance.channels.max import MaxConformance


class TestMaxPolling(MaxConformance):
    transports = (Transport.POLLING,)
    elsewhere = MappingProxyType({Transport.WEBHOOK: "test_max_webhook.py"})
