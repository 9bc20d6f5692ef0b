"""The words of an outgoing message: `parse_mode`, given entities, trimming and length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from channels.testing.telegram_server.entities import Entity, parse_html, trimmed, utf16_length
from channels.testing.telegram_server.refusal import bad_request

TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024


def read_words(
    words: str, *, parse_mode: str | None, entities: object, limit: int, too_long: str
) -> tuple[str, list[Entity]]:
    """What a person will see, and its entities. Raises a 400 if it cannot be parsed or is over `limit`.

    The length counts UTF-16 units after parsing: the stricter reading of a limit whose unit is not
    documented.
    """
    if parse_mode:
        plain, found = _parsed(words, parse_mode)
    else:
        plain, found = words, _given(entities, words)
    plain, found = trimmed(plain, found)
    if len(plain) * 2 > limit and utf16_length(plain) > limit:
        raise bad_request(too_long)
    return plain, found


def _parsed(words: str, mode: str) -> tuple[str, list[Entity]]:
    if mode.lower() == "html":
        return parse_html(words)
    if mode.lower() in {"markdown", "markdownv2"}:
        raise bad_request(f'parse_mode "{mode}" is not modelled by this fake, only HTML is')
    raise bad_request("unsupported parse_mode")


def _given(entities: object, words: str) -> list[Entity]:
    if entities is None:
        return []
    if not isinstance(entities, list):
        raise bad_request("can't parse entities JSON object")
    end = utf16_length(words)
    return [_entity(one, end) for one in entities]


def _entity(one: object, end: int) -> Entity:
    if not isinstance(one, Mapping):
        raise bad_request("can't parse MessageEntity: expected an Object")
    found: dict[str, Any] = {key: value for key, value in one.items() if value is not None}
    offset, length = found.get("offset"), found.get("length")
    if not isinstance(found.get("type"), str) or not isinstance(offset, int) or not isinstance(length, int):
        raise bad_request("can't parse MessageEntity: type, offset and length are required")
    if offset < 0 or length <= 0 or offset + length > end:
        raise bad_request(f"can't parse MessageEntity: {offset}+{length} is outside of the text")
    return found
