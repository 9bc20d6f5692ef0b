"""Writers of the text tree by name. A channel registers a dialect of its own when its module is imported."""

from __future__ import annotations

from channels.dialects.max_html import MAX_HTML
from channels.dialects.max_markdown import MAX_MARKDOWN
from channels.dialects.plain import PLAIN
from channels.dialects.telegram_html import TELEGRAM_HTML
from channels.dialects.whatsapp import WHATSAPP
from channels.dialects.writer import Dialect, Writer

__all__ = ["PLAIN", "Dialect", "Writer", "dialect_named", "register_dialect"]

_DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (PLAIN, TELEGRAM_HTML, MAX_HTML, MAX_MARKDOWN, WHATSAPP)
}


def dialect_named(name: str) -> Dialect:
    """The dialect that capabilities refer to. Raises `LookupError` with the known names if there is none."""
    try:
        return _DIALECTS[name]
    except KeyError:
        known = ", ".join(sorted(_DIALECTS))
        raise LookupError(f"no dialect is called {name!r}; known are {known}") from None


def register_dialect(dialect: Dialect) -> None:
    """Make a channel's own dialect known under its name; registering the same object again changes nothing.

    Raises `ValueError` if another dialect has that name.
    """
    if _DIALECTS.setdefault(dialect.name, dialect) is not dialect:
        raise ValueError(f"another dialect is already called {dialect.name!r}")
