"""What a run has shown: the verdict, speed, waits, processes and kills, and which promises were broken. Pure."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from channels.testing.latency import quantile
from optfm_bot.bench.judge import Answered, Verdict

FORMAT = 1
"""Of the JSON; it grows when a key changes its meaning or goes."""


class Fault(StrEnum):
    """A promise that was broken."""

    LOST = "lost"
    ORDER = "order"
    DOUBT = "doubt"
    STRANGE = "strange"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long people waited, in milliseconds."""

    p50: float
    p90: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One second of the run, counted from the first question: what was asked and answered in it, and the waits."""

    offered: int
    answered: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUse:
    """What one process took while it was measured, all its lives together. None: this system does not tell."""

    name: str
    cpu_seconds: float | None
    rss_mb: float | None
    most_rss_mb: float | None
    kills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A kill: seconds after the first question, of which process, sends under way, seconds until it was ready again."""

    at: float
    process: str
    in_flight: int
    recovered: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is known after a run. `setting` is what was run, `first_answer` seconds from start to answer."""

    setting: Mapping[str, Any]
    verdict: Verdict
    seconds: Sequence[Second]
    waits: Waits
    throughput: float
    processes: Sequence[ProcessUse]
    kills: Sequence[Kill] = ()
    first_answer: float
    failed: int = 0
    interrupted: bool = False
    notes: Sequence[str] = field(default=())

    @property
    def answered(self) -> int:
        """How many questions were answered."""
        return len(self.verdict.answered)

    @property
    def in_flight(self) -> int:
        """How many sends were under way at the kills: so many answers may be doubled or uncertain."""
        return sum(kill.in_flight for kill in self.kills)

    @property
    def cpu_ms_per_message(self) -> float | None:
        """What an answer cost all processes together."""
        known = [one.cpu_seconds for one in self.processes]
        if not self.answered or any(one is None for one in known):
            return None
        return 1000 * sum(one for one in known if one is not None) / self.answered

    @property
    def faults(self) -> Sequence[Fault]:
        """The promises that were broken; an interrupted run can only show that the order was."""
        verdict = self.verdict
        broken = {
            Fault.LOST: verdict.lost > 0 and not self.interrupted,
            Fault.ORDER: verdict.out_of_order > 0,
            Fault.DOUBT: verdict.doubled + verdict.uncertain > self.in_flight and not self.interrupted,
            Fault.STRANGE: verdict.strange > 0,
        }
        return [fault for fault, is_broken in broken.items() if is_broken]

    def as_json(self) -> dict[str, Any]:
        """The report for programs; times are in the units that their names tell, moments in seconds of the run."""
        verdict = self.verdict
        cpu = self.cpu_ms_per_message
        return {
            "format": FORMAT,
            "setting": dict(self.setting),
            "ok": not self.faults and not self.interrupted,
            "interrupted": self.interrupted,
            "faults": [fault.value for fault in self.faults],
            "offered": verdict.offered,
            "answered": self.answered,
            "unanswered": verdict.offered - self.answered,
            # Of a run that was stopped nobody knows what would still have been answered.
            "lost": None if self.interrupted else verdict.lost,
            "uncertain": verdict.uncertain,
            "doubled": verdict.doubled,
            "out_of_order": verdict.out_of_order,
            "strange": verdict.strange,
            "failed": self.failed,
            "in_flight_at_kills": self.in_flight,
            "throughput_per_second": round(self.throughput, 2),
            "latency_ms": _rounded(asdict(self.waits)),
            "first_answer_s": round(self.first_answer, 3),
            "cpu_ms_per_message": None if cpu is None else round(cpu, 4),
            "processes": [_rounded(asdict(one)) for one in self.processes],
            "kills": [_rounded(asdict(one)) for one in self.kills],
            "seconds": [_rounded(asdict(one)) for one in self.seconds],
            "notes": list(self.notes),
        }


def waits_of(seconds: Sequence[float]) -> Waits:
    """The quantiles of waits that are given in seconds; zeros for none."""
    ordered = array("d", sorted(seconds))
    p50, p90, p99 = (1000 * quantile(ordered, share) for share in (0.5, 0.9, 0.99))
    return Waits(p50=p50, p90=p90, p99=p99, max=1000 * ordered[-1] if ordered else 0.0)


def throughput(first_offer: float, answered: Sequence[Answered]) -> float:
    """Answers a second, from the first question to the last answer."""
    if not answered:
        return 0.0
    return len(answered) / max(1e-9, max(one.at for one in answered) - first_offer)


def by_second(first_offer: float, offered: Sequence[float], answered: Sequence[Answered]) -> list[Second]:
    """The run second by second, from the first question to the last question or answer, whichever is later."""
    asked: dict[int, int] = defaultdict(int)
    came: dict[int, list[float]] = defaultdict(list)
    for at in offered:
        asked[int(at - first_offer)] += 1
    for one in answered:
        came[int(one.at - first_offer)].append(one.seconds)
    found = []
    for number in range(max([*asked, *came], default=-1) + 1):
        told = waits_of(came[number])
        found.append(Second(offered=asked[number], answered=len(came[number]), p50=told.p50, p99=told.p99))
    return found


def _rounded(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in given.items()}
