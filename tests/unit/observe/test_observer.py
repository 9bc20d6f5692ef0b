"""What the observer is told arrives in the metrics under the right name."""

from __future__ import annotations

import pytest

from optfm_bot.observe.metrics import PROBLEMS, Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.observe.readiness import Level, Problem, Verdict
from optfm_bot.observe.storage import StorageUse
from optfm_bot.store.records import StoreCounts


@pytest.fixture
def metrics() -> Metrics:
    found = Metrics(version="1")
    found.channel("web")
    return found


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"optfm_{name}", labels)


def test_what_lies_aside_for_a_person_is_shown_for_each_channel(metrics: Metrics) -> None:
    metrics.channel("max")
    counts = StoreCounts(
        inbox_new={},
        inbox_parked={"web": 3},
        outbox_open={},
        outbox_uncertain={"web": 2},
        outbox_failed={"max": 1},
        inbox_oldest={},
        outbox_oldest={},
    )
    MetricsObserver(metrics).counted(counts, 1000)

    assert value(metrics, "inbox_parked", channel="web") == 3
    assert value(metrics, "inbox_parked", channel="max") == 0
    assert value(metrics, "outbox_unresolved", channel="web", state="uncertain") == 2
    assert value(metrics, "outbox_unresolved", channel="web", state="failed") == 0
    assert value(metrics, "outbox_unresolved", channel="max", state="failed") == 1


def test_the_age_of_what_waits_is_that_of_its_own_channel(metrics: Metrics) -> None:
    metrics.channel("max")
    counts = StoreCounts(
        inbox_new={"web": 2, "max": 1},
        inbox_parked={},
        outbox_open={"web": 1},
        outbox_uncertain={},
        outbox_failed={},
        inbox_oldest={"web": 4_000, "max": 9_500},
        outbox_oldest={"web": 11_000},
    )
    MetricsObserver(metrics).counted(counts, 10_000)

    assert value(metrics, "update_queue_oldest_seconds", channel="web") == 6
    assert value(metrics, "update_queue_oldest_seconds", channel="max") == 0.5
    assert value(metrics, "outbox_oldest_seconds", channel="web") == 0, "its clock is a little ahead of ours"
    assert value(metrics, "outbox_oldest_seconds", channel="max") == 0


def test_the_database_the_loop_and_the_memory_are_shown(metrics: Metrics) -> None:
    observer = MetricsObserver(metrics)
    observer.stored(StorageUse(size=10, wal=20, free=30))
    observer.lagged(0.3)
    observer.held(7, 700)

    shown = ("db_size_bytes", "db_wal_bytes", "disk_free_bytes", "updates_held", "updates_held_bytes")
    assert [value(metrics, name) for name in shown] == [10, 20, 30, 7, 700]
    assert value(metrics, "event_loop_lag_seconds_bucket", le="0.25") == 0
    assert value(metrics, "event_loop_lag_seconds_bucket", le="0.5") == 1


def test_the_cluster_and_the_housekeeping_are_shown(metrics: Metrics) -> None:
    observer = MetricsObserver(metrics)
    observer.clustered(members=3, shards=64, owned=22)
    observer.backed_up(5_000)
    observer.task_done("retention", 7_000)
    observer.task_done("something new", 8_000)
    observer.task_failed("retention")
    observer.task_failed("something new")

    shown = ("cluster_members", "cluster_shards", "cluster_shards_owned")
    assert [value(metrics, name) for name in shown] == [3, 64, 22]
    assert value(metrics, "backup_last_success_timestamp_seconds") == 5
    assert value(metrics, "job_last_success_timestamp_seconds", task="retention") == 7
    assert value(metrics, "job_last_success_timestamp_seconds", task="other") == 8
    assert value(metrics, "job_failures_total", task="retention") == 1
    assert value(metrics, "job_failures_total", task="other") == 1


def test_a_verdict_is_shown_and_taken_back(metrics: Metrics) -> None:
    observer = MetricsObserver(metrics)
    assert value(metrics, "ready") == 0

    observer.judged(
        Verdict(
            [
                Problem(name="queue_age", level=Level.UNAVAILABLE, text="web is late"),
                Problem(name="queue_age", level=Level.DEGRADED, text="max is late"),
                Problem(name="disk", level=Level.DEGRADED, text="little room"),
            ]
        )
    )
    assert value(metrics, "ready") == 0
    assert value(metrics, "problem", problem="queue_age") == 2
    assert value(metrics, "problem", problem="disk") == 1

    observer.judged(Verdict([]))
    assert value(metrics, "ready") == 1
    assert {value(metrics, "problem", problem=name) for name in PROBLEMS} == {0}
