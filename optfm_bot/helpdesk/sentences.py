"""Sentences: what a ticket says of a customer's file that is not in it, and where the file still is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from channels.contract import Channel
from channels.errors import ChannelError, Gone, TooLarge
from channels.model import Inline, Media, Text
from optfm_bot.domain.words import Words


class FileSentences:
    """Words for agents, in their language. `channels` are those of the customers."""

    def __init__(self, words: Words, language: str, channels: Mapping[str, Channel]) -> None:
        self._words = words
        self._language = language
        self._channels = channels

    def said(self, file: Media, why: ChannelError) -> str:
        """The sentence for a file that cannot be had, or that is too large for the ticket."""
        where = self._title(file.origin or "")
        if file.url and file.public:
            where = f"{where}, {file.url}"
        return self._sentence("too_large" if isinstance(why, TooLarge) else "missing", file.name, where)

    def line(self, file: Media, why: ChannelError) -> tuple[Inline, ...]:
        """The same as a piece of a text."""
        return (Text(self.said(file, why)),)

    def too_large(self, text: str, names: Sequence[str], origin: str) -> str:
        """A text with a sentence for each file that the helpdesk does not take because of its size."""
        where = self._title(origin)
        return _below(text, [self._sentence("too_large", name, where) for name in names])

    def variants(self, text: str, files: Sequence[Media]) -> tuple[str, ...]:
        """What a message with these files may say, depending on what could be had of them when it was sent."""
        reasons = (Gone(), TooLarge()) if files else ()
        return (text, *(_below(text, [self.said(file, why) for file in files]) for why in reasons))

    def _title(self, origin: str) -> str:
        channel = self._channels.get(origin)
        return channel.title if channel is not None else origin

    def _sentence(self, why: str, name: str, where: str) -> str:
        return self._words.label(f"desk.file_{why}", self._language, name=name, where=where)


def _below(text: str, sentences: Sequence[str]) -> str:
    return "\n\n".join(part for part in (text, "\n\n".join(sentences)) if part)
