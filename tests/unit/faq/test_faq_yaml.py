from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faq import EntryButton, KnowledgeBase, KnowledgeError, Status, YamlSource, load_knowledge
from faq.yaml_source import MAX_BYTES, RawFile, parse_knowledge

GOOD = "version: 1\nentries:\n  - {id: a, question: Где?, answer: Тут}\n"


def problems(text: str | bytes) -> list[str]:
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(KnowledgeError) as caught:
        parse_knowledge([RawFile("f.yaml", content)])
    return [str(problem) for problem in caught.value.problems]


def entry(more: str) -> str:
    return f"entries:\n  - id: a\n    question: Где?\n    answer: Тут\n{more}"


def test_a_whole_base_is_read_in_file_order(shop: KnowledgeBase) -> None:
    assert [category.id for category in shop.categories] == ["delivery", "payment", "orders"]
    assert shop.categories[0].title_for("en") == "Delivery"
    assert shop.synonyms[0] == ("сайт", "веб-сайт", "интернет-магазин")
    first = shop.entries[0]
    assert (first.id, first.category, first.language) == ("delivery-cost", "delivery", "ru")
    assert first.aliases == ("почём доставка", "цена доставки")
    assert first.answer_for(["max"], "en") == "Delivery costs 300 ₽ or more."
    assert EntryButton(text="Сроки", faq="delivery-time") == first.buttons[0]
    assert first.attachments[0].path == "tariffs.png"
    assert first.connections[0].integration_id == "kommo_create_lead"
    config = {"name": "Заявка: {{user.name}}", "price": 300, "tags": ["faq", True]}
    assert config == dict(first.connections[0].integration_config)
    by_id = {item.id: item for item in shop.entries}
    assert Status.RETIRED is by_id["old-club"].status
    assert (date(2025, 11, 20), date(2025, 11, 30)) == (
        by_id["sale-2025"].valid_from,
        by_id["sale-2025"].valid_to,
    )


def test_an_entry_remembers_where_it_is_written(shop: KnowledgeBase) -> None:
    origin = shop.entries[0].origin
    assert origin is not None
    assert (Path(origin.file).name, origin.line) == ("shop.yaml", 11)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("entries: [\n  {id: a", ["f.yaml:2", "not valid YAML", "close this bracket"]),
        ("entries:\n\t- a", ["f.yaml:2:1", "not valid YAML"]),
        ("entries: \x00", ["f.yaml:1:", "forbids"]),
        ("a: 1\n---\nb: 2\n", ["f.yaml", "not valid YAML"]),
        (
            entry("    aliasses: [b]\n"),
            ["f.yaml:5: entries[a].aliasses", "unknown key", "did you mean `aliases`"],
        ),
        ("entrys: []\n" + GOOD, ["f.yaml:1: entrys", "did you mean `entries`"]),
        ("entries:\n  - {id: a, answer: Тут}\n", ["f.yaml:2: entries[a].question", "is missing"]),
        ("entries:\n  - {question: Где?, answer: Тут}\n", ["f.yaml:2: entries[1].id", "is missing"]),
        ("entries:\n  - {id: a, question: Где?}\n", ["f.yaml:2: entries[a].answer", "is missing"]),
        (
            GOOD + "  - {id: a, question: Куда?, answer: Туда}\n",
            ["f.yaml:4: entries[a].id", "`a` is used twice", "f.yaml:3"],
        ),
        (entry("    answer: Там\n"), ["f.yaml:5: entries[a].answer", "written twice", "line 4"]),
        (
            "categories: {delivery: Доставка}\n" + entry("    category: delivry\n"),
            ["f.yaml:6: entries[a].category", "unknown category", "did you mean `delivery`"],
        ),
        (
            entry("    buttons: [{text: Ещё, faq: aa}]\n"),
            ["f.yaml:5: entries[a].buttons[1].faq", "unknown entry `aa`", "did you mean `a`"],
        ),
        (
            entry("    buttons: [{text: Ещё}]\n"),
            ["f.yaml:5: entries[a].buttons[1]", "exactly one of `faq` and `url`"],
        ),
        (entry("    buttons: [{text: Ещё, url: 'javascript:x'}]\n"), ["buttons[1].url", "not an address"]),
        (
            entry("    attachments: [{path: ../secret}]\n"),
            ["attachments[1].path", "out of the knowledge folder"],
        ),
        (
            entry("    attachments: [{type: photo, path: a}]\n"),
            ["attachments[1].type", "unknown value `photo`"],
        ),
        (entry("    connections: [{integration_id: x}]\n"), ["connections[1].search_type", "is missing"]),
        (entry("    aliases: почём\n"), ["f.yaml:5: entries[a].aliases", "must be a list, not a text"]),
        (entry("    aliases: [[b]]\n"), ["entries[a].aliases[1]", "must be a text, not a list"]),
        (entry("    keywords: ['']\n"), ["entries[a].keywords[1]", "is empty"]),
        ("entries: {a: b}\n", ["f.yaml:1: entries", "must be a list, not a mapping"]),
        ("- a\n", ["f.yaml:1", "must be a mapping, not a list"]),
        (
            entry("    valid_from: 31.01.2026\n"),
            ["entries[a].valid_from", "`31.01.2026` is not a date", "2026-01-31"],
        ),
        (entry("    valid_from: 2026-02-30\n"), ["entries[a].valid_from", "is not a date"]),
        (
            entry("    valid_from: 2026-02-02\n    valid_to: 2026-02-01\n"),
            ["f.yaml:6: entries[a].valid_to", "before"],
        ),
        ("entries:\n  - {id: a, question: Где?, answer: ' '}\n", ["f.yaml:2: entries[a].answer", "is empty"]),
        (
            entry("    answers: {Телега: b}\n"),
            ["entries[a].answers.Телега", "neither a channel nor a language"],
        ),
        (
            entry("    status: alive\n"),
            ["f.yaml:5: entries[a].status", "unknown value `alive`", "did you mean `live`"],
        ),
        (entry("    language: русский\n"), ["entries[a].language", "not a language code"]),
        (
            entry("    language: rus\n"),
            ["entries[a].language", "`rus`", "not a language code", "`ru` or `en`"],
        ),
        ("language: eng\n" + GOOD, ["f.yaml:1: language", "`eng`", "`ru` or `en`"]),
        ("version: 2\n" + GOOD[11:], ["f.yaml:1: version", "`2`", "version: 1"]),
        (entry("    answers: !!python/name:os.system {}\n"), ["entries[a].answers", "tag", "not allowed"]),
        (
            "entries:\n  - !mine {id: a, question: b, answer: c}\n",
            ["entries[1]", "tag `!mine`", "not allowed"],
        ),
        ("synonyms: [[сайт]]\n" + GOOD, ["f.yaml:1: synonyms[1]", "two words"]),
        ("", ["f.yaml", "not a single entry"]),
        ("version: 1\nentries: []\n", ["f.yaml", "not a single entry"]),
        ("entries: " + "[" * 100_000, ["f.yaml:1", "nested too deeply"]),
        ("entries:\n" + "- " * 100_000, ["f.yaml:2", "nested too deeply"]),
        (
            entry("    connections:\n      - search_type: x\n        integration_config: &a {b: *a}\n"),
            ["integration_config", "refers to itself"],
        ),
    ],
)
def test_a_problem_names_file_line_field_and_what_to_do(text: str, expected: list[str]) -> None:
    (found,) = problems(text)
    assert [part for part in expected if part not in found] == [], found


