"""What the HTML of every messenger has: the tags that all of them show, everything else escaped."""

from __future__ import annotations

from html import escape

from channels.dialects.writer import Writer
from channels.links import WEB_SCHEMES


class HtmlWriter(Writer):
    """`b`, `i`, `code` and `a`."""

    markup = True
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
