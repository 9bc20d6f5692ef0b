from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from faq.semantic import PACKAGE, encoder

Install = Callable[[type], None]


class ScriptedEncoder:
    """Vectors that are random and depend on the name and the text alone; remembers what it was asked."""

    def __init__(self, name: str = "scripted 1", dimensions: int = 8) -> None:
        self.name = name
        self.dimensions = dimensions
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked += texts
        return np.array([self.vector(text) for text in texts], dtype=np.float32).reshape(-1, self.dimensions)

    def vector(self, text: str) -> npt.NDArray[np.float32]:
        digest = hashlib.sha256(f"{self.name}{text}".encode("utf-8", "surrogatepass")).digest()
        drawn = np.random.default_rng(list(digest)).normal(size=self.dimensions)
        return (drawn / np.linalg.norm(drawn)).astype(np.float32)

    def stored(self, texts: Sequence[str]) -> npt.NDArray[np.float16]:
        """What a cache must give for the texts."""
        vectors = [self.vector(text) for text in texts]
        return np.array(vectors, dtype=np.float16).reshape(-1, self.dimensions)


@pytest.fixture
def scripted() -> ScriptedEncoder:
    return ScriptedEncoder()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a double in the place of the library of the model."""

    def put(model: type) -> None:
        module = ModuleType(PACKAGE)
        module.__spec__ = ModuleSpec(PACKAGE, loader=None)
        module.USE = model  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, PACKAGE, module)

    encoder._loaded.cache_clear()
    yield put
    encoder._loaded.cache_clear()
