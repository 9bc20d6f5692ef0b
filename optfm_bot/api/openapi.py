"""The description of the API for programs: OpenAPI 3.1, made of the endpoints and their models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from optfm_bot import __version__
from optfm_bot.api.endpoint import Endpoint
from optfm_bot.api.endpoints import ENDPOINTS, PLACES
from optfm_bot.api.models import SCOPES, Error
from optfm_bot.i18n.catalogue import LANGUAGES, Catalogue

BASE = "/api"

_SECURITY = "token"
_REF = "#/components/schemas/{model}"
_JSON = "application/json"
_PLACES = {name: f"{{{name}}}" for name in ("channel", "operation", "scopes", "number")}
"""What the words of refusals are filled with, where they stand for any of them."""


def description(title: str, endpoints: Sequence[Endpoint] = ENDPOINTS) -> dict[str, Any]:
    """Describe the endpoints. `title` is the name of the bot."""
    models = {m for one in endpoints for m in (one.asks, one.takes, one.gives) if m is not None} | {Error}
    models |= {model for one in endpoints for model in one.refuses.values()}
    _, schemas = models_json_schema(
        # An answer always has all its fields, so it is described as it is written; a request, as it is read.
        [
            (model, "validation" if _is_taken(model, endpoints) else "serialization")
            for model in sorted(models, key=lambda model: model.__name__)
        ],
        ref_template=_REF,
    )
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(BASE + one.path, {})[one.method.lower()] = _operation(one, schemas["$defs"])
    for one in endpoints:
        if one.asks is not None:  # described where it is asked for, as parameters
            schemas["$defs"].pop(one.asks.__name__, None)
    scopes = "\n".join(f"- `{scope.value}`: {meaning}" for scope, meaning in SCOPES.items())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{title}: REST API",
            "version": __version__,
            "description": "Send messages through the bot's channels, look at them and service them; see and change "
            "who has the word in a conversation, care for requests, read tickets and proposals.\n\n"
            f"A token has scopes:\n\n{scopes}\n\n"
            "Every answer has an `X-Request-ID`; a client's own is taken over. Words for people come in "
            f"{' or '.join(LANGUAGES)}, by `Accept-Language`.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                _SECURITY: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made by `optfm-bot token create NAME`.",
                }
            },
        },
    }


def _is_taken(model: type[BaseModel], endpoints: Sequence[Endpoint]) -> bool:
    return any(model in {one.takes, one.asks} for one in endpoints)


def _operation(one: Endpoint, schemas: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": one.name, "summary": one.summary, "security": []}
    if one.scopes:
        needed = " or ".join(sorted(f"`{scope}`" for scope in one.scopes))
        operation["description"] = f"Needs the scope {needed}."
        # Scopes of bearer tokens are named for people: OpenAPI 3.1 allows roles here for every kind of scheme.
        operation["security"] = [{_SECURITY: [scope]} for scope in sorted(one.scopes)]
    parameters = [
        {
            "name": place,
            "in": "path",
            "required": True,
            "description": PLACES[place],
            "schema": {"type": "string"},
        }
        for place in one.places
    ]
    parameters += [
        {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
        for name, text in one.headers.items()
    ]
    if one.asks is not None:
        parameters += [_asked(name, dict(schema)) for name, schema in _properties(one.asks, schemas)]
    if parameters:
        operation["parameters"] = parameters
    if one.takes is not None:
        operation["requestBody"] = {
            "required": one.body_needed,
            "content": {_JSON: {"schema": _ref(one.takes)}},
        }
    operation["responses"] = _responses(one)
    return operation


def _properties(model: type[BaseModel], schemas: Mapping[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    found: dict[str, dict[str, Any]] = schemas[model.__name__]["properties"]
    return found.items()


def _asked(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter of a query: none is required, and what is missing is left out, so null is none of its values."""
    description = schema.pop("description", "")
    values = [one for one in schema.pop("anyOf", []) if one != {"type": "null"}]
    if values:
        schema.pop("default", None)
        schema |= values[0]
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _responses(one: Endpoint) -> dict[str, Any]:
    words = Catalogue.load("api")
    good: dict[str, Any] = {"description": one.answers or HTTPStatus(one.status).phrase}
    if one.gives is not None:
        good["content"] = {_JSON: {"schema": _ref(one.gives)}}
    elif one.status != HTTPStatus.NO_CONTENT:
        good["content"] = {_JSON: {"schema": {"type": "object"}}}
    responses = {str(one.status): good}
    for status, codes in one.refusals.items():
        named = [f"- `{code}`: {words.label(f'{code}.message', 'en', **_PLACES)}" for code in codes]
        responses[str(status)] = {
            "description": "\n".join(named),
            "content": {_JSON: {"schema": _ref(one.refuses.get(status, Error))}},
        }
    return responses


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
