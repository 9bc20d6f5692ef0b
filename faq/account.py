"""An explanation in words: what is said of a decision to the owner of the FAQ, in Russian or English. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from faq.contract import Candidate, How, Judgement, Reason, Via, WordMatch
from faq.normalize import Normalizer, has_subject, stem
from faq.policy import CHOICES
from faq.wording import STOP_WORDS

if TYPE_CHECKING:
    from faq.explain import Check, Explanation

LANGUAGES = ("ru", "en")
CONTRIBUTIONS = 10
"""The largest ones are said one by one, the others are added up."""
SMALL_TALK = 0.1
"""A resemblance to small talk below this is none."""
_CHATTY = 0.5
_SHOWN = 0.005
"""What would be written as 0.00 needs no words."""
_WIDEST = 100
_NORMALIZER = Normalizer()
_DECISIVE: Mapping[str, str] = {
    Reason.LOW: "clarify",
    Reason.MIDDLING: "answer",
    Reason.MESSAGE_UNEXPLAINED: "message_coverage",
    Reason.CLOSE: "margin",
}
"""The threshold behind a reason."""
_ADVICE: Mapping[str, str] = {
    Reason.LOW: "foreign",
    Reason.NOTHING: "foreign",
    Reason.MIDDLING: "alias",
    Reason.MESSAGE_UNEXPLAINED: "alias",
    Reason.CLOSE: "close",
    Reason.SHARED: "shared",
}


class Phrasebook:
    """The words of explanations in one language, as `faq/data/explain.*.yaml` has them."""

    def __init__(self, language: str, data: Mapping[str, Any]) -> None:
        self.language = language
        self._data = data
        features: Mapping[str, Mapping[str, str]] = data["features"]
        self.features = {name: text for group in features.values() for name, text in group.items()}
        """A sentence by the name of what is judged."""
        self._sides = {name: side for side, group in features.items() for name in group}

    def __call__(self, key: str, name: str = "", **values: object) -> str:
        """A text by its key, or by a name within the key; a name that is not known speaks for itself."""
        found = self._data[key]
        text = str(found.get(name, name) if isinstance(found, Mapping) else found)
        return text.format_map(values) if values else text

    def number(self, value: float, *, signed: bool = False) -> str:
        """A number with two digits."""
        text = f"{value:+.2f}" if signed else f"{value:.2f}"
        return text.replace(".", ",") if self.language == "ru" else text

    def contrary(self, name: str, value: float) -> bool:
        """Whether a feature works against what its sentence says: it takes back what others count too much."""
        side = self._sides.get(name)
        return (side == "for" and value < 0) or (side == "against" and value > 0)


@cache
def phrasebook(language: str) -> Phrasebook:
    """The words of a language, read once a process: Russian for `ru`, English for any other."""
    code = "ru" if language.lower().startswith("ru") else "en"
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the fast one is missing on some platforms
    text = files("faq").joinpath("data", f"explain.{code}.yaml").read_text("utf-8")
    return Phrasebook(code, loader(text).get_single_data())


def account(explanation: Explanation, language: str) -> tuple[tuple[str, ...], ...]:
    """The lines of an explanation by topic; the first line of the first topic is the decision."""
    words = phrasebook(language)
    sections = (
        tuple(topic(explanation, words)) for topic in (_decision, _readings, _candidates, _judged, _checks)
    )
    return tuple(section for section in sections if section)


# -- the decision -----------------------------------------------------------------------------------------


def _decision(explanation: Explanation, words: Phrasebook) -> Iterator[str]:
    decision = explanation.decision
    offered = ", ".join(candidate.entry_id for candidate in decision.candidates)
    yield words("decision", decision.outcome, entry=decision.entry_id or "", entries=offered)
    if decision.reason:
        yield words("because", reason=_reason(explanation, words))
    if explanation.alone is not None:
        alone = explanation.alone
        yield words(
            "alone", outcome=words("outcome", alone.outcome), reason=words("reason", str(alone.reason))
        )
    if advice := _advice(explanation):
        best = next(iter(decision.candidates or explanation.candidates), None)
        entry, phrase = (best.entry_id, best.evidence.phrase) if best is not None else ("", "")
        yield words("advice", advice, entry=entry, phrase=_short(phrase))


def _reason(explanation: Explanation, words: Phrasebook) -> str:
    """Why, with what was missing."""
    reason = explanation.decision.reason
    said = words("reason", str(reason))
    if reason == Reason.NOTHING:
        if not explanation.questions:
            return words("nothing", "base")
        return said if _asks(explanation) else words("nothing", "message")
    drawn = _DECISIVE.get(reason)
    short = next((check for check in explanation.checks if check.name == drawn and not check.met), None)
    return said if short is None else f"{said}: {_verdict(short, words)}"


def _asks(explanation: Explanation) -> bool:
    """Whether the message has a word that can be looked for, as far as the matcher tells how it read it."""
    return not explanation.readings or has_subject(explanation.readings[0].text.split())


def _advice(explanation: Explanation) -> str:
    """What the owner can do, by its name in the phrasebook; empty if there is nothing to do."""
    reason, judgement = explanation.decision.reason, explanation.judgement
    if judgement is not None and judgement.chat_likeness >= _CHATTY and reason == Reason.LOW:
        return "small_talk"
    if reason == Reason.NOTHING and not (explanation.questions and _asks(explanation)):
        return ""
    return _ADVICE.get(reason, "")


# -- what was read and found ------------------------------------------------------------------------------


def _readings(explanation: Explanation, words: Phrasebook) -> Iterator[str]:
    if not explanation.readings:
        return
    yield words("title", "readings")
    names = [words("reading", str(reading.name)) for reading in explanation.readings]
    width = max(map(len, names))
    for place, (name, reading) in enumerate(zip(names, explanation.readings, strict=True)):
        sign = ">" if place == 0 else " "
        text = _short(" ".join(reading.words)) or words("no_words")
        yield f"  {sign} {name:<{width}}  {words.number(reading.sense)}  {text}"


def _candidates(explanation: Explanation, words: Phrasebook) -> Iterator[str]:
    candidates = explanation.candidates
    if not candidates:
        return
    yield words("title", "candidates")
    width = max(len(candidate.entry_id) for candidate in candidates)
    for place, candidate in enumerate(candidates, start=1):
        question = _short(explanation.questions.get(candidate.entry_id, ""))
        score = words.number(candidate.score)
        yield f"  {place}. {score}  {candidate.entry_id:<{width}}  {question}".rstrip()
        if place == 1 or (place <= CHOICES and candidate.score >= _SHOWN):
            yield from (f"           {line}" for line in _evidence(candidate, question, words))


def _evidence(candidate: Candidate, question: str, words: Phrasebook) -> Iterator[str]:
    evidence = candidate.evidence
    via = words("via", evidence.via)
    if evidence.via is not Via.QUESTION:
        via = words("phrasing", via=via, phrase=_short(evidence.phrase))
    if evidence.exact:
        yield words("exact", via=via)
        return
    yield words("best", via=via, message=evidence.message_coverage, named=evidence.phrase_coverage)
    named = {stem(word): word for word in _NORMALIZER.fold(f"{question} {evidence.phrase}").split()}
    found = ", ".join(_match(match, named, words) for match in evidence.matched)
    missing = ", ".join(word for word in evidence.missing if word not in STOP_WORDS)
    parts = [("found", found), ("missing", missing)]
    said = [words(key, words=_short(text)) for key, text in parts if text]
    if said:
        yield "; ".join(said)


def _match(match: WordMatch, named: Mapping[str, str], words: Phrasebook) -> str:
    """A word with what it was found by: the word that has this stem (`named`), or the stem if it is elsewhere."""
    if match.how is How.EXACT:
        return match.word
    how, similarity = words("how", match.how), words.number(match.similarity)
    if not match.found:
        return words("like", word=match.word, how=how, similarity=similarity)
    found = named.get(match.found, match.found)
    return words("match", word=match.word, found=found, how=how, similarity=similarity)


# -- what it was weighed by -------------------------------------------------------------------------------


def _judged(explanation: Explanation, words: Phrasebook) -> Iterator[str]:
    judgement = explanation.judgement
    if judgement is None or not explanation.candidates:
        return
    yield words("for_and_against", entry=explanation.candidates[0].entry_id)
    yield from _contributions(judgement, words)
    if judgement.chat and judgement.chat_likeness >= SMALL_TALK:
        yield "  " + words("small_talk", phrase=judgement.chat, likeness=judgement.chat_likeness)


def _contributions(judgement: Judgement, words: Phrasebook) -> Iterator[str]:
    ordered = sorted(judgement.contributions.items(), key=lambda item: -abs(item[1]))
    shown = [item for item in ordered[:CONTRIBUTIONS] if abs(item[1]) >= _SHOWN]
    rest = [value for _, value in ordered[len(shown) :]]
    rows = []
    corrected = False
    for name, value in sorted(shown, key=lambda item: -item[1]):
        contrary = words.contrary(name, value)
        corrected = corrected or contrary
        rows.append((value, words.features.get(name, name) + (" *" if contrary else "")))
    if rest:
        rows.append((sum(rest), words("rest", n=len(rest))))
    rows.append((judgement.bias, words("bias")))
    total = judgement.bias + sum(judgement.contributions.values())
    rows.append((total, words("total", confidence=words.number(judgement.confidence))))
    numbers = [words.number(value, signed=True) for value, _ in rows]
    width = max(map(len, numbers))
    for number, (_, text) in zip(numbers, rows, strict=True):
        yield f"  {number:>{width}}  {text}"
    if corrected:
        yield "  " + words("corrected")


def _checks(explanation: Explanation, words: Phrasebook) -> Iterator[str]:
    checks, reason = {check.name: check for check in explanation.checks}, explanation.decision.reason
    if reason not in frozenset(Reason):
        return  # a policy of somebody else draws lines of its own
    if explanation.whole:
        yield words("title", "checks")
        yield f"  {words('no_checks')}"
    if not checks:
        return
    if reason == Reason.LOW:
        checks = {name: checks[name] for name in ("answer", "clarify")}
    elif checks["answer"].met:
        del checks["clarify"]
    yield words("title", "checks")
    width = max(len(words("check", name)) for name in checks)
    for name, check in checks.items():
        needed = words("needed", needed=words.number(check.needed))
        value = words.number(_shown(check))
        yield f"  {words('check', name):<{width}}  {value}  {needed}  {_verdict(check, words)}"


def _verdict(check: Check, words: Phrasebook) -> str:
    if check.met:
        return words("enough")
    short = max(check.needed - _shown(check), 0.01)
    return words("short", check.name, short=words.number(short), needed=words.number(check.needed))


def _shown(check: Check) -> float:
    """The value with two digits; what is not enough never looks as if it were."""
    value = round(check.value, 2)
    return value if check.met or value < check.needed else math.floor(check.value * 100) / 100


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _WIDEST else f"{flat[: _WIDEST - 1]}…"
