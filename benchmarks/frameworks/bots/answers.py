"""What the bots of all frameworks have in common: their command line, and the nearest answer of a small base.

The bots run in environments of their own, so nothing here comes from this project; rapidfuzz is in each environment.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rapidfuzz import fuzz, process, utils

UNKNOWN = "Я этого не знаю."
NEAR = 60.0
"""Likeness, of 100, from which a question is taken for one of the base."""


class Answers:
    """A base of questions, held in memory."""

    def __init__(self, path: str) -> None:
        """Read the base: a JSON object from question to answer."""
        self.base: dict[str, str] = json.loads(Path(path).read_text(encoding="utf-8"))

    def nearest(self, text: str) -> str:
        """The answer to the likest question, or the admission that there is none."""
        found = process.extractOne(
            text, self.base.keys(), scorer=fuzz.ratio, processor=utils.default_process, score_cutoff=NEAR
        )
        return self.base[found[0]] if found else UNKNOWN


def command_line() -> argparse.Namespace:
    """What the benchmark tells every bot; `base` is an address without a slash at its end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True, help="address of the Bot API")
    parser.add_argument("--token", required=True)
    parser.add_argument("--faq", required=True, help="JSON file, an object from question to answer")
    parser.add_argument("--port", type=int, default=0, help="listen for webhooks here; 0 polls")
    parser.add_argument("--folder", required=True, help="where a framework that insists may keep files")
    parser.add_argument("--secret", default="", help="of the webhook")
    return parser.parse_args()
