"""The language of an answer, by what the client says it reads. Pure."""

from __future__ import annotations

from optfm_bot.i18n.catalogue import LANGUAGES


def accepted_language(header: str, default: str) -> str:
    """Choose one of ours by an `Accept-Language` header; `default` where it names none of them.

    The order is that of RFC 9110: by weight, then as written. `*` and what cannot be read say nothing.
    """
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if language in LANGUAGES and weight > 0:
            wishes.append((-weight, place, language))
    return min(wishes)[2] if wishes else default


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
