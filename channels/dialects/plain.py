"""Plain text: for channels without markup, and for the second try after a platform refused markup."""

from __future__ import annotations

from channels.dialects.writer import Writer


class PlainWriter(Writer):
    """Words, bullets, numbers and `> ` before quotations; links as `label (address)`."""

    name = "plain"


PLAIN = PlainWriter()
