"""The answers of entries as messages: equal for everybody on a channel in a language, so they are kept ready. Pure."""

from __future__ import annotations

import os.path
from functools import lru_cache

from channels.body import parse_body
from channels.model import Body, Media, MediaKind, Purpose
from channels.values import replace
from faq import FaqEntry
from faq.entry import Attachment
from optfm_bot.domain.choices import Choice, OpenEntry, Rate
from optfm_bot.domain.say import Say
from optfm_bot.domain.words import Words

_PREPARED = 1024
"""Answers that are kept ready, by entry, channel and language."""


class Answers:
    """Makes messages of entries: text, buttons, files, and with `feedback` the question whether it helped.

    A file outside of the folder `media_root` is never sent.
    """

    def __init__(self, words: Words, *, feedback: bool, media_root: str | None) -> None:
        self._words = words
        self._feedback = feedback
        self._media_root = media_root
        self._prepared: dict[tuple[str, tuple[str, ...], str], Say] = {}

    def say(
        self, entry: FaqEntry, channels: tuple[str, ...], language: str, *, score: float | None = None
    ) -> Say:
        """The answer of an entry on these channels (from instance to kind); `score` says how sure it is."""
        key = entry.id, channels, language  # a base has one entry of an id, live or not
        say = self._prepared.get(key)
        if say is None:
            if len(self._prepared) >= _PREPARED:
                self._prepared.clear()
            say = self._prepared[key] = self._prepare(entry, channels, language)
        return say if score is None else replace(say, score=score)

    def _prepare(self, entry: FaqEntry, channels: tuple[str, ...], language: str) -> Say:
        """The answer of an entry as it is said to everybody on these channels in this language."""
        version = entry.version
        rows: list[tuple[Choice, ...]] = [
            (
                Choice(label=button.text, url=button.url)
                if button.url
                else Choice(label=button.text, meaning=OpenEntry(button.faq or "")),
            )
            for button in entry.buttons
        ]
        if self._feedback:
            rows.append(self._feedback_row(language, entry.id, version))
        return Say(
            kind="answer",
            body=parsed(entry.answer_for(channels, language)),
            choices=tuple(rows),
            purpose=Purpose.ANSWER,
            media=tuple(media for file in entry.attachments if (media := self._media(file)) is not None),
            entry_id=entry.id,
            entry_version=version,
        )

    def _media(self, file: Attachment) -> Media | None:
        kind = MediaKind(file.type.value)
        if file.path is None:
            return Media(kind=kind, url=file.url, name=file.name)
        root = self._media_root
        if root is None:
            return None
        inner = os.path.normpath(file.path)
        if os.path.isabs(inner) or inner in {os.curdir, os.pardir} or inner.startswith(os.pardir + os.sep):  # noqa: PTH117 - pure: pathlib would ask the disk
            return None
        path = os.path.join(root, inner)  # noqa: PTH118 - the same
        return Media(kind=kind, path=path, name=file.name or os.path.basename(path))  # noqa: PTH119 - the same

    def _feedback_row(self, language: str, entry_id: str, version: str) -> tuple[Choice, ...]:
        return (
            Choice(
                label=self._words.label("answer.feedback_up", language), meaning=Rate(1, entry_id, version)
            ),
            Choice(
                label=self._words.label("answer.feedback_down", language), meaning=Rate(-1, entry_id, version)
            ),
        )


@lru_cache(maxsize=4096)
def parsed(text: str) -> Body:
    """A text of ours as a tree; the same text gives the very same tree."""
    return parse_body(text)
