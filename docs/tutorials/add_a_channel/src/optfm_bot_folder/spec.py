"""What a folder of letters can do, and what has to be set up for it."""

from pathlib import Path

from optfm_bot.sdk import Capabilities, ChannelSettings, ChannelSpec, Transport
from pydantic import Field


class FolderSettings(ChannelSettings):
    """The keys under `channels: {folder: …}`."""

    path: Path = Field(
        description="The folder: letters are read in `in`, answers are written to `out.jsonl`."
    )


SPEC = ChannelSpec(
    kind="folder",
    title="Folder",
    settings=FolderSettings,
    factory="optfm_bot_folder.channel:FolderChannel",
    transports=frozenset({Transport.POLLING}),
    capabilities=Capabilities(text_limit=4000),
)
