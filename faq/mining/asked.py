"""What was asked and got no answer, and which of it is no question at all. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from faq.mining.personal import Hidden, hidden, without_hidden
from faq.normalize import Normalizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question: who asked (any text that tells people apart) and when (ms since 1970, if it is known).

    `refused` is set if the person was offered entries and took none of them.
    """

    text: str = field(repr=False)
    person: str
    at: int | None = None
    refused: bool = False


class Noise(StrEnum):
    """Why a text is no question that an entry could answer."""

    GREETING = "greeting"
    CHATTER = "chatter"
    """«ок», «тест», «ха-ха»."""
    SIGNS = "signs"
    """No word of two letters: signs, an emoji, one letter."""
    NUMBER = "number"
    LINK = "link"
    """A link or an address of mail alone."""
    PROFANITY = "profanity"


_WORD = re.compile(r"[^\W_]+")
_PROFANE = re.compile(
    r"(?:на|по|за|о|от|до|вы|у|ни|не|при|рас|раз)?(?:ху[йеия]|пизд|еб(?:а|у|л|н|о|и)|бля(?:т|д|$)|сук[аи]$|сучк"
    r"|муда[кч]|мудо|мудил|г[ао]ндон|д[ао]лб[ао]еб|твари?$|урод|дебил|идиот|придур|тупиц|туп(?:ой|ая|ые|о)$"
    r"|лох(?:и|ов)?$|козл|козел|говн|дерьм|жоп|залуп|пид[оа]р|fuck|shit|bitch|idiot|stupid)\w*"
)
_FILLERS = frozenset(
    """
    а ты вы он она они и в с к на не да ну вот же все это бот ваш вас вам тебя иди идите пошел пошла пошли you
    """.split()  # noqa: SIM905  # a list of words reads better as words
)
_CHATTER = frozenset(
    """
    ок окей окс ok okay да нет ага угу неа не ясно понятно понял поняла хорошо ладно отлично супер класс круто
    тест test проверка проверяю алло ау эй хм хмм мм ммм ааа ха хаха хахаха ахах ахаха ахахах лол хех хе хехе кек
    бот робот ты тут есть кто здесь вы там yes no hm hmm haha lol qwe qwerty asd asdf йцу йцукен фыв фыва
    дела как начать старт start пока бай давай ну и что а вот
    """.split()  # noqa: SIM905  # a list of words reads better as words
)
_PROBE = "zqxv"
_COURTESY_WORDS = 12
"""A longer text is never courtesy alone."""


def words_of(text: str) -> list[str]:
    """The words and numbers of a text, folded."""
    return _WORD.findall(text.casefold().replace("ё", "е"))


def noise(masked: str, normalizer: Normalizer) -> Noise | None:
    """Why a text is no question; None for a question. It is given as `faq.mining.personal.mask` left it."""
    rest = without_hidden(masked)
    words = words_of(rest)
    letters = [word for word in words if not word.isdigit()]
    if not any(len(word) > 1 for word in letters):
        kinds = hidden(masked)
        if kinds & {Hidden.LINK, Hidden.MAIL}:
            return Noise.LINK
        return Noise.NUMBER if not letters and (kinds or words) else Noise.SIGNS
    rude = {word for word in words if _PROFANE.fullmatch(word)}
    if rude and all(word in _FILLERS or word in rude for word in words):
        return Noise.PROFANITY
    if all(word in _CHATTER or word.isdigit() for word in words):
        return Noise.CHATTER
    if len(words) <= _COURTESY_WORDS and normalizer.normalize(f"{rest} {_PROBE}").plain == _PROBE:
        # A courtesy alone is left as it is; behind it the probe shows that nothing else was said.
        return Noise.GREETING
    return None


def is_rude(text: str) -> bool:
    """Whether a text has a word that nobody wants to read in a base."""
    return any(_PROFANE.fullmatch(word) for word in words_of(text))
