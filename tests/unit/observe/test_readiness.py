"""Red before harm, never because of a platform, never to and fro."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optfm_bot.observe.metrics import PROBLEMS
from optfm_bot.observe.readiness import (
    Backlog,
    Essentials,
    Level,
    Readiness,
    ReadinessLimits,
    Standing,
    Verdict,
    Vitals,
    stepped,
)

MB = 1024 * 1024
LOOK = 5.0


class Watcher:
    """Looks every five seconds and keeps what was said at each look."""

    def __init__(self, limits: ReadinessLimits | None = None) -> None:
        self.readiness = Readiness(limits)
        self.now = 1000.0

    def see(self, vitals: Vitals, *, after: float = LOOK) -> Verdict:
        self.now += after
        self.readiness.observe(vitals, self.now)
        return self.readiness.verdict(Essentials(), self.now)

    def watch(self, seconds: float, at: Callable[[float], Vitals]) -> list[Verdict]:
        """Look as long as that; `at` gives what is there so many seconds after the beginning."""
        return [self.see(at(LOOK * number)) for number in range(1, int(seconds / LOOK) + 1)]


def queue(**fields: float) -> Vitals:
    return Vitals(channels={"web": Backlog(**fields)})  # type: ignore[arg-type] # whole numbers where they belong


def steady(vitals: Vitals) -> Callable[[float], Vitals]:
    return lambda _: vitals


def red_after(verdicts: Iterable[Verdict]) -> float | None:
    return next((LOOK * n for n, verdict in enumerate(verdicts, 1) if not verdict.ready), None)


def said(verdict: Verdict) -> dict[str, Level]:
    return {problem.name: problem.level for problem in verdict.problems}


# -- what must be so at once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("essentials", "name", "text"),
    [
        (Essentials(stopping=True), "stopping", "stopping"),
        (Essentials(store="the disk is full"), "store", "the disk is full"),
        (Essentials(schema="made by a newer version"), "schema", "made by a newer version"),
        (Essentials(entries=0), "knowledge", "the knowledge base is empty"),
    ],
)
def test_what_cannot_wait_is_red_at_once_and_green_at_once(
    essentials: Essentials, name: str, text: str
) -> None:
    readiness = Readiness()
    verdict = readiness.verdict(essentials, 0)
    assert [(problem.name, problem.text) for problem in verdict.problems] == [(name, text)]
    assert (verdict.ready, verdict.status) == (False, "unavailable")

    verdict = readiness.verdict(Essentials(), 0)
    assert (verdict.ready, verdict.status, verdict.problems) == (True, "ok", [])


def test_the_worst_is_named_first() -> None:
    watcher = Watcher()
    watcher.see(Vitals(disk_free=500 * MB))
    verdict = watcher.readiness.verdict(Essentials(stopping=True), watcher.now)
    assert [problem.name for problem in verdict.problems] == ["stopping", "disk"]


# -- queues ----------------------------------------------------------------------------------------------------------


def test_a_queue_that_nobody_works_on_is_red_long_before_an_hour() -> None:
    red = red_after(Watcher().watch(600, lambda at: queue(waiting=3, oldest=at)))
    assert red is not None
    assert 60 < red <= 120


def test_it_is_red_too_when_the_bot_has_just_been_started() -> None:
    red = red_after(Watcher().watch(600, lambda at: queue(waiting=3, oldest=4000 + at)))
    assert red is not None
    assert 60 < red <= 120


def test_a_backlog_after_a_downtime_is_named_and_never_red_while_it_is_worked_off() -> None:
    def at(seconds: float) -> Vitals:
        return queue(waiting=int(20_000 - 60 * seconds), oldest=7200 - 20 * seconds)

    verdicts = Watcher().watch(320, at)
    assert all(verdict.ready for verdict in verdicts)
    assert "degraded" in {verdict.status for verdict in verdicts}
    assert "being caught up with" in verdicts[20].problems[0].text


def test_a_burst_that_is_worked_off_is_not_red_though_its_oldest_grows_older() -> None:
    verdicts = Watcher().watch(190, lambda at: queue(waiting=int(20_000 - 100 * at), oldest=5 + 0.95 * at))
    assert all(verdict.ready for verdict in verdicts)


def test_a_flood_that_nobody_can_keep_up_with_is_red_by_its_length() -> None:
    watcher = Watcher()
    watcher.watch(60, steady(queue(waiting=10, oldest=1)))
    red = red_after(watcher.watch(600, lambda at: queue(waiting=int(500 * at), oldest=10)))
    assert red is not None
    assert 40 < red <= 60


@pytest.mark.parametrize("waiting", [3, 500_000])
def test_a_platform_that_is_down_for_a_day_never_makes_it_red(waiting: int) -> None:
    watcher = Watcher()
    verdicts = watcher.watch(
        86_400, lambda at: queue(waiting=waiting, oldest=at, unsent=1000 + int(at), held_back=True)
    )
    assert all(verdict.ready for verdict in verdicts)
    assert "the platform holds them up" in verdicts[-1].problems[0].text

    after = watcher.watch(
        600, lambda at: queue(waiting=max(0, waiting - int(900 * at)), oldest=86_400 - 140 * at)
    )
    assert all(verdict.ready for verdict in after)


def test_the_outbox_alone_is_never_red() -> None:
    verdicts = Watcher().watch(3600, lambda at: queue(unsent=int(100 * at)))
    assert all(verdict.ready for verdict in verdicts)
    assert said(verdicts[-1]) == {"outbox_depth": Level.DEGRADED}


def test_an_update_that_is_retried_until_it_is_parked_does_not_make_a_draining_queue_red() -> None:
    def at(seconds: float) -> Vitals:
        stuck = 0 if seconds < 100 else min(seconds - 100, 26)
        return queue(waiting=1000, oldest=900 - 2 * (seconds - stuck) + stuck)

    verdicts = Watcher().watch(300, at)
    assert all(verdict.ready for verdict in verdicts)


def test_one_channel_is_not_judged_by_another() -> None:
    def at(seconds: float) -> Vitals:
        down, fine = Backlog(waiting=9, oldest=seconds, held_back=True), Backlog(waiting=1, oldest=0.2)
        return Vitals(channels={"telegram": down, "web": fine})

    verdicts = Watcher().watch(600, at)
    assert {name.text.partition(":")[0] for name in verdicts[-1].problems} == {"telegram"}
    assert all(verdict.ready for verdict in verdicts)


# -- the machine -----------------------------------------------------------------------------------------------------


def test_a_disk_that_fills_is_named_early_and_red_before_it_is_full() -> None:
    watcher = Watcher()
    verdicts = watcher.watch(200, lambda at: Vitals(disk_free=int((2000 - 10 * at) * MB)))
    free = {verdict.status: 2000 - 10 * LOOK * n for n, verdict in reversed(list(enumerate(verdicts, 1)))}
    assert free == {"ok": 1950, "degraded": 1000, "unavailable": 200}


def test_a_disk_without_room_is_said_at_the_first_look() -> None:
    verdict = Watcher().see(Vitals(disk_free=10 * MB))
    assert said(verdict) == {"disk": Level.UNAVAILABLE}
    assert (
        verdict.problems[0].text == "the disk of the database has 10 MB left (limit 200 MB): free some space"
    )


def test_what_is_not_there_is_not_judged() -> None:
    assert Watcher().see(Vitals(disk_free=None, wal=None)).problems == []


@pytest.mark.parametrize(
    ("vitals", "name", "level"),
    [
        (Vitals(loop_lag=0.2), None, None),
        (Vitals(loop_lag=0.3), "loop_lag", Level.DEGRADED),
        (Vitals(loop_lag=2.5), "loop_lag", Level.UNAVAILABLE),
        (Vitals(wal=100 * MB), None, None),
        (Vitals(wal=300 * MB), "wal", Level.DEGRADED),
        (Vitals(memory=0.9), None, None),
        (Vitals(memory=1.0), "memory", Level.DEGRADED),
    ],
)
def test_limits_of_the_machine(vitals: Vitals, name: str | None, level: Level | None) -> None:
    verdicts = Watcher().watch(60, steady(vitals))
    assert said(verdicts[-1]) == ({name: level} if name else {})


def test_nobody_to_answer_is_named_and_never_red() -> None:
    watcher = Watcher()
    verdicts = watcher.watch(300, steady(Vitals(missing={"worker"})))

    assert said(verdicts[0]) == {}, "a worker may be starting just now"
    assert said(verdicts[-1]) == {"roles": Level.DEGRADED}
    assert "nobody answers" in verdicts[-1].problems[0].text
    assert all(verdict.ready for verdict in verdicts)
    assert said(watcher.watch(60, steady(Vitals()))[-1]) == {}


def test_a_limit_of_nought_is_off() -> None:
    off = ReadinessLimits(queue_age=0, queue_depth=0, outbox_depth=0, disk_free=0, wal=0, loop_lag=0)
    worst = Vitals(
        channels={"web": Backlog(waiting=10**9, oldest=10**6, unsent=10**9)},
        disk_free=0,
        wal=10**12,
        loop_lag=99,
    )
    assert Watcher(off).watch(600, steady(worst))[-1].problems == []


# -- steadiness ------------------------------------------------------------------------------------------------------


def test_a_spike_is_not_said() -> None:
    watcher = Watcher()
    watcher.watch(60, steady(Vitals()))
    assert watcher.see(Vitals(loop_lag=9)).problems == []
    assert watcher.see(Vitals(loop_lag=9)).problems == []
    assert watcher.see(Vitals()).problems == []
    assert watcher.see(Vitals(loop_lag=9)).problems == []


def test_what_swings_around_its_limit_does_not_flap() -> None:
    watcher = Watcher()
    watcher.watch(60, steady(Vitals(loop_lag=2.1)))
    verdicts = watcher.watch(600, lambda at: Vitals(loop_lag=2.1 if at % 10 else 1.7))
    assert {verdict.status for verdict in verdicts} == {"unavailable"}


def test_what_is_well_again_is_said_after_half_a_minute() -> None:
    watcher = Watcher()
    watcher.watch(60, steady(Vitals(loop_lag=9)))
    verdicts = watcher.watch(60, steady(Vitals()))
    assert [verdict.ready for verdict in verdicts].index(True) == 6


def test_a_disk_needs_more_room_than_its_limit_to_be_well_again() -> None:
    watcher = Watcher()
    watcher.see(Vitals(disk_free=199 * MB))
    assert not watcher.watch(300, steady(Vitals(disk_free=201 * MB)))[-1].ready
    assert watcher.watch(300, steady(Vitals(disk_free=300 * MB)))[-1].ready


def test_a_process_that_was_stopped_for_an_hour_has_not_seen_an_hour_of_trouble() -> None:
    watcher = Watcher()
    watcher.watch(120, steady(queue(waiting=1, oldest=0.1)))
    # It wakes up: what came while it was stopped is an hour old, and is worked off.
    first = watcher.see(queue(waiting=900, oldest=3600), after=3600)
    assert first.problems == []
    verdicts = watcher.watch(
        120, lambda at: queue(waiting=max(0, 900 - int(50 * at)), oldest=max(0, 3600 - 200 * at))
    )
    assert all(verdict.ready for verdict in verdicts)


def test_nobody_looking_for_a_minute_is_a_problem_of_its_own() -> None:
    watcher = Watcher()
    watcher.see(Vitals())
    assert watcher.readiness.verdict(Essentials(), watcher.now + 59).problems == []
    (problem,) = watcher.readiness.verdict(Essentials(), watcher.now + 61).problems
    assert (problem.name, problem.level) == ("unmeasured", Level.DEGRADED)


def test_time_that_goes_backwards_harms_nobody() -> None:
    readiness = Readiness()
    readiness.observe(Vitals(loop_lag=9), 100)
    readiness.observe(Vitals(loop_lag=9), 50)
    assert readiness.verdict(Essentials(), 50).problems == []


levels = st.sampled_from(list(Level))


@given(st.lists(st.tuples(levels, st.floats(0, 10)), max_size=60))
def test_nothing_is_said_that_was_not_measured_for_long_enough(looks: list[tuple[Level, float]]) -> None:
    standing, since, before = Standing(), 0.0, 0
    for measured, elapsed in looks:
        now = stepped(standing, measured, elapsed)
        sign = (measured > standing.said) - (measured < standing.said)
        since = since + elapsed if sign == before and sign else 0.0
        if now.said != standing.said:
            assert now.said == measured
            assert since >= (10 if sign > 0 else 30)
            since, before = 0.0, 0
        else:
            before = sign
        standing = now


def test_every_problem_has_a_metric() -> None:
    bad = Vitals(
        channels={"web": Backlog(waiting=10**9, oldest=10**6, unsent=10**9)},
        disk_free=0,
        wal=10**12,
        loop_lag=99,
        memory=1,
        missing={"worker"},
    )
    watcher = Watcher()
    watcher.watch(600, steady(bad))
    everything = Essentials(stopping=True, store="a", schema="b", entries=0)
    verdict = watcher.readiness.verdict(everything, watcher.now + 100)
    assert sorted(problem.name for problem in verdict.problems) == sorted(PROBLEMS)
