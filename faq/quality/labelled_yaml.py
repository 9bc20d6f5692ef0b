"""Labelled questions in YAML: a list of questions with ids, or questions under the ids of their entries."""

from __future__ import annotations

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from faq.base import Problem, ProblemCode
from faq.entry import Origin
from faq.quality.labelled import FOREIGN, LabelledQuestion
from faq.yaml_nodes import NodeReader, is_null

ROW_KEYS = ("q", "ids", "id", "tag", "derived")
UNDER_KEYS = ("q", "tag", "derived")
"""Keys of a question that is written under the id of its entry."""


def read_yaml(file: str, text: str) -> tuple[list[LabelledQuestion], list[Problem]]:
    """Questions and everything that is wrong, in file order."""
    reader = _QuestionReader(file)
    root = reader.compose(text)
    if root is not None and not is_null(root):
        reader.document(root)
    return reader.questions, reader.problems


class _QuestionReader(NodeReader):
    """Reads the nodes of one file into questions."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.questions: list[LabelledQuestion] = []

    def document(self, root: Node) -> None:
        if isinstance(root, SequenceNode):
            for number, node in enumerate(self.items(root, "questions"), start=1):
                self._row(node, f"[{number}]")
        elif isinstance(root, MappingNode) and _is_knowledge(root):
            message, hint = "this is a knowledge base, not a file of questions", "name it with --path"
            self.problem(ProblemCode.VALUE, root, "", message, hint)
        else:
            for key, key_node, value in self.pairs(root, ""):
                self._under(key, key_node, value)

    def _row(self, node: Node, place: str) -> None:
        found = self.fields(node, place, ROW_KEYS)
        if not isinstance(node, MappingNode):
            return
        before = len(self.problems)
        ids: tuple[str, ...] = ()
        if "ids" in found and "id" in found:
            self.problem(ProblemCode.VALUE, node, place, "has both `id` and `ids`", "keep one of them")
        elif "ids" in found:
            ids = self.texts(found["ids"], f"{place}.ids")
        elif "id" in found:
            ids = tuple(filter(None, (self.text(found["id"], f"{place}.id"),)))
        else:
            hint = "write `ids: []` for a question that nobody should answer"
            self.problem(ProblemCode.MISSING, node, place, "`ids` is missing", hint)
        if len(self.problems) == before:
            self._question(node, found, place, frozenset(ids))

    def _under(self, key: str, key_node: Node, value: Node) -> None:
        if is_null(value):
            return  # an entry that is still to get its questions
        if not key:
            self.problem(
                ProblemCode.EMPTY, key_node, "", "the id of an entry is empty", f"or write `{FOREIGN}`"
            )
            return
        ids = frozenset() if key == FOREIGN else frozenset({key})
        nodes = [value] if isinstance(value, ScalarNode) else self.items(value, key)
        for number, node in enumerate(nodes, start=1):
            place = f"{key}[{number}]"
            if isinstance(node, MappingNode):
                self._question(node, self.fields(node, place, UNDER_KEYS), place, ids)
            else:
                self._question(node, {"q": node}, place, ids)

    def _question(self, node: Node, found: dict[str, Node], place: str, ids: frozenset[str]) -> None:
        if "q" not in found:
            self.problem(ProblemCode.MISSING, node, place, "`q` is missing", "write the question")
            return
        before = len(self.problems)
        text = self.text(found["q"], f"{place}.q")
        tag = self.text(found["tag"], f"{place}.tag") if "tag" in found else ""
        derived = self.data(found["derived"], f"{place}.derived") if "derived" in found else False
        if not isinstance(derived, bool):
            message, hint = "must be yes or no", "write `true` or `false`"
            self.problem(ProblemCode.TYPE, found["derived"], f"{place}.derived", message, hint)
        elif len(self.problems) == before and text is not None:
            origin = Origin(self.file, self.line(found["q"]))
            self.questions.append(
                LabelledQuestion(text=text, ids=ids, tag=tag or "", derived=derived, origin=origin)
            )


def _is_knowledge(root: MappingNode) -> bool:
    """Whether a mapping is a knowledge base: its `entries` are mappings that have a `question`."""
    for key, value in root.value:
        if isinstance(key, ScalarNode) and key.value == "entries" and isinstance(value, SequenceNode):
            items = [item for item in value.value if isinstance(item, MappingNode)]
            return any(name.value == "question" for item in items for name, _ in item.value)
    return False
