"""The model of scaling: its parts against what they stand for, and what it says of loads that are plainly too much."""

from __future__ import annotations

import inspect
import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.scaling import medians
from benchmarks.scaling_constants import Constants, Curve, Work
from benchmarks.scaling_meter import flush_us, journal_mb_per_second
from benchmarks.scaling_model import (
    COUNT_SECONDS,
    MOST_UNITS,
    SWEEP_SECONDS,
    Resource,
    Site,
    batch_of,
    block_of,
    bots_needed,
    least,
    most,
    most_on_sqlite,
    need,
    used_of_block,
)
from benchmarks.scaling_pace import mean_wait
from benchmarks.scaling_tables import cell, processes, read
from optfm_bot import neighbours
from optfm_bot.clock import ManualClock
from optfm_bot.cluster.pace import SharedPace
from optfm_bot.dispatch.dispatcher import Dispatcher
from optfm_bot.observe import watch
from optfm_bot.store import committer
from optfm_bot.store.memory import MemoryStore
from optfm_bot.testing.cluster import MemoryCluster

OPEN = Site(connections=None)
FREE = Curve([(1, 0.0)])


def work(client: float = 0.0, server: float = 0.0, journal: float = 0.0) -> Work:
    """Work whose cost is the same for every size."""
    return Work(client=Curve([(1, client)]), server=Curve([(1, server)]), journal=Curve([(1, journal)]))


NOTHING = work()
NOBODY_HEARS = Work(
    client=Curve([(10, 0.0), (100, 0.0)]), server=Curve([(10, 0.0), (100, 0.0)]), journal=FREE
)
COSTLESS = Constants(
    message_us=0.0,
    transaction=NOTHING,
    claim=NOTHING,
    look_up=NOTHING,
    ready=NOTHING,
    counts=NOTHING,
    pace=NOTHING,
    beat=NOTHING,
    notice=NOBODY_HEARS,
    flush_us=0.0,
    journal_bytes_per_second=1e9,
    bytes_per_message=1000.0,
    sqlite=NOTHING,
)


def heard_by_all(aside: float, each: float) -> Work:
    line = Curve([(10, aside + 10 * each), (100, aside + 100 * each)])
    return Work(client=Curve([(10, 0.0), (100, 0.0)]), server=line, journal=FREE)


# -- parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "cost"), [(0, 10), (1, 10), (5.5, 15), (10, 20), (100, 110), (190, 200)])
def test_a_curve_is_straight_between_what_was_measured_and_beyond_it(size: float, cost: float) -> None:
    assert Curve([(1, 10.0), (10, 20.0), (100, 110.0)])(size) == pytest.approx(cost)


def test_the_nearest_line_is_the_line_itself_and_never_below_nothing() -> None:
    assert Curve([(10, 35.0), (40, 125.0)]).line() == pytest.approx((5.0, 3.0))
    assert Curve([(10, 5.0), (40, 125.0)]).line() == pytest.approx((0.0, 4.0))


@pytest.mark.parametrize("rate", [0.0, 0.3, 2.0, 50.0])
@pytest.mark.parametrize("block", [1, 3, 10])
def test_the_used_part_of_a_block_is_the_mean_of_what_comes(rate: float, block: int) -> None:
    chances = [math.exp(-rate) * rate**number / math.factorial(number) for number in range(150)]
    mean = 1 + sum(chance * min(block - 1, number) for number, chance in enumerate(chances))
    assert used_of_block(rate, block) == pytest.approx(mean)


@pytest.mark.parametrize("members", [1, 2, 64])
@pytest.mark.parametrize("rate", [30.0, 25.0, 2.0])
async def test_blocks_are_those_of_the_pace(rate: float, members: int) -> None:
    clock = ManualClock()
    door = MemoryCluster(store=MemoryStore(), clock=clock).door()
    pace = SharedPace(door, clock, channel="bot", per_bot=rate, members=lambda: members)
    await pace.reserve(clock.monotonic())

    assert pace._left + 1 == block_of(rate, members)


def test_the_numbers_of_the_design_are_those_of_the_code() -> None:
    assert MOST_UNITS == committer._MAX_UNITS
    assert SWEEP_SECONDS == neighbours._SWEEP_SECONDS
    assert inspect.signature(Dispatcher).parameters["sweep_seconds"].default == SWEEP_SECONDS
    assert COUNT_SECONDS == watch._EVERY


def test_bots_send_at_their_pace_however_many_processes_there_are() -> None:
    assert bots_needed(10_000, 1, Site()) == 334
    assert bots_needed(10_000, 64, Site()) == 334
    assert bots_needed(10_000, 64, Site(per_bot=None)) == 1
    assert bots_needed(1, 64, Site()) == 1


