"""A strict local MAX Bot API for tests and benchmarks.

In a test: `async with MaxServer() as server`. As a process: `python -m channels.testing.max_server`. It
behaves like the real server where bots get hurt: the bare token, confirmation by marker, updates without an
id, dialogs that are not their people, keyboard and text limits, uploads that are not ready, webhooks that
count nothing but 200; and it goes wrong on request. What nobody outside knows for sure is a `Quirks` switch.
"""

from __future__ import annotations

from channels.testing.max_server.dispatch import Call
from channels.testing.max_server.faults import Fault, FaultKind
from channels.testing.max_server.inbound import Pushed
from channels.testing.max_server.quirks import Quirks
from channels.testing.max_server.server import MaxServer
from channels.testing.max_server.world import Sent, Standing

__all__ = ["Call", "Fault", "FaultKind", "MaxServer", "Pushed", "Quirks", "Sent", "Standing"]
