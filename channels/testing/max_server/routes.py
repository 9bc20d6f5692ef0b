"""Which request is which operation (named as in the official schema), and what its address may carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote

from channels.testing.max_server.refusal import ApiError, bad_payload, not_found


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: the verb, the path with its named parts, the query parameters, and whether it has a body."""

    operation: str
    verb: str
    path: re.Pattern[str]
    query: frozenset[str]
    has_body: bool = False


def _route(operation: str, verb: str, path: str, *query: str, body: bool = False) -> Route:
    pattern = path.replace("{chat_id}", r"(?P<chat_id>-?\d+)").replace(
        "{message_id}", r"(?P<message_id>[\w.-]+)"
    )
    return Route(
        operation, verb, re.compile(pattern.replace("{token}", r"(?P<token>[\w-]+)")), frozenset(query), body
    )


ROUTES: Final = (
    _route("getMyInfo", "GET", "/me"),
    _route("editMyCommands", "PATCH", "/me/commands", body=True),
    _route("getSubscriptions", "GET", "/subscriptions"),
    _route("subscribe", "POST", "/subscriptions", body=True),
    _route("unsubscribe", "DELETE", "/subscriptions", "url"),
    _route("getUpdates", "GET", "/updates", "limit", "timeout", "marker", "types"),
    _route(
        "getMessages", "GET", "/messages", "chat_id", "message_ids", "from", "to", "before", "after", "count"
    ),
    _route("sendMessage", "POST", "/messages", "chat_id", "user_id", "disable_link_preview", body=True),
    _route("editMessage", "PUT", "/messages", "message_id", body=True),
    _route("deleteMessage", "DELETE", "/messages", "message_id"),
    _route("getMessageById", "GET", "/messages/{message_id}"),
    _route("answerOnCallback", "POST", "/answers", "callback_id", "disable_link_preview", body=True),
    _route("getUploadUrl", "POST", "/uploads", "type"),
    _route("getVideoAttachmentDetails", "GET", "/videos/{token}"),
    _route("getChat", "GET", "/chats/{chat_id}"),
    _route("sendAction", "POST", "/chats/{chat_id}/actions", body=True),
    _route("getMembership", "GET", "/chats/{chat_id}/members/me"),
    _route("leaveChat", "DELETE", "/chats/{chat_id}/members/me"),
)
OPERATIONS: Final = frozenset(one.operation for one in ROUTES)
SENDS: Final = frozenset({"sendMessage"})
EDITS: Final = frozenset({"editMessage", "answerOnCallback"})


def find_route(verb: str, path: str) -> tuple[Route, dict[str, str]]:
    """The operation of a request and the named parts of its path. Raises a 404 or a 405."""
    verbs = False
    for route in ROUTES:
        found = route.path.fullmatch(path)
        if found is None:
            continue
        if route.verb == verb:
            return route, found.groupdict()
        verbs = True
    if verbs:
        raise ApiError(405, "method.not.allowed", f"{verb} is not allowed for {path}")
    raise not_found("not.found", f"There is no {path}")


def read_query(route: Route, query: str) -> Mapping[str, str]:
    """The parameters of an address. Raises a 400 for one that is unknown, or given twice."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, separator="&"):
        if name not in route.query:
            raise bad_payload(f"unknown parameter {name!r} of {route.operation}")
        if name in found:
            raise bad_payload(f"{name} is given twice: lists are separated by commas")
        found[name] = value
    return found


def read_path(raw: str) -> str:
    """A path with its escapes resolved."""
    return unquote(raw) if "%" in raw else raw