async def test_however_many_send_for_one_bot_its_whole_pace_can_be_used() -> None:
    assert used_of_block(20 / 64, block_of(30, 64)) == 1
    assert await mean_wait(64, 20) < 0.05
    assert await mean_wait(8, 20) < 0.05


def test_places_that_nobody_uses_in_time_are_wasted() -> None:
    """64 senders of one bot with blocks of three could send about twelve of its thirty a second."""
    assert 30 * used_of_block(12 / 64, 3) / 3 == pytest.approx(12, abs=0.5)


@pytest.mark.parametrize(
    ("units", "expected"),
    [(10, 1), (1000, 1), (1500, pytest.approx(2, abs=1)), (9000, pytest.approx(82, abs=5)), (20_000, 512)],
)
def test_transactions_grow_as_far_as_is_needed_to_keep_up(units: float, expected: object) -> None:
    """A transaction takes 0.9 ms and 0.1 ms for each unit: 1,000 a second one by one, at most 10,000."""
    assert batch_of(units, 0, lambda size, _rows: 0.0009 + 0.0001 * size) == expected


def test_the_time_of_claims_belongs_to_the_writer() -> None:
    alone = batch_of(900, 0, lambda size, _rows: 0.001 * size)
    both = batch_of(900, 300, lambda size, rows: 0.0005 + 0.0005 * size + 0.0012 * rows)
    assert alone == 1
    assert both > 1


# -- the whole -----------------------------------------------------------------------------------------------------


def test_the_twentieth_process_finds_no_connection() -> None:
    assert need(COSTLESS, Site(), 19, 10).fits
    too_many = need(COSTLESS, Site(), 20, 10)
    assert not too_many.fits
    assert too_many.first is Resource.CONNECTIONS
    assert need(COSTLESS, OPEN, 1000, 10).fits


@pytest.mark.parametrize(
    ("found", "first"),
    [
        (replace(COSTLESS, message_us=1000.0), Resource.PROCESS),
        (replace(COSTLESS, flush_us=1e6), Resource.WRITER),
        (replace(COSTLESS, transaction=work(server=100_000.0)), Resource.DATABASE),
        (replace(COSTLESS, transaction=work(journal=1e9)), Resource.JOURNAL),
        (replace(COSTLESS, notice=heard_by_all(50_000.0, 0.0)), Resource.NOTICES),
    ],
)
def test_what_is_made_dear_is_what_ends_first(found: Constants, first: Resource) -> None:
    site = Site(connections=None, database_cores=64) if first is Resource.NOTICES else OPEN
    told = need(found, site, 10, 100_000)
    assert told.first is first
    assert not told.fits


def test_one_process_tells_nobody_and_claims_nothing() -> None:
    found = replace(COSTLESS, notice=heard_by_all(100.0, 100.0), claim=work(1000.0, 1000.0))
    alone, two = need(found, OPEN, 1, 50), need(found, OPEN, 2, 50)
    assert alone.notices == 0
    assert alone.cores["notices"] == 0
    assert alone.cores["claims"] == 0
    assert two.notices == pytest.approx(25)
    assert two.cores["claims"] > 0


def test_a_notice_costs_by_who_hears_it() -> None:
    found = replace(COSTLESS, notice=heard_by_all(0.0, 10.0))
    all_hear = need(found, OPEN, 50, 100)
    one_hears = need(found, Site(connections=None, told=1), 50, 100)
    assert all_hear.cores["notices"] == pytest.approx(98 * 50 * 10e-6)
    assert all_hear.cores["notices"] == pytest.approx(50 * one_hears.cores["notices"])


def test_heartbeats_grow_with_the_square() -> None:
    rows = Curve([(10, 10.0), (1000, 1000.0)])
    found = replace(COSTLESS, beat=Work(client=FREE, server=rows, journal=FREE))
    few, many = need(found, OPEN, 10, 1), need(found, OPEN, 100, 1)
    assert few.cores["heartbeats"] == pytest.approx(10 * 2 * 10e-6)
    assert many.cores["heartbeats"] == pytest.approx(100 * few.cores["heartbeats"])


def test_sweeps_are_one_for_each_bot_unless_one_asks_for_all() -> None:
    found = replace(COSTLESS, ready=work(client=1000.0, server=500.0))
    each, one = need(found, OPEN, 10, 3300), need(found, Site(connections=None, one_sweep=True), 10, 3300)
    assert each.bots > 100
    assert each.cores["sweeps"] == pytest.approx(each.bots * one.cores["sweeps"])
    assert each.used[Resource.PROCESS] == pytest.approx(each.bots * one.used[Resource.PROCESS])


