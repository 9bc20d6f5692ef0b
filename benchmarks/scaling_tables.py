"""The tables of docs/explanation/scaling.md, made of benchmarks/results. Pure but for reading those files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.scaling_constants import Constants
from benchmarks.scaling_model import Need, Resource, Site, least, most, most_on_sqlite, need

RESULTS = Path(__file__).resolve().parent / "results"
PROCESSES = (1, 2, 10, 100, 1000)
RATES = (10, 100, 1000, 10_000)
AS_SHIPPED = Site()
OPENED = Site(connections=None)
"""The same with a server that takes as many connections as are asked for."""
NAMES = {
    Resource.PROCESS: "process CPU",
    Resource.WRITER: "writer",
    Resource.DATABASE: "database CPU",
    Resource.JOURNAL: "journal",
    Resource.NOTICES: "NOTIFY lock",
    Resource.CONNECTIONS: "connections",
}
_MB = 1 << 20


def read(results: Path) -> Constants:
    """The constants of a results/scaling.json, with the telegram.json beside the committed one."""
    telegram = json.loads((RESULTS / "telegram.json").read_text("utf-8"))
    return Constants.read(json.loads(results.read_text("utf-8")), telegram)


def markdown(headers: Sequence[str], rows: Sequence[Sequence[str]] | Iterator[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# -- the limits ----------------------------------------------------------------------------------------------------


def limits(found: Constants, site: Site, rows_of: Sequence[int] = PROCESSES) -> str:
    """Which limit comes first, by processes and messages a second."""
    rows = [
        [f"{processes:,}", *(cell(need(found, site, processes, rate)) for rate in RATES)]
        for processes in rows_of
    ]
    return markdown(["Processes", *(f"{rate:,} a second" for rate in RATES)], rows)


def cell(wanted: Need) -> str:
    """What comes first and how much of it is used; bold if there is not enough of it."""
    first = wanted.first
    named = NAMES[first]
    if first is Resource.DATABASE:
        named += f" ({max(wanted.cores, key=lambda part: wanted.cores[part])})"
    if wanted.strained is first:
        return f"{named} all of it"
    text = f"{named} {_percent(wanted.used[first])}"
    return text if wanted.fits else f"**{text}**"


def _percent(share: float) -> str:
    return f"{share:,.0f} times" if share >= 10 else f"{100 * share:.0f} %"


def mosts(found: Constants) -> str:
    """The most that each number of processes can do, and what ends it."""
    rows = [["1, SQLite", f"{most_on_sqlite(found):,.0f}", NAMES[Resource.PROCESS]]]
    for processes in (1, 2, 4, 10, 19, 32, 64):
        rate, ended = most(found, OPENED, processes)
        rows.append([f"{processes}, PostgreSQL", f"{rate:,.0f}", NAMES[ended]])
    return markdown(["Processes", "Messages a second", "What ends it"], rows)


def cores(found: Constants) -> str:
    """Where the database's processor goes at 10,000 messages a second, and what else grows, by processes."""
    rows = []
    for processes in PROCESSES:
        wanted = least(found, OPENED, processes, RATES[-1])
        rows.append([
            f"{processes:,}",
            *(_short(wanted.cores[part]) for part in ("messages", "claims", "notices", "heartbeats", "sweeps")),
            f"{wanted.batch:.0f}", f"{wanted.notices:,.0f}", f"{wanted.connections:,}", f"{wanted.bots:,}",
            f"{processes - wanted.workers:,}",
        ])  # fmt: skip
    headers = (
        "Processes", "messages", "claims", "notices", "heartbeats", "sweeps", "Units in a transaction",
        "Notices a second", "Connections", "Telegram bots", "Processes without a shard",
    )  # fmt: skip
    return markdown(headers, rows)


def _short(value: float) -> str:
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def rates(found: Constants) -> str:
    """What a rate of messages means, whoever handles them."""
    rows = []
    for rate in RATES:
        wanted = least(found, OPENED, 10, rate)
        day = rate * 86_400
        rows.append([
            f"{rate:,}", f"{-(-rate // 30):,}", f"{-(-rate // 25):,}", f"{day / 1e6:,.1f} million",
            f"{day * found.bytes_per_message / 1e9:,.1f} GB", f"{_short(wanted.journal / _MB)} MB/s",
        ])  # fmt: skip
    headers = [
        "Messages a second",
        "Telegram bots at least",
        "MAX bots at least",
        "Messages a day",
        "Kept a day",
        "Journal of ten processes",
    ]
    return markdown(headers, rows)


# -- what would help -----------------------------------------------------------------------------------------------

CHANGES: Mapping[str, Site] = {
    "as it is": OPENED,
    "one sweep for all bots": Site(connections=None, one_sweep=True),
    "and a notice wakes only who is meant": Site(connections=None, one_sweep=True, told=1),
    "as it is, all of it in one web chat": Site(connections=None, per_bot=None),
}
_CHANGED = ((10, 1000), (64, 10_000), (100, 10_000))


def changes(found: Constants) -> str:
    """What changes of the design would bring: cores of the database, and processor time of the busiest process."""
    rows = []
    for name, site in CHANGES.items():
        row = [name]
        for processes, rate in _CHANGED:
            wanted = least(found, site, processes, rate)
            used = wanted.used[Resource.PROCESS]
            row.append(
                f"{_short(sum(wanted.cores.values()))} cores, {wanted.bots:,} bots, process {_percent(used)}"
            )
        rows.append(row)
    return markdown(
        ["Change", *(f"{processes} processes, {rate:,} a second" for processes, rate in _CHANGED)], rows
    )


