"""How much memory the whole bot takes over many messages: after the first answer, then every so many of them.

    python -m benchmarks.memory --messages 100000 --every 10000

Half of the messages repeat, as questions to a bot do; the others are asked but once: questions of the built-in base
with a slip or a stranger in them, and words that no language has, so that no memory of what was said before helps.
They come from ever new chats. The results are a table and results/memory.json; RSS is split as Linux does, into what
belongs to the process (anon) and what it shares with files (file).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.suite import HERE, TEXTS, Fake, Suite, running
from benchmarks.telegram import TOKEN, VARIANTS, command, yardstick
from faq.source import load_knowledge
from optfm_bot.knowledge import demo_knowledge

PART = 500
"""Messages that are in flight at once."""
FLAT = 0.10
"""What may be between the least and the most, once the memories of the bot are full."""
_LETTERS = "абвгдежзиклмнопрстуфхцчшщыьэюя"
_KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The memory of the bot, in megabytes, after so many messages; `seconds` of the clock since the one before."""

    messages: int
    rss: float
    anon: float
    file: float
    peak: float
    threads: int
    seconds: float


def look(pid: int, messages: int, seconds: float) -> Point:
    """Read the memory of a process. Linux only: see `/proc/[pid]/status` in proc(5)."""
    lines = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    found = {name: value.split()[0] for name, _, value in lines if value.strip()}
    names = {"rss": "VmRSS", "anon": "RssAnon", "file": "RssFile", "peak": "VmHWM"}
    sizes = {name: round(int(found[field]) / _KIB, 1) for name, field in names.items()}
    return Point(messages=messages, threads=int(found["Threads"]), seconds=round(seconds, 1), **sizes)


def questions(seed: int) -> Iterator[str]:
    """What is asked: every other text is one of a few, the rest are new."""
    chance = random.Random(seed)  # noqa: S311 - makes texts, keeps no secret
    base = load_knowledge(demo_knowledge())
    known = [text for entry in base.entries for text in (entry.question, *entry.aliases)]
    while True:
        yield chance.choice(TEXTS)
        yield _new(chance, known)


def _new(chance: random.Random, known: Sequence[str]) -> str:
    words = chance.choice(known).split()
    place = chance.randrange(len(words))
    kind = chance.random()
    if kind < 0.4:
        word, at = words[place], chance.randrange(len(words[place]))
        words[place] = word[:at] + chance.choice(_LETTERS) + word[at + 1 :]
    elif kind < 0.8:
        words.insert(place, _word(chance))
    else:
        words = [_word(chance) for _ in range(chance.randint(1, 6))]
    return f"{' '.join(words)} {chance.randrange(10**6)}"


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(_LETTERS, k=chance.randint(3, 12)))


def drive(
    fake: Fake, pid: int, options: argparse.Namespace, tell: Callable[[Point], None]
) -> Iterator[Point]:
    """Send the messages part by part; gives the memory before the first one and every so many."""
    asked = questions(options.seed)
    begun = time.perf_counter()
    for done in range(0, options.messages + 1, PART):
        if done % options.every == 0:
            point = look(pid, done, time.perf_counter() - begun)
            tell(point)
            yield point
            begun = time.perf_counter()
        if done < options.messages:
            fake.control("reset_stats")
            texts = [next(asked) for _ in range(PART)]
            fake.control("burst", messages=PART, chats=options.chats, texts=texts, first_chat=1000 + done)
            fake.control("wait", answered=PART, timeout=170)


def tell(point: Point) -> None:
    """Print a row of the table."""
    print(
        f"{point.messages:>9} {point.rss:>8.1f} {point.anon:>8.1f} {point.file:>8.1f} {point.peak:>8.1f}"
        f" {point.threads:>8} {point.seconds:>8.1f}",
        flush=True,
    )


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--every", type=int, default=10_000)
    parser.add_argument("--chats", type=int, default=PART, help="chats of a part; each part has new ones")
    parser.add_argument("--variant", choices=VARIANTS, default="optfm-polling")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "memory.json")
    options = parser.parse_args()
    if options.every % PART or options.messages % options.every:
        parser.error(f"--every is a multiple of {PART}, and --messages one of --every")
    suite = Suite(
        name="memory",
        description=__doc__ or "",
        fake="telegram_server",
        token=TOKEN,
        variants=VARIANTS,
        command=command,
        yardstick=yardstick,
    )
    print(
        f"{'messages':>9} {'rss':>8} {'anon':>8} {'file':>8} {'peak':>8} {'threads':>8} {'seconds':>8}   (MB)"
    )
    fake = Fake(suite, 0.0)
    try:
        with running(suite, options.variant, fake) as (pid, first_answer):
            points = list(drive(fake, pid, options, tell))
    finally:
        fake.close()
    full = [point.rss for point in points[1:]] or [points[0].rss]
    spread = max(full) / min(full) - 1
    print(
        f"first answer after {first_answer:.2f} s; from {points[min(1, len(points) - 1)].messages} messages on"
    )
    print(f"the most is {spread:.1%} above the least: {'flat' if spread <= FLAT else 'NOT flat'}")
    given = {name: value for name, value in vars(options).items() if name != "output"}
    options.output.write_text(
        json.dumps(
            {
                "options": given,
                "first_answer_s": round(first_answer, 3),
                "spread": round(spread, 4),
                "points": [asdict(point) for point in points],
            },
            indent=2,
        )
    )
    sys.exit(spread > FLAT)


if __name__ == "__main__":
    main()
