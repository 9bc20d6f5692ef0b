"""What is judged of the best candidate."""

from __future__ import annotations

import numpy as np
import pytest

from faq.matching.chat import Likeness
from faq.matching.features import FEATURES, compare
from faq.matching.index import Index
from faq.matching.judgement import judged, judged_names
from faq.matching.message import look_at
from faq.matching.reading import Reader

CHAT = Likeness(0.4, 0.2, "как дела")


def row(index: Index, text: str, scores: list[float]) -> tuple[int, dict[str, float]]:
    reader = Reader(index.vocabulary, index.normalizer)
    message = look_at(reader.readings(text)[0], reader)
    assert message is not None
    found = compare(index, message, np.arange(len(scores), dtype=np.int32))
    best, values = judged(np.array(scores, np.float32), found.values, FEATURES, message, CHAT)
    assert np.all(np.isfinite(values))
    return best, dict(zip(judged_names(FEATURES), values.tolist(), strict=True))


def test_the_best_is_the_highest_and_the_first_on_a_tie(shop_index: Index) -> None:
    assert row(shop_index, "как отменить заказ", [0.0, 2.0, 1.0])[0] == 1
    assert row(shop_index, "как отменить заказ", [2.0, 2.0, 1.0])[0] == 0


def test_a_lead_is_over_the_second_and_bounded(shop_index: Index) -> None:
    assert row(shop_index, "отменить", [1.0, 2.5, 0.0])[1]["lead"] == pytest.approx(1.5)
    assert row(shop_index, "отменить", [2.0, 2.0])[1]["lead"] == 0.0
    alone, far = row(shop_index, "отменить", [2.0])[1], row(shop_index, "отменить", [99.0, 0.0])[1]
    assert alone["lead"] == far["lead"] > 5.0
    assert alone["share"] == pytest.approx(1.0)


def test_the_length_the_reading_and_small_talk_are_seen(shop_index: Index) -> None:
    one = row(shop_index, "доставка", [1.0, 0.0])[1]
    two = row(shop_index, "rfr jgkfnbnm", [1.0, 0.0])[1]
    assert (one["one_word"], one["two_words"], one["other_reading"]) == (1.0, 0.0, 0.0)
    assert (two["one_word"], two["two_words"], two["other_reading"]) == (0.0, 1.0, 1.0)
    assert one["length"] < two["length"]
    assert one["chat_meaning"] == pytest.approx(CHAT.meaning)
    assert one["chat_cover"] == pytest.approx(CHAT.cover)
