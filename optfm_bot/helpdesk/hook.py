"""The hook: a helpdesk's webhook behind the same door as those of channels."""

from __future__ import annotations

from collections.abc import Sequence

from channels.contract import Webhook, WebhookRequest
from channels.model import RawUpdate
from optfm_bot.helpdesk.contract import Hooked


class Hook(Webhook):
    """Takes the calls of one helpdesk; `instance` is its name."""

    def __init__(self, instance: str, helpdesk: Hooked) -> None:
        self.instance = instance
        self._helpdesk = helpdesk

    def authenticate(self, request: WebhookRequest) -> None:
        """Check the signature; raises `Unauthorized`."""
        self._helpdesk.authenticate(request)

    def split(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        """Say which tickets a call is about; raises `BadPayload`."""
        return self._helpdesk.tickets(request)
