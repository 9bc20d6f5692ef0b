"""faq tune: what it tells, what it writes, and how the bot and the other commands take it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from channels.console.keyboard import KeyboardReader
from config import load_config
from faq import Thresholds
from faq.matching.matcher import core_matcher
from faq.tuning import Tuning, read_tuning, shipped_model, tuning_bytes
from optfm_bot.app import App

Cli = Callable[..., Result]

BASE = Path(__file__).parents[3] / "training" / "bases" / "parcel.yaml"
FEW = """\
delivery-cost: [почем доставка, сколько стоит привезти]
delivery-time: [когда привезут, сколько ждать]
foreign: [сколько километров до Луны]
"""
LIMITS = Thresholds(answer=0.93, clarify=0.31, margin=0.02)


@pytest.fixture
def own_base(tmp_path: Path) -> Path:
    """A file with entries and enough questions of both kinds."""
    data = yaml.safe_load(BASE.read_text("utf-8"))
    rows: list[dict[str, Any]] = [
        {"type": "entry", **{key: row[key] for key in ("id", "question", "answer")}}
        for row in data["entries"]
    ]
    asked = [
        (str(text), [row["id"]])
        for row in data["entries"]
        for texts in (row.get("asked") or {}).values()
        for text in texts
    ]
    foreign: list[tuple[str, list[str]]] = [
        (str(text), []) for texts in data["foreign"].values() for text in texts
    ]
    rows += [{"type": "query", "q": text, "ids": ids} for text, ids in (*asked[::3], *foreign[::2])]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


@pytest.fixture
def timid(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped weights are far less sure than they may be."""

    def make(*arguments: Any) -> Any:
        matcher = core_matcher(*arguments)
        matcher.model = replace(matcher.model, bias=matcher.model.bias - 4.0)
        return matcher

    monkeypatch.setattr("optfm_bot.cli.faq.tune.matcher_for", lambda *_, **__: make)


@pytest.fixture
def tuned_project(project: Path) -> Path:
    """A configuration with a tuning."""
    (project / "config.yaml").write_text(
        "faq: {path: knowledge/, tuning: tuning.json}\nchannels: {web: {type: webchat}}\n", "utf-8"
    )
    (project / "tuning.json").write_bytes(tuning_bytes(Tuning(thresholds=LIMITS), shipped_model()))
    return project


@pytest.mark.usefixtures("timid")
def test_a_gain_is_told_and_written_if_asked_for(cli: Cli, own_base: Path) -> None:
    result = cli("faq", "tune", "q.jsonl", "--lang", "en")

    assert result.exit_code == 0
    assert "before" in result.output
    assert "✓ Answered rightly from then on: " in result.output
    assert "✓ This is a gain" in result.output
    assert "--write tuning.json" in result.output
    assert [own_base] == list(own_base.parent.iterdir())
    for _ in range(2):  # a tuning may be replaced by a newer one
        result = cli("faq", "tune", "q.jsonl", "--write", "tuning.json")
        assert "Записано: tuning.json" in result.output
    data = json.loads(Path("tuning.json").read_text("utf-8"))
    assert ("q.jsonl", 5, 0.05) == tuple(data["made"][key] for key in ("questions", "folds", "max_far"))


@pytest.mark.usefixtures("timid")
def test_programs_get_all_of_it(cli: Cli, own_base: Path) -> None:
    result = cli("faq", "tune", "q.jsonl", "--json", "--write", "t.json")

    report = json.loads(result.stdout)
    assert (report["gain"], report["written"], report["file"]) == (True, "t.json", own_base.name)
    assert report["thresholds"]["before"] == {"answer": 0.7, "clarify": 0.15, "margin": 0.1}
    before, after = (report[side]["correct"]["hits"] for side in ("before", "after"))
    assert after - before == len(report["won"]) - len(report["lost"]) > 0
    written = json.loads(Path("t.json").read_text("utf-8"))
    assert written["thresholds"] == report["thresholds"]["after"]
    assert (written["model"] is not None) == report["weights"]["changed"]


def test_few_questions_change_nothing_and_write_nothing(cli: Cli, project: Path) -> None:
    (project / "q.yaml").write_text(FEW, "utf-8")

    result = cli("faq", "tune", "q.yaml", "--write", "tuning.json")

    assert result.exit_code == 0
    assert "! Вопросов меньше 60" in result.output
    assert "! Чужих вопросов меньше 20" in result.output
    assert "! Выигрыша нет" in result.output
    assert "tuning.json не записан" in result.output
    assert not Path("tuning.json").exists()
    report = json.loads(cli("faq", "tune", "q.yaml", "--json", "--write", "tuning.json").stdout)
    assert (report["gain"], report["written"]) == (False, None)
    assert report["thresholds"]["before"] == report["thresholds"]["after"]
    assert {"few-questions", "few-foreign", "no-gain"} <= set(report["notes"])


