"""A sentence for whoever runs the bot that can be said in another language: English, with what it was made of."""

from __future__ import annotations

from collections.abc import Mapping


class Phrase(str):
    """An English sentence that knows its `code` and the `values` in it.

    It is a text like any other: who knows nothing of languages shows the English. Who knows them looks the code up.
    `str(phrase)` gives the phrase itself, so that `str(error)` does too and nobody loses the code on the way; an
    f-string around it is plain English.
    """

    __slots__ = ("code", "values")

    code: str
    values: Mapping[str, str]

    def __new__(cls, said: str, code: str = "", values: Mapping[str, str] | None = None) -> Phrase:  # noqa: PYI034 - nobody derives from it
        """Make it of what it says in English; `values` are those that fill the places of its code."""
        made = super().__new__(cls, said)
        made.code = code
        made.values = values or {}
        return made

    def __str__(self) -> str:
        return self

    def __getnewargs__(self) -> tuple[str, str, dict[str, str]]:  # type: ignore[override]
        return "".join(self), self.code, dict(self.values)


def phrase(code: str, english: str, /, **values: object) -> Phrase:
    """Make a phrase. `{name}` in `english` is a place for the value of that name, which may be a phrase or an error."""
    # `str` keeps a phrase among the values, and the one that an error was raised with, so they are translated as well.
    said = {name: str(value) for name, value in values.items()}
    return Phrase(english.format(**said), code, said)


def answered(what: str, answer: str) -> Phrase:
    """Put what somebody's server said behind a sentence of ours."""
    return phrase("answered", "{what} ({answer})", what=what, answer=answer)
