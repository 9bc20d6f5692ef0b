"""The writer of the web chat: a body as a small HTML in which no tags but ours can appear."""

from __future__ import annotations

from html import escape

from channels.dialects import register_dialect
from channels.dialects.writer import Writer
from channels.links import LINK_SCHEMES
from channels.model import Block, Body, ListBlock, Paragraph

DIALECT = "web-html"


class WebHtmlWriter(Writer):
    """`p`, `b`, `i`, `code`, `a`, `ul`, `ol`, `li`, `blockquote` and `br`; all content is escaped.

    The page builds its own elements out of exactly these, so even a mistake here could not run anything.
    """

    name = DIALECT
    markup = True
    quote_prefix = ""
    link_schemes = LINK_SCHEMES

    def write(self, body: Body) -> str:
        """The blocks one after another; the page spaces them."""
        return "".join([self._block(block) for block in body.blocks])

    def text(self, value: str) -> str:
        """Everything escaped that means something in HTML, quotes too."""
        return escape(value)

    def code(self, value: str) -> str:
        """In a `code` tag."""
        return f"<code>{escape(value)}</code>" if value else ""

    def bold(self, inner: str) -> str:
        """In a `b` tag."""
        return f"<b>{inner}</b>" if inner else ""

    def italic(self, inner: str) -> str:
        """In an `i` tag."""
        return f"<i>{inner}</i>" if inner else ""

    def anchor(self, url: str, inner: str) -> str:
        """In an `a` tag."""
        return f'<a href="{escape(url)}">{inner}</a>'

    def quote(self, inner: str) -> str:
        """In a `blockquote` tag."""
        return f"<blockquote>{inner}</blockquote>" if inner else ""

    def lines(self, written: str) -> str:
        """Line ends as `br`."""
        return written.replace("\n", "<br>")

    def _block(self, block: Block) -> str:
        match block:
            case Paragraph(children):
                return f"<p>{self.lines(self._inlines(children))}</p>"
            case ListBlock(items, ordered, start):
                inner = "".join(f"<li>{self.lines(self._inlines(item))}</li>" for item in items)
                if not ordered:
                    return f"<ul>{inner}</ul>"
                return f'<ol start="{start}">{inner}</ol>' if start != 1 else f"<ol>{inner}</ol>"
            case _:
                return super()._block(block)


WEB_HTML = WebHtmlWriter()
register_dialect(WEB_HTML)


def plain_html(text: str) -> str:
    """Give plain text as the same kind of HTML: paragraphs at empty lines, line breaks inside them."""
    paragraphs = (part.strip("\n") for part in text.replace("\r\n", "\n").split("\n\n"))
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in paragraphs if part.strip())
