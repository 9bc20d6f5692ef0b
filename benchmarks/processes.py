"""One process, two processes and roles on one PostgreSQL server, by `optfm-bot bench`, with who used the processors.

    python -m benchmarks.processes --database postgresql://127.0.0.1/postgres

Each round runs every shape once: a burst, then the fake of Telegram tells what people saw. Beside it stands the
processor time of the bot's processes and of the server while they ran, so that it can be told what held them up.
Medians and ratios go to results/processes.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHAPES = {
    "one": ("--processes", "1"),
    "two": ("--processes", "2"),
    "roles": ("--roles", "poller,worker,worker"),
}
_TICKS = os.sysconf("SC_CLK_TCK")


def server_seconds() -> float:
    """Processor time of all PostgreSQL processes of this machine, the ended ones of living parents too."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:  # it has ended meanwhile
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        if name in {"postgres", "postmaster"}:
            fields = rest.split()
            total += sum(int(fields[place]) for place in (11, 12, 13, 14))
    return total / _TICKS


def measure(shape: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run the load tool once; gives what it found, and what the server took."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "run.json"
        command = [sys.executable, "-m", "optfm_bot", "bench", "--database", options.database, *SHAPES[shape]]
        load = ["--burst", str(options.messages)]
        if options.rate:
            load = ["--rate", str(options.rate), "--seconds", str(options.seconds)]
        before, began = server_seconds(), time.monotonic()
        subprocess.run(
            [*command, *load, "--mode", options.mode, "--output", str(output)],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=HERE.parent,
        )
        found: dict[str, Any] = json.loads(output.read_text())
        return {
            "throughput": found["throughput_per_second"],
            "cpu_ms_per_message": found["cpu_ms_per_message"],
            "server_cpu_ms_per_message": 1000 * (server_seconds() - before) / found["offered"],
            "seconds": time.monotonic() - began,
            "p50_ms": found["latency_ms"]["p50"],
            "p99_ms": found["latency_ms"]["p99"],
            "lost": found["lost"],
            "doubled": found["doubled"],
            "out_of_order": found["out_of_order"],
        }


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", default="postgresql://127.0.0.1/postgres")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--rate", type=float, help="so many a second instead of a burst")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--mode", choices=("polling", "webhook"), default="polling")
    parser.add_argument("--only", action="append", choices=list(SHAPES))
    parser.add_argument("--output", type=Path, default=HERE / "results" / "processes.json")
    options = parser.parse_args()
    rounds: dict[str, list[dict[str, Any]]] = {shape: [] for shape in options.only or SHAPES}
    for number in range(options.rounds):
        for shape, found in rounds.items():
            found.append(measure(shape, options))
            print(number + 1, shape, {key: round(value, 2) for key, value in found[-1].items()}, flush=True)
    medians = {
        shape: {name: statistics.median(one[name] for one in found) for name in found[0]}
        for shape, found in rounds.items()
    }
    ratio = {
        shape: median["throughput"] / medians["one"]["throughput"]
        for shape, median in medians.items()
        if "one" in medians
    }
    told = {"ratio": ratio.get("two"), "ratios": ratio, **medians}
    given = {name: value for name, value in vars(options).items() if name not in {"output", "database"}}
    options.output.write_text(json.dumps({"options": given, **told, "rounds": rounds}, indent=2))
    for shape, median in medians.items():
        print(shape, {key: round(value, 2) for key, value in median.items()}, f"×{ratio.get(shape, 0):.2f}")


if __name__ == "__main__":
    main()
