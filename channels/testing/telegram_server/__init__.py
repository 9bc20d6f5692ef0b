"""A strict local Telegram Bot API for tests and benchmarks.

In a test: `async with TelegramServer() as server`. As a process: `python -m
channels.testing.telegram_server`. It behaves like the real server where bots get hurt: confirmation by
offset, conflicts, per-chat webhook order, flood limits, entity parsing, presses that are too old; and it
goes wrong on request.
"""

from __future__ import annotations

from channels.testing.telegram_server.dispatch import Call
from channels.testing.telegram_server.faults import Fault, FaultKind
from channels.testing.telegram_server.inbound import Pushed
from channels.testing.telegram_server.server import TelegramServer
from channels.testing.telegram_server.world import Sent, Standing

__all__ = ["Call", "Fault", "FaultKind", "Pushed", "Sent", "Standing", "TelegramServer"]
