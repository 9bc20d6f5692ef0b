"""The desk: the helpdesk as the house knows it. Carries to it what the outbox promises, and reads what is new there.

Nothing goes through twice: see `placing`, `looking` and decision 0019.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from channels.capabilities import Capabilities
from channels.contract import Channel
from channels.model import Inbound, Media, MediaKind, Receipt, Rendered
from optfm_bot.clock import Clock
from optfm_bot.domain.words import Words
from optfm_bot.helpdesk.contract import Helpdesk
from optfm_bot.helpdesk.looking import Looking
from optfm_bot.helpdesk.placing import Placing, Receive
from optfm_bot.helpdesk.sentences import FileSentences
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.store.contract import Store

_ANY_SIZE = 1 << 40


class Desk:
    """A carrier for the outbox, and the reader of tickets.

    `receive` stores what is new, `channels` are those of the customers. `words` are the bot's own, None for those that
    it is shipped with, and `language` is that of the agents. `file_limit` is the largest file that the ticket takes.
    """

    def __init__(
        self,
        helpdesk: Helpdesk,
        store: Store,
        clock: Clock,
        *,
        channels: Mapping[str, Channel],
        receive: Receive,
        new_id: Callable[[], int],
        words: Words | None = None,
        language: str = "ru",
    ) -> None:
        self.helpdesk = helpdesk
        self.instance = helpdesk.instance
        self.file_limit = min(
            helpdesk.spec.file_limit, getattr(helpdesk.settings, "file_limit", helpdesk.spec.file_limit)
        )
        self.sentences = FileSentences(words or Catalogue.load(), language, channels)
        # A file above the limit is no affair of the ladder, which would leave its bare name: agents read a sentence.
        self.capabilities = Capabilities(
            text_limit=2_000_000,
            caption_limit=2_000_000,
            media=MappingProxyType(dict.fromkeys(MediaKind, _ANY_SIZE)),
            idempotent=True,
        )
        self._placing = Placing(
            helpdesk, store, clock, channels=channels, receive=receive, sentences=self.sentences
        )
        self._looking = Looking(helpdesk, store, clock, receive=receive, new_id=new_id)

    @property
    def down(self) -> bool:
        """Whether the last call found nobody there."""
        return self._placing.down

    async def deliver(self, message: Rendered) -> Receipt:
        """Bring one message to its ticket, opening that if need be. Raises by reaction; then it may be repeated."""
        return await self._placing.deliver(message)

    async def look(self, external_id: str) -> int:
        """Read a ticket and store what is new in it, in its conversation; gives how much. Raises by reaction."""
        return await self._looking.look(external_id)

    async def hear(self, event: Inbound) -> None:
        """Store what was said in the chat that is the helpdesk."""
        await self._looking.hear(event)

    async def fetch(self, file: Media, limit: int) -> bytes:
        """Get an agent's file for the customer. Raises by reaction."""
        return await self._looking.fetch(file, limit)
