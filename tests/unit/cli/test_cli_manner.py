"""--quiet and --debug: results alone, or where an error comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from channels.errors import Unreachable
from config.secret import Secret
from optfm_bot.cli import journal
from optfm_bot.cli.exits import guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.main import main
from optfm_bot.cli.options import voice_options
from optfm_bot.cli.output import Mark, Output

Cli = Callable[..., Result]


@pytest.fixture
def levels(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The levels that the log was set to."""
    found: list[str] = []
    monkeypatch.setattr(journal, "configure_logging", lambda **options: found.append(options["level"]))
    return found


@click.command()
@voice_options
@guarded
def talkative() -> int:
    """Say everything there is to say, then fail."""
    log_to_stderr("warning", [Secret("s3cret-of-ours")])
    output = Output()
    output.line("the result")
    output.line("done", mark=Mark.OK)
    output.line("found", mark=Mark.OK, result=True)
    output.line("mind this", mark=Mark.WARNING)
    output.advice("go on with that")
    output.table(["a"], [["1"]])
    raise Unreachable("no answer from s3cret-of-ours", maybe_sent=False) from OSError("wire cut")


@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_quietly_there_are_results_and_what_is_wrong(option: str, levels: list[str]) -> None:
    result = CliRunner().invoke(talkative, [option])

    assert "the result\n✓ found\n! mind this\na\n1\n" == result.stdout
    assert "канал: no answer" in result.stderr
    assert "Traceback" not in result.stderr
    assert ["error"] == levels


def test_otherwise_everything_is_said(levels: list[str]) -> None:
    result = CliRunner().invoke(talkative, [])

    assert "✓ done\n" in result.stdout
    assert "go on with that\n" in result.stdout
    assert "Traceback" not in result.stderr
    assert ["warning"] == levels


def test_debugging_shows_where_an_error_comes_from_and_no_secret(levels: list[str]) -> None:
    result = CliRunner().invoke(talkative, ["--debug"])

    assert 4 == result.exit_code
    assert "OSError: wire cut" in result.stderr
    assert "test_cli_manner.py" in result.stderr
    trace, _, _ = result.stderr.partition("канал: ")
    assert "channels.errors.Unreachable" in trace
    assert "s3cret-of-ours" not in trace
    assert "Traceback" not in result.stdout
    assert ["debug"] == levels


def test_both_reach_a_command_of_a_group_and_none_of_the_next(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text("server: {prt: 1}\n", "utf-8")

    assert "Traceback" in cli("config", "show", "--debug").stderr
    assert "Traceback" not in cli("config", "show").stderr


def test_a_sound_installation_is_nothing_to_talk_about(cli: Cli, project: Path) -> None:
    cli("db", "upgrade", "--quiet")

    assert (0, "") == (
        cli("doctor", "--offline", "--quiet").exit_code,
        cli("doctor", "--offline", "-q").stdout,
    )
    (project / "knowledge" / "faq.yaml").write_text("entries: 1\n", "utf-8")
    result = cli("doctor", "--offline", "--quiet")
    assert 1 == result.exit_code
    assert result.stdout.startswith("База знаний\n  ✗ "), result.stdout


def test_a_new_folder_is_made_without_a_word(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", str(tmp_path / "shop"), "--yes", "--quiet")

    assert (0, "") == (result.exit_code, result.output)
    assert (tmp_path / "shop" / "config.yaml").exists()


def test_what_would_be_answered_is_a_result(cli: Cli, project: Path) -> None:
    assert "✓ " in cli("faq", "why", "сколько стоит доставка", "--quiet").stdout


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        elif command is not None:
            yield f"{path}{name}", command


def test_every_command_takes_them() -> None:
    for path, command in commands(main):
        wanted = {"debug"} if path == "run" else {"quiet", "debug"}
        assert wanted <= {option.name for option in command.params}, path
