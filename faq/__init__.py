"""FAQ: what the owner knows, and which entry answers a message. Texts in, decisions out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from faq.base import KnowledgeBase, KnowledgeError, Problem
from faq.contract import (
    EVERYTHING,
    Candidate,
    Decision,
    Evidence,
    ExactMatcher,
    How,
    Judgement,
    JudgingMatcher,
    Matcher,
    Outcome,
    Policy,
    Query,
    Reading,
    ReadingMatcher,
    Reason,
    Scope,
    Via,
    WordMatch,
)
from faq.entry import Attachment, AttachmentType, Category, Connection, EntryButton, FaqEntry, Origin, Status
from faq.manager import FaqManager, MatcherFactory
from faq.policy import Thresholds

if TYPE_CHECKING:
    from faq.explain import Explanation
    from faq.watch import KnowledgeWatcher
    from faq.yaml_source import YamlSource, load_knowledge

__all__ = [
    "EVERYTHING",
    "Attachment",
    "AttachmentType",
    "Candidate",
    "Category",
    "Connection",
    "Decision",
    "EntryButton",
    "Evidence",
    "ExactMatcher",
    "Explanation",
    "FaqEntry",
    "FaqManager",
    "How",
    "Judgement",
    "JudgingMatcher",
    "KnowledgeBase",
    "KnowledgeError",
    "KnowledgeWatcher",
    "Matcher",
    "MatcherFactory",
    "Origin",
    "Outcome",
    "Policy",
    "Problem",
    "Query",
    "Reading",
    "ReadingMatcher",
    "Reason",
    "Scope",
    "Status",
    "Thresholds",
    "Via",
    "WordMatch",
    "YamlSource",
    "load_knowledge",
]

_LATER = {
    "Explanation": "faq.explain",
    "KnowledgeWatcher": "faq.watch",
    "YamlSource": "faq.yaml_source",
    "load_knowledge": "faq.yaml_source",
}
"""What deciding does not need is loaded when it is asked for: `import faq` stays cheap."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LATER[name]), name)
    globals()[name] = value
    return value
