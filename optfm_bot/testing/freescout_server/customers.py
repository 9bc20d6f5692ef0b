"""The customer part of the module's API: hardly anything is unique, and searches find too much."""

from __future__ import annotations

import re
from typing import Any

from optfm_bot.testing.freescout_server.refusal import ApiError, bad_input, not_found
from optfm_bot.testing.freescout_server.world import Customer, World

NAME_LIMIT = 40
PHONE_TYPES = ("work", "home", "other", "mobile", "fax", "pager")
SOCIAL_TYPES = (
    "other", "twitter", "facebook", "telegram", "linkedin", "aboutme", "google", "googleplus", "tungleme", "quora",
    "foursquare", "youtube", "flickr", "vk",
)  # fmt: skip


def create(world: World, given: dict[str, Any]) -> Customer:
    """POST /customers."""
    emails = _emails(given.get("emails"))
    if given.get("email"):
        emails.append((str(given["email"]), "work"))
    name = given.get("firstName")
    if not name and not emails:
        raise ApiError(400, "Error occurred", ("firstName", "Customer first name or email is required."))
    for field in ("firstName", "lastName"):
        if len(str(given.get(field) or "")) > NAME_LIMIT:
            raise bad_input(field, f"The {field} may not be greater than {NAME_LIMIT} characters.")
    taken = _taken(world)
    free = [one for one in emails if one[0].lower() not in taken]
    if emails and not free:
        raise bad_input("emails", "Customers with such email(s) already exist")
    now = world.now()
    made = Customer(
        id=world.next_id("customer"),
        first_name=str(name or ""),
        last_name=str(given.get("lastName") or ""),
        notes=str(given.get("notes") or ""),
        emails=free,
        phones=_phones(given),
        profiles=_profiles(given),
        created_at=now,
        updated_at=now,
    )
    world.customers[made.id] = made
    return made


def change(world: World, number: int, given: dict[str, Any]) -> None:
    """PUT /customers/{id}: lists replace, except `emails_add`."""
    one = get(world, number)
    one.first_name = str(given.get("firstName", one.first_name))[:NAME_LIMIT]
    one.last_name = str(given.get("lastName", one.last_name))[:NAME_LIMIT]
    if "phone" in given or "phones" in given:
        one.phones = _phones(given)
    if "socialProfiles" in given:
        one.profiles = _profiles(given)
    if "emails" in given:
        one.emails = [(str(value), "work") for value in given["emails"]]
    one.emails += [(str(value), "work") for value in given.get("emails_add", ())]
    one.updated_at = world.now()


def get(world: World, number: int) -> Customer:
    """Give a customer. Raises a 404."""
    if number not in world.customers:
        raise not_found()
    return world.customers[number]


def search(world: World, query: dict[str, str]) -> list[Customer]:
    """GET /customers: e-mail and names exactly, a phone by any part of its digits. The newest first."""
    found = sorted(world.customers.values(), key=lambda one: one.id, reverse=True)
    if query.get("email"):
        found = [one for one in found if query["email"].lower() in {value.lower() for value, _ in one.emails}]
    if query.get("firstName"):
        found = [one for one in found if one.first_name == query["firstName"]]
    if query.get("lastName"):
        found = [one for one in found if one.last_name == query["lastName"]]
    if query.get("phone"):
        digits = re.sub(r"\D", "", query["phone"])
        found = [one for one in found if any(digits in re.sub(r"\D", "", value) for value, _ in one.phones)]
    return found


def of_conversation(world: World, given: Any) -> Customer:
    """The customer of a new conversation: by id, by e-mail, by exact phone, else a new one."""
    if not isinstance(given, dict):
        raise bad_input("customer", "`customer` parameter is required")
    if given.get("id"):
        found = world.customers.get(given["id"]) if isinstance(given["id"], int) else None
        if found is None:
            raise bad_input("customer", "Customer not found")
        return found
    if given.get("email"):
        for one in world.customers.values():
            if str(given["email"]).lower() in {value.lower() for value, _ in one.emails}:
                return one
    elif given.get("phone"):
        digits = re.sub(r"\D", "", str(given["phone"]))
        for one in world.customers.values():
            if digits in {re.sub(r"\D", "", value) for value, _ in one.phones}:
                return one
    return create(world, given)


def _taken(world: World) -> set[str]:
    return {value.lower() for one in world.customers.values() for value, _ in one.emails}


def _emails(given: Any) -> list[tuple[str, str]]:
    return [
        (str(one["value"]), str(one.get("type") or "work"))
        for one in given or ()
        if isinstance(one, dict) and one.get("value")
    ]


def _phones(given: dict[str, Any]) -> list[tuple[str, str]]:
    found = [
        (str(one["value"]), _coerced(one.get("type"), PHONE_TYPES, "work"))
        for one in given.get("phones") or ()
        if isinstance(one, dict) and one.get("value")
    ]
    if given.get("phone"):
        found.append((str(given["phone"]), "work"))
    return found


def _profiles(given: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (_coerced(one.get("type"), SOCIAL_TYPES, "other"), str(one["value"]))
        for one in given.get("socialProfiles") or ()
        if isinstance(one, dict) and one.get("value")
    ]


def _coerced(value: Any, known: tuple[str, ...], otherwise: str) -> str:
    return value if value in known else otherwise
