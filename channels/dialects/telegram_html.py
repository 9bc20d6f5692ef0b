"""Telegram's HTML: the few tags it knows, everything else escaped."""

from __future__ import annotations

from channels.dialects.html import HtmlWriter


class TelegramHtmlWriter(HtmlWriter):
    """`b`, `i`, `code`, `a` and `blockquote`.

    Mail addresses and phone numbers stand in the text: Telegram drops such addresses from `a` without a word,
    while it finds them by itself when they are visible.
    """

    name = "telegram-html"
    quote_prefix = ""

    def quote(self, inner: str) -> str:
        """In a `blockquote` tag."""
        return f"<blockquote>{inner}</blockquote>" if inner else ""


TELEGRAM_HTML = TelegramHtmlWriter()
