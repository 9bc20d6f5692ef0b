"""A FAQ bot on errbot with the Telegram backend that it ships; what it answers is in `errbot_plugin/faq.py`.

The backend polls, it has no webhook, and no setting for the address of the Bot API: so `telegram.Bot`, which it calls
with the token alone, is given the address here. That is the only change. It keeps its place in the updates in the
storage that it uses unless told otherwise (`Shelf`).
"""

from __future__ import annotations

import functools
import logging
import os
from pathlib import Path
from types import SimpleNamespace

import telegram
from answers import command_line
from errbot.bootstrap import bootstrap


def main() -> None:
    options = command_line()
    telegram.Bot = functools.partial(telegram.Bot, base_url=f"{options.base}/bot")
    os.environ["BENCHMARK_FAQ"] = options.faq  # errbot makes the plugin itself and passes it nothing
    settings = SimpleNamespace(
        BOT_IDENTITY={"token": options.token},
        BOT_ADMINS=(),
        BOT_DATA_DIR=options.folder,
        BOT_EXTRA_PLUGIN_DIR=str(Path(__file__).with_name("errbot_plugin")),
        BOT_LOG_LEVEL=logging.WARNING,
        CORE_PLUGINS=(),
    )
    bootstrap("Telegram", logging.getLogger(), settings)


if __name__ == "__main__":
    main()
