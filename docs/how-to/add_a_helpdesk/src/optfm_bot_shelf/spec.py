"""What the bot may know of the shelf without loading it."""

from __future__ import annotations

from optfm_bot.sdk import HelpdeskSettings, HelpdeskSpec
from pydantic import Field


class ShelfSettings(HelpdeskSettings):
    """Where the shelf stands."""

    path: str = Field(description="The folder of the tickets; it has to exist.")
    file_limit: int = Field(default=10_000_000, description="The largest file that it takes, in bytes.")
    poll_seconds: float = Field(default=5.0, gt=0, description="How often the bot looks for what is new.")


SPEC = HelpdeskSpec(
    kind="shelf",
    title="Shelf",
    settings=ShelfSettings,
    factory="optfm_bot_shelf.helpdesk:Shelf",
    file_limit=10_000_000,
)
