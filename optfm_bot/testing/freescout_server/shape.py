"""How FreeScout writes things down: entities as its API and its webhooks show them, in PHP's own JSON. Pure."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

from optfm_bot.testing.freescout_server.world import Conversation, Customer, Stored, Thread, User, World

FILES = "/storage/attachment/"


def php_json(data: Any) -> bytes:
    r"""JSON as PHP's `json_encode` writes it: `/` is `\/`, everything beyond ASCII is `\uXXXX`."""
    return json.dumps(data, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/").encode()


def time(at: datetime | None) -> str | None:
    """A moment in UTC."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


def page(name: str, entries: list[Any], number: int, size: int) -> dict[str, Any]:
    """One page of a list; a page past the end is empty."""
    pages = max(1, -(-len(entries) // size))
    shown = entries[(number - 1) * size : number * size]
    about = {"size": size, "totalElements": len(entries), "totalPages": pages, "number": number}
    return {"_embedded": {name: shown}, "page": about}


def person(world: World, by: tuple[str, int] | None) -> dict[str, Any] | None:
    """A user or a customer, as entities mention them."""
    if by is None:
        return None
    kind, number = by
    found = world.users.get(number) if kind == "user" else world.customers.get(number)
    if found is None:
        return None
    email = found.email if isinstance(found, User) else next((value for value, _ in found.emails), None)
    return {
        "id": number,
        "type": kind,
        "firstName": found.first_name,
        "lastName": found.last_name,
        "photoUrl": "",
        "email": email,
    }


def customer(one: Customer) -> dict[str, Any]:
    """A customer."""

    def listed(values: list[tuple[str, str]]) -> list[dict[str, Any]]:
        return [{"id": 0, "value": value, "type": kind} for value, kind in values]

    return {
        "id": one.id,
        "firstName": one.first_name,
        "lastName": one.last_name,
        "jobTitle": "",
        "company": "",
        "photoType": "unknown",
        "photoUrl": "",
        "createdAt": time(one.created_at),
        "updatedAt": time(one.updated_at),
        "notes": one.notes,
        "_embedded": {
            "emails": listed(one.emails),
            "phones": listed(one.phones),
            "social_profiles": [{"id": 0, "value": value, "type": kind} for kind, value in one.profiles],
            "websites": [],
            "address": dict.fromkeys(("city", "state", "zip", "country", "address")),
        },
    }


def user(one: User) -> dict[str, Any]:
    """A user."""
    return {
        "id": one.id,
        "firstName": one.first_name,
        "lastName": one.last_name,
        "email": one.email,
        "role": "user",
        "status": one.status,
        "type": "user",
    }


def file_url(base: str, file: Stored) -> str:
    """Where a file lies, for everybody who has the address."""
    return f"{base}{FILES}1/2/3/{quote(file.name)}?id={file.id}&token={file.token}"


def thread(world: World, base: str, conversation: Conversation, one: Thread) -> dict[str, Any]:
    """A thread."""
    return {
        "id": one.id,
        "type": one.type,
        "status": one.status,
        "state": one.state,
        "action": {"type": one.action, "text": one.action, "associatedEntities": []},
        "body": one.body,
        "source": {"type": one.source[0], "via": one.source[1]},
        "customer": person(world, ("customer", conversation.customer_id)),
        "createdBy": person(world, one.by),
        "assignedTo": None,
        "to": [],
        "cc": [],
        "bcc": [],
        "createdAt": time(one.created_at),
        "openedAt": None,
        "_embedded": {
            "attachments": [
                {
                    "id": file.id,
                    "fileName": file.name,
                    "fileUrl": file_url(base, file),
                    "mimeType": file.mime,
                    "size": len(file.data),
                }
                for file in one.files
            ]
        },
    }


def conversation(world: World, base: str, one: Conversation, *, threads: bool = True) -> dict[str, Any]:
    """A conversation; threads newest first, drafts left out."""
    assignee = None if one.assignee_id is None else ("user", one.assignee_id)
    closed_by = None if one.closed_by is None else ("user", one.closed_by)
    shown = sorted(
        (thread for thread in one.threads if thread.state == "published"),
        key=lambda thread: (thread.created_at, thread.id),
        reverse=True,
    )
    embedded: dict[str, Any] = {}
    if threads:
        embedded["threads"] = [thread(world, base, one, entry) for entry in shown]
    return {
        "id": one.id,
        "number": one.number,
        "threadsCount": sum(entry.type != "lineitem" for entry in shown),
        "type": one.type,
        "folderId": 5,
        "status": one.status,
        "state": one.state,
        "subject": one.subject,
        "preview": "...",
        "mailboxId": one.mailbox_id,
        "assignee": person(world, assignee),
        "createdBy": person(world, one.created_by),
        "createdAt": time(one.created_at),
        "updatedAt": time(one.updated_at),
        "closedBy": one.closed_by,
        "closedByUser": person(world, closed_by),
        "closedAt": time(one.closed_at),
        "userUpdatedAt": time(one.updated_at),
        "customerWaitingSince": {"time": time(one.updated_at), "friendly": "", "latestReplyFrom": "user"},
        "source": {"type": one.source[0], "via": one.source[1]},
        "cc": [],
        "bcc": [],
        "customer": person(world, ("customer", one.customer_id)),
        "customFields": [],
        "_embedded": embedded,
    }
