"""Keys that make a repeated request safe: how one is read, and what it stands for."""

from __future__ import annotations

import re
from hashlib import sha256

from pydantic import BaseModel

from optfm_bot.api.call import Call
from optfm_bot.api.endpoint import IDEMPOTENCY_KEY
from optfm_bot.api.refusals import Refusal

_KEY = re.compile(r"[!-~]{1,255}")


def key_of(call: Call) -> str:
    """The key that came with a call, empty if there was none. Raises `Refusal` for one that does not fit."""
    if IDEMPOTENCY_KEY not in call.headers:
        return ""
    # The draft of the header wants it in quotes; most clients send it bare. Both mean the same.
    key = call.headers[IDEMPOTENCY_KEY].strip().removeprefix('"').removesuffix('"')
    if not _KEY.fullmatch(key):
        raise Refusal("bad_key")
    return key


def fingerprint_of(place: str, wanted: BaseModel) -> str:
    """What tells a request from another one: where it went, and everything in it."""
    return sha256(f"{place}\n{wanted.model_dump_json()}".encode()).hexdigest()
