"""What belongs together in the log: the update at work, and people under names that only we know."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType

_LENGTH = 8

_at_work: ContextVar[Mapping[str, int | str] | None] = ContextVar("update_at_work", default=None)


class bind_update:  # noqa: N801 - used as a `with` statement reads it
    """Put the update's id and channel into every log line of this task until the block is left.

    Tasks started inside the block inherit it; other tasks see nothing of it. Blocks may be nested. One variable instead
    of one per field: this stands on the way of every message.
    """

    __slots__ = ("_fields", "_token")

    def __init__(self, update_id: int | str, channel: str, **fields: int | str) -> None:
        self._fields: Mapping[str, int | str] = {"update_id": update_id, "channel": channel, **fields}
        self._token: Token[Mapping[str, int | str] | None] | None = None

    def __enter__(self) -> None:
        outer = _at_work.get()
        self._token = _at_work.set(self._fields if outer is None else {**outer, **self._fields})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _at_work.reset(self._token)
            self._token = None


def update_at_work() -> Mapping[str, int | str]:
    """Give what `bind_update` has put into this task, for the log."""
    return _at_work.get() or {}


def pseudonym(external_id: str, key: bytes) -> str:
    """Give a person or a conversation the same short name each time: `c_` and eight letters and digits.

    Without `key` (at least 16 bytes, kept as a secret) nobody can go from an id to its name or back.
    """
    if len(key) < 16:  # noqa: PLR2004 - a shorter key could be guessed
        raise ValueError("a pseudonym needs a key of at least 16 bytes")
    # BLAKE2 takes keys of up to 64 bytes; a longer one is folded first.
    folded = key if len(key) <= hashlib.blake2b.MAX_KEY_SIZE else hashlib.blake2b(key).digest()
    digest = hashlib.blake2b(
        external_id.encode("utf-8", "surrogatepass"), key=folded, digest_size=_LENGTH // 2
    )
    return f"c_{digest.hexdigest()}"
