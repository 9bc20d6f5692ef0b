"""`optfm-bot faq why`: what would be answered, and why."""

from __future__ import annotations

from pathlib import Path

import click

from faq import FaqManager
from faq.contract import Outcome
from faq.explain import Explanation
from faq.source import load_knowledge
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.knowledge import knowledge_path, path_option, tuned_for
from optfm_bot.cli.options import config_option, json_option, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import current_words
from optfm_bot.domain.understanding import understand

_MARKS = {Outcome.ANSWER: Mark.OK, Outcome.CLARIFY: Mark.WARNING, Outcome.ADMIT: Mark.ERROR}


@click.command("why")
@click.argument("text")
@path_option
@config_option
@json_option
@voice_options
@guarded
def command(text: str, path: Path | None, config_path: Path | None, *, as_json: bool) -> int:
    """Tell what would be answered to TEXT, and why."""
    words, output = current_words(), Output()
    base = load_knowledge(knowledge_path(path, config_path))
    tuned = tuned_for(config_path, configured=path is None)
    faq = FaqManager.from_base(base, matcher=tuned.matcher, thresholds=tuned.thresholds)
    parts = understand(text, faq)
    explained = [faq.explain(part.text).instead(part.decision) for part in parts]
    if as_json:
        whole, *others = [faq.explain(text), *explained] if len(explained) > 1 else explained
        output.data({**whole.data(), "parts": [part.data() for part in others]})
        return Exit.OK
    for number, explanation in enumerate(explained, start=1):
        if len(explained) > 1:
            if number > 1:
                output.line()
            text = " ".join(explanation.text.split())
            output.line(words("faq_why.part", number=number, total=len(explained), text=text))
        _print(explanation, output, words.language)
    return Exit.OK


def _print(explanation: Explanation, output: Output, language: str) -> None:
    """Print an explanation: the decision with its sign, and the topics apart from each other."""
    (decision, *rest), *others = explanation.sections(language)
    output.line(decision, mark=_MARKS[explanation.decision.outcome], result=True)
    for line in rest:
        output.line(line)
    for section in others:
        output.line()
        for line in section:
            output.line(line)
