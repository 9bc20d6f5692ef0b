"""MAX keeps every promise of a channel while it is pushed to."""

from __future__ import annotations

from types import MappingProxyType

from channels.contract import Transport
from tests.conformance.channels.max import MaxConformance


class TestMaxWebhook(MaxConformance):
    transports = (Transport.WEBHOOK,)
    elsewhere = MappingProxyType({Transport.POLLING: "test_max_polling.py"})
