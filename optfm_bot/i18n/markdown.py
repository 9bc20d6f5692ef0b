"""Characters of people put into our Markdown so that they stay characters."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def escape_markdown(text: str) -> str:
    r"""Give `text` so written that a body made of it shows exactly these characters: no markup and no links.

    >>> escape_markdown("*скидка*")
    '\\*скидка\\*'
    """
    return _PUNCTUATION.sub(r"\\\g<0>", text)
