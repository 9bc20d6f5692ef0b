"""The lexicon: words and nonsense, how common they are, what they mean; its arrays fit together."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from faq.language.lexicon import RARE, UNKNOWN, Lexicon, _Rows, load_lexicon, unit
from faq.normalize import stem


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


def likeness(lexicon: Lexicon, one: str, other: str) -> float:
    left, right = lexicon.vectors(lexicon.rows([stem(one), stem(other)]))
    return float(left @ right)


@pytest.mark.parametrize("word", ["доставка", "заказа", "оплатить", "борщ", "order", "delivery", "refund"])
def test_words_are_known_with_their_stems_and_spelling(lexicon: Lexicon, word: str) -> None:
    row = lexicon.word(word)
    assert row != UNKNOWN
    assert lexicon.spelling(row) == word
    assert lexicon.stem_of(row) == lexicon.row(stem(word)) != UNKNOWN


@pytest.mark.parametrize(
    "word",
    ["jgkfnbnm", "ъъщщ", "абырвалг", "прахадит", "", " ", "🙂", "12345", "\ud800", "\x00", "ы" * 10_000],
)
def test_nonsense_is_unknown_and_rare(lexicon: Lexicon, word: str) -> None:
    assert lexicon.word(word) == lexicon.row(word) == lexicon.word_by_skeleton(word) == UNKNOWN
    assert lexicon.zipf(lexicon.row(word)) == RARE


def test_frequency_goes_from_the_commonest_to_the_unknown(lexicon: Lexicon) -> None:
    order = [
        lexicon.zipf(lexicon.row(stem(word))) for word in ("не", "деньги", "доставка", "борщ", "йцукенг")
    ]
    assert order == sorted(order, reverse=True)
    assert len(set(order)) == len(order)
    assert 6.5 < order[0] < 8.5
    assert order[-1] == RARE


def test_vectors_are_of_length_one_and_zero_for_the_unknown(lexicon: Lexicon) -> None:
    rows = np.array([0, 7, 1_000, UNKNOWN, len(lexicon._stems) - 1])
    lengths = np.linalg.norm(lexicon.vectors(rows), axis=1)
    assert lengths == pytest.approx([1, 1, 1, 0, 1], abs=1e-5)
    assert lexicon.vectors([]).shape == (0, lexicon.dimensions)


@pytest.mark.parametrize(
    ("one", "near", "far"),
    [
        ("деньги", "оплата", "борщ"),
        ("доставка", "курьер", "кошка"),
        ("кошка", "собака", "банк"),
        ("скидка", "акция", "ветер"),
        ("доставка", "delivery", "password"),
        ("пароль", "password", "delivery"),
    ],
)
def test_words_of_like_meaning_are_nearer_also_across_languages(
    lexicon: Lexicon, one: str, near: str, far: str
) -> None:
    assert likeness(lexicon, one, near) > likeness(lexicon, one, far) + 0.2


def test_the_words_among_guesses_are_found_at_once(lexicon: Lexicon) -> None:
    found = lexicon.words_among(["доставка", "дстввк", "заказ", "доставка"])
    assert sorted(lexicon.spelling(row) for row in found) == ["доставка", "заказ"]
    assert lexicon.words_among(["дстввк"]) == lexicon.words_among([]) == []


def test_a_skeleton_leads_to_the_commonest_word(lexicon: Lexicon) -> None:
    assert lexicon.spelling(lexicon.word_by_skeleton("zakaz")) == "заказ"
    assert lexicon.spelling(lexicon.word_by_skeleton("kak")) == "как"


def test_the_arrays_fit_together(lexicon: Lexicon) -> None:
    stems, words = len(lexicon._stems), len(lexicon._words)
    assert np.all(np.diff(lexicon._stems.astype(np.int64)) > 0)
    assert np.all(np.diff(lexicon._words.astype(np.int64)) >= 0)
    assert np.all(np.diff(lexicon._skeletons.astype(np.int64)) > 0)
    assert len(lexicon._zipf) == len(lexicon._vectors) == stems
    assert len(lexicon._word_stems) == len(lexicon._starts) - 1 == words
    assert int(lexicon._starts[-1]) == len(lexicon._letters)
    assert 0 <= int(np.min(lexicon._word_stems)) <= int(np.max(lexicon._word_stems)) < stems
    assert len(lexicon._skeleton_words) == len(lexicon._skeletons)
    assert int(np.max(lexicon._skeleton_words)) < words


def test_every_word_is_spelled_as_it_is_found(lexicon: Lexicon) -> None:
    sample = range(0, len(lexicon._words), 97)
    assert [row for row in sample if lexicon.word(lexicon.spelling(row)) != row] == []
    assert [row for row in sample if lexicon.row(stem(lexicon.spelling(row))) != lexicon.stem_of(row)] == []


def test_many_are_looked_up_at_once_as_one_by_one(lexicon: Lexicon) -> None:
    stems = ["доставк", "оплат", "фщзкъ", "", "deliveri", "доставк"]
    rows = lexicon.rows(stems)
    assert rows.tolist() == [lexicon.row(root) for root in stems]
    assert UNKNOWN in rows
    assert lexicon.zipfs(rows) == [lexicon.zipf(int(row)) for row in rows]
    assert lexicon.rows([]).shape == (0,)
    assert lexicon.zipfs(lexicon.rows([])) == []


def test_a_table_is_read_as_it_would_be_mapped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = np.arange(60, dtype=np.int8).reshape(20, 3)
    np.save(tmp_path / "table.npy", table)
    read = _Rows(tmp_path / "table.npy")
    with monkeypatch.context() as windows:
        windows.delattr(os, "pread")
        mapped = _Rows(tmp_path / "table.npy")
    for rows in (read, mapped):
        assert (len(rows), rows.width) == table.shape
        assert rows.read([19, 0, 7, 7]).tolist() == table[[19, 0, 7, 7]].tolist()
        assert rows.read([]).shape == (0, 3)


def test_a_table_that_is_not_used_any_more_is_closed(tmp_path: Path) -> None:
    np.save(tmp_path / "table.npy", np.zeros((2, 2), np.int8))
    rows = _Rows(tmp_path / "table.npy")
    file = rows._file
    assert os.fstat(file).st_size > 0
    del rows
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(file)


def test_directions_are_kept_and_zeros_stay_zeros() -> None:
    scaled = unit(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    assert scaled.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 0.0]]


def test_the_lexicon_is_opened_once() -> None:
    assert load_lexicon() is load_lexicon()
