"""The voice of the bot: the talk of the moment, what it is made of, and the languages it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from channels.contract import BotCommand
from faq import FaqManager
from optfm_bot.domain.smalltalk import SmallTalk, SmallTalkPhrases
from optfm_bot.domain.talk import Talk, TalkSettings
from optfm_bot.domain.words import Words
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.i18n.smalltalk import load_smalltalk

COMMANDS = ("start", "faq", "operator", "request", "my_requests", "cancel", "help", "language")

MakeTalk: TypeAlias = Callable[[FaqManager, Words, SmallTalkPhrases, TalkSettings], Talk]
"""Makes what answers, anew for each base."""


class Voice:
    """Answers with one base at a time. `language` is spoken to those of whose own language nothing is known."""

    def __init__(
        self,
        faq: FaqManager,
        words: Catalogue,
        settings: TalkSettings,
        *,
        language: str,
        make: MakeTalk = Talk,
    ) -> None:
        self.words = words
        self.language = language
        self._settings = settings
        self._make = make
        self._phrases = shipped_phrases()
        self.serve(faq)

    def serve(self, faq: FaqManager) -> None:
        """Answer with this base from the next message on."""
        self.talk = self._make(faq, self.words, self._phrases, self._settings)

    def commands(self) -> Mapping[str, Sequence[BotCommand]]:
        """What is shown in the menus of platforms, by language."""
        return {
            language: [
                BotCommand(name=name, description=self.words.label(f"command.{name}", language))
                for name in COMMANDS
            ]
            for language in self._settings.languages
        }

    def language_of(self, locale: str | None) -> str:
        """The language of ours for what a platform says of a person: `en_GB`, say, or nothing."""
        if not locale:
            return self.language
        base = locale.replace("_", "-").partition("-")[0].lower()
        return base if base in self._settings.languages else self.language


def shipped_phrases() -> SmallTalkPhrases:
    """The phrases of small talk that the bot is shipped with, of all languages together."""
    groups: dict[SmallTalk, list[str]] = {kind: [] for kind in SmallTalk}
    for phrases in load_smalltalk().values():
        groups[SmallTalk.GREETING] += phrases.greetings
        groups[SmallTalk.THANKS] += phrases.thanks
        groups[SmallTalk.BYE] += phrases.goodbyes
        groups[SmallTalk.HOW_ARE_YOU] += phrases.how_are_you
        groups[SmallTalk.OPERATOR] += phrases.operator
    return SmallTalkPhrases(
        groups, fillers=("вам", "всем", "вас", "вы", "и", "ну", "ок", "хорошо", "понятно", "ясно", "все")
    )
