"""Settings made fit to be shown: what is or may hold a secret is masked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from pydantic import BaseModel

from config.schema import is_secret_key
from config.secret import Secret

_PASSWORD = re.compile(r"(://[^\s/:@]*:)[^\s/]*@")
_IN_QUERY = re.compile(r"([?&][^=&\s]*(?:token|secret|password|key)[^=&\s]*=)[^&\s]+", re.IGNORECASE)
NOTHING = "—"


def shown(name: str, value: object) -> str:
    """Write a value for a person. `name` is its key: `api_token` is masked whatever its type says."""
    if value is None or value in ("", (), []) or value == Secret(""):
        return NOTHING
    if isinstance(value, Secret):
        return value.masked()
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(str(key), item)}" for key, item in value.items()) or NOTHING
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(shown(name, item) for item in value) or NOTHING
    text = str(value.value if isinstance(value, Enum) else value)
    if is_secret_key(name) and not name.endswith("_file"):
        return Secret(text).masked()
    return text.lower() if isinstance(value, bool) else without_password(text)


def without_password(address: str) -> str:
    """Hide the password inside an address, if there is one."""
    return _IN_QUERY.sub(r"\1••••", _PASSWORD.sub(r"\1••••@", address))


def settings_of(model: BaseModel) -> dict[str, str]:
    """Every field of a channel's settings that differs from its default, as it may be shown."""
    changed = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value != field.get_default(call_default_factory=True, validated_data={}):
            changed[name] = shown(name, value)
    return changed
