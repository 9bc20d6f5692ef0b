"""The fake as a process: `python -m optfm_bot.testing.freescout_server --port 0 --webhook URL --secret S`.

Prints one line of JSON with its address as soon as it listens, and ends cleanly on SIGTERM or SIGINT. It is steered
through `/_control/…` (see `control.py`), so a bot can be killed and restarted while it lives on.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

from channels.testing.process import serve
from optfm_bot.testing.freescout_server.server import API_KEY, MAILBOX, UNDO, WEBHOOK_SECRET, FreeScoutServer


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="freescout_server", description="A strict local FreeScout.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--key", default=API_KEY, help="the API key")
    parser.add_argument("--webhook", default="", help="the address that webhooks go to")
    parser.add_argument("--secret", default=WEBHOOK_SECRET, help="what webhooks are signed with")
    parser.add_argument("--undo", type=float, default=UNDO, help="seconds in which a reply can be taken back")
    parser.add_argument(
        "--retry-scale", type=float, default=1.0, help="factor on the waits between webhook attempts"
    )
    return parser.parse_args(arguments)


async def _serve(options: argparse.Namespace) -> None:
    server = FreeScoutServer(
        host=options.host,
        port=options.port,
        api_key=options.key,
        webhook_secret=options.secret,
        undo=options.undo,
        retry_scale=options.retry_scale,
        pump=True,
    )
    if options.webhook:
        server.subscribe(options.webhook)
    await serve(server, lambda: {"base_url": server.base_url, "port": server.port, "mailbox": MAILBOX})


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal ends it."""
    asyncio.run(_serve(_arguments(arguments)))


if __name__ == "__main__":
    main()
