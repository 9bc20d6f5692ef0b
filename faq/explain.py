"""Why a message was answered as it was: data for programs, lines for the owner of the FAQ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from faq.contract import Candidate, Decision, How, Outcome, Reading, Reason, Via
from faq.policy import Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that led to a decision: what was read, what was found, which lines were drawn."""

    text: str = field(repr=False)
    readings: tuple[Reading, ...]
    candidates: tuple[Candidate, ...]
    decision: Decision
    thresholds: Thresholds
    questions: Mapping[str, str]
    """The questions of the candidates by entry id."""

    def lines(self, language: str = "ru") -> tuple[str, ...]:
        """The explanation for a person, in Russian or (for any other language) in English."""
        words = _RU if language.lower().startswith("ru") else _EN
        out = [words[f"outcome.{self.decision.outcome}"].format(reason=_reason(self, words))]
        out += [
            words["reading"].format(
                name=words.get(f"reading.{reading.name}", reading.name),
                words=", ".join(reading.words) or words["nothing"],
            )
            for reading in self.readings
        ]
        for place, candidate in enumerate(self.candidates, start=1):
            out += _candidate_lines(place, candidate, self.questions.get(candidate.entry_id, ""), words)
        limits = self.thresholds
        out.append(
            words["thresholds"].format(answer=limits.answer, clarify=limits.clarify, margin=limits.margin)
        )
        return tuple(out)


def explain(
    *,
    text: str,
    readings: Sequence[Reading],
    candidates: Sequence[Candidate],
    decision: Decision,
    thresholds: Thresholds,
    questions: Mapping[str, str],
) -> Explanation:
    """Put an explanation together, keeping of `questions` what the candidates need. Pure."""
    shown = {candidate.entry_id: questions.get(candidate.entry_id, "") for candidate in candidates}
    return Explanation(
        text=text,
        readings=tuple(readings),
        candidates=tuple(candidates),
        decision=decision,
        thresholds=thresholds,
        questions=shown,
    )


def _reason(explanation: Explanation, words: Mapping[str, str]) -> str:
    return words.get(f"reason.{explanation.decision.reason}", explanation.decision.reason)


def _candidate_lines(place: int, candidate: Candidate, question: str, words: Mapping[str, str]) -> list[str]:
    evidence = candidate.evidence
    lines = [
        words["candidate"].format(
            place=place, score=candidate.score, entry=candidate.entry_id, question=question
        )
    ]
    via = words[f"via.{evidence.via}"]
    if evidence.exact:
        lines.append(words["exact"].format(via=via, phrase=evidence.phrase))
        return lines
    lines.append(
        words["best"].format(
            via=via,
            phrase=evidence.phrase,
            message=evidence.message_coverage,
            named=evidence.phrase_coverage,
        )
    )
    for match in evidence.matched:
        how = words[f"how.{match.how}"]
        lines.append(
            words["match"].format(word=match.word, found=match.found, how=how, similarity=match.similarity)
        )
    if evidence.missing:
        lines.append(words["missing"].format(words=", ".join(evidence.missing)))
    return lines


