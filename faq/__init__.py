"""FAQ: what the owner knows, and which entry answers a message. Texts in, decisions out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from faq.base import KnowledgeBase, KnowledgeError, Problem
from faq.contract import Candidate, Decision, Evidence, Matcher, Outcome, Policy, Query, Scope
from faq.entry import Attachment, AttachmentType, Category, Connection, EntryButton, FaqEntry, Origin, Status
from faq.manager import FaqManager
from faq.policy import Thresholds

if TYPE_CHECKING:
    from faq.explain import Explanation
    from faq.watch import KnowledgeWatcher
    from faq.yaml_source import YamlSource, load_knowledge

__all__ = [
    "Attachment",
    "AttachmentType",
    "Candidate",
    "Category",
    "Connection",
    "Decision",
    "EntryButton",
    "Evidence",
    "Explanation",
    "FaqEntry",
    "FaqManager",
    "KnowledgeBase",
    "KnowledgeError",
    "KnowledgeWatcher",
    "Matcher",
    "Origin",
    "Outcome",
    "Policy",
    "Problem",
    "Query",
    "Scope",
    "Status",
    "Thresholds",
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
