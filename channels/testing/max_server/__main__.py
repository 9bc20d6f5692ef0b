"""The fake as a process: `python -m channels.testing.max_server --port 0`.

Prints one line of JSON with its address as soon as it listens, and ends cleanly on SIGTERM or SIGINT. It is
steered through `/_control/…` (see `control.py`), so a bot can be killed and restarted while it lives on.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

from channels.testing.max_server.server import DEFAULT_TOKEN, MaxServer
from channels.testing.process import serve


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="max_server", description="A strict local MAX Bot API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--token", default=DEFAULT_TOKEN)
    parser.add_argument("--username", default="optfm_test_bot")
    parser.add_argument("--seed", type=int, default=0, help="of the faults that happen by chance")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds until a send is answered")
    parser.add_argument(
        "--retry-scale", type=float, default=1.0, help="factor on the waits between webhook attempts"
    )
    parser.add_argument("--read-timeout", type=float, default=30.0, help="of one webhook attempt, in seconds")
    parser.add_argument("--connections", type=int, default=100, help="webhook requests at a time")
    parser.add_argument(
        "--official-limits", action="store_true", help="30 requests, 2 messages per chat, 2 polls a second"
    )
    return parser.parse_args(arguments)


async def _serve(server: MaxServer, *, official_limits: bool) -> None:
    if official_limits:
        server.limits.official()
    await serve(server, lambda: {"base_url": server.base_url, "token": server.token, "port": server.port})


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal ends it."""
    options = vars(_arguments(arguments))
    official = options.pop("official_limits")
    asyncio.run(_serve(MaxServer(**options), official_limits=official))


if __name__ == "__main__":
    main()
