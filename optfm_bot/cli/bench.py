"""`optfm-bot bench`: the whole bot under load, beside a fake of a platform, judged by what people saw."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from optfm_bot.bench.database import read_address
from optfm_bot.bench.load import MOST_CHATS, MOST_MESSAGES, Load
from optfm_bot.bench.measurement import Measurement, Progress, Stopped
from optfm_bot.bench.plan import CHANNELS, MESSENGERS, ROLES, WEB, Plan
from optfm_bot.bench.plot import Curve, Panel, draw
from optfm_bot.bench.report import Report
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.progress import progress_bar
from optfm_bot.cli.options import voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock

_CHATS, _RATE, _SECONDS = 200, 200.0, 30.0
_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.option(
    "--channel", type=click.Choice(CHANNELS), default=MESSENGERS[0], show_default=True, help="Which channel."
)
@click.option(
    "--mode",
    type=click.Choice(["polling", "webhook"]),
    help="How updates reach the bot: polling if missing; the web chat has no other way than webhook.",
)
@click.option(
    "--chats",
    type=click.IntRange(1, MOST_CHATS),
    default=_CHATS,
    show_default=True,
    help="How many people write, in turn.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 10_000),
    help=f"Messages a second of all of them; {_RATE:g} if missing.",
)
@click.option("--seconds", type=click.FloatRange(0.1, 86_400), help=f"For how long; {_SECONDS:g} if missing.")
@click.option(
    "--burst",
    metavar="MESSAGES",
    type=click.IntRange(1, MOST_MESSAGES),
    help="So many messages at once, instead of --rate and --seconds.",
)
@click.option(
    "--database",
    metavar="URL",
    help="A SQLite file that is not there yet, or a PostgreSQL server, on which a database is made and dropped again;"
    " a temporary file if missing.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    help="How many processes of the bot work on the PostgreSQL database; as many as --roles if missing, else one.",
)
@click.option("--roles", metavar="ROLE,ROLE", help=f"The role of each process: {', '.join(ROLES)}.")
@click.option(
    "--latency",
    metavar="SECONDS",
    type=click.FloatRange(0, 60),
    default=0.0,
    show_default=True,
    help="How long the fake platform takes to answer each send.",
)
@click.option(
    "--knowledge",
    metavar="PATH",
    type=click.Path(exists=True, path_type=Path),
    help="A base of yours that is loaded beside the questions of the measurement.",
)
@click.option(
    "--kill-every",
    metavar="SECONDS",
    type=click.FloatRange(0.5, 3600),
    help="Kill a process of the bot (-9) so often, any of them, and start it again.",
)
@click.option(
    "--output", metavar="FILE.json", type=_FILE, help="Write everything that was found to this file."
)
@click.option("--plot", metavar="FILE.svg", type=_FILE, help="Draw the course of the run into this file.")
@voice_options
@guarded
def command(
    *,
    channel: str,
    mode: str | None,
    chats: int,
    rate: float | None,
    seconds: float | None,
    burst: int | None,
    database: str | None,
    processes: int | None,
    roles: str | None,
    latency: float,
    knowledge: Path | None,
    kill_every: float | None,
    output: Path | None,
    plot: Path | None,
) -> int:
    """Put load on the whole bot, and judge what people saw: lost, doubled, out of order, how fast.

    The bot runs in processes of its own with a new database. It talks to a fake of the platform on this machine and
    never to a real one.
    """
    words, out = current_words(), Output()
    for path in (output, plot):
        if path is not None and not path.absolute().parent.is_dir():
            raise click.UsageError(words("bench.no_folder", path=path.absolute().parent))
    named = _roles(roles, words)
    plan = Plan(
        channel=channel,
        webhook=mode == "webhook" or (mode is None and channel == WEB),
        load=_load(chats, rate, seconds, burst, words),
        database=read_address(database),
        processes=processes or len(named) or 1,
        roles=named,
        latency=latency,
        knowledge=knowledge,
        kill_every=kill_every,
    )
    for misfit in plan.misfits():
        raise click.UsageError(words(f"bench.misfit_{misfit.value}"))
    try:
        with _shown(words, plan.load.messages) as told:
            report = asyncio.run(_measured(plan, told))
    except Stopped:
        out.line(words("bench.stopped_early"), mark=Mark.WARNING)
        return Exit.INTERRUPTED
    _print(report, words, out)
    if output is not None:
        output.write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=1) + "\n", "utf-8")
        out.line(words("bench.wrote", path=output), mark=Mark.OK)
    if plot is not None and report.answered:
        plot.write_text(course(report, words), "utf-8")
        out.line(words("bench.wrote", path=plot), mark=Mark.OK)
    if report.interrupted:
        return Exit.INTERRUPTED
    return Exit.PROBLEMS if report.faults else Exit.OK


def _load(chats: int, rate: float | None, seconds: float | None, burst: int | None, words: Words) -> Load:
    if burst is not None:
        if rate is not None or seconds is not None:
            raise click.UsageError(words("bench.burst_or_rate"))
        return Load(chats=chats, messages=burst)
    rate = rate or _RATE
    messages = round(rate * (seconds or _SECONDS))
    if not 1 <= messages <= MOST_MESSAGES:
        raise click.UsageError(words("bench.too_many", messages=messages, most=MOST_MESSAGES))
    return Load(chats=chats, messages=messages, per_second=rate)


def _roles(given: str | None, words: Words) -> tuple[str, ...]:
    named = tuple(role.strip() for role in given.split(",")) if given else ()
    for role in named:
        if role not in ROLES:
            raise click.UsageError(words("bench.unknown_role", role=role, known=", ".join(ROLES)))
    return named


async def _measured(plan: Plan, told: Callable[[Progress], object]) -> Report:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    dice = random.Random()  # noqa: S311 - which process is killed, and the name of a database
    return await Measurement(plan, clock=SystemClock(), dice=dice, stop=stop, told=told).run()


@contextmanager
def _shown(words: Words, messages: int) -> Iterator[Callable[[Progress], object]]:
    """Show on the error output how far it is, if a person is looking."""
    with progress_bar(words("bench.running"), messages) as moved:
        yield lambda progress: moved(progress.answered)


# -- what was found --------------------------------------------------------------------------------------------------


def _print(report: Report, words: Words, out: Output) -> None:
    verdict, waits = report.verdict, report.waits
    cpu = report.cpu_ms_per_message

    def ms(value: float) -> str:
        return words("bench.ms", value=words.number(value))

    rows = [
        (words("bench.offered"), str(verdict.offered)),
        (words("bench.answered"), str(report.answered)),
        (words("bench.unanswered" if report.interrupted else "bench.lost"), str(verdict.lost)),
        (words("bench.uncertain"), str(verdict.uncertain)),
        (words("bench.doubled"), str(verdict.doubled)),
        (words("bench.out_of_order"), str(verdict.out_of_order)),
        (words("bench.throughput"), words.number(report.throughput)),
        (words("bench.p50"), ms(waits.p50)),
        (words("bench.p90"), ms(waits.p90)),
        (words("bench.p99"), ms(waits.p99)),
        (words("bench.max"), ms(waits.max)),
        (words("bench.first_answer"), words("bench.s", value=words.number(report.first_answer, 2))),
    ]
    if cpu is not None:
        rows.append((words("bench.cpu"), words("bench.ms", value=words.number(cpu, 2))))
    for one in report.processes:
        if one.rss_mb is not None and one.most_rss_mb is not None:
            told = words("bench.mb", now=words.number(one.rss_mb, 0), most=words.number(one.most_rss_mb, 0))
            rows.append((words("bench.memory", process=one.name), told))
    if report.kills:
        slowest = max(kill.recovered or 0.0 for kill in report.kills)
        rows += [
            (words("bench.kills"), str(len(report.kills))),
            (words("bench.in_flight"), str(report.in_flight)),
            (words("bench.recovered"), words("bench.s", value=words.number(slowest, 2))),
        ]
    out.table([words("bench.what"), words("bench.value")], rows)
    for note in report.notes:
        out.line(words(f"bench.note_{note}"), mark=Mark.WARNING)
    if report.interrupted:
        out.line(words("bench.interrupted"), mark=Mark.WARNING)
    for fault in report.faults:
        out.line(words(f"bench.fault_{fault.value}"), mark=Mark.ERROR)
    if not report.faults and not report.interrupted:
        out.line(words("bench.kept"), mark=Mark.OK)


def course(report: Report, words: Words) -> str:
    """The plot of a report, in the words of a language."""
    speed = [
        Curve(name=words("bench.plot_answered"), values=[one.answered for one in report.seconds], stroke=0),
        Curve(name=words("bench.plot_offered"), values=[one.offered for one in report.seconds], stroke=2),
    ]
    waited = [
        Curve(
            name=name,
            values=[getattr(one, name) if one.answered else None for one in report.seconds],
            stroke=stroke,
        )
        for stroke, name in enumerate(("p50", "p99"))
    ]
    setting = report.setting
    title = words(
        "bench.plot_title", channel=setting["channel"], mode=setting["mode"], database=setting["database"],
        processes=setting["processes"], chats=setting["chats"],
    )  # fmt: skip
    return draw(
        title,
        [
            Panel(title=words("bench.plot_speed"), unit=words("bench.plot_per_second"), curves=speed),
            Panel(title=words("bench.plot_waits"), unit=words("bench.plot_ms"), curves=waited),
        ],
        time=words("bench.plot_seconds"),
        marks=[kill.at for kill in report.kills],
        mark=words("bench.plot_kill"),
    )
