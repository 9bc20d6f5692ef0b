"""The fake as a process: `python -m channels.testing.green_server --port 0 --network max`.

Prints one line of JSON with its addresses as soon as it listens, and ends cleanly on SIGTERM or SIGINT. It is steered
through `/_control/…` (see `control.py`), so a bot can be killed and restarted while it lives on.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

from channels.testing.green_server.fields import MAX, NETWORKS
from channels.testing.green_server.instance import Pace
from channels.testing.green_server.server import DEFAULT_ID, DEFAULT_TOKEN, PARTNER_TOKEN, GreenServer
from channels.testing.process import serve


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="green_server", description="A strict local GREEN-API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--network", choices=NETWORKS, default=MAX)
    parser.add_argument("--id-instance", default=DEFAULT_ID)
    parser.add_argument("--token", default=DEFAULT_TOKEN)
    parser.add_argument("--partner-token", default=PARTNER_TOKEN)
    parser.add_argument("--seed", type=int, default=0, help="of the faults that happen by chance")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds until a send is answered")
    parser.add_argument("--poll-scale", type=float, default=1.0, help="factor on the waits of a poll")
    parser.add_argument("--delay-scale", type=float, default=1.0, help="factor on the delay between messages")
    parser.add_argument(
        "--retry-scale", type=float, default=1.0, help="factor on the waits between webhook attempts"
    )
    parser.add_argument("--restart", type=float, default=0.2, help="seconds that a restart takes")
    parser.add_argument("--read-timeout", type=float, default=60.0, help="of one webhook attempt, in seconds")
    parser.add_argument("--separate-media", action="store_true", help="files go to a port of their own")
    parser.add_argument("--limits-on", action="store_true", help="rate limits per method")
    parser.add_argument("--listen", action="store_true", help="begin with every kind of notification on")
    return parser.parse_args(arguments)


async def _serve(given: argparse.Namespace) -> None:
    server = GreenServer(
        network=given.network,
        id_instance=given.id_instance,
        token=given.token,
        partner_token=given.partner_token,
        host=given.host,
        port=given.port,
        seed=given.seed,
        latency=given.latency,
        separate_media=given.separate_media,
        limits_on=given.limits_on,
        pace=Pace(
            poll=given.poll_scale,
            delay=given.delay_scale,
            retry=given.retry_scale,
            restart=given.restart,
            read_timeout=given.read_timeout,
        ),
    )
    if given.listen:
        server.instance.listen()
    await serve(
        server,
        lambda: {
            "api_url": server.api_url,
            "media_url": server.media_url,
            "base_url": server.api_url,
            "port": server.port,
            "id_instance": server.instance.id,
            "token": server.instance.token,
            "network": server.instance.network,
        },
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal ends it."""
    asyncio.run(_serve(_arguments(arguments)))


if __name__ == "__main__":
    main()
