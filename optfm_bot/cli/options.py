"""Options that several commands share, and the loading of settings behind them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from config.load import LoadedConfig, load_config
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


def language_option(command: F) -> F:
    """Add `--lang ru|en`. The command takes no argument for it: `words.current_words` knows."""
    return click.option(
        "--lang",
        type=click.Choice(["ru", "en"]),
        callback=_remember_language,
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


def _remember_language(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    del parameter
    if value is not None:
        context.meta[META] = value
