"""The partner API: instances made, listed and deleted. Its errors come with HTTP 200."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from channels.testing.green_server.fields import read_fields
from channels.testing.green_server.instance import Instance
from channels.testing.green_server.methods import SETTINGS
from channels.testing.green_server.notices import TYPE_INSTANCE
from channels.testing.green_server.refusal import Refusal

VERBS: Final = {"getInstances": "GET", "createInstance": "POST", "deleteInstanceAccount": "POST"}


class Partner:
    """A partner's instances. `make` makes one more; `network` is what new ones are for."""

    def __init__(
        self, token: str, instances: Mapping[str, Instance], make: Callable[[str], Instance], network: str
    ) -> None:
        self.token = token
        self.instances = instances
        self.make = make
        self.network = network

    def answer(self, method: str, verb: str, token: str, body: bytes) -> Any:
        """The answer in JSON; refusals are answers too."""
        if token != self.token:
            return _error(401, "Unauthorized")
        if VERBS.get(method) != verb:
            return _error(404, "Not Found")
        if method == "getInstances":
            return [self._about(one) for one in self.instances.values()]
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError:
            given = None
        if not isinstance(given, dict):
            return _error(400, "Bad Request")
        return self._create(given) if method == "createInstance" else self._delete(given)

    def _create(self, given: dict[str, Any]) -> Any:
        if not given:
            return _error(400, "Bad Request: at least one parameter is required")
        name = given.pop("name", "")
        try:
            settings = read_fields(SETTINGS, given, self.network)
        except Refusal as error:
            return _error(400, f"Bad Request: {error.message}")
        made = self.make(self.network)
        made.name = str(name)
        made.account.become("notAuthorized")
        made.configure(**settings)
        return {
            "idInstance": int(made.id),
            "apiTokenInstance": made.token,
            "typeInstance": TYPE_INSTANCE[made.network],
        }

    def _delete(self, given: Mapping[str, Any]) -> Any:
        ident = given.get("idInstance")
        if not isinstance(ident, int) or isinstance(ident, bool):
            return _error(400, "Bad Request: idInstance must be a number")
        found = self.instances.get(str(ident))
        if found is None or found.deleted_at:
            return _error(404, "Not Found")
        found.deleted_at = found.clock()
        return {"deleteInstanceAccount": True}

    def _about(self, one: Instance) -> dict[str, Any]:
        return {
            "idInstance": int(one.id),
            "name": one.name,
            "apiTokenInstance": one.token,
            "typeInstance": TYPE_INSTANCE[one.network],
            "typeAccount": "partner",
            "timeCreated": _moment(one.created),
            "timeDeleted": _moment(one.deleted_at) if one.deleted_at else "",
            "deleted": bool(one.deleted_at),
            "tariff": "BUSINESS",
            "isFree": False,
            "isPartner": True,
            "expirationDate": "",
            "isExpired": False,
        }


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _error(code: int, description: str) -> dict[str, Any]:
    return {"code": code, "description": description}