@pytest.mark.parametrize(
    ("questions", "arguments", "code", "said"),
    [
        ("foreign: [где луна, что такое любовь]", (), 2, "только чужие вопросы"),
        ("delivery-cost: [почем]", (), 2, "--folds 5"),
        (FEW, ("--folds", "1"), 2, "--folds"),
        (FEW, ("--max-far", "7"), 2, "--max-far"),
        ("delivery-cots: [почем]", (), 2, "q.yaml:1: такой записи нет: `delivery-cots`"),
        ("- [", (), 2, "строка не разбирается"),
        (FEW, ("--write", "config.yaml"), 1, "config.yaml уже есть"),
        (FEW, ("--path", "none.yaml"), 3, "none.yaml"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    cli: Cli, project: Path, questions: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    (project / "q.yaml").write_text(questions, "utf-8")
    config = (project / "config.yaml").read_bytes()

    result = cli("faq", "tune", "q.yaml", *arguments)

    assert code == result.exit_code
    assert said in result.output
    assert config == (project / "config.yaml").read_bytes()


def test_a_tuning_that_cannot_be_written_is_a_sentence(cli: Cli, own_base: Path, timid: None) -> None:
    Path("file").write_text("", "utf-8")

    result = cli("faq", "tune", own_base.name, "--write", "file/tuning.json")

    assert result.exit_code == 1
    assert "Подобранное не записать в file/tuning.json" in result.stderr


def test_commands_take_the_tuning_of_the_configuration(cli: Cli, tuned_project: Path) -> None:
    report = json.loads(cli("faq", "why", "когда привезут", "--json").stdout)

    assert {"answer": 0.93, "clarify": 0.31, "margin": 0.02}.items() <= report["thresholds"].items()
    named = json.loads(cli("faq", "why", "когда привезут", "--json", "--path", "knowledge").stdout)
    assert named["thresholds"]["answer"] == Thresholds().answer


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The chat reads from the descriptor itself."""
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    monkeypatch.setattr("optfm_bot.cli.chat.KeyboardReader", lambda: KeyboardReader(reading))


def test_eval_and_chat_answer_by_the_tuning(
    cli: Cli, tuned_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tuned_project / "q.yaml").write_text("delivery-time: [когда привезут]", "utf-8")
    sure = Thresholds(answer=0.0, clarify=0.0, margin=0.0)
    shares = []
    for limits in (sure, Thresholds(answer=1.0, clarify=1.0)):
        content = tuning_bytes(Tuning(thresholds=limits), shipped_model())
        (tuned_project / "tuning.json").write_bytes(content)
        report = json.loads(cli("faq", "eval", "q.yaml", "--json").stdout)
        shares.append((report["correct"]["hits"], report["silent"]["hits"]))
        typed(monkeypatch, "когда привезут\n")
        assert ("Завтра." in cli("chat").stdout) == (limits is sure)
    assert shares == [(1, 0), (0, 1)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "это не файл подобранных весов; выполните optfm-bot faq tune снова"),
        (b'{"version": 0, "fitted_for": ""}', "подобран для другой версии"),
        (None, "файл не читается"),
    ],
)
def test_a_broken_tuning_is_told_and_the_shipped_weights_answer(
    cli: Cli, tuned_project: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, said: str
) -> None:
    path = tuned_project / "tuning.json"
    path.unlink() if content is None else path.write_bytes(content)

    for arguments in (("faq", "why", "Когда привезут заказ?", "--json"), ("chat",)):
        typed(monkeypatch, "Когда привезут заказ?\n")
        result = cli(*arguments)
        assert result.exit_code == 0
        assert said in result.stderr
        assert "faq.tuning: tuning.json: " in result.stderr
    report = json.loads(cli("faq", "why", "Когда привезут заказ?", "--json").stdout)
    assert report["thresholds"]["answer"] == Thresholds().answer


def test_the_bot_serves_by_the_tuning_and_without_a_broken_one(tuned_project: Path) -> None:
    def thresholds() -> Thresholds:
        app = App(load_config(None, env={}, cwd=tuned_project), cwd=tuned_project)
        return app.knowledge.manager.thresholds

    assert thresholds() == read_tuning(tuned_project / "tuning.json").thresholds == LIMITS
    (tuned_project / "tuning.json").write_text("{}", "utf-8")
    assert thresholds() == Thresholds()
