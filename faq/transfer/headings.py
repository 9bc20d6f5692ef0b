"""What people write above their columns, in Russian and in English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

ORDINAL = "ordinal"
"""A column that only counts the rows."""

FIELDS: tuple[str, ...] = (
    "id", "question", "category", "aliases", "keywords", "answer", "buttons", "attachments", "connections",
    "status", "valid_from", "valid_to", "language",
)  # fmt: skip
"""Fields of an entry that have a column of their own; answers of channels and languages are `answer.NAME`."""

_EXACT: Mapping[str, str] = {
    heading.strip(): name
    for name, headings in {
        "id": "id, ид, айди, идентификатор, код, slug, key, code, faq id, entry id, id вопроса",
        "question": (
            "question, questions, вопрос, вопросы, вопрос клиента, вопросы клиентов, вопрос покупателя, запрос, "
            "запросы, q, faq, title, формулировка, prompt, что спрашивают, intent"
        ),
        "answer": (
            "answer, answers, ответ, ответы, a, reply, response, решение, что отвечаем, что отвечать, ответ бота, "
            "content, text, текст, body"
        ),
        "aliases": (
            "aliases, alias, synonyms, synonym, variants, phrasings, utterances, синонимы, синоним, варианты, "
            "перефразировки, другие формулировки, формулировки, как еще спрашивают, как еще, похожие вопросы, "
            "другие вопросы, examples"
        ),
        "keywords": (
            "keywords, keyword, key words, tags, tag, hashtags, ключевые слова, ключевое слово, ключи, ключевики, "
            "теги, тег, тэги, метки, хештеги, хэштеги, слова"
        ),
        "category": (
            "category, categories, section, topic, group, theme, категория, категории, раздел, разделы, рубрика, "
            "группа, тема, тематика, блок"
        ),
        "language": "language, lang, locale, язык",
        "status": "status, state, статус, состояние",
        "valid_from": "valid from, from, действует с, начало, начало действия, с даты",
        "valid_to": "valid to, until, действует до, действует по, окончание, конец действия, до даты",
        "buttons": "buttons, кнопки",
        "attachments": "attachments, files, вложения, файлы",
        "connections": "connections",
        ORDINAL: "no, n, п п, n п п, номер, номер п п, пп, row, number",
    }.items()
    for heading in headings.split(",")
}
_STEMS: Sequence[tuple[str, str]] = (
    ("aliases", r"вариант|синоним|альтернатив|перефраз|похож|другие|variant|synonym|alias|alternativ|phras"),
    ("keywords", r"ключев|\bтег|\bтэг|keyword|\btags?\b"),
    ("category", r"категор|раздел|рубрик|\bтема\b|categor|section|topic"),
    ("id", r"\bid\b|идентификатор"),
    ("answer", r"ответ|answer|reply|response"),
    ("question", r"вопрос|question"),
)
_ANSWER_OF = re.compile(
    r"(?:answers?|ответы?)\.([a-z][a-z0-9_-]{0,31}(?:\.[a-z]{2,3}(?:[-_][a-z0-9]{2,8})?)?)", re.IGNORECASE
)
_ABOUT = re.compile(
    r"\b(?:дата|автор|кто|кол|количество|число|просмотр\w*|статус|ссылк\w+|длина|date|author|count|views|status|link|url|length)\b"
)
"""A heading with one of these speaks about a question or an answer; the column does not hold it."""
_LONGEST = 60


def heading_field(heading: str) -> str | None:
    """The field that a heading names: by the whole heading, then by the words in it. `None` if it names none.

    `answer.telegram` and `ответ.telegram` are the answer of a channel or a language.
    """
    text = heading.strip()
    if not text or len(text) > _LONGEST or "?" in text or "\n" in text.strip():
        return None
    if found := _ANSWER_OF.fullmatch(text):
        return f"answer.{found[1]}"
    folded = fold_heading(text)
    if not folded and re.fullmatch(r"[#№]+", text):
        return ORDINAL
    if (exact := _EXACT.get(folded)) is not None:
        return exact
    if len(folded.split()) <= 4 and not _ABOUT.search(folded):  # noqa: PLR2004 - more words are a sentence
        return next((name for name, stems in _STEMS if re.search(stems, folded)), None)
    return None


def is_exact(heading: str) -> bool:
    """Whether a heading as a whole is one that people write, and no sentence with such a word in it."""
    return bool(_ANSWER_OF.fullmatch(heading.strip())) or fold_heading(heading) in _EXACT


def fold_heading(heading: str) -> str:
    """A heading without case, punctuation and doubled spaces, so that two spellings compare as one."""
    text = heading.casefold().replace("ё", "е").replace("_", " ")
    return " ".join(re.sub(r"[^\w]+", " ", text).split())


def known_headings(cells: Sequence[str]) -> int:
    """How many different fields a row names; nought if it names neither a question nor an answer for sure."""
    if not any(is_exact(cell) and heading_field(cell) in {"question", "answer"} for cell in cells):
        return 0
    return len({name for cell in cells if (name := heading_field(cell)) is not None})
