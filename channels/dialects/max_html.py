"""The HTML of MAX: the few tags that it shows, everything else escaped."""

from __future__ import annotations

from html import escape

from channels.dialects.html import HtmlWriter


class MaxHtmlWriter(HtmlWriter):
    """`b`, `i`, `code` and `a`.

    MAX drops what it does not know without a word, so only tags that were seen to work are written. `blockquote` is
    documented but was found to be dropped: a quotation keeps its `>` at each line, which can be seen either way.
    """

    name = "max-html"

    def quote(self, inner: str) -> str:
        """Every line begins with an escaped `>`; a tag that is open over several lines stays as it is."""
        prefix = escape(self.quote_prefix)
        return prefix + inner.replace("\n", "\n" + prefix)


MAX_HTML = MaxHtmlWriter()
