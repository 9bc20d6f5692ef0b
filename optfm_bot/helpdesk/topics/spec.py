"""What a Telegram group with topics needs to be a helpdesk."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, field_validator

from channels.phrase import phrase
from optfm_bot.helpdesk.contract import HelpdeskSettings, HelpdeskSpec

FILE_LIMIT = 50_000_000
"""What Telegram takes from bots. It gives them no more than 20 MB of what agents send."""

_GROUP = re.compile(r"-100\d{5,}", re.ASCII)


class TopicsSettings(HelpdeskSettings):
    """Settings of one Telegram group."""

    channel: str = Field(description="The name of the configured Telegram channel whose bot is in the group.")
    group: str = Field(
        description="The id of the group, like -1001234567890: a supergroup with topics, where the bot is an"
        " administrator that may manage topics."
    )
    file_limit: int = Field(
        default=FILE_LIMIT,
        ge=0,
        le=FILE_LIMIT,
        description="The largest file, in bytes, that goes to the group.",
    )

    @field_validator("group", mode="before")
    @classmethod
    def _group_is_an_id(cls, group: Any) -> Any:
        written = str(group).strip() if isinstance(group, int | str) else ""
        if not _GROUP.fullmatch(written):
            raise ValueError(
                phrase(
                    "topics.group_shape",
                    "this is not the id of a supergroup: one looks like -1001234567890; switch topics on in the group,"
                    " add the bot, and look at the id in the address of the group in Telegram's web version",
                )
            )
        return written


SPEC = HelpdeskSpec(
    kind="telegram",
    title="Telegram",
    settings=TopicsSettings,
    factory="optfm_bot.helpdesk.topics.helpdesk:TelegramTopics",
    docs="docs/how-to/answer-in-a-telegram-group.md",
    file_limit=FILE_LIMIT,
    lookup=False,
)
