"""The file of a tuning: there and back, and everything that it cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faq import FaqEntry, FaqManager, Thresholds
from faq.matching.matcher import FusionMatcher, core_matcher
from faq.matching.model import Model
from faq.tuning import Tuning, TuningError, Unfit, is_tuning, read_tuning, shipped_model, tuning_bytes

ENTRIES = [
    FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой."),
    FaqEntry(id="back", question="Как вернуть товар?", answer="За 14 дней."),
]
LIMITS = Thresholds(answer=0.6, clarify=0.1, margin=0.05)


@pytest.fixture(scope="module")
def shipped() -> Model:
    return shipped_model()


@pytest.fixture
def tuning(shipped: Model) -> Tuning:
    model = replace(shipped, ranking=(shipped.ranking + np.float32(0.25)), bias=shipped.bias - 1)
    return Tuning(model=model, thresholds=LIMITS, made={"at": "2026-01-15T10:00:00+00:00", "foreign": 30})


def test_a_tuning_comes_back_as_it_was(tuning: Tuning, shipped: Model, tmp_path: Path) -> None:
    path = tmp_path / "tuning.json"
    path.write_bytes(tuning_bytes(tuning, shipped))

    found = read_tuning(path)

    assert found.thresholds == LIMITS
    assert found.made == tuning.made
    assert found.model is not None
    assert tuning.model is not None
    assert found.model.data() == tuning.model.data()
    assert is_tuning(path)
    assert tuning_bytes(found, shipped) == path.read_bytes()


def test_thresholds_alone_leave_the_weights(shipped: Model, tmp_path: Path) -> None:
    path = tmp_path / "tuning.json"
    path.write_bytes(tuning_bytes(Tuning(thresholds=LIMITS), shipped))

    found = read_tuning(path)

    assert found == Tuning(thresholds=LIMITS)
    assert found.matcher(core_matcher) is core_matcher


def test_a_matcher_gets_the_weights_and_its_sisters_do_not(tuning: Tuning, shipped: Model) -> None:
    manager = FaqManager(ENTRIES, matcher=tuning.matcher(core_matcher), thresholds=tuning.thresholds)
    plain = FaqManager(ENTRIES)

    judged = [one.explain("можно ли вернуть").judgement for one in (manager, plain)]

    assert judged[0] is not None
    assert judged[1] is not None
    assert (judged[0].bias, judged[1].bias) == (shipped.bias - 1, shipped.bias)
    assert manager.thresholds == LIMITS
    sister = core_matcher(ENTRIES, ())
    assert isinstance(sister, FusionMatcher)
    assert sister.model is shipped


Change = Callable[[dict[str, Any]], object]


def ranking(value: object) -> Change:
    return lambda data: data["model"]["ranking"].update({next(iter(data["model"]["ranking"])): value})


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda data: data.update(version=2), Unfit.OTHER_VERSION),
        (lambda data: data.update(fitted_for="0123456789abcdef"), Unfit.OTHER_VERSION),
        (lambda data: data.pop("version"), Unfit.BROKEN),
        (lambda data: data.update(surprise=1), Unfit.BROKEN),
        (lambda data: data.update(model=[]), Unfit.BROKEN),
        (lambda data: data["model"].update(bias="high"), Unfit.BROKEN),
        (lambda data: data["model"].pop("judging"), Unfit.BROKEN),
        (lambda data: data["model"]["ranking"].update(unheard_of=1.0), Unfit.BROKEN),
        (ranking("0.5"), Unfit.BROKEN),
        (ranking(None), Unfit.BROKEN),
        (ranking(True), Unfit.BROKEN),  # noqa: FBT003 - a value of a file
        (ranking(1e300), Unfit.BROKEN),
        (lambda data: data.pop("thresholds"), Unfit.BROKEN),
        (lambda data: data["thresholds"].pop("margin"), Unfit.BROKEN),
        (lambda data: data["thresholds"].update(answer=1.5), Unfit.BROKEN),
        (lambda data: data["thresholds"].update(clarify=0.9), Unfit.BROKEN),
    ],
)
def test_what_does_not_fit_is_refused_with_advice(
    tuning: Tuning, shipped: Model, tmp_path: Path, change: Change, kind: Unfit
) -> None:
    data = json.loads(tuning_bytes(tuning, shipped))
    change(data)
    path = tmp_path / "tuning.json"
    path.write_text(json.dumps(data), "utf-8")

    with pytest.raises(TuningError, match="run `optfm-bot faq tune` again") as caught:
        read_tuning(path, shipped)
    assert caught.value.kind is kind
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"version": NaN}', b"\xff", b" " * 1024 * 1025]
)
def test_what_is_no_tuning_at_all_is_refused(tmp_path: Path, shipped: Model, content: bytes) -> None:
    path = tmp_path / "tuning.json"
    path.write_bytes(content)

    assert not is_tuning(path)
    with pytest.raises(TuningError) as caught:
        read_tuning(path, shipped)
    assert caught.value.kind is Unfit.BROKEN


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path, shipped: Model) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(TuningError, match=r"cannot be read .*: check the name and the rights") as caught:
            read_tuning(path, shipped)
        assert caught.value.kind is Unfit.UNREADABLE


def test_a_tuning_of_another_matcher_is_not_taken(tuning: Tuning, shipped: Model, tmp_path: Path) -> None:
    path = tmp_path / "tuning.json"
    path.write_bytes(tuning_bytes(tuning, shipped))

    with pytest.raises(TuningError, match="fitted for another version"):
        read_tuning(path, replace(shipped, bias=shipped.bias + 0.5))
    with pytest.raises(TuningError, match="has no weights to fit") as caught:
        shipped_model(lambda *_: None)  # type: ignore[arg-type, return-value]
    assert caught.value.kind is Unfit.NO_WEIGHTS
