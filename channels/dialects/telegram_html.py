"""Telegram's HTML: the few tags it knows, everything else escaped."""

from __future__ import annotations

from html import escape

from channels.dialects.writer import Writer
from channels.links import WEB_SCHEMES


class TelegramHtmlWriter(Writer):
    """`b`, `i`, `code`, `a` and `blockquote`.

    Mail addresses and phone numbers stand in the text: Telegram drops such addresses from `a` without a word,
    while it finds them by itself when they are visible.
    """

    name = "telegram-html"
    markup = True
    quote_prefix = ""
    link_schemes = WEB_SCHEMES

    def text(self, value: str) -> str:
        """`&`, `<` and `>` escaped."""
        return escape(value, quote=False)

    def code(self, value: str) -> str:
        """In a `code` tag."""
        return f"<code>{escape(value, quote=False)}</code>" if value else ""

    def bold(self, inner: str) -> str:
        """In a `b` tag."""
        return f"<b>{inner}</b>" if inner else ""

    def italic(self, inner: str) -> str:
        """In an `i` tag."""
        return f"<i>{inner}</i>" if inner else ""

    def anchor(self, url: str, inner: str) -> str:
        """In an `a` tag, quotes of the address escaped too."""
        return f'<a href="{escape(url)}">{inner}</a>'

    def quote(self, inner: str) -> str:
        """In a `blockquote` tag."""
        return f"<blockquote>{inner}</blockquote>" if inner else ""


TELEGRAM_HTML = TelegramHtmlWriter()
