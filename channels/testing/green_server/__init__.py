"""A strict local GREEN-API (MAX and WhatsApp instances) for tests.

In a test: `async with GreenServer() as server`. As a process: `python -m channels.testing.green_server`. It behaves
like the real gateway where bots get hurt: 200 means queued, the same notification until it is deleted, everything
off on a new instance, restarts by settings, ids that are unique within a chat only, `phone@c.us` in MAX, errors in
HTML, with the token in their body, or with status 200; and it goes wrong on request.
"""

from __future__ import annotations

from channels.testing.green_server.account import State
from channels.testing.green_server.book import Sent
from channels.testing.green_server.faults import Fault, FaultKind
from channels.testing.green_server.inbound import Pushed
from channels.testing.green_server.instance import Instance, Pace
from channels.testing.green_server.server import GreenServer
from channels.testing.green_server.wire import Call

__all__ = ["Call", "Fault", "FaultKind", "GreenServer", "Instance", "Pace", "Pushed", "Sent", "State"]
