"""The door to the words that people see; the catalogues behind it are `optfm_bot.i18n`."""

from __future__ import annotations

from typing import Protocol


class Words(Protocol):
    """Gives texts by key and language. Values come from people: they are data, never a format."""

    def text(self, key: str, language: str, **values: object) -> str:
        """The text of a key in the small Markdown of bodies, with values escaped."""

    def label(self, key: str, language: str, **values: object) -> str:
        """The text of a key for a place without markup, such as a button."""
