"""The proof that a webhook call comes from FreeScout. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac

from config.secret import Secret

HEADER = "x-freescout-signature"


def sign(body: bytes, secret: Secret) -> str:
    """Give the signature of a body: over the raw bytes, because PHP writes JSON as nobody else does."""
    digest = hmac.new(secret.reveal().encode(), body, hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def is_genuine(body: bytes, signature: str, secret: Secret) -> bool:
    """Whether the signature is this secret's, compared in constant time."""
    given = signature.strip().encode("utf-8", "replace")
    return hmac.compare_digest(given, sign(body, secret).encode())
