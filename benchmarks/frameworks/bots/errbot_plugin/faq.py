"""The plugin of the errbot bot: every message that is no command gets the nearest answer."""

from __future__ import annotations

import os

from answers import Answers
from errbot import BotPlugin
from errbot.backends.base import Message

ANSWERS = Answers(os.environ["BENCHMARK_FAQ"])


class Faq(BotPlugin):
    def callback_message(self, message: Message) -> None:
        self.send(message.frm, ANSWERS.nearest(message.body))
