"""Messages per second, latency, CPU and memory of the whole bot, beside a bare aiogram echo on the same fake.

    python -m benchmarks.telegram                 five rounds of everything, a table and results/telegram.json
    python -m benchmarks.telegram --rounds 1 --only optfm-polling
    python -m benchmarks.telegram --texts different     questions no two of which are the same

Each round starts a fresh fake, a fresh bot with an empty database, waits for the first answer, sends a burst of 1,500
messages from 200 chats, then 50 a second for ten seconds. Everything is stored (SQLite, synchronous=FULL).
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.suite import HERE, SECRET, Suite, free_port, house, run

TOKEN = "123456:BENCHMARKBENCHMARKBENCHMARKBENCHMARK"  # noqa: S105 - of a fake
VARIANTS = (
    "aiogram-polling",
    "optfm-polling",
    "optfm-polling-aiogram-client",
    "aiogram-webhook",
    "optfm-webhook",
)


def command(variant: str, base: str, folder: Path) -> list[str]:
    port = free_port() if variant.endswith("webhook") else 0
    if variant.startswith("aiogram"):
        options = ["--base", base, "--token", TOKEN, "--port", str(port)]
        return [sys.executable, str(HERE / "echo_aiogram.py"), *options]
    channel = {"token": TOKEN, "api_base": base}
    if port:
        channel |= {"mode": "webhook", "webhook_secret": SECRET, "max_connections": 100}
    if variant.endswith("aiogram-client"):
        channel["client"] = "aiogram"
    return [sys.executable, "-m", "optfm_bot", *house(folder, port, {"telegram": channel})]


def yardstick(variant: str) -> str:
    return "aiogram-webhook" if variant.endswith("webhook") else "aiogram-polling"


if __name__ == "__main__":
    run(
        Suite(
            name="telegram",
            description=__doc__ or "",
            fake="telegram_server",
            token=TOKEN,
            variants=VARIANTS,
            command=command,
            yardstick=yardstick,
        )
    )
