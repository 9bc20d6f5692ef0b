"""The door to knowledge on disk: one name per kind of source."""

from __future__ import annotations

from faq.base import KnowledgeBase, KnowledgeError, Problem, ProblemCode, Source
from faq.yaml_source import YamlSource, load_knowledge

__all__ = [
    "KnowledgeBase",
    "KnowledgeError",
    "Problem",
    "ProblemCode",
    "Source",
    "YamlSource",
    "load_knowledge",
]
