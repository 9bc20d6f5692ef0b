"""Says in words whether FreeScout is set up for us, from what it tells. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from channels.contract import Health, HealthState
from channels.errors import ChannelError, RetryLater, Unauthorized
from channels.fields import Json
from optfm_bot.helpdesk.freescout.spec import FreeScoutSettings

_MOST_NAMED = 10


def refused_probe(error: ChannelError) -> Health:
    """Give the health of a helpdesk whose probe ended in `error`."""
    if isinstance(error, Unauthorized):
        return Health(state=HealthState.BAD_CREDENTIALS, hint=str(error))
    if isinstance(error, RetryLater):
        return Health(state=HealthState.DEGRADED, hint=str(error))
    return Health(state=HealthState.DOWN, hint=f"{error}. Check url, the network and `proxy`.")


def diagnose(settings: FreeScoutSettings, mailboxes: Sequence[Json], users: Sequence[Json]) -> Health:
    """Say whether the mailbox and the user who writes notes are there."""
    ours = next((one for one in mailboxes if one.get("id") == settings.mailbox_id), None)
    details = {"mailboxes": str(len(mailboxes)), "webhook": "on" if settings.webhook_secret else "off"}
    if ours is None:
        hint = f"There is no mailbox {settings.mailbox_id}. There are: {_listed(mailboxes)}."
        return Health(state=HealthState.DOWN, hint=hint, details=details)
    active = [one for one in users if (one.get("status") or "active") == "active"]
    hint = ""
    if settings.user_id is None and not active:
        hint = "There is no active user who could write the bot's notes: make one, or set user_id."
    elif settings.user_id is not None and settings.user_id not in {one.get("id") for one in active}:
        hint = f"There is no active user {settings.user_id} (user_id), so notes cannot be written."
    return Health(
        state=HealthState.DEGRADED if hint else HealthState.OK,
        identity=str(ours.get("name") or f"mailbox {settings.mailbox_id}"),
        hint=hint,
        details=details,
    )


def _listed(mailboxes: Sequence[Json]) -> str:
    names = [f"{one.get('id')} ({one.get('name')})" for one in mailboxes[:_MOST_NAMED]]
    return ", ".join(names) or "none"