# -- the constants -------------------------------------------------------------------------------------------------


def constants(results: Path) -> str:
    """What was measured, with what it is for."""
    found = json.loads(results.read_text("utf-8"))
    medians, machine = found["medians"], found["machine"]
    postgresql, sqlite, cluster = medians["postgresql"], medians["sqlite"], medians["cluster"]
    rows: list[list[str]] = []
    for kind, name in (
        ("ingest", "store an update"),
        ("answer", "answer it"),
        ("sent", "write down that it was sent"),
    ):
        for size in (1, 10, 100, 512):
            key = f"{kind} {size}"
            rows.append([
                f"{name}, {size} in a transaction", _each(postgresql[key], size), _us(sqlite[key]["client_us"] / size)
            ])  # fmt: skip
    rows += [
        ["claim one update that another process has stored", _both(postgresql["claim 1"]), "—"],
        ["claim 100", _each(postgresql["claim 100"], 100), "—"],
        ["claim 500 while 20,000 wait", _each(postgresql["claim 500 of a backlog"], 500), "—"],
        ["look for waiting updates in vain", _both(postgresql["claim 0"]), "—"],
        ["look for waiting messages of one bot", _both(postgresql["ready"]), "—"],
        ["read a person and a conversation", _both(postgresql["look_up"]), "—"],
        ["take places of a bot's pace", _both(cluster["pace"]), "—"],
    ]
    for key, numbers in cluster.items():
        named = _CLUSTER_NAMES.get(key.split()[0])
        if named is not None:
            rows.append([named(key), _both(numbers), "—"])
    kept = postgresql["message"]
    rows += [
        [
            "a message with its answer, kept",
            f"{kept['bytes']:,.0f} bytes",
            f"{sqlite['message']['bytes']:,.0f} bytes",
        ],
        ["the same before vacuum", f"{kept['bytes_as_written']:,.0f} bytes", "—"],
        ["one flush of the disk", f"{machine['flush_us']:,.0f} µs", "the same"],
        ["journal that the disk keeps", f"{machine['journal_mb_per_second']:,.0f} MB/s", "the same"],
    ]
    return markdown(["Work", "PostgreSQL: process + server", "SQLite: process"], rows)


_CLUSTER_NAMES: Mapping[str, Callable[[str], str]] = {
    "beat": lambda key: (
        "a heartbeat among 10 while a long transaction keeps 10,000 old versions"
        if "snapshot" in key
        else f"a heartbeat among {int(key.split()[1]):,}"
    ),
    "notice": lambda key: (
        f"a notice to one of {key.split()[3]} connections that listen"
        if " of " in key
        else f"a notice that {key.split()[1]} hear"
    ),
}


def _both(numbers: Mapping[str, float]) -> str:
    return _each(numbers, 1)


def _each(numbers: Mapping[str, float], size: int) -> str:
    return f"{_us(numbers['client_us'] / size)} + {_us(numbers['server_us'] / size)}"


def _us(value: float) -> str:
    return f"{value:,.0f} µs"


def waits(results: Path) -> str:
    """How long messages wait for a bot's pace, by how many processes send for it."""
    found = json.loads(results.read_text("utf-8"))["pace_waits"]
    rates = list(next(iter(found.values())))
    rows = [[senders, *(f"{waits[rate]:.1f} s" for rate in rates)] for senders, waits in found.items()]
    return markdown(["Processes that send", *(f"{rate} a second" for rate in rates)], rows)


def machine(results: Path) -> str:
    """Where and how the constants were measured, in one sentence."""
    found = json.loads(results.read_text("utf-8"))
    about: Mapping[str, Any] = found["machine"]
    version = about["postgresql"]["server_version"].split()[0]
    return (
        f"{about['cores']} cores, Python {about['python']}, PostgreSQL {version}; medians of {found['rounds']} rounds;"
        f" load average {about['load_before'][0]:.1f} at the beginning and {about['load_after'][0]:.1f} at the end."
    )


def processes(results: Path) -> str:
    """Two processes against one on the same machine; empty while nobody has measured it."""
    path = results.with_name("processes.json")
    if not path.exists():
        return "Not measured yet."
    found = json.loads(path.read_text("utf-8"))
    shapes = (("one", "one"), ("two", "two"), ("a poller and two workers", "roles"))
    rows = [
        [
            name,
            f"{found[key]['throughput']:,.0f}",
            f"×{found['ratios'][key]:.2f}",
            f"{found[key]['cpu_ms_per_message']:.2f} ms",
            f"{found[key]['server_cpu_ms_per_message']:.2f} ms",
        ]
        for name, key in shapes
        if key in found
    ]
    headers = ["Processes", "Messages a second", "Ratio", "Processor time of the bot", "Of the server"]
    return markdown(headers, rows)


TABLES: Mapping[str, Callable[[Path], str]] = {
    "scaling limits": lambda results: limits(read(results), AS_SHIPPED),
    "scaling limits with connections": lambda results: limits(read(results), OPENED, (64, 100, 1000)),
    "scaling most": lambda results: mosts(read(results)),
    "scaling waits": waits,
    "scaling database": lambda results: cores(read(results)),
    "scaling rates": lambda results: rates(read(results)),
    "scaling changes": lambda results: changes(read(results)),
    "scaling constants": constants,
    "scaling machine": machine,
    "scaling processes": processes,
}
"""What each table of the page is made from: the path of a results/scaling.json."""
