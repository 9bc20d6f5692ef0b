"""Says in words whether FreeScout is set up for us, from what it tells. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from channels.contract import Health, HealthState
from channels.errors import ChannelError, RetryLater, Unauthorized
from channels.fields import Json
from channels.phrase import phrase
from optfm_bot.helpdesk.freescout.spec import FreeScoutSettings

_MOST_NAMED = 10


def refused_probe(error: ChannelError) -> Health:
    """Give the health of a helpdesk whose probe ended in `error`."""
    if isinstance(error, Unauthorized):
        return Health(state=HealthState.BAD_CREDENTIALS, hint=str(error))
    if isinstance(error, RetryLater):
        return Health(state=HealthState.DEGRADED, hint=str(error))
    return Health(
        state=HealthState.DOWN,
        hint=phrase("freescout.check_network", "{why}. Check url, the network and `proxy`.", why=error),
    )


def diagnose(settings: FreeScoutSettings, mailboxes: Sequence[Json], users: Sequence[Json]) -> Health:
    """Say whether the mailbox and the user who writes notes are there."""
    ours = next((one for one in mailboxes if one.get("id") == settings.mailbox_id), None)
    details = {"mailboxes": str(len(mailboxes)), "webhook": "on" if settings.webhook_secret else "off"}
    if ours is None:
        missing = phrase(
            "freescout.no_mailbox",
            "There is no mailbox {mailbox_id}. There are: {mailboxes}.",
            mailbox_id=settings.mailbox_id,
            mailboxes=_listed(mailboxes),
        )
        return Health(state=HealthState.DOWN, hint=missing, details=details)
    active = [one for one in users if (one.get("status") or "active") == "active"]
    hint = ""
    if settings.user_id is None and not active:
        hint = phrase(
            "freescout.no_user",
            "There is no active user who could write the bot's notes: make one, or set user_id.",
        )
    elif settings.user_id is not None and settings.user_id not in {one.get("id") for one in active}:
        hint = phrase(
            "freescout.wrong_user",
            "There is no active user {user_id} (user_id), so notes cannot be written.",
            user_id=settings.user_id,
        )
    return Health(
        state=HealthState.DEGRADED if hint else HealthState.OK,
        identity=str(ours.get("name") or f"mailbox {settings.mailbox_id}"),
        hint=hint,
        details=details,
    )


def _listed(mailboxes: Sequence[Json]) -> str:
    names = [f"{one.get('id')} ({one.get('name')})" for one in mailboxes[:_MOST_NAMED]]
    return ", ".join(names) or phrase("freescout.no_mailboxes", "none")
