"""Messages per second, latency, CPU and memory of the whole bot, beside a bare aiogram echo on the same fake.

    python -m benchmarks.telegram                 five rounds of everything, a table and results/telegram.json
    python -m benchmarks.telegram --rounds 1 --only optfm-polling

Each round starts a fresh fake, a fresh bot with an empty database, waits for the first answer, sends a burst of 1,500
messages from 200 chats, then 50 a second for ten seconds. Everything is stored (SQLite, synchronous=FULL).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOKEN = "123456:BENCHMARKBENCHMARKBENCHMARKBENCHMARK"  # noqa: S105 - of a fake
SECRET = "bench-secret"  # noqa: S105 - of a fake
TEXTS = [
    "сколько стоит доставка?",
    "Как оплатить заказ?",
    "где мой заказ",
    "минимальный заказ",
    "график работы",
]
VARIANTS = (
    "aiogram-polling",
    "optfm-polling",
    "optfm-polling-aiogram-client",
    "aiogram-webhook",
    "optfm-webhook",
)
HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Fake:
    """The fake Bot API in a process of its own, steered over HTTP."""

    def __init__(self, latency: float) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "channels.testing.telegram_server",
                "--token",
                TOKEN,
                "--latency",
                str(latency),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.base = json.loads(self.process.stdout.readline())["base_url"]

    def control(self, command: str, **fields: Any) -> Any:
        request = urllib.request.Request(f"{self.base}/_control/{command}", json.dumps(fields).encode())
        with urllib.request.urlopen(request, timeout=180) as answer:
            return json.load(answer)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def command(variant: str, base: str, folder: Path) -> list[str]:
    port = free_port() if variant.endswith("webhook") else 0
    if variant.startswith("aiogram"):
        return [
            sys.executable,
            str(HERE / "echo_aiogram.py"),
            "--base",
            base,
            "--token",
            TOKEN,
            "--port",
            str(port),
        ]
    channel = {"token": TOKEN, "api_base": base}
    if port:
        channel |= {"mode": "webhook", "webhook_secret": SECRET, "max_connections": 100}
    if variant.endswith("aiogram-client"):
        channel["client"] = "aiogram"
    config = {
        "server": {"port": port, "public_url": f"http://127.0.0.1:{port or 1}"},
        "database": {"url": f"sqlite+aiosqlite:///{folder / 'bench.db'}"},
        "conversation": {"join_window": 0},
        "limits": {"person_per_minute": 0},
        "delivery": {"per_chat_per_second": 0, "per_bot_per_second": 0},
        "log": {"format": "json", "level": "warning"},
        "channels": {"telegram": channel},
    }
    (folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    return [sys.executable, "-m", "optfm_bot", "run", "--config", str(folder / "config.yaml")]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    line = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(line.split()[1]) / 1024


@contextmanager
def running(variant: str, fake: Fake) -> Iterator[tuple[int, float]]:
    """The bot as a process; gives its pid and the seconds from its start to its first answer."""
    with tempfile.TemporaryDirectory() as folder:
        fake.control("push", kind="text", args=[TEXTS[0]], chat=1)
        started = time.perf_counter()
        process = subprocess.Popen(
            command(variant, fake.base, Path(folder)), stdout=subprocess.DEVNULL, cwd=HERE.parent
        )
        try:
            fake.control("wait", answered=1, timeout=60)
            yield process.pid, time.perf_counter() - started
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def measure(variant: str, options: argparse.Namespace) -> dict[str, float]:
    fake = Fake(options.latency)
    try:
        with running(variant, fake) as (pid, first_answer):
            fake.control("rate", per_second=50, seconds=2, chats=20, texts=TEXTS, first_chat=5000)  # warm
            fake.control("wait", answered=101, timeout=60)
            fake.control("reset_stats")
            before = cpu_seconds(pid)
            fake.control("burst", messages=options.messages, chats=options.chats, texts=TEXTS, first_chat=100)
            fake.control("wait", answered=options.messages, timeout=180)
            cpu = cpu_seconds(pid) - before
            burst = fake.control("stats")
            fake.control("reset_stats")
            total = int(50 * options.seconds)
            before = cpu_seconds(pid)
            fake.control(
                "rate", per_second=50, seconds=options.seconds, chats=40, texts=TEXTS, first_chat=9000
            )
            fake.control("wait", answered=total, timeout=120)
            steady = fake.control("stats")
            return {
                "burst_per_second": burst["throughput"],
                "cpu_ms_per_message": 1000 * cpu / options.messages,
                "p50_ms": steady["p50_ms"],
                "p99_ms": steady["p99_ms"],
                "steady_cpu_ms_per_message": 1000 * (cpu_seconds(pid) - before) / total,
                "rss_mb": rss_mb(pid),
                "first_answer_s": first_answer,
                "unmatched": burst["unmatched"] + steady["unmatched"],
            }
    finally:
        fake.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=1500)
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds until the platform answers a send"
    )
    parser.add_argument("--only", action="append", choices=VARIANTS)
    options = parser.parse_args()
    variants = tuple(options.only or VARIANTS)
    rounds: dict[str, list[dict[str, float]]] = {variant: [] for variant in variants}
    for number in range(options.rounds):
        for variant in variants:
            found = measure(variant, options)
            rounds[variant].append(found)
            print(
                f"round {number + 1} {variant:<30}",
                " ".join(f"{k}={v:.2f}" for k, v in found.items()),
                flush=True,
            )
    medians = {
        variant: {name: statistics.median(one[name] for one in found) for name in found[0]}
        for variant, found in rounds.items()
    }
    report(medians)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "telegram.json").write_text(
        json.dumps({"options": vars(options), "medians": medians, "rounds": rounds}, indent=2)
    )


def report(medians: dict[str, dict[str, float]]) -> None:
    """Print medians, and beside them the ratio to the bare echo of the same transport."""
    names = list(next(iter(medians.values())))
    print(f"\n{'median':<30}", *(f"{name:>26}" for name in names))
    for variant, found in medians.items():
        yardstick = medians.get("aiogram-webhook" if variant.endswith("webhook") else "aiogram-polling")
        cells = []
        for name in names:
            ratio = f" ×{found[name] / yardstick[name]:.2f}" if yardstick and yardstick[name] else ""
            cells.append(f"{found[name]:>18.2f}{ratio:>8}")
        print(f"{variant:<30}", *cells)


if __name__ == "__main__":
    main()
