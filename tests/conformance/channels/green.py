"""What the checks of GREEN-API have in common, whatever the network and however notifications come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar

from channels.contract import Transport
from channels.errors import Rejected, RetryLater
from channels.greenapi.spec import SPEC
from channels.testing.conformance.platforms.green import ID_INSTANCE, GreenPlatform
from channels.testing.conformance.subject import Deviation
from optfm_bot.testing.conformance import ChannelConformance

SUSPENDED = "a refusal in JSON says that the account is suspended for some time; no chat can refuse us"


class GreenConformance(ChannelConformance, abstract=True):
    network: ClassVar[str]
    spec = SPEC
    now = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
    deviations = MappingProxyType(
        {
            "deliver 403": Deviation(reactions=(RetryLater,), because=SUSPENDED, requests=2),
            "fetch 403": Deviation(reactions=(RetryLater,), because=SUSPENDED),
            "fetch 409": Deviation(
                reactions=(Rejected,), because="two pollers are given the same: nobody refuses"
            ),
        }
    )
    absent = MappingProxyType({"start": "a messenger of people knows no bots that could be started"})

    def settings(self, base_url: str, transport: Transport) -> Mapping[str, Any]:
        return {
            "network": self.network,
            "api_url": base_url,
            "id_instance": ID_INSTANCE,
            "api_token_instance": f"green-{self.canary}",
            "mode": transport,
            "webhook_secret": f"hook-{self.canary}",
            "poll_timeout": 5,
        }

    def platform(self) -> GreenPlatform:
        return GreenPlatform(self.network, f"green-{self.canary}")

    def push_headers(self, body: bytes) -> Mapping[str, str]:
        return {"authorization": f"Bearer hook-{self.canary}"}