_RU: Mapping[str, str] = {
    f"outcome.{Outcome.ANSWER}": "Решение: ответить — {reason}",
    f"outcome.{Outcome.CLARIFY}": "Решение: уточнить — {reason}",
    f"outcome.{Outcome.ADMIT}": "Решение: признать, что ответа нет — {reason}",
    f"reason.{Reason.EXACT}": "сообщение дословно совпало с формулировкой",
    f"reason.{Reason.GOOD}": "запись подходит хорошо и заметно лучше остальных",
    f"reason.{Reason.SHARED}": "такая формулировка есть у нескольких записей",
    f"reason.{Reason.CLOSE}": "две записи подходят почти одинаково",
    f"reason.{Reason.MIDDLING}": "лучшая запись подходит недостаточно",
    f"reason.{Reason.MESSAGE_UNEXPLAINED}": "редкие слова сообщения не нашли опоры",
    f"reason.{Reason.PHRASE_UNNAMED}": "сообщение называет лишь часть вопроса",
    f"reason.{Reason.COMMON_WORDS}": "совпали только слова, которые есть у многих записей",
    f"reason.{Reason.LONE_WORD}": "совпало одно слово, а остальное в сообщении чужое",
    f"reason.{Reason.LOW}": "ни одна запись не похожа",
    f"reason.{Reason.NOTHING}": "нет ни одного кандидата",
    "reading": "Прочтение «{name}»: {words}",
    "reading.as typed": "как набрано",
    "nothing": "значимых слов нет",
    "candidate": "{place}. {score:.2f} {entry}: {question}",
    "exact": "   {via} дословно: «{phrase}»",
    "best": "   {via}: «{phrase}»; сообщение объяснено на {message:.0%}, формулировка названа на {named:.0%}",
    "match": "   «{word}» → «{found}» ({how}, {similarity:.2f})",
    "missing": "   без опоры: {words}",
    "thresholds": "Пороги: ответ от {answer:.2f}, уточнение от {clarify:.2f}, отрыв от второй {margin:.2f}",
    f"via.{Via.QUESTION}": "вопрос",
    f"via.{Via.ALIAS}": "вариант вопроса",
    f"via.{Via.KEYWORD}": "ключевое слово",
    f"how.{How.EXACT}": "то же слово",
    f"how.{How.SYNONYM}": "синоним",
    f"how.{How.RELATED}": "однокоренное",
    f"how.{How.TYPO}": "опечатка",
    f"how.{How.ANSWER}": "есть в тексте ответа",
}

_EN: Mapping[str, str] = {
    f"outcome.{Outcome.ANSWER}": "Decision: answer — {reason}",
    f"outcome.{Outcome.CLARIFY}": "Decision: clarify — {reason}",
    f"outcome.{Outcome.ADMIT}": "Decision: admit that there is no answer — {reason}",
    f"reason.{Reason.EXACT}": "the message is a phrasing word for word",
    f"reason.{Reason.GOOD}": "the entry fits well and clearly better than the others",
    f"reason.{Reason.SHARED}": "several entries have this very phrasing",
    f"reason.{Reason.CLOSE}": "two entries fit almost equally well",
    f"reason.{Reason.MIDDLING}": "the best entry does not fit well enough",
    f"reason.{Reason.MESSAGE_UNEXPLAINED}": "the rare words of the message have no support",
    f"reason.{Reason.PHRASE_UNNAMED}": "the message names only a part of the question",
    f"reason.{Reason.COMMON_WORDS}": "only words that many entries have are the same",
    f"reason.{Reason.LONE_WORD}": "one word fits and the rest of the message is foreign",
    f"reason.{Reason.LOW}": "no entry resembles the message",
    f"reason.{Reason.NOTHING}": "there is no candidate at all",
    "reading": "Reading “{name}”: {words}",
    "nothing": "no words that count",
    "candidate": "{place}. {score:.2f} {entry}: {question}",
    "exact": "   {via} word for word: “{phrase}”",
    "best": "   {via}: “{phrase}”; {message:.0%} of the message explained, {named:.0%} of the phrasing named",
    "match": "   “{word}” → “{found}” ({how}, {similarity:.2f})",
    "missing": "   without support: {words}",
    "thresholds": "Thresholds: answer from {answer:.2f}, clarify from {clarify:.2f}, lead {margin:.2f}",
    f"via.{Via.QUESTION}": "question",
    f"via.{Via.ALIAS}": "alias",
    f"via.{Via.KEYWORD}": "keyword",
    f"how.{How.EXACT}": "same word",
    f"how.{How.SYNONYM}": "synonym",
    f"how.{How.RELATED}": "same root",
    f"how.{How.TYPO}": "typing error",
    f"how.{How.ANSWER}": "in the answer's text",
}
