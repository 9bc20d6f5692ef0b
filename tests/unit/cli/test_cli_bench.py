"""What `optfm-bot bench` refuses before it starts anything, and how it tells a report."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from optfm_bot.bench.judge import Answered, Verdict
from optfm_bot.bench.report import Kill, ProcessUse, Report, Second, waits_of
from optfm_bot.cli import bench
from optfm_bot.cli.words import Words
from tests.unit.cli.conftest import Cli

POSTGRESQL = "postgresql://127.0.0.1/test"


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("it was measured")

    monkeypatch.setattr(bench, "_measured", fail)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--burst", "5", "--rate", "3"], 2, "уберите --rate и --seconds"),
        (["--burst", "5", "--seconds", "3"], 2, "уберите --rate и --seconds"),
        (["--rate", "10000", "--seconds", "100"], 2, "1000000 сообщений"),
        (["--rate", "0.1", "--seconds", "1"], 2, "0 сообщений"),
        (["--channel", "web", "--mode", "polling"], 2, "Веб-чат не опрашивают"),
        (["--channel", "web", "--latency", "1"], 2, "Уберите --latency"),
        (["--channel", "console"], 2, "console"),
        (["--processes", "2"], 2, "SQLite — для одного процесса"),
        (["--roles", "king"], 2, "Нет роли king"),
        (["--roles", "all,all", "--processes", "3", "--database", POSTGRESQL], 2, "не столько процессов"),
        (["--roles", "poller,web", "--database", POSTGRESQL], 2, "никто не отвечает"),
        (["--burst", "5", "--kill-every", "2"], 2, "нагрузка должна длиться"),
        (["--output", "nowhere/x.json"], 2, "Нет папки"),
        (["--plot", "nowhere/x.svg"], 2, "Нет папки"),
        (["--knowledge", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["--database", "mysql://x/y"], 3, "not with mysql"),
        (["--chats", "0"], 2, "--chats"),
    ],
)
def test_what_makes_no_sense_is_refused(cli: Cli, arguments: list[str], code: int, sentence: str) -> None:
    result = cli("bench", *arguments)
    assert result.exit_code == code
    assert sentence in result.output


def found(**verdict: int) -> Report:
    counts = {"offered": 10, "lost": 0, "uncertain": 0, "doubled": 0, "out_of_order": 0, "strange": 0}
    return Report(
        setting={
            "channel": "max", "mode": "polling", "database": "sqlite", "processes": 1, "chats": 4,
        },
        verdict=Verdict(**{**counts, **verdict}, answered=[Answered(at=1.0, seconds=0.0125)] * 10),
        seconds=[Second(offered=10, answered=0, p50=0.0, p99=0.0), Second(offered=0, answered=10, p50=12.5, p99=12.5)],
        waits=waits_of([0.0125] * 10),
        throughput=1234.56,
        processes=[ProcessUse(name="bot-1", cpu_seconds=0.01, rss_mb=60.0, most_rss_mb=61.0, kills=1)],
        kills=[Kill(at=0.5, process="bot-1", in_flight=3, recovered=1.25)],
        first_answer=0.61,
    )  # fmt: skip


def test_a_clean_run_ends_well_and_is_written(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def measured(*_: object) -> Report:
        return found()

    monkeypatch.setattr(bench, "_measured", measured)
    result = cli("bench", "--output", "a.json", "--plot", "a.svg")
    assert result.exit_code == 0, result.output
    assert "1234,6" in result.output
    assert "12,5 мс" in result.output
    assert "порядок соблюдён" in result.output
    assert '"ok": true' in (tmp_path / "a.json").read_text("utf-8")
    ET.parse(tmp_path / "a.svg")  # noqa: S314 - our own file


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        ({"lost": 1}, "Вопросы потеряны"),
        ({"out_of_order": 2}, "не по порядку"),
        ({"doubled": 4}, "больше, чем отправлялось"),
        ({"strange": 1}, "не отвечают"),
    ],
)
def test_a_broken_promise_fails_the_command(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, verdict: dict[str, int], sentence: str
) -> None:
    async def measured(*_: object) -> Report:
        return found(**verdict)

    monkeypatch.setattr(bench, "_measured", measured)
    result = cli("bench")
    assert result.exit_code == 1
    assert sentence in result.output


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_plot_has_a_gap_where_nobody_was_answered(language: str) -> None:
    root = ET.fromstring(bench.course(found(), Words(language)))  # noqa: S314 - our own
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
    assert len(lines) == 4  # answered, asked, p50 and p99
