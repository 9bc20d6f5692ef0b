"""Which matcher the settings ask for, and what is said if it cannot be had."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from config import ConfigError, LoadedConfig, load_config
from faq import Candidate, FaqEntry, FaqManager, Outcome, Query, Scope
from faq.contract import EVERYTHING
from faq.manager import MatcherFactory, default_matcher
from faq.semantic import PACKAGE, encoder
from faq.semantic.cache import VectorCache
from faq.semantic.encoder import UniversalEncoder
from optfm_bot.app import App
from optfm_bot.matching import cache_folder, matcher_factory

Load = Callable[[str], LoadedConfig]

SEMANTIC = "faq: {matcher: semantic}\nchannels: {console: {}}"
ENTRIES = [FaqEntry(id="pay", question="Как оплатить?", answer="Картой.")]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def run(text: str) -> LoadedConfig:
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
        return load_config(None, env={}, cwd=tmp_path)

    return run


class Silent:
    """A matcher without an answer."""

    def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> Sequence[Candidate]:
        return ()


class Made:
    """Stands in for the semantic matcher: knows no answer, but what it was made with."""

    def __init__(self) -> None:
        self.encoder: UniversalEncoder | None = None
        self.cache: VectorCache | None = None
        self.bases: list[Sequence[FaqEntry]] = []

    def factory(self, encoder: UniversalEncoder, cache: VectorCache | None) -> MatcherFactory:
        self.encoder, self.cache = encoder, cache

        def make(entries: Sequence[FaqEntry], synonyms: Sequence[Sequence[str]]) -> Any:
            self.bases.append(entries)
            return Silent()

        return make


class Model:
    """Stands in for the library of the model."""

    loaded = 0

    def __init__(self, threads: int) -> None:
        type(self).loaded += 1

    def encode(self, texts: Sequence[str]) -> Any:
        return np.zeros(512, dtype=np.float32)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """The semantic tier is installed, as far as the house can see."""
    module = ModuleType(PACKAGE)
    module.__spec__ = ModuleSpec(PACKAGE, loader=None)
    module.USE = Model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, PACKAGE, module)
    monkeypatch.setattr(encoder, "_loaded", encoder._loaded.__wrapped__)
    found = Made()
    monkeypatch.setattr("faq.matching.semantic.semantic_matcher", found.factory)
    return found


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)


def test_the_core_is_what_the_manager_takes_by_itself(load: Load, tmp_path: Path, missing: None) -> None:
    found = matcher_factory(load("channels: {console: {}}"), cwd=tmp_path)

    assert found is default_matcher
    assert found is inspect.signature(FaqManager).parameters["matcher"].default


def test_the_semantic_matcher_gets_a_loaded_model_and_a_cache(load: Load, tmp_path: Path, made: Made) -> None:
    Model.loaded = 0
    manager = FaqManager(ENTRIES, matcher=matcher_factory(load(SEMANTIC), cwd=tmp_path))

    assert manager.decide("как оплатить").outcome is Outcome.ADMIT
    assert [list(base) for base in made.bases] == [ENTRIES]
    assert isinstance(made.encoder, UniversalEncoder)
    assert Model.loaded == 1
    assert made.cache is not None
    assert made.cache.folder == tmp_path / ".cache" / "optfm-bot"


def test_the_app_serves_with_the_matcher_of_its_settings(load: Load, tmp_path: Path, made: Made) -> None:
    app = App(load(SEMANTIC), cwd=tmp_path)

    assert [len(base) for base in made.bases] == [len(app.knowledge.manager.entries)]


def test_without_the_package_the_app_does_not_start(load: Load, tmp_path: Path, missing: None) -> None:
    for refused in (App, matcher_factory):
        with pytest.raises(ConfigError) as caught:
            refused(load(SEMANTIC), cwd=tmp_path)
        (problem,) = caught.value.problems
        assert (problem.where, problem.key) == ("config.yaml:1", "faq.matcher")
        assert problem.hint == problem.hint_ru == 'pip install "optfm-bot[semantic]"'
        assert "пакет, который не установлен" in problem.describe("ru")


def test_a_broken_package_does_not_start_either(
    load: Load, tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Model, texts: Sequence[str]) -> Any:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Model, "encode", broken)
    with pytest.raises(ConfigError, match=r"config\.yaml:1: faq\.matcher: .*--force-reinstall"):
        matcher_factory(load(SEMANTIC), cwd=tmp_path)


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("", ".cache/optfm-bot"),
        ("database: {url: 'sqlite:///data/bot.db'}", "data/.cache/optfm-bot"),
        ("database: {url: 'sqlite:///nowhere/bot.db'}", ".cache/optfm-bot"),
        ("database: {url: 'sqlite://'}", ".cache/optfm-bot"),
        ("database: {url: 'postgresql://localhost/bot'}", ".cache/optfm-bot"),
        ("database: {url: 'sqlite:///data/bot.db'}\nfaq: {cache: tmp/vectors}", "tmp/vectors"),
        ("faq: {cache: /var/cache/bot}", "/var/cache/bot"),
    ],
)
def test_vectors_are_kept_where_the_bot_may_write(load: Load, tmp_path: Path, text: str, folder: str) -> None:
    (tmp_path / "data").mkdir()
    settings = load(f"{text}\nchannels: {{console: {{}}}}").settings

    assert cache_folder(settings, cwd=tmp_path) == tmp_path / folder


def test_a_folder_of_ones_home_is_understood(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/bot")
    settings = load("faq: {cache: ~/vectors}").settings

    assert cache_folder(settings, cwd=tmp_path) == Path("/home/bot/vectors")
