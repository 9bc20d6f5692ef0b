"""Who a customer is at FreeScout: found before made, because FreeScout itself refuses no double."""

from __future__ import annotations

import re
from typing import Any

from channels.errors import Gone, Rejected, Unreachable
from channels.fields import Json, children, identifier
from channels.phrase import phrase
from optfm_bot.helpdesk.contract import Customer
from optfm_bot.helpdesk.freescout.client import FreeScoutClient

NAME_LIMIT = 40
_SOCIAL = {"telegram": "telegram", "vk": "vk"}
"""Channels for which FreeScout has a type of profile; every other one is "other"."""
_MOST_PAGES = 20
_NATIONAL = 10
"""Digits of a phone number without what countries put before it."""


async def resolve(client: FreeScoutClient, customer: Customer, known_id: str | None) -> str:
    """Give the customer's id, making the customer if there is none. Raises by reaction.

    Nothing here is "maybe sent": a customer who was made without our hearing of it is found the next time.
    """
    found = await search(client, customer, known_id)
    if found is not None:
        return found
    try:
        return await _create(client, customer)
    except Unreachable as error:
        reason = str(error)
    raise Unreachable(reason, maybe_sent=False)


async def search(client: FreeScoutClient, customer: Customer, known_id: str | None) -> str | None:
    """Give the id of a customer who is there already: by id, mail address, phone, or what we called them."""
    if known_id is not None and known_id.isascii() and known_id.isdigit():
        try:
            return identifier(await client.get(f"/customers/{known_id}"), "id") or known_id
        except Gone:
            pass  # deleted, or merged with another one
    if customer.email and (found := await _by_email(client, customer.email)):
        return found
    if customer.phone and (found := await _by_phone(client, customer)):
        return found
    return await _by_ref(client, customer)


def first_name(customer: Customer) -> str:
    """Give the name as FreeScout keeps it."""
    return " ".join(customer.name.split())[:NAME_LIMIT].strip() or customer.ref[:NAME_LIMIT]


def fields(customer: Customer) -> dict[str, Any]:
    """Give the body that makes this customer. A first name is always there: a phone alone is refused."""
    kind = _SOCIAL.get(customer.ref.partition(":")[0], "other")
    body: dict[str, Any] = {
        "firstName": first_name(customer),
        "socialProfiles": [{"type": kind, "value": customer.ref}],
    }
    if customer.phone:
        body["phone"] = customer.phone
    if customer.email:
        body["emails"] = [{"value": customer.email, "type": "work"}]
    return body


def same_phone(one: str, other: str) -> bool:
    """Whether two spellings are one number: the digits are equal, a Russian 8 is a 7."""
    return bool(_digits(one)) and _digits(one) == _digits(other)


async def _by_email(client: FreeScoutClient, email: str) -> str | None:
    async for entry in client.pages("/customers", "customers", {"email": email}, most=1):
        if email.casefold() in {value.casefold() for value in _values(entry, "emails")}:
            return identifier(entry, "id")
    return None


async def _by_phone(client: FreeScoutClient, customer: Customer) -> str | None:
    phone = customer.phone or ""
    # FreeScout looks for a part of the digits, so the part that everybody writes alike is asked for.
    query = {"phone": _digits(phone)[-_NATIONAL:]}
    if not query["phone"]:
        return None
    found: list[str] = []
    async for entry in client.pages("/customers", "customers", query, most=_MOST_PAGES):
        if not any(same_phone(phone, value) for value in _values(entry, "phones")):
            continue
        profiles = _values(entry, "social_profiles")
        number = identifier(entry, "id")
        if number is None or _is_another(customer.ref, profiles):
            continue
        if customer.ref in profiles:
            return number
        found.append(number)
    return min(found, key=int, default=None) if all(number.isdigit() for number in found) else found[0]


async def _by_ref(client: FreeScoutClient, customer: Customer) -> str | None:
    query = {"firstName": first_name(customer)}
    async for entry in client.pages("/customers", "customers", query, most=_MOST_PAGES):
        if customer.ref in _values(entry, "social_profiles"):
            return identifier(entry, "id")
    return None


async def _create(client: FreeScoutClient, customer: Customer) -> str:
    body = fields(customer)
    try:
        made = await client.post("/customers", body)
    except Rejected:
        if "emails" not in body:
            raise
        # Somebody has this address, in a spelling or at a moment that the search missed.
        if found := await _by_email(client, customer.email or ""):
            return found
        del body["emails"]
        made = await client.post("/customers", body)
    if made.id is None:
        raise Unreachable(
            phrase("freescout.customer_unnamed", "FreeScout made a customer and did not say which"),
            maybe_sent=True,
        )
    return made.id


def _values(entry: Json, name: str) -> list[str]:
    embedded = entry.get("_embedded")
    if not isinstance(embedded, dict):
        return []
    found = [one.get("value") for one in children(embedded, name)]
    return [value for value in found if isinstance(value, str)]


def _is_another(ref: str, profiles: list[str]) -> bool:
    """Whether this is somebody else of the same channel who shares the phone."""
    channel = ref.partition(":")[0] + ":"
    return ref not in profiles and any(profile.startswith(channel) for profile in profiles)


def _digits(phone: str) -> str:
    digits = re.sub(r"\D", "", phone)
    return "7" + digits[1:] if len(digits) == _NATIONAL + 1 and digits.startswith("8") else digits
