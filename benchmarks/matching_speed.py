"""Latency, CPU, build time and memory of a matcher against the size of the base. Each measure in a fresh process.

    python -m benchmarks.matching_speed --system house --base FOLDER     one measure as JSON, for `benchmarks.matching`

The process is held on one core, libraries of linear algebra on one thread. It reads the entries, builds, asks messages
to warm up, and then different ones that it times one by one: half of them are ranked, half decided. Growth of memory
counts from when `faq` is imported and the entries are read, after garbage went back to the system; what the matcher
loads for its work is in it. `rss_mb` is the whole process, Python and entries included.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.suite import HERE, rss_mb
from benchmarks.synthetic import Message, SyntheticBase
from faq import FaqEntry

LIMIT = 5
WARM_SHARE = 0.05
ENOUGH = 100
"""Of fewer timed messages there is no 99th percentile."""
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """So many entries with so many phrasings each."""

    entries: int
    each: int

    @property
    def phrases(self) -> int:
        """How many phrasings there are in all."""
        return self.entries * self.each


SIZES = (
    *(Size(entries, each) for entries in (25, 100, 1_000, 10_000) for each in (3, 5)),
    Size(20_000, 5),
)
LARGEST = {"difflib": 1_000}
"""The most entries that a system is asked about; without one, all of them."""


# -- the parent ------------------------------------------------------------------------------------------------------


def write_base(base: SyntheticBase, folder: Path) -> None:
    """Leave the base where a measuring process reads it, a row a line."""
    with (folder / "entries.jsonl").open("w", encoding="utf-8") as file:
        for entry in base.entries:
            row = {
                "id": entry.id,
                "question": entry.question,
                "aliases": entry.aliases,
                "answer": entry.answer,
            }
            file.write(json.dumps(row) + "\n")
    with (folder / "messages.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(message)) + "\n" for message in base.messages)


def run_one(system: str, folder: Path, budget: float) -> dict[str, Any]:
    """Measure a system over the base of a folder in a fresh process. Raises `SpeedFailed` with what it said."""
    done = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.matching_speed",
            "--system", system, "--base", str(folder), "--budget", str(budget),
        ],
        capture_output=True, text=True, check=False, cwd=HERE.parent, env=os.environ | ONE_THREAD,
    )  # fmt: skip
    if done.returncode:
        raise SpeedFailed(f"{system}: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class SpeedFailed(RuntimeError):
    """A measuring process failed; the message is what it said last."""


def medians(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The median of each number over the rounds; None where a round has none."""
    names = rounds[0].keys()
    return {
        name: None if any(one[name] is None for one in rounds) else median(one[name] for one in rounds)
        for name in names
    }


# -- the child -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds a call took: on the wall, and of the processor."""

    wall: list[float]
    cpu: list[float]


def timed(call: Callable[[str], object], texts: Sequence[str], budget: float) -> Timed:
    """Time a call for each text, as many as fit into so many seconds; one at least."""
    wall, cpu = [], []
    end = time.perf_counter() + budget
    for text in texts:
        before_cpu, before = time.process_time_ns(), time.perf_counter_ns()
        call(text)
        after, after_cpu = time.perf_counter_ns(), time.process_time_ns()
        wall.append((after - before) / 1e6)
        cpu.append((after_cpu - before_cpu) / 1e6)
        if time.perf_counter() > end:
            break
    return Timed(wall, cpu)


def percentile(values: Sequence[float], percent: int) -> float | None:
    """A value that occurred (the nearest rank); None for the tail of too few of them."""
    if not values or (percent > 50 and len(values) < ENOUGH):
        return None
    return sorted(values)[-(-percent * len(values) // 100) - 1]


def one_core() -> None:
    """Stay on the last core that this process may use, where the system knows of such a thing."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def settle() -> None:
    """Give back what is free, so that growth is growth."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc cannot
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def peak_mb() -> float:
    """The most memory that this process has had."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    return int(line.split()[1]) / 1024


def measure(system: str, folder: Path, budget: float) -> dict[str, Any]:
    """Build and ask; gives the numbers of one round."""
    entries = [FaqEntry(**row) for row in _read(folder / "entries.jsonl")]
    messages = [Message(**row) for row in _read(folder / "messages.jsonl")]
    from benchmarks.systems import SYSTEMS, House  # noqa: PLC0415  # what it loads is growth

    settle()
    before = rss_mb(os.getpid())
    started = time.perf_counter()
    made = SYSTEMS[system](entries)
    build = time.perf_counter() - started
    settle()
    built = rss_mb(os.getpid())
    warm = messages[: max(1, int(WARM_SHARE * len(messages)))]
    ranked, decided = _halves(messages[len(warm) :])
    timed(lambda text: made.rank(text, LIMIT), [message.text for message in warm], budget / 4)
    ranks = timed(lambda text: made.rank(text, LIMIT), [message.text for message in ranked], budget)
    decisions = (
        timed(made.decide, [message.text for message in decided], budget) if isinstance(made, House) else None
    )
    settle()
    after = rss_mb(os.getpid())
    own = [message for message in ranked[: len(ranks.wall)] if message.entry_id is not None]
    found = sum(
        next((one.entry_id for one in made.rank(m.text, 1)), None) == m.entry_id for m in own[:ENOUGH]
    )
    return {
        "queries": len(ranks.wall),
        "p50_ms": percentile(ranks.wall, 50),
        "p99_ms": percentile(ranks.wall, 99),
        "cpu_p50_ms": percentile(ranks.cpu, 50),
        "cpu_p99_ms": percentile(ranks.cpu, 99),
        "decide_p50_ms": percentile(decisions.wall, 50) if decisions else None,
        "decide_p99_ms": percentile(decisions.wall, 99) if decisions else None,
        "build_s": build,
        "growth_built_mb": built - before,
        "growth_mb": after - before,
        "rss_mb": after,
        "peak_mb": peak_mb(),
        "top1": found / len(own[:ENOUGH]) if own else None,
    }


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """Row by row, so that there is little garbage."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _halves(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    return messages[::2], messages[1::2]


def main() -> None:
    """One measure, printed as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--system", required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=10, help="seconds of timed messages, at most")
    options = parser.parse_args()
    one_core()
    print(json.dumps(measure(options.system, options.base, options.budget)))


if __name__ == "__main__":
    main()
