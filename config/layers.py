"""Layers of settings laid over each other, remembering where each value came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.problem import KeyPath

_KEEPING = ("channels", "helpdesk", "texts")


class Layers:
    """A tree of plain values in which the last one to speak wins, key by key; lists are replaced whole."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.origins: dict[KeyPath, str] = {}

    def put(self, path: KeyPath, value: Any, where: str) -> None:
        """Lay one value over what is there.

        A key below something that is no section is not laid: that thing stays to be reported as wrong. A `-`
        in a key of the tree may be written `_` in the path, as names of variables have no `-`.
        """
        node = self.data
        real: KeyPath = ()
        for part in path[:-1]:
            key = _spelled(node, str(part))
            real = (*real, key)
            child = node.get(key)
            if child is None:
                child = node[key] = {}
                self.origins.setdefault(real, where)
            if not isinstance(child, dict):
                return
            node = child
        key = _spelled(node, str(path[-1]))
        real = (*real, key)
        if isinstance(value, Mapping):
            if not isinstance(node.get(key), dict):
                node[key] = {}
                self._forget(real)
                self.origins[real] = where
            for name, item in value.items():
                self.put((*real, name), item, where)
            return
        self._forget(real)
        node[key] = value
        self.origins[real] = where

    def mark(self, path: KeyPath, where: str) -> None:
        """Say more exactly where a value that was put already was written."""
        self.origins[path] = where

    def has(self, path: KeyPath) -> bool:
        """Whether a layer has spoken of this key, null aside."""
        node: Any = self.data
        for part in path:
            if not isinstance(node, dict) or node.get(str(part)) is None:
                return False
            node = node[str(part)]
        return True

    def locate(self, path: KeyPath) -> str:
        """Give the place of a key, else of the first thing inside it, else of the nearest thing around it."""
        if path in self.origins:
            return self.origins[path]
        for known, where in self.origins.items():
            if path and known[: len(path)] == path:
                return where
        for length in range(len(path) - 1, 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return "default"

    def _forget(self, path: KeyPath) -> None:
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]


def _spelled(node: Mapping[str, Any], part: str) -> str:
    if part in node:
        return part
    return next((key for key in node if key.replace("-", "_") == part), part)


def without_nulls(data: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out sections and keys that say nothing (`faq:` and no more), so that their defaults stand.

    Channels, the helpdesk and texts keep theirs: what null means there is not ours to say.
    """
    return {
        key: value if key in _KEEPING else without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in data.items()
        if value is not None
    }
