"""A strict local FreeScout with the API & Webhooks module, for tests.

In a test: `async with FreeScoutServer() as server`. As a process: `python -m optfm_bot.testing.freescout_server`. It
behaves like the real one where bridges get hurt: coercion instead of validation, threads newest first, HTML unescaped,
searches by part of a phone, files left out without a word, no key against doubles; webhooks that are late, repeated, in
any order and of an old state, that come for a reply that was taken back, and for everything that we post ourselves. And
it goes wrong on request.
"""

from __future__ import annotations

from optfm_bot.testing.freescout_server.faults import Fault, FaultKind
from optfm_bot.testing.freescout_server.server import FreeScoutServer

__all__ = ["Fault", "FaultKind", "FreeScoutServer"]
