"""What every benchmark of a channel does: rounds of variants on fresh fakes, medians, a table and a JSON file.

Each round of a variant starts a fresh fake of the platform and a fresh bot with an empty database, waits for the first
answer, sends a burst of messages from many chats, then a steady stream. CPU and memory are those of the bot's process.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.texts import different

SECRET = "bench-secret"  # noqa: S105 - of a fake
TEXTS = [
    "сколько стоит доставка?",
    "Как оплатить заказ?",
    "где мой заказ",
    "минимальный заказ",
    "график работы",
]
WARM = 100
"""Messages before anything is measured."""
HERE = Path(__file__).parent
PER_SECOND = 50
TICKS = os.sysconf("SC_CLK_TCK")

Command = Callable[[str, str, Path], list[str]]
"""From a variant, the address of the fake and an empty folder to the command line of the bot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A benchmark: `fake` is a module of `channels.testing`, `yardstick` gives the variant that another is held to."""

    name: str
    description: str
    fake: str
    token: str
    variants: Sequence[str]
    command: Command
    yardstick: Callable[[str], str]
    also: Callable[[Suite, str, argparse.Namespace], dict[str, float]] | None = None
    """Further measures of a variant, taken after the others with a fake and a bot of their own."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def house(folder: Path, port: int, channels: Mapping[str, Any]) -> list[str]:
    """Configure the whole bot with these channels and nothing that waits; gives its command line."""
    config = {
        "server": {"port": port, "public_url": f"http://127.0.0.1:{port or 1}"},
        "database": {"url": f"sqlite+aiosqlite:///{folder / 'bench.db'}"},
        "conversation": {"join_window": 0},
        "limits": {"person_per_minute": 0},
        "delivery": {"per_chat_per_second": 0, "per_bot_per_second": 0},
        "log": {"format": "json", "level": "warning"},
        "channels": channels,
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    return ["run", "--config", str(path)]


class Fake:
    """The fake platform in a process of its own, steered over HTTP."""

    def __init__(self, suite: Suite, latency: float) -> None:
        module = f"channels.testing.{suite.fake}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "--token", suite.token, "--latency", str(latency)],
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


def family(pid: int) -> Iterator[int]:
    """The process and those that it started, and theirs."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def cpu_seconds(pid: int) -> float:
    """What the process and its family have used; children that have ended count with whoever waited for them."""
    used = 0
    for member in family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        used += sum(map(int, fields[11:15]))
    return used / TICKS


def rss_mb(pid: int) -> float:
    """The memory of the process and its family; what they share is counted for each."""
    found = 0
    for member in family(pid):
        lines = Path(f"/proc/{member}/status").read_text().splitlines()
        found += int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
    return found / 1024


@contextmanager
def running(suite: Suite, variant: str, fake: Fake) -> Iterator[tuple[int, float]]:
    """The bot as a process; gives its pid and the seconds from its start to its first answer."""
    with tempfile.TemporaryDirectory() as folder:
        fake.control("push", kind="text", args=[TEXTS[0]], chat=1)
        started = time.perf_counter()
        process = subprocess.Popen(
            suite.command(variant, fake.base, Path(folder)), stdout=subprocess.DEVNULL, cwd=HERE.parent
        )
        try:
            fake.control("wait", answered=1, timeout=60)
            yield process.pid, time.perf_counter() - started
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def measure(suite: Suite, variant: str, options: argparse.Namespace) -> dict[str, float]:
    fake = Fake(suite, options.latency)
    total = int(PER_SECOND * options.seconds)
    warming, bursting, flowing = _texts(options.texts, WARM, options.messages, total)
    try:
        with running(suite, variant, fake) as (pid, first_answer):
            fake.control(
                "rate",
                per_second=PER_SECOND,
                seconds=WARM / PER_SECOND,
                chats=20,
                texts=warming,
                first_chat=5000,
            )
            fake.control("wait", answered=1 + WARM, timeout=60)
            fake.control("reset_stats")
            before = cpu_seconds(pid)
            fake.control(
                "burst", messages=options.messages, chats=options.chats, texts=bursting, first_chat=100
            )
            fake.control("wait", answered=options.messages, timeout=180)
            cpu = cpu_seconds(pid) - before
            burst = fake.control("stats")
            fake.control("reset_stats")
            before = cpu_seconds(pid)
            fake.control(
                "rate",
                per_second=PER_SECOND,
                seconds=options.seconds,
                chats=40,
                texts=flowing,
                first_chat=9000,
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


def _texts(kind: str, *counts: int) -> list[Sequence[str]]:
    """What is written in each of the phases that have so many messages."""
    if kind == "repeated":
        return [TEXTS for _ in counts]
    starts = accumulate(counts, initial=0)
    return [different(count, start) for count, start in zip(counts, starts, strict=False)]


def arguments(suite: Suite) -> argparse.ArgumentParser:
    """The command line of a benchmark, for one that adds options of its own."""
    parser = argparse.ArgumentParser(
        description=suite.description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=1500)
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds until the platform answers a send"
    )
    parser.add_argument(
        "--texts", choices=("repeated", "different"), default="repeated",
        help="the same few questions again and again, or no two the same",
    )  # fmt: skip
    parser.add_argument("--only", action="append", choices=suite.variants)
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{suite.name}.json")
    return parser


def run(suite: Suite, options: argparse.Namespace | None = None) -> dict[str, list[dict[str, float]]]:
    """Measure what the command line asks for, print it, and write `results/<name>.json`; gives every round."""
    options = options or arguments(suite).parse_args()
    variants = tuple(options.only or suite.variants)
    rounds: dict[str, list[dict[str, float]]] = {variant: [] for variant in variants}
    for number in range(options.rounds):
        for variant in variants:
            found = measure(suite, variant, options)
            if suite.also is not None:
                found |= suite.also(suite, variant, options)
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
    held = ratios(suite.yardstick, rounds)
    report(medians, held)
    given = {name: value for name, value in vars(options).items() if not isinstance(value, Path)}
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(
        json.dumps(
            {"options": given, "medians": medians, "ratios": held, "rounds": rounds},
            indent=2,
        )
    )
    return rounds


def ratios(
    yardstick: Callable[[str], str], rounds: Mapping[str, Sequence[Mapping[str, float]]]
) -> dict[str, dict[str, float]]:
    """How many times the yardstick of the same round each number is, in the median, where that is not zero.

    A machine that is slow for some minutes is slow for both sides of a round, but not for all rounds.
    """
    found: dict[str, dict[str, float]] = {}
    for variant, values in rounds.items():
        pairs = list(zip(values, rounds.get(yardstick(variant), ()), strict=False))
        found[variant] = {
            name: statistics.median(one[name] / other[name] for one, other in pairs)
            for name in (pairs[0][0] if pairs else {})
            if all(other.get(name) for _, other in pairs)
        }
    return found


def report(medians: Mapping[str, Mapping[str, float]], held: Mapping[str, Mapping[str, float]]) -> None:
    """Print medians, and beside them the ratio to the yardstick."""
    names = list(next(iter(medians.values())))
    print(f"\n{'median':<30}", *(f"{name:>26}" for name in names))
    for variant, found in medians.items():
        cells = []
        for name in names:
            ratio = f" ×{held[variant][name]:.2f}" if name in held[variant] else ""
            cells.append(f"{found[name]:>18.2f}{ratio:>8}")
        print(f"{variant:<30}", *cells)
