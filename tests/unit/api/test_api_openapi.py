"""The description of the API: valid, whole, and true of what the server answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from optfm_bot.api.endpoints import ENDPOINTS
from optfm_bot.api.openapi import description
from optfm_bot.api.refusals import STATUSES
from optfm_bot.api.tokens import Scope

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "rest-api.md"


async def served(office: Any) -> dict[str, Any]:
    answer = await office.ask("GET", "/api/openapi.json")
    assert answer.status == 200
    return dict(answer.json)


async def test_the_description_is_valid(office: Any) -> None:
    found = [error.message for error in OpenAPIV31SpecValidator(await served(office)).iter_errors()]

    assert found == []


async def test_every_route_is_described_and_every_described_one_is_there(office: Any) -> None:
    described = {
        (method.upper(), path)
        for path, methods in (await served(office))["paths"].items()
        for method in methods
    }
    routes = {
        (route.method, f"/api{route.resource.canonical.removeprefix('/api')}")
        for route in office.api.application().router.routes()
        if route.resource is not None
    }

    assert described == routes


def test_the_page_of_the_reference_names_every_route_and_every_code() -> None:
    text = PAGE.read_text("utf-8")
    written = re.findall(r"^\| (GET|POST|DELETE|PUT|PATCH) \| `(/api[^`]*)` \|", text, re.MULTILINE)
    codes = dict(re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", text, re.MULTILINE))

    assert sorted(written) == sorted((one.method, f"/api{one.path}") for one in ENDPOINTS)
    assert {code: int(status) for code, status in codes.items()} == dict(STATUSES)


def test_only_the_description_itself_is_open_to_everybody() -> None:
    assert [one.name for one in ENDPOINTS if not one.scopes] == ["description"]


def test_every_place_in_a_path_is_explained() -> None:
    operations = [op for methods in description("x")["paths"].values() for op in methods.values()]

    assert all(parameter["description"] for one in operations for parameter in one.get("parameters", ()))


def test_every_code_of_an_endpoint_is_one_that_exists() -> None:
    assert {code for one in ENDPOINTS for codes in one.refusals.values() for code in codes} <= set(STATUSES)


@pytest.mark.parametrize(
    ("name", "method", "where", "body"),
    [
        ("send_message", "POST", "/api/channels/plain/messages", {"chat": "1", "text": "x"}),
        ("channels", "GET", "/api/channels", None),
        ("channel", "GET", "/api/channels/acc", None),
        ("operations", "GET", "/api/channels/acc/operations", None),
        ("operate", "POST", "/api/channels/acc/operations/queue", {}),
        ("start_login", "POST", "/api/channels/acc/login", None),
        ("login", "GET", "/api/channels/acc/login", None),
        ("login", "GET", "/api/channels/plain/login", None),
        ("channel", "GET", "/api/channels/nowhere", None),
    ],
)
async def test_answers_are_as_described(office: Any, name: str, method: str, where: str, body: Any) -> None:
    document = await served(office)
    scope = Scope.MESSAGES if name == "send_message" else Scope.SERVICE
    answer = await office.ask(method, where, body, scope=scope)
    operation = next(
        one
        for methods in document["paths"].values()
        for one in methods.values()
        if one["operationId"] == name
    )
    schema = operation["responses"][str(answer.status)]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": document["components"]})

    assert [error.message for error in validator.iter_errors(answer.json)] == []


async def test_a_message_is_shown_as_described(office: Any) -> None:
    document = await served(office)
    sent = await office.send({"chat": "1", "text": "x"})
    answer = await office.ask("GET", sent.headers["Location"], scope=Scope.READ)
    schema = {"$ref": "#/components/schemas/MessageView", "components": document["components"]}

    assert list(Draft202012Validator(schema).iter_errors(answer.json)) == []
