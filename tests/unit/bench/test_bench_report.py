"""The report: which promises were broken, and the numbers as programs read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from optfm_bot.bench.judge import Answered, Verdict
from optfm_bot.bench.report import (
    Fault,
    Kill,
    ProcessUse,
    Report,
    Second,
    by_second,
    throughput,
    waits_of,
)


def report(*, kills: tuple[Kill, ...] = (), interrupted: bool = False, **verdict: Any) -> Report:
    found = Verdict(**{
        "offered": 10, "lost": 0, "uncertain": 0, "doubled": 0, "out_of_order": 0, "strange": 0,
        "answered": [Answered(at=1.0, seconds=0.5)] * 8, **verdict,
    })  # fmt: skip
    return Report(
        setting={"channel": "telegram"},
        verdict=found,
        seconds=[Second(offered=10, answered=8, p50=500.0, p99=500.0)],
        waits=waits_of([0.5] * 8),
        throughput=8.0,
        processes=[
            ProcessUse(name="bot-1", cpu_seconds=0.3, rss_mb=60.0, most_rss_mb=61.0, kills=0),
            ProcessUse(name="bot-2", cpu_seconds=0.1, rss_mb=60.0, most_rss_mb=61.0, kills=0),
        ],
        kills=kills,
        first_answer=0.7,
        interrupted=interrupted,
    )


def kill(in_flight: int) -> Kill:
    return Kill(at=1.0, process="bot-1", in_flight=in_flight, recovered=0.9)


@pytest.mark.parametrize(
    ("verdict", "in_flight", "faults"),
    [
        ({}, 0, []),
        ({"lost": 1}, 0, [Fault.LOST]),
        ({"lost": 1}, 9, [Fault.LOST]),
        ({"out_of_order": 1}, 9, [Fault.ORDER]),
        ({"doubled": 1}, 0, [Fault.DOUBT]),
        ({"doubled": 2}, 2, []),
        ({"doubled": 2, "uncertain": 1}, 2, [Fault.DOUBT]),
        ({"uncertain": 1}, 0, [Fault.DOUBT]),
        ({"strange": 1}, 0, [Fault.STRANGE]),
    ],
)
def test_promises_that_were_broken(verdict: dict[str, int], in_flight: int, faults: list[Fault]) -> None:
    found = report(kills=(kill(in_flight),) if in_flight else (), **verdict)
    assert list(found.faults) == faults
    assert found.as_json()["ok"] is not faults
    assert found.as_json()["ok"] is (not faults)


def test_a_run_that_was_stopped_claims_no_loss_and_is_not_fine() -> None:
    found = report(lost=2, interrupted=True)
    assert list(found.faults) == []
    told = found.as_json()
    assert (told["ok"], told["lost"], told["unanswered"]) == (False, None, 2)


def test_the_json_can_be_read_back_and_says_what_an_answer_cost() -> None:
    told = json.loads(json.dumps(report(kills=(kill(3),)).as_json()))
    assert told["cpu_ms_per_message"] == 50.0
    assert told["in_flight_at_kills"] == 3
    assert told["latency_ms"] == {"p50": 500.0, "p90": 500.0, "p99": 500.0, "max": 500.0}
    assert told["seconds"] == [{"offered": 10, "answered": 8, "p50": 500.0, "p99": 500.0}]


def test_where_the_system_does_not_tell_nothing_is_made_up() -> None:
    found = report()
    unknown = ProcessUse(name="bot-1", cpu_seconds=None, rss_mb=None, most_rss_mb=None, kills=0)
    object.__setattr__(found, "processes", [unknown])
    assert found.cpu_ms_per_message is None
    assert found.as_json()["cpu_ms_per_message"] is None


def test_waits_are_nearest_ranks() -> None:
    found = waits_of([number / 1000 for number in range(1, 101)])
    assert [round(one) for one in (found.p50, found.p90, found.p99, found.max)] == [50, 90, 99, 100]
    assert waits_of([]).max == 0.0


def test_seconds_are_counted_from_the_first_question_and_have_no_holes() -> None:
    answered = [Answered(at=7.2, seconds=0.1), Answered(at=7.9, seconds=0.3), Answered(at=9.5, seconds=0.2)]
    found = by_second(7.0, [7.0, 7.5, 8.1], answered)
    assert [(one.offered, one.answered) for one in found] == [(2, 2), (1, 0), (0, 1)]
    assert [round(one.p99) for one in found] == [300, 0, 200]
    assert throughput(7.0, answered) == pytest.approx(3 / 2.5)
    assert throughput(7.0, []) == 0.0
    assert by_second(0.0, [], []) == []
