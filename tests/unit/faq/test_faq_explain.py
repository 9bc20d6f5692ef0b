"""Explanations: complete for a program, readable for a person, whatever was asked and whoever matches."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import fields
from importlib.resources import files
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from faq import FaqEntry, FaqManager, Outcome
from faq.account import CONTRIBUTIONS, phrasebook
from faq.contract import (
    EVERYTHING,
    Candidate,
    Decision,
    Evidence,
    How,
    Judgement,
    Query,
    Reading,
    Reason,
    Scope,
    Via,
    WordMatch,
)
from faq.explain import Check, Explanation, explain
from faq.matching.features import FEATURES
from faq.matching.model import load_model
from faq.matching.reading import ReadingName
from faq.policy import ThresholdPolicy, Thresholds

COMING = {
    *("semantic", "semantic_answer", "semantic_entry", "semantic_behind", "semantic_most"),
    *("head", "head_share", "head_most"),
}
"""What a tier that compares meanings judges besides."""
ONE = Evidence(
    phrase="Как оплатить?", via=Via.QUESTION, message_coverage=0.9, phrase_coverage=0.8, subjects=2
)


def catalogue(language: str) -> dict[str, Any]:
    loaded = yaml.safe_load(files("faq").joinpath("data", f"explain.{language}.yaml").read_text("utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def flat(data: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in data.items():
        assert isinstance(key, str), key
        found |= flat(value, f"{prefix}{key}/") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def ranked(*scores: float, evidence: Evidence = ONE) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(entry_id=f"e{n}", score=score, evidence=evidence) for n, score in enumerate(scores)
    )


def explained(*scores: float, evidence: Evidence = ONE, **values: Any) -> Explanation:
    candidates = ranked(*scores, evidence=evidence)
    return explain(
        **{
            "text": "чем платить",
            "readings": (),
            "candidates": candidates,
            "decision": ThresholdPolicy().decide(candidates),
            "judgement": None,
            "thresholds": Thresholds(),
            "questions": {candidate.entry_id: "Как оплатить?" for candidate in candidates},
            **values,
        }
    )


def said(explanation: Explanation, language: str = "ru") -> str:
    return "\n".join(explanation.lines(language))


# -- the words --------------------------------------------------------------------------------------------


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    russian, english = flat(catalogue("ru")), flat(catalogue("en"))
    assert russian.keys() == english.keys()
    for key, text in russian.items():
        for one in (text, english[key]):
            assert isinstance(one, str), key
            assert one.strip(), key
        assert sorted(re.findall(r"{.*?}", text)) == sorted(re.findall(r"{.*?}", english[key])), key


def test_every_feature_of_the_model_has_a_sentence_and_no_sentence_is_idle() -> None:
    judged = set(load_model("core", FEATURES).judged)
    for language in ("ru", "en"):
        features = phrasebook(language).features
        assert judged - features.keys() == set()
        assert features.keys() - judged <= COMING
        assert COMING <= features.keys()
        assert len(set(features.values())) == len(features), "two features cannot be told apart"
        groups = catalogue(language)["features"].values()
        assert len(features) == sum(map(len, groups)), "a feature speaks for two sides"


def test_every_name_of_the_contract_has_its_words() -> None:
    words = catalogue("ru")
    for key, names in {
        "decision": Outcome,
        "outcome": Outcome,
        "reason": Reason,
        "via": Via,
        "how": How,
        "reading": ReadingName,
    }.items():
        assert words[key].keys() == {str(name) for name in names}, key
    thresholds = {"answer", "clarify", "margin", "message_coverage"}
    assert words["check"].keys() == words["short"].keys() == thresholds


# -- what is said -----------------------------------------------------------------------------------------


def test_an_explanation_holds_everything_and_speaks_two_languages(manager: FaqManager) -> None:
    explanation = manager.explain("Здравствуйте, скока стоит даставка пиццы")
    assert explanation.readings[0].words
    assert explanation.candidates[0].entry_id == "delivery-cost"
    assert manager.thresholds == explanation.thresholds
    assert manager.decide(explanation.text) == explanation.decision
    for part in ("Решение: ", "Почему: ", "как набрано", "нет таких слов: пиццы", "нужно 0,70"):
        assert part in said(explanation)
    for part in ("Decision: ", "Because: ", "as typed", "no such words: пиццы", "needed 0.70"):
        assert part in said(explanation, "en")
    assert re.search(r"уверенность \d,\d\d", said(explanation))
    assert re.search(r"confidence \d\.\d\d", said(explanation, "en"))
    assert said(explanation, "RU-ru") == said(explanation)
    assert said(explanation, "de") == said(explanation, "en")


@pytest.mark.parametrize(
    ("text", "name"),
    [("rfr jgkfnbnm pfrfp", "другая раскладка"), ("kak oplatit zakaz", "транслит")],
)
def test_the_chosen_reading_is_marked_among_all_that_were_tried(
    manager: FaqManager, text: str, name: str
) -> None:
    explanation = manager.explain(text)
    lines = [line for line in explanation.lines() if line.startswith("  > ")]
    assert len(lines) == 1
    assert name in lines[0]
    assert lines[0].endswith("как оплатить заказ")
    assert any("как набрано" in line and text in line for line in explanation.lines())
    readings = explanation.data()["readings"]
    assert len(readings) > 1
    assert [True] + [False] * (len(readings) - 1) == [one["chosen"] for one in readings]


def test_the_contributions_and_the_rest_make_the_confidence(manager: FaqManager) -> None:
    explanation = manager.explain("доставка заказа в праздники")
    judgement = explanation.judgement
    assert judgement is not None
    section = next(part for part in explanation.sections("en") if part[0].startswith("For and against"))
    rows = [re.match(r"  ([+-]\d+\.\d\d)  (.*)", line) for line in section]
    values = [float(row[1]) for row in rows if row is not None]
    assert len(values) == CONTRIBUTIONS + 3, "the largest, the rest, the beginning and the sum"
    assert sum(values[:-1]) == pytest.approx(values[-1], abs=0.1)
    assert values[:CONTRIBUTIONS] == sorted(values[:CONTRIBUTIONS], reverse=True)
    assert f"confidence {judgement.confidence:.2f}" in said(explanation, "en")
    data = explanation.data()["judgement"]
    assert data["contributions"].keys() == set(load_model("core", FEATURES).judged)


def test_a_feature_against_its_own_sentence_is_called_a_correction() -> None:
    judgement = Judgement(
        contributions={"lead": 2.0, "one_word": -1.0, "cover": -0.5, "brand_new": 0.25, "length": -0.125},
        bias=-1.0,
        confidence=0.4,
    )
    section = explained(0.4, judgement=judgement).sections("en")[-2]
    assert section[1:] == (
        "  +2.00  The entry is ahead of the second",
        "  +0.25  brand_new",
        "  -0.12  Length of the message",
        "  -0.50  Message and phrasing agree in words *",
        "  -1.00  The message has one word",
        "  -1.00  caution at the start, while nothing speaks for it",
        "  -0.38  in all — confidence 0.40",
        "  * a correction: other lines count the same thing too much",
    )


def test_small_talk_is_named_with_its_phrase(manager: FaqManager) -> None:
    explanation = manager.explain("расскажи анекдот")
    talk = explanation.data()["judgement"]["small_talk"]
    assert talk["phrase"]
    assert talk["likeness"] > 0.5
    assert f"ближайшая болтовня: «{talk['phrase']}»" in said(explanation)
    assert "Что сделать: ничего" in said(explanation)


def test_words_are_named_with_how_they_were_found_and_not_by_their_stems() -> None:
    evidence = Evidence(
        phrase="Почём доставка?",
        via=Via.ALIAS,
        message_coverage=0.5,
        phrase_coverage=1.0,
        matched=(
            WordMatch("цена", "поч", How.SYNONYM, 0.92),
            WordMatch("даставка", "доставк", How.TYPO, 0.9),
            WordMatch("платить", "оплат", How.RELATED, 0.7),
        ),
        missing=("борща", "и", "пиццы"),
    )
    lines = explained(0.9, evidence=evidence).lines()
    assert "           вариант «Почём доставка?»: объяснено 50% сообщения, названо 100% формулировки" in lines
    found = next(line for line in lines if "нашлось" in line)
    for part in ("цена → почем (синоним 0,92)", "даставка → доставка (опечатка 0,90)", "платить → оплатить"):
        assert part in found
    assert found.endswith("нет таких слов: борща, пиццы")


@pytest.mark.parametrize(
    ("scores", "evidence", "parts"),
    [
        ((0.63, 0.1), ONE, ("до ответа не хватило 0,07", "0,63  нужно 0,70", "если верна запись e0")),
        (
            (0.9, 0.84),
            ONE,
            (
                "вторая запись ближе, чем на 0,10: не хватило 0,04",
                "0,06  нужно 0,10",
                "той записи, которая верна",
            ),
        ),
        ((0.149,), ONE, ("до уточнения не хватило 0,01", "0,14  нужно 0,15", "если это вопрос к вам")),
        (
            (0.9, 0.1),
            Evidence(phrase="Как оплатить?", via=Via.ALIAS, message_coverage=0.1),
            ("объяснено слишком мало: не хватило 0,05", "0,10  нужно 0,15", "если верна запись e0"),
        ),
    ],
    ids=["middling", "close", "low", "unexplained"],
)
def test_what_would_have_to_change_is_said(
    scores: Sequence[float], evidence: Evidence, parts: tuple[str, str, str]
) -> None:
    explanation = explained(*scores, evidence=evidence)
    text = said(explanation)
    why = next(line for line in explanation.lines() if line.startswith("Почему: "))
    assert why.endswith(parts[0])
    assert parts[1] in text
    assert parts[2] in text


def test_an_answer_is_told_with_its_reserve_and_needs_nothing() -> None:
    explanation = explained(0.9, 0.1)
    assert explanation.decision.outcome is Outcome.ANSWER
    assert all(check.met and check.short == 0 for check in explanation.checks)
    assert "не хватило" not in said(explanation)
    assert "Что сделать" not in said(explanation)
    assert "отрыв от второй записи      0,80  нужно 0,10  достаточно" in said(explanation)


@given(st.floats(0, 1), st.floats(0, 1).map(lambda value: round(value, 2)))
def test_a_shortage_that_is_shown_makes_up_the_difference(value: float, needed: float) -> None:
    limits = Thresholds(answer=needed, clarify=0.0)
    candidates = ranked(value)
    explanation = explain(
        text="",
        readings=(),
        candidates=candidates,
        decision=ThresholdPolicy(limits).decide(candidates),
        judgement=None,
        thresholds=limits,
        questions={},
    )
    (line,) = [line for line in explanation.lines("en") if "confidence for an answer" in line]
    shown, wanted, *short = [float(number) for number in re.findall(r"\d\.\d\d", line)]
    assert bool(short) is (value < needed)
    if short:
        assert shown < wanted
        assert shown + short[0] == pytest.approx(wanted)


# -- whatever was asked, whoever matches ------------------------------------------------------------------


def test_a_whole_phrasing_needs_no_weighing(manager: FaqManager) -> None:
    explanation = manager.explain("Почём доставка?")
    assert explanation.judgement is None
    assert explanation.checks == ()
    assert "вариант «почём доставка» — дословно" in said(explanation)
    assert explanation.lines()[-2:] == ("Пороги:", "  дословному совпадению не нужны")
    assert "За и против" not in said(explanation)


def test_a_phrasing_of_two_entries_names_both_and_what_to_do() -> None:
    both = [
        FaqEntry(id=name, question=f"Вопрос {name}", answer="a", aliases=("возврат",))
        for name in ("one", "two")
    ]
    text = said(FaqManager(both).explain("Возврат!"))
    assert "предложить на выбор: one, two" in text
    assert "оставьте формулировку «возврат» у одной записи" in text


@pytest.mark.parametrize(
    ("text", "part"),
    [("👍", "не о чем спросить"), ("", "не о чем спросить"), ("12345", "не о чем спросить")],
)
def test_a_message_without_words_is_told_so(manager: FaqManager, text: str, part: str) -> None:
    explanation = manager.explain(text)
    assert explanation.candidates == ()
    assert part in said(explanation)
    assert "Что сделать" not in said(explanation)


def test_an_empty_base_is_named_as_the_cause() -> None:
    assert "нет действующих записей" in said(FaqManager([]).explain("доставка"))
    assert "no live entries" in said(FaqManager([]).explain("доставка"), "en")


class Plain:
    """A matcher that can only rank."""

    def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> Sequence[Candidate]:
        found = Evidence(
            phrase="{phrase}",
            via=Via.KEYWORD,
            matched=(WordMatch("{word}", "{found}", How.ANSWER, 0.5),),
            missing=("{missing}",),
        )
        return (Candidate(entry_id="x", score=0.9, evidence=found),)[: limit if query.text else 0]


class Own:
    """A policy with a reason of its own."""

    def decide(self, candidates: Sequence[Candidate]) -> Decision:
        return Decision(outcome=Outcome.CLARIFY, candidates=tuple(candidates), reason="my own reason")


def test_a_matcher_and_a_policy_of_somebody_else_are_explained_as_far_as_they_tell() -> None:
    entries = [FaqEntry(id="x", question="{question}", answer="a")]
    plain = FaqManager(entries, matcher=lambda *_: Plain()).explain("слово")
    assert (plain.readings, plain.judgement) == ((), None)
    text = said(plain)
    for part in (
        "{question}",
        "ключевое слово «{phrase}»",
        "{word} → {found} (есть в ответе 0,50)",
        "{missing}",
    ):
        assert part in text
    assert "Прочтения" not in text
    assert "объяснено слишком мало" in text
    assert "ни одного слова сообщения в базе нет" in said(
        FaqManager(entries, matcher=lambda *_: Plain()).explain("")
    )
    own = said(FaqManager(entries, matcher=lambda *_: Plain(), policy=Own()).explain("слово"))
    assert "Почему: my own reason" in own
    assert "Пороги" not in own, "they are not those of this policy"


def test_a_decision_of_the_talk_is_explained_in_place_of_the_lonely_one(manager: FaqManager) -> None:
    lonely = manager.explain("а в казань?")
    context = manager.decide("Сколько стоит доставка в казань?")
    decision = Decision(
        outcome=Outcome.ANSWER,
        entry_id="delivery-cost",
        candidates=context.candidates,
        reason=Reason.FOLLOW_UP,
    )
    explanation = lonely.instead(decision)
    assert lonely.instead(lonely.decision) is lonely
    assert explanation.judgement is None
    assert explanation.data()["alone"]["outcome"] == lonely.decision.outcome.value
    text = said(explanation)
    assert text.startswith("Решение: ответить — delivery-cost\nПочему: сообщение продолжает прошлый вопрос")
    assert "Само по себе сообщение: признать, что ответа нет" in text


# -- as data ----------------------------------------------------------------------------------------------


def test_the_data_have_all_keys_and_rounded_numbers(manager: FaqManager) -> None:
    data = json.loads(json.dumps(manager.explain("не прохадит оплата").data()))
    assert list(data) == [
        *("text", "outcome", "entry", "reason", "offered", "alone", "readings", "candidates"),
        *("judgement", "thresholds", "checks"),
    ]
    assert ("answer", "pay-failed", "good") == (data["outcome"], data["entry"], data["reason"])
    assert data["offered"][0] == data["candidates"][0]["entry"] == "pay-failed"
    matched = data["candidates"][0]["matched"]
    assert {"word": "оплата", "found": "оплат", "how": "exact", "similarity": 1.0} in matched
    assert data["candidates"][0]["features"].keys() == set(FEATURES)
    assert data["thresholds"].keys() == {field.name for field in fields(Thresholds)}
    assert [check["name"] for check in data["checks"]] == ["answer", "clarify", "margin", "message_coverage"]
    assert not re.search(r"\d\.\d{5}", json.dumps(data))


TEXTS = st.text(max_size=80) | st.text(alphabet="абвг заказ{}%дежз.@/-:😀\x00ё1 ", max_size=80)


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_any_text_is_explained_with_the_same_keys(manager: FaqManager, text: str) -> None:
    explanation = manager.explain(text)
    data = explanation.data()
    assert data.keys() == manager.explain("доставка").data().keys()
    assert json.loads(json.dumps(data)) == data
    for language in ("ru", "en"):
        lines = explanation.lines(language)
        assert len(lines) >= 2
        assert all("\n" not in line and line == line.rstrip() for line in lines)


def test_a_reading_of_a_thousand_words_stays_on_one_line() -> None:
    reading = Reading(name="unheard of", text="слово " * 1000, words=("слово",) * 1000, sense=0.5)
    (line,) = [line for line in explained(0.9, readings=(reading,)).lines() if "unheard of" in line]
    assert len(line) < 130
    assert line.endswith("…")


def test_a_check_is_met_at_the_line_itself() -> None:
    assert Check("answer", 0.75, 0.75).met
    assert Check("answer", 0.7, 0.75).short == pytest.approx(0.05)