@pytest.mark.parametrize(("count", "share"), [(1, 64), (3, 22), (10, 7), (50, 2), (64, 1), (1000, 1)])
def test_the_process_with_the_most_shards_decides(count: int, share: int) -> None:
    told = need(replace(COSTLESS, message_us=1000.0), OPEN, count, 100)
    assert told.used[Resource.PROCESS] == pytest.approx(100 * 0.001 * share / 64)
    assert told.workers == min(count, 64)


def test_work_is_put_together_before_a_processor_is_said_to_be_too_little() -> None:
    """10,000 µs for a transaction of any size: one by one too much, together little."""
    found = replace(COSTLESS, transaction=work(server=20_000.0))
    quiet, busy = need(found, OPEN, 20, 10), need(found, OPEN, 20, 1000)
    assert quiet.strained is None
    assert busy.fits
    assert busy.strained is Resource.DATABASE
    assert busy.used[Resource.DATABASE] == 1.0
    assert cell(busy).endswith("all of it")
    assert least(found, OPEN, 20, 1000).used[Resource.DATABASE] < 0.5


def test_the_most_fits_and_a_little_more_does_not() -> None:
    found = replace(COSTLESS, message_us=500.0, transaction=work(100.0, 100.0), flush_us=100.0)
    rate, ended = most(found, OPEN, 2)
    assert ended is Resource.PROCESS
    assert least(found, OPEN, 2, rate).fits
    assert not least(found, OPEN, 2, rate * 1.01).fits
    assert 3500 < rate < 4000


def test_on_sqlite_the_processor_is_everything() -> None:
    assert most_on_sqlite(replace(COSTLESS, message_us=400.0, sqlite=work(512 * 200.0 / 3))) == pytest.approx(
        1e6 / 600
    )


# -- results -------------------------------------------------------------------------------------------------------


def test_more_messages_never_need_less_of_what_was_measured_here() -> None:
    results = Path(__file__).parents[3] / "benchmarks" / "results" / "scaling.json"
    found = read(results)
    for count in (1, 10, 64):
        used = [least(found, OPEN, count, rate).used for rate in (10, 100, 1000, 10_000, 100_000)]
        for before, after in pairwise(used):
            assert all(after[one] >= 0.99 * before[one] for one in (Resource.PROCESS, Resource.JOURNAL))
        assert not least(found, OPEN, count, 100_000).fits


def test_a_cell_says_what_ends_first_and_whether_it_is_too_much() -> None:
    assert cell(need(replace(COSTLESS, message_us=100.0), OPEN, 1, 100)) == "process CPU 1 %"
    assert cell(need(replace(COSTLESS, message_us=100.0), OPEN, 1, 20_000)) == "**process CPU 200 %**"
    assert cell(need(COSTLESS, Site(), 1000, 10)) == "**connections 52 times**"
    heavy = replace(COSTLESS, beat=work(server=10_000.0))
    assert cell(need(heavy, OPEN, 1000, 10)) == "**database CPU (heartbeats) 250 %**"


def test_the_median_of_rounds_is_taken_of_each_number() -> None:
    rounds = [{"sqlite": {"ingest 1": {"client_us": value, "wall_us": -value}}} for value in (3.0, 1.0, 2.0)]
    assert medians(rounds) == {"sqlite": {"ingest 1": {"client_us": 2.0, "wall_us": -2.0}}}


def test_two_processes_against_one_are_shown_when_they_were_measured(tmp_path: Path) -> None:
    results = tmp_path / "scaling.json"
    assert processes(results) == "Not measured yet."
    cost = {"cpu_ms_per_message": 1.5, "server_cpu_ms_per_message": 0.5}
    measured = {
        "one": {"throughput": 1000.0, **cost},
        "two": {"throughput": 1400.0, **cost},
        "ratios": {"one": 1.0, "two": 1.4},
    }
    results.with_name("processes.json").write_text(json.dumps(measured))
    assert processes(results).splitlines()[2:] == [
        "| one | 1,000 | ×1.00 | 1.50 ms | 0.50 ms |",
        "| two | 1,400 | ×1.40 | 1.50 ms | 0.50 ms |",
    ]


def test_the_disk_is_measured_and_left_as_it_was(tmp_path: Path) -> None:
    assert flush_us(tmp_path, times=3) > 0
    assert journal_mb_per_second(tmp_path, times=2) > 0
    assert list(tmp_path.iterdir()) == []
