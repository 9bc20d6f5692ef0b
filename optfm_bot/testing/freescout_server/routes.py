"""Which request is which call, and its answer as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from optfm_bot.testing.freescout_server import customers, shape
from optfm_bot.testing.freescout_server.conversations import Conversations
from optfm_bot.testing.freescout_server.refusal import bad_input, not_found
from optfm_bot.testing.freescout_server.webhook import EVENTS, Webhooks
from optfm_bot.testing.freescout_server.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: `made` is the id of what was made; no content is no body."""

    status: int = 200
    content: Any = None
    made: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as far as it matters: the id in the path, the query, the body."""

    id: int
    query: dict[str, str]
    body: dict[str, Any]


class Routes:
    """The endpoints of the module."""

    def __init__(self, world: World, api: Conversations, webhooks: Webhooks, base: Callable[[], str]) -> None:
        self.world = world
        self.api = api
        self.webhooks = webhooks
        self.base = base
        self._table: list[tuple[re.Pattern[str], dict[str, Callable[[Asked], Reply]]]] = [
            (re.compile(r"/conversations"), {"POST": self._open, "GET": self._list}),
            (
                re.compile(r"/conversations/(\d+)"),
                {"GET": self._get, "PUT": self._put, "DELETE": self._delete},
            ),
            (re.compile(r"/conversations/(\d+)/threads"), {"POST": self._add}),
            (re.compile(r"/conversations/(\d+)/tags"), {"PUT": self._tag}),
            (re.compile(r"/customers"), {"POST": self._customer, "GET": self._customers}),
            (re.compile(r"/customers/(\d+)"), {"GET": self._one_customer, "PUT": self._change_customer}),
            (re.compile(r"/users"), {"GET": self._users}),
            (re.compile(r"/users/(\d+)"), {"GET": self._user}),
            (re.compile(r"/mailboxes"), {"GET": self._mailboxes}),
            (re.compile(r"/webhooks"), {"POST": self._subscribe}),
            (re.compile(r"/webhooks/(\d+)"), {"DELETE": self._unsubscribe}),
        ]

    def find(self, verb: str, path: str) -> tuple[Callable[[Asked], Reply], int] | int:
        """The call of a request and the id in its path; else 404 for an unknown path, 405 for a wrong verb."""
        for pattern, verbs in self._table:
            if (found := pattern.fullmatch(path)) is not None:
                if verb not in verbs:
                    return 405
                return verbs[verb], int(found[1]) if found.groups() else 0
        return 404

    # -- conversations ------------------------------------------------------------------------------------

    def _open(self, asked: Asked) -> Reply:
        made = self.api.create(asked.body)
        return Reply(status=201, content=shape.conversation(self.world, self.base(), made), made=made.id)

    def _list(self, asked: Asked) -> Reply:
        threads = "threads" in asked.query.get("embed", "").split(",")
        found = [
            shape.conversation(self.world, self.base(), one, threads=threads)
            for one in self.api.search(asked.query)
        ]
        return _paged("conversations", found, asked)

    def _get(self, asked: Asked) -> Reply:
        threads = "threads" in asked.query.get("embed", "threads").split(",")
        found = self.world.conversation(asked.id)
        return Reply(content=shape.conversation(self.world, self.base(), found, threads=threads))

    def _put(self, asked: Asked) -> Reply:
        self.api.change(asked.id, asked.body)
        return Reply(status=204)

    def _delete(self, asked: Asked) -> Reply:
        found = self.world.conversation(asked.id)
        self.webhooks.last_words("convo.deleted_forever", found)
        del self.world.conversations[asked.id]
        return Reply(status=204)

    def _add(self, asked: Asked) -> Reply:
        thread = self.api.add(asked.id, asked.body)
        found = self.world.conversation(asked.id)
        content = shape.thread(self.world, self.base(), found, thread)
        return Reply(status=201, content=content, made=thread.id)

    def _tag(self, asked: Asked) -> Reply:
        self.api.tag(asked.id, asked.body)
        return Reply(status=204)

    # -- people -------------------------------------------------------------------------------------------

    def _customer(self, asked: Asked) -> Reply:
        made = customers.create(self.world, asked.body)
        self.webhooks.customer(made.id)
        return Reply(status=201, content=shape.customer(made), made=made.id)

    def _customers(self, asked: Asked) -> Reply:
        found = [shape.customer(one) for one in customers.search(self.world, asked.query)]
        return _paged("customers", found, asked)

    def _one_customer(self, asked: Asked) -> Reply:
        return Reply(content=shape.customer(customers.get(self.world, asked.id)))

    def _change_customer(self, asked: Asked) -> Reply:
        customers.change(self.world, asked.id, asked.body)
        return Reply(status=204)

    def _users(self, asked: Asked) -> Reply:
        email = asked.query.get("email")
        found = [shape.user(one) for one in self.world.users.values() if email in {None, one.email}]
        return _paged("users", found, asked)

    def _user(self, asked: Asked) -> Reply:
        if asked.id not in self.world.users:
            raise not_found()
        return Reply(content=shape.user(self.world.users[asked.id]))

    def _mailboxes(self, asked: Asked) -> Reply:
        found = [
            {"id": number, "name": name, "email": f"box{number}@desk.test"}
            for number, name in self.world.mailboxes.items()
        ]
        return _paged("mailboxes", found, asked)

    # -- webhooks -----------------------------------------------------------------------------------------

    def _subscribe(self, asked: Asked) -> Reply:
        events = asked.body.get("events")
        if not asked.body.get("url") or not isinstance(events, list) or not EVENTS & set(events):
            raise bad_input("events", "`url` and `events` parameters are required")
        made = self.webhooks.subscribe(str(asked.body["url"]), events)
        content = {"id": made.id, "url": made.url, "events": sorted(made.events)}
        return Reply(status=201, content=content, made=made.id)

    def _unsubscribe(self, asked: Asked) -> Reply:
        if self.webhooks.subscriptions.pop(asked.id, None) is None:
            raise not_found()
        return Reply(status=204)


def _paged(name: str, found: list[Any], asked: Asked) -> Reply:
    number, size = (
        _positive(asked.query.get(key), default) for key, default in (("page", 1), ("pageSize", 50))
    )
    return Reply(content=shape.page(name, found, number, size))


def _positive(value: str | None, default: int) -> int:
    return int(value) if value and value.isdigit() and int(value) > 0 else default
