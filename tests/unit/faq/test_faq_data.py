from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest
import yaml

NAMES = ("chat.yaml", "spoken.yaml")


def compose(name: str) -> yaml.Node:
    node = yaml.compose((files("faq") / "data" / name).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    assert node is not None
    return node


def nodes(node: yaml.Node) -> Iterator[yaml.Node]:
    yield node
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield from nodes(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from nodes(item)


def members(node: yaml.Node) -> list[tuple[str, yaml.Node]]:
    assert isinstance(node, yaml.MappingNode), node.start_mark
    return [(key.value, value) for key, value in node.value]


def repeated(words: list[str]) -> list[str]:
    return sorted({word for word in words if words.count(word) > 1})


@pytest.mark.parametrize("name", NAMES)
def test_the_data_are_lower_case_texts_and_nothing_is_empty(name: str) -> None:
    for node in nodes(compose(name)):
        assert node.value, node.start_mark
        if isinstance(node, yaml.ScalarNode):
            # A bare yes, no or 123 would be read as something else than the text that was meant.
            assert node.tag == "tag:yaml.org,2002:str", node.start_mark
            assert node.value == " ".join(node.value.lower().replace("ё", "е").split()), node.start_mark


@pytest.mark.parametrize("name", NAMES)
def test_no_key_is_written_twice(name: str) -> None:
    for node in nodes(compose(name)):
        if isinstance(node, yaml.MappingNode):
            assert repeated([key for key, _ in members(node)]) == []


def test_every_kind_of_chat_has_both_languages_and_no_phrase_has_two_kinds() -> None:
    ((top, kinds),) = members(compose("chat.yaml"))
    assert top == "kinds"
    phrases: list[str] = []
    for kind, languages in members(kinds):
        assert [language for language, _ in members(languages)] == ["ru", "en"], kind
        for _, items in members(languages):
            assert isinstance(items, yaml.SequenceNode), items.start_mark
            phrases += [item.value for item in items.value]
    assert repeated(phrases) == []


def test_a_spoken_word_becomes_another_one_in_a_single_pass() -> None:
    languages = dict(members(compose("spoken.yaml")))
    assert list(languages) == ["ru", "en"]
    for words in languages.values():
        meant = {key: value.value for key, value in members(words)}
        for key, value in meant.items():
            assert len(key.split()) == 1
            assert key != value
            assert [word for word in value.split() if word in meant] == [], key
