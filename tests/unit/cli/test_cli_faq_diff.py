"""faq diff: two bases, or one and its past in git."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from faq import KnowledgeError
from optfm_bot.cli.faq import revision
from optfm_bot.cli.faq.revision import RevisionError, knowledge_at

Cli = Callable[..., Result]

BEFORE = """\
entries:
  - {id: cost, question: Сколько стоит доставка?, aliases: [почём привезти диван], answer: '300'}
  - {id: back, question: Как вернуть товар?, answer: За 14 дней}
"""
AFTER = """\
entries:
  - {id: cost, question: Сколько стоит доставка?, answer: '300'}
  - {id: sofa, question: Почём привезти диван, answer: '900'}
  - {id: pay, question: Можно ли платить картой?, answer: Да}
"""
QUESTIONS = "cost: [почём привезти диван]\nback: [Как вернуть товар?]\npay: [Можно ли платить картой?]\n"

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def bases(tmp_path: Path) -> Path:
    (tmp_path / "before.yaml").write_text(BEFORE, "utf-8")
    (tmp_path / "after.yaml").write_text(AFTER, "utf-8")
    (tmp_path / "q.yaml").write_text(QUESTIONS, "utf-8")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *settings, *arguments], check=True, capture_output=True)  # noqa: S607


@pytest.fixture
def repository(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A knowledge folder whose first commit lacks the second file and has a file that is no knowledge."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    folder = project / "knowledge"
    (folder / "notes.txt").write_text("entries: [", "utf-8")
    (folder / ".hidden.yaml").write_text("entries: [", "utf-8")
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    (folder / "more.yaml").write_text(
        "entries:\n  - {id: pay, question: Можно платить картой?, answer: Да}\n", "utf-8"
    )
    return project


def test_questions_are_won_stolen_and_lost(cli: Cli, bases: Path) -> None:
    report = json.loads(
        cli("faq", "diff", "before.yaml", "after.yaml", "--questions", "q.yaml", "--json").stdout
    )

    kinds = {change["question"]: change["kind"] for change in report["changes"]}
    assert {
        "почём привезти диван": "stolen",
        "Как вернуть товар?": "silenced",
        "Можно ли платить картой?": "won",
    } == kinds
    assert ({"sofa": 1}, False, 3) == (report["stolen_by"], report["own_phrasings"], report["questions"])
    output = cli("faq", "diff", "before.yaml", "after.yaml", "--questions", "q.yaml").output
    for line in (
        "3 вопроса: верно 66,7% → 33,3%",
        "✓ Теперь верно: 1",
        "✗ Отвечает другая запись: 1",
        "«почём привезти диван» (cost), отвечает sofa",
        "Перехватили: sofa (1)",
        "✗ Больше нет ответа: 1",
    ):
        assert line in output


def test_without_questions_the_bases_own_phrasings_are_asked(cli: Cli, bases: Path) -> None:
    report = json.loads(cli("faq", "diff", "before.yaml", "after.yaml", "--json").stdout)

    kinds = {change["question"]: change["kind"] for change in report["changes"]}
    assert {"Как вернуть товар?": "silenced", "Можно ли платить картой?": "won"} == kinds
    assert report["own_phrasings"]


def test_nothing_changed_is_said(cli: Cli, bases: Path) -> None:
    result = cli("faq", "diff", "before.yaml", "before.yaml", "--lang", "en")
    assert (0, True) == (result.exit_code, result.output.startswith("✓ 3 questions, nothing has changed\n"))


def test_an_id_of_neither_base_is_refused(cli: Cli, bases: Path) -> None:
    (bases / "q.yaml").write_text("sofa: [a]\nback: [b]\nnone: [c]\n", "utf-8")

    result = cli("faq", "diff", "before.yaml", "after.yaml", "--questions", "q.yaml")

    assert (2, 1) == (result.exit_code, result.stderr.count("такой записи нет"))
    assert "q.yaml:3" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["before.yaml"], ["before.yaml", "after.yaml", "--since", "HEAD"]])
def test_the_wrong_number_of_bases_is_a_wrong_call(cli: Cli, bases: Path, arguments: list[str]) -> None:
    result = cli("faq", "diff", *arguments)
    assert 2 == result.exit_code
    assert "--since" in result.stderr


@needs_git
@pytest.mark.parametrize("where", [[], ["knowledge"], ["knowledge/"]])
def test_a_folder_against_its_past(cli: Cli, repository: Path, where: list[str]) -> None:
    report = json.loads(cli("faq", "diff", *where, "--since", "HEAD", "--json").stdout)
    assert [("Можно платить картой?", "won")] == [(one["question"], one["kind"]) for one in report["changes"]]


@needs_git
def test_a_file_against_its_past(cli: Cli, repository: Path) -> None:
    file = repository / "knowledge" / "faq.yaml"
    file.write_text(
        file.read_text("utf-8")
        .partition("  - id: delivery-time")[0]
        .replace("delivery-time", "delivery-cost"),
        "utf-8",
    )

    report = json.loads(cli("faq", "diff", "knowledge/faq.yaml", "--since", "main", "--json").stdout)

    assert ["Когда привезут заказ?"] == [one["question"] for one in report["changes"]]
    assert ["delivery-cost", "delivery-time"] == [one.id for one in knowledge_at(file, "HEAD").entries]


@needs_git
def test_the_environment_of_a_hook_does_not_lead_astray(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert 2 == len(knowledge_at(repository / "knowledge", "HEAD").entries)


@needs_git
@pytest.mark.parametrize("name", ["nowhere", "--output=stolen", "--since=2020-01-01", "HEAD:knowledge", ""])
def test_a_revision_that_is_none_is_a_sentence(cli: Cli, repository: Path, name: str) -> None:
    result = cli("faq", "diff", f"--since={name}")

    assert 1 == result.exit_code
    assert f"В git нет версии «{name}»" in result.stderr
    assert not (repository / "stolen").exists()


@needs_git
def test_what_was_not_there_then_is_told(cli: Cli, repository: Path) -> None:
    result = cli("faq", "diff", "knowledge/more.yaml", "--since", "HEAD")
    assert 1 == result.exit_code
    assert "git не отдаёт knowledge/more.yaml версии HEAD" in result.stderr


@needs_git
def test_a_base_that_was_broken_then_is_told_with_its_revision(repository: Path) -> None:
    (repository / "knowledge" / "faq.yaml").write_text("entries: [", "utf-8")
    git(repository, "commit", "--all", "--quiet", "--message", "broken")
    with pytest.raises(KnowledgeError, match=re.escape("knowledge @ HEAD: faq.yaml")):
        knowledge_at(Path("knowledge"), "HEAD")


def test_outside_of_git_is_told(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    result = cli("faq", "diff", "--since", "HEAD", "--lang", "en")
    assert 1 == result.exit_code
    assert "git" in result.stderr


def test_a_missing_git_is_a_sentence(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revision.shutil, "which", lambda _: None)
    result = cli("faq", "diff", "--since", "HEAD")
    assert 1 == result.exit_code
    assert "нужна программа git" in result.stderr


def test_a_git_that_hangs_is_given_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(revision.shutil, "which", lambda _: "/usr/bin/git")
    monkeypatch.setattr(revision.subprocess, "run", hang)
    with pytest.raises(RevisionError, match="30"):
        knowledge_at(project / "knowledge", "HEAD")
