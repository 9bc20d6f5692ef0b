from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from config import ConfigError, LoadedConfig, Problem, load_config

Load = Callable[..., LoadedConfig]
Refuse = Callable[..., list[Problem]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load settings from YAML text (None: no file), variables and overrides, in a folder of their own."""

    def run(
        text: str | None = None,
        env: Mapping[str, str] | None = None,
        *,
        overrides: Mapping[str, Any] | None = None,
        dotenv: str | None = None,
    ) -> LoadedConfig:
        if text is not None:
            (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
        if dotenv is not None:
            (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        return load_config(None, env=env or {}, cwd=tmp_path, overrides=overrides)

    return run


@pytest.fixture
def refuse(load: Load) -> Refuse:
    """Load settings that must be refused, and give the problems."""

    def run(*args: Any, **kwargs: Any) -> list[Problem]:
        with pytest.raises(ConfigError) as caught:
            load(*args, **kwargs)
        return list(caught.value.problems)

    return run
