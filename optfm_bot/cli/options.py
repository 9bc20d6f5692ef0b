"""Options that several commands share, and the loading of settings behind them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from config.load import LoadedConfig, load_config

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """Add `--config FILE`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Configuration file; config.yaml of the current folder if there is one.",
    )(command)


def loaded(config_path: Path | None, overrides: dict[str, Any] | None = None) -> LoadedConfig:
    """Load the settings of the current folder. Raises `ConfigError` with every problem."""
    return load_config(config_path, env=os.environ, cwd=Path.cwd(), overrides=overrides)