def test_a_file_that_is_not_utf8_names_the_line() -> None:
    (found,) = problems("entries:\n  - question: Где".encode("cp1251"))
    assert found.startswith("f.yaml:2: the file is not in UTF-8")


def test_all_problems_are_told_at_once_in_file_order() -> None:
    found = problems(
        "version: 3\nentries:\n  - {id: a, question: Где?, anser: Тут}\n  - {id: b, answer: В, status: x}\n"
    )
    lines = [int(problem.split(":")[1]) for problem in found]
    assert lines == [1, 3, 3, 4, 4]


def test_a_reference_to_a_broken_entry_is_not_a_second_problem() -> None:
    found = problems(entry("    buttons: [{text: Ещё, faq: b}]\n") + "  - {id: b, question: Как?}\n")
    assert found == ["f.yaml:6: entries[b].answer: `answer` is missing (add `answer: …`)"]


def test_numbers_and_yes_are_texts_where_texts_are_meant() -> None:
    base = parse_knowledge(
        [RawFile("f.yaml", entry("    keywords: [404, yes, 2026-01-31, 24/7]\n").encode())]
    )
    assert base.entries[0].keywords == ("404", "yes", "2026-01-31", "24/7")


def test_a_byte_order_mark_is_harmless() -> None:
    assert parse_knowledge([RawFile("f.yaml", b"\xef\xbb\xbf" + GOOD.encode())]).entries[0].id == "a"


def test_a_folder_is_one_base(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("entries:\n  - {id: b, question: Как?, answer: Так, category: c}\n")
    (tmp_path / "a.yaml").write_text("categories: {c: В}\n" + GOOD)
    (tmp_path / "notes.txt").write_text("{")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "c.yaml").write_text("{")
    base = load_knowledge(tmp_path)
    assert [item.id for item in base.entries] == ["a", "b"]
    assert [Path(name).name for name in base.files] == ["a.yaml", "b.yml"]


def test_a_double_id_names_both_files(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(KnowledgeError, match=r"b\.yaml:3: .*used twice: here and at .*a\.yaml:3"):
        load_knowledge(tmp_path)


def test_what_is_not_there_or_too_large_is_a_problem_too(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="cannot be read: no such file"):
        load_knowledge(tmp_path / "none.yaml")
    with pytest.raises(KnowledgeError, match=r"there is no \*\.yaml file"):
        load_knowledge(tmp_path)
    (tmp_path / "big.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(KnowledgeError, match=r"big\.yaml: the file is larger than 8 MiB"):
        load_knowledge(tmp_path)


async def test_a_source_loads_without_blocking(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    assert [item.id for item in (await YamlSource(tmp_path).load()).entries] == ["a"]


_LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["a", "live", "2026-01-01"])
)
_KEY = st.sampled_from(
    [
        "version",
        "language",
        "categories",
        "synonyms",
        "entries",
        "id",
        "question",
        "answer",
        "answers",
        "buttons",
        "text",
    ]
)


@given(
    st.recursive(
        _LEAF,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEY, inner, max_size=4),
        max_leaves=12,
    )
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_document_gives_a_base_or_problems(document: object) -> None:
    import yaml  # noqa: PLC0415  # only this test writes YAML

    text = yaml.safe_dump(document, allow_unicode=True)
    try:
        assert parse_knowledge([RawFile("f.yaml", text.encode("utf-8", "replace"))]).entries
    except KnowledgeError as error:
        assert error.problems  # noqa: PT017  # either outcome is right, nothing else is


@given(st.binary(max_size=60))
@settings(max_examples=80, deadline=None)
def test_any_bytes_give_problems(content: bytes) -> None:
    assert problems(content)
