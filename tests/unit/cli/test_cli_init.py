"""init: files that work at once, nothing overwritten, the token in one place."""

from __future__ import annotations

import itertools
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from config.load import load_config
from faq import FaqManager
from faq.contract import Outcome
from faq.source import load_knowledge

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
MAX_TOKEN = "f9LHodD0cOKIm0Jj4hSTn-canary-9nQ1rP"

Cli = Callable[..., Result]


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    ("language", "telegram", "samples"), list(itertools.product(["ru", "en"], [True, False], [True, False]))
)
def test_what_is_written_passes_its_own_check(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, language: str, telegram: bool, samples: bool
) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n", "utf-8")
    flags = ["--telegram", "--token-file", "token"] if telegram else ["--no-telegram"]
    flags.append("--samples" if samples else "--no-samples")

    result = cli("init", "bot", "--yes", "--language", language, *flags)

    assert 0 == result.exit_code, result.output
    monkeypatch.chdir(tmp_path / "bot")
    check = cli("config", "check")
    assert 0 == check.exit_code, check.output
    assert "!" not in check.output
    loaded = load_config(None, env={}, cwd=tmp_path / "bot")
    assert ({"web", "telegram"} if telegram else {"web"}) == set(loaded.settings.channels)
    faq = FaqManager.from_base(load_knowledge("knowledge"))
    assert Outcome.ANSWER is faq.decide(faq.entries[0].question).outcome
    assert 0 == cli("faq", "lint", "--strict").exit_code


@pytest.mark.parametrize(
    "name", ['Бот "X": #1', "${HOME} $${A}", "'", "yes", "12:30", "- a", "{telegram}", "\\n"]
)
def test_any_name_comes_back_as_it_was_typed(cli: Cli, tmp_path: Path, name: str) -> None:
    assert 0 == cli("init", "bot", "--yes", "--name", name).exit_code

    assert name == load_config(None, env={}, cwd=tmp_path / "bot").settings.agent.name


def test_the_token_is_in_the_env_file_only_and_only_for_its_owner(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "bot", "--yes", "--telegram", "--token-file", "-", typed=TOKEN + "\n")

    written = contents(tmp_path / "bot")
    assert f"TELEGRAM_BOT_TOKEN={TOKEN}" == written.pop(".env").splitlines()[0]
    assert TOKEN not in str(written)
    assert TOKEN not in result.output
    assert 0o600 == stat.S_IMODE((tmp_path / "bot" / ".env").stat().st_mode)


def test_the_token_may_come_from_the_environment(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)

    cli("init", "bot", "--yes")

    assert TOKEN in contents(tmp_path / "bot")[".env"]


def test_telegram_without_a_token_is_refused_before_anything_is_written(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "bot", "--yes", "--telegram")

    assert 2 == result.exit_code
    assert "TELEGRAM_BOT_TOKEN" in result.output
    assert not (tmp_path / "bot").exists()


def test_a_token_that_is_none_is_refused(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "bot", "--yes", "--token-file", "-", typed="canary\n")

    assert 2 == result.exit_code
    assert "canary" not in result.output
    assert not (tmp_path / "bot").exists()


def test_nothing_is_overwritten_and_the_rest_is_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("# mine\n", "utf-8")

    result = cli("init", "--yes")

    assert 1 == result.exit_code
    assert "config.yaml уже есть" in result.output
    assert "# mine\n" == contents(tmp_path)["config.yaml"]
    assert {"config.yaml", ".env", ".gitignore", "knowledge/faq.yaml"} == contents(tmp_path).keys()


def test_a_second_run_finds_nothing_to_do(cli: Cli, tmp_path: Path) -> None:
    cli("init", "--yes")
    before = contents(tmp_path)

    result = cli("init")

    assert 0 == result.exit_code
    assert before == contents(tmp_path)


def test_an_ignore_file_of_a_repository_is_no_obstacle(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.db\n", "utf-8")

    result = cli("init", "--yes")

    assert 0 == result.exit_code
    assert "допишите в него: .env" in result.output
    assert "*.db\n" == contents(tmp_path)[".gitignore"]


def test_max_is_connected_like_telegram(cli: Cli, tmp_path: Path) -> None:
    cli("init", "bot", "--yes", "--max", "--max-token-file", "-", typed=MAX_TOKEN + "\n")

    written = contents(tmp_path / "bot")
    assert f"MAX_BOT_TOKEN={MAX_TOKEN}" in written.pop(".env").splitlines()
    assert MAX_TOKEN not in str(written)
    assert {"web", "max"} == set(load_config(None, env={}, cwd=tmp_path / "bot").settings.channels)


def test_max_without_a_token_is_refused_before_anything_is_written(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "bot", "--yes", "--max")

    assert 2 == result.exit_code
    assert "--max-token-file" in result.output
    assert not (tmp_path / "bot").exists()


def test_a_kept_env_file_without_the_token_is_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OTHER=1\n", "utf-8")

    result = cli("init", "--yes", "--telegram", "--token-file", "-", typed=TOKEN + "\n")

    assert 1 == result.exit_code
    assert "TELEGRAM_BOT_TOKEN=" in result.output
    assert TOKEN not in result.output


def test_questions_are_answered_by_a_person(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "bot", typed=f"Мой бот\nen\nда\nnonsense\n{TOKEN}\nда\n{MAX_TOKEN}\nнет\n")

    assert 0 == result.exit_code, result.output
    assert TOKEN not in result.output
    assert MAX_TOKEN not in result.output
    loaded = load_config(None, env={}, cwd=tmp_path / "bot").settings
    assert ("Мой бот", "en") == (loaded.agent.name, loaded.agent.language)
    assert ["web", "telegram", "max"] == list(loaded.channels)
    assert {"token": MAX_TOKEN} == dict(loaded.channels["max"].options)
    assert 1 == len(load_knowledge(tmp_path / "bot" / "knowledge").entries)


def test_an_empty_token_means_later(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "bot", typed="\n\ny\n\n\n\n")

    assert 0 == result.exit_code, result.output
    assert {"web"} == set(load_config(None, env={}, cwd=tmp_path / "bot").settings.channels)


def test_input_that_ends_too_soon_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "bot", typed="Мой бот\n")

    assert 2 == result.exit_code
    assert "--yes" in result.output
    assert not (tmp_path / "bot").exists()


def test_the_last_lines_are_the_next_commands(cli: Cli) -> None:
    result = cli("init", "my bot", "--yes", "--lang", "en")

    assert (
        "Next:\n  cd 'my bot'\n  optfm-bot chat   ask the bot in the terminal\n  optfm-bot run "
        in result.output
    )


def test_a_folder_that_cannot_be_written_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")

    result = cli("init", "file/bot", "--yes")

    assert 1 == result.exit_code
    assert "file/bot" in result.output
