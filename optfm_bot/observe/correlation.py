"""What belongs together in the log: the update at work, and people under names that only we know."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars

_LENGTH = 8


def bind_update(update_id: int | str, channel: str, **fields: int | str) -> AbstractContextManager[object]:
    """Put the update's id and channel into every log line of this task until the block is left.

    Tasks started inside the block inherit it; other tasks see nothing of it. Blocks may be nested.
    """
    return bound_contextvars(update_id=update_id, channel=channel, **fields)


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
