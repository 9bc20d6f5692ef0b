"""Messages per second, latency, CPU and memory of the whole bot on MAX, beside bare echo loops on the same fake.

    python -m benchmarks.max                      five rounds of everything, a table and results/max.json
    python -m benchmarks.max --rounds 1 --only optfm-webhook

The yardstick is a bare loop on our own client alone; `maxapi` is an independent one. MAX allows two polls a second with
a hundred updates each, so a bot that keeps to it gets 200 messages a second by polling at most: `optfm-polling` does,
and `optfm-polling-unpaced` is the same house with that wait taken out, to see what it costs itself. The bare loops do
not wait. The fake's own rate limits are off.

Each round starts a fresh fake, a fresh bot with an empty database, waits for the first answer, sends a burst of 1,500
messages from 200 chats, then 50 a second for ten seconds. Everything is stored (SQLite, synchronous=FULL).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.suite import SECRET, Suite, free_port, house, run

TOKEN = "BENCHMARKbenchmarkBENCHMARKbenchmark_0123456789"  # noqa: S105 - of a fake
VARIANTS = (
    "client-polling",
    "maxapi-polling",
    "optfm-polling",
    "optfm-polling-unpaced",
    "client-webhook",
    "maxapi-webhook",
    "optfm-webhook",
)
UNPACED = """
from channels.max import channel
channel.POLL_INTERVAL = 0.0
from optfm_bot.cli.main import main
main()
"""


def command(variant: str, base: str, folder: Path) -> list[str]:
    port = free_port() if variant.endswith("webhook") else 0
    bare = {"client": "benchmarks.max_echo_client", "maxapi": "benchmarks.max_echo_maxapi"}
    module = bare.get(variant.partition("-")[0])
    if module is not None:
        return [sys.executable, "-m", module, "--base", base, "--token", TOKEN, "--port", str(port)]
    channel: dict[str, Any] = {"token": TOKEN, "api_base": base}
    if port:
        channel |= {"mode": "webhook", "webhook_secret": SECRET}
    start = ["-c", UNPACED] if variant.endswith("unpaced") else ["-m", "optfm_bot"]
    return [sys.executable, *start, *house(folder, port, {"max": channel})]


def yardstick(variant: str) -> str:
    return "client-webhook" if variant.endswith("webhook") else "client-polling"


if __name__ == "__main__":
    run(
        Suite(
            name="max",
            description=__doc__ or "",
            fake="max_server",
            token=TOKEN,
            variants=VARIANTS,
            command=command,
            yardstick=yardstick,
        )
    )
