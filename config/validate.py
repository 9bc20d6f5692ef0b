"""From plain data to a typed section, with problems that name the place and the nearest known key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.examples import example
from config.messages import known_message, problem
from config.people import HoursSection, weekdays
from config.problem import KeyPath, Problem, dotted
from config.schema import SECTIONS_TO_COME, is_secret_key, leaf_keys
from config.secret import Secret

Locate = Callable[[KeyPath], str]
"""Gives the place (`config.yaml:14`) where a key was written, or the nearest place around it."""

_Model = TypeVar("_Model", bound=BaseModel)

_CODES: Mapping[str, str] = {
    "missing": "required",
    "extra_forbidden": "unknown_key",
    "string_type": "not_text",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "not_integer"),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "not_number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "not_boolean"),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type"), "not_section"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "not_list"),
    **dict.fromkeys(("literal_error", "enum"), "not_one_of"),
    "greater_than_equal": "at_least",
    "greater_than": "more_than",
    "less_than_equal": "at_most",
    "less_than": "less_than",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "string_pattern_mismatch": "pattern",
}
_SHAPES = {
    r"^[a-z][a-z0-9_]{0,31}$": "small_name",
    r"^[a-z][a-z0-9_-]{0,31}$": "name_in_addresses",
    r"^[A-Z]{2}$": "country_code",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "clock",
}
"""Patterns that have words of their own."""
_LIMITS = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
_HINT_OF = {
    "timezone": "timezone",
    "country": "country",
    "database_url": "drivers",
    "database_driver": "drivers",
    "texts": "in_languages",
    "text_unknown": "places",
}
_GLUED = re.compile(r"[A-Za-z_]\w*:[^\s/]")
"""A key and its value without a space between them, which YAML takes for a text."""

_QUOTES: Mapping[type, str] = {int: "quotes", float: "quotes"}
_FEW = 3
"""That many places of a key may be named where it is not."""


def validate_section(
    model: type[_Model], data: object, *, locate: Locate, prefix: KeyPath = ()
) -> _Model | list[Problem]:
    """Give the typed section, or every problem in it.

    `prefix` is where the section lives. The value of a key or field that holds a secret is never shown.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
    return [_translate(detail, model, locate, prefix) for detail in details]


def secrets_in(value: object) -> Iterator[Secret]:
    """Give every secret inside a model, a mapping or a sequence, for the log's redactor."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from secrets_in(item)


def _translate(detail: ErrorDetails, model: type[BaseModel], locate: Locate, prefix: KeyPath) -> Problem:
    location = tuple(part for part in detail["loc"] if part != "[key]")  # a key stands where its value does
    path = (*prefix, *location)
    kind = detail["type"]
    context: Mapping[str, Any] = detail.get("ctx", {})
    where, key = locate(path), dotted(path)
    code = _CODES.get(kind, kind)
    code = _SHAPES.get(context.get("pattern", ""), code)
    if code == "too_short" and context.get("min_length") == 1:
        code = "empty"
    if code == "not_section" and path[0] == "texts":
        code = "texts_section"
    if code == "unknown_key":
        return _unknown(model, location, where, prefix)
    if not known_message(code):
        cause = context.get("error")
        return Problem(where=where, key=key, message=str(cause) if cause else detail["msg"])
    params: dict[str, Any] = {**context, "shown": _shown(detail["input"], path, model, location)}
    limit = next((context[name] for name in _LIMITS if name in context), context.get("limit", ""))
    params["limit"] = f"{limit:g}" if isinstance(limit, float) else limit
    if "expected" in context:
        params["expected"] = str(context["expected"]).replace("'", "").replace(" or ", ", ")
    hint, advice = _advice(code, path, detail["input"], _model_at(model, location))
    return problem(code, where=where, key=key, hint=hint, **{**params, **advice})


def _advice(
    code: str, path: KeyPath, value: object, wanted: type[BaseModel] | None
) -> tuple[str, dict[str, str]]:
    """Say what to write instead: the hint, and what fills its places. `wanted` is the section that belongs here."""
    hint, places, line = _HINT_OF.get(code, ""), dict[str, str](), example(path)
    match code:
        case "texts_section":
            hint = "texts_example"
        case "not_section" if isinstance(value, str) and _GLUED.match(value):
            hint = "yaml_glued"
        case "not_section" | "not_list" | "nameless" if line:
            hint, places = "example", {"example": line}
        case "not_section" if wanted is not None:
            hint, places = "known", {"names": ", ".join(wanted.model_fields)}
        case "not_list" if path:
            hint, places = "in_brackets", {"name": str(path[-1])}
        case "not_text":
            hint = "one_value" if isinstance(value, list | Mapping) else _QUOTES.get(type(value), "")
        case "hours_span" if not isinstance(value, str):
            hint = "closed_day"
    return hint, places


def _unknown(model: type[BaseModel], location: KeyPath, where: str, prefix: KeyPath) -> Problem:
    name = str(location[-1])
    key = dotted((*prefix, *location))
    if not prefix and len(location) == 1 and name in SECTIONS_TO_COME:
        return problem("unknown_key", where=where, key=key, hint="not_yet")
    owner = _model_at(model, location[:-1]) or model
    known = list(owner.model_fields)
    if close := get_close_matches(name.lower(), known, n=1, cutoff=0.6):
        return problem("unknown_key", where=where, key=key, hint="nearest", name=close[0])
    # The right key in the wrong section: `port` at the top instead of inside `server`.
    elsewhere = [dotted((*prefix, *path)) for path in leaf_keys(model) if path[-1] == name]
    if 1 <= len(elsewhere) <= _FEW:
        return problem("unknown_key", where=where, key=key, hint="nearest", name="` / `".join(elsewhere))
    if owner is HoursSection and _is_days(name):
        return problem("unknown_key", where=where, key=key, hint="example", example=example(("hours",)))
    return problem("unknown_key", where=where, key=key, hint="known", names=", ".join(known))


def _model_at(model: type[BaseModel], location: KeyPath) -> type[BaseModel] | None:
    """Follow a location through sections and mappings of sections; None where it leaves them."""
    current: Any = model
    for part in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(part))
            current = field.annotation if field else None
        else:  # a mapping or a sequence: its key says nothing, its value's type says all
            current = next((one for one in reversed(get_args(current)) if one is not Ellipsis), None)
        options = [option for option in get_args(current) if option is not type(None)]
        if options and type(None) in get_args(current):
            current = options[0]
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _is_days(name: str) -> bool:
    try:
        return bool(weekdays(name))
    except ValueError:
        return False


def _shown(value: object, path: KeyPath, model: type[BaseModel], location: KeyPath) -> str:
    """Quote a short scalar that is certainly no secret."""
    if (
        isinstance(value, bool)
        or not isinstance(value, str | int | float)
        or _is_secret(path, model, location)
    ):
        return ""
    text = str(value)
    return text[:40] if "://" not in text else ""  # an address may carry a password


def _is_secret(path: KeyPath, model: type[BaseModel], location: KeyPath) -> bool:
    if any(is_secret_key(str(part)) for part in path):
        return True
    owner = _model_at(model, location[:-1])
    field = owner.model_fields.get(str(location[-1])) if owner and location else None
    return field is not None and (field.annotation is Secret or Secret in get_args(field.annotation))
