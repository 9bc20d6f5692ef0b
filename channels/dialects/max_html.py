"""The HTML of MAX: the few tags that it shows, everything else escaped."""

from __future__ import annotations

from html import escape

from channels.dialects.writer import Writer
from channels.links import WEB_SCHEMES


class MaxHtmlWriter(Writer):
    """`b`, `i`, `code` and `a`.

    MAX drops what it does not know without a word, so only tags that were seen to work are written. `blockquote` is
    documented but was found to be dropped: a quotation keeps its `>` at each line, which can be seen either way.
    """

    name = "max-html"
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

    def quote(self, inner: str) -> str:
        """Every line begins with an escaped `>`; a tag that is open over several lines stays as it is."""
        prefix = escape(self.quote_prefix)
        return prefix + inner.replace("\n", "\n" + prefix)


MAX_HTML = MaxHtmlWriter()
