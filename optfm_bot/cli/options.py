"""Options that several commands share, and the loading of settings behind them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from config.load import LoadedConfig, load_config
from optfm_bot.cli.manner import DEBUG, QUIET
from optfm_bot.cli.words import META

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """Add `--config FILE`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Configuration file; config.yaml of the current folder if there is one.",
    )(command)


def voice_options(command: F) -> F:
    """Add how a command speaks: `--lang`, `--quiet` and `--debug`.

    The command takes no arguments for them: `words.current_words`, `output.Output` and `exits.guarded` know.
    """
    return _language_option(quiet_option(debug_option(command)))


def quiet_option(command: F) -> F:
    """Add `--quiet`."""
    return click.option(
        "-q",
        "--quiet",
        is_flag=True,
        callback=_remember(QUIET),
        expose_value=False,
        is_eager=True,
        help="Print results and what is wrong, nothing else.",
    )(command)


def debug_option(command: F) -> F:
    """Add `--debug`."""
    return click.option(
        "--debug",
        is_flag=True,
        callback=_remember(DEBUG),
        expose_value=False,
        is_eager=True,
        help="Show where an error comes from, and log everything.",
    )(command)


def _language_option(command: F) -> F:
    return click.option(
        "--lang",
        type=click.Choice(["ru", "en"]),
        callback=_remember(META),
        expose_value=False,
        is_eager=True,
        help="Language of what is printed; the terminal's if missing.",
    )(command)


def json_option(command: F) -> F:
    """Add `--json`, given to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def loaded(config_path: Path | None, overrides: dict[str, Any] | None = None) -> LoadedConfig:
    """Load the settings of the current folder. Raises `ConfigError` with every problem."""
    return load_config(config_path, env=os.environ, cwd=Path.cwd(), overrides=overrides)


def _remember(key: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        del parameter
        if value:
            context.meta[key] = value

    return remember
