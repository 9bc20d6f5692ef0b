"""Files on disk: comments stay, everything is written or nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from faq import KnowledgeBase, KnowledgeError, load_knowledge
from faq.entry import Category, FaqEntry
from faq.transfer import Fault, Incoming, Mode, TransferError, changes, load_base, plan, replace_file, store
from faq.transfer.edit import Additions, edited
from faq.yaml_source import MAX_BYTES, RawFile, parse_knowledge

TEXT = """\
# Наша база
version: 1
categories: {delivery: {title: Доставка}}   # полки
entries:
  # про первое
  - id: one
    question: Раз?
    answer: |
      Текст.

      Ещё.

    # хвост
  # про второе
  - {id: two, question: Два?, answer: "Да,
      нет"}

  - id: three
    question: Три?
    aliases:
      - третий   # так говорят
    answer: >
      Сложенный
      текст
# конец записей
synonyms:
  - [сайт, веб-сайт]
"""


def entry(identity: str, answer: str = "Новый\n\nответ: да # нет") -> FaqEntry:
    return FaqEntry(id=identity, question=f"Вопрос {identity}?", answer=answer)


def parsed(text: str) -> KnowledgeBase:
    return parse_knowledge([RawFile("a.yaml", text.encode())])


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_is_added_leaves_every_old_line_as_it_is(newline: str) -> None:
    old = TEXT.replace("\n", newline)
    new = edited(
        "a.yaml",
        old,
        Additions(
            entries=[entry("four"), entry("five")],
            categories=[Category(id="pay", title="Оплата: вся")],
            synonyms=[["чек", "квитанция"]],
        ),
        language="ru",
    )

    base = parsed(new)
    assert ["one", "two", "three", "four", "five"] == [one.id for one in base.entries]
    assert parsed(old).entries == base.entries[:3]
    assert (["delivery", "pay"], 2) == ([one.id for one in base.categories], len(base.synonyms))
    lines = new.split(newline)
    assert all(line in lines for line in old.split(newline) if not line.startswith("categories"))
    assert "\n" not in new.replace(newline, "")


@pytest.mark.parametrize("identity", ["one", "two", "three"])
def test_an_entry_that_is_replaced_leaves_its_neighbours_and_their_comments(identity: str) -> None:
    new = edited("a.yaml", TEXT, Additions(replaced={identity: entry(identity)}), language="ru")

    before, after = parsed(TEXT), parsed(new)
    assert [entry(identity) if one.id == identity else one for one in before.entries] == list(after.entries)
    for comment in ("# Наша база", "# полки", "# про первое", "# про второе", "# конец записей"):
        assert comment in new


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# только слова",
        "version: 1\nentries: []\n",
        "version: 1\nentries:",
        "entries:  # пусто\nlanguage: ru\n",
        "entries:\n\nlanguage: ru",
        "categories:\n  delivery:\n    title: Доставка\n    # слово\nentries:\n- id: a\n  question: b?\n  answer: c",
        "categories: {}\nentries: []",
        "categories: {a: {title: A},}\nentries:\n-   id: x\n    question: y?\n    answer: |\n      z\n\n\n",
        "---\nentries:\n- {id: a, question: b?, answer: c}\n",
    ],
)
def test_files_of_many_habits_take_more(text: str) -> None:
    additions = Additions(
        entries=[entry("new")], categories=[Category(id="x", title="X")], synonyms=[["a", "b c"]]
    )
    base = parsed(edited("a.yaml", text, additions, language="ru"))

    assert entry("new") == base.entries[-1]
    assert ("x", ("a", "b c")) == (base.categories[-1].id, base.synonyms[-1])


@pytest.mark.parametrize(
    "text",
    [
        "entries: [{id: a, question: b?, answer: c}]",
        "{version: 1, entries: []}",
        "entries:\n-\n  id: one\n  question: b?\n  answer: c",
    ],
)
def test_what_cannot_be_edited_safely_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(TransferError) as caught:
        edited(
            "a.yaml",
            text,
            Additions(entries=[entry("new")], replaced={"one": entry("one")} if "one" in text else {}),
            language="ru",
        )

    assert Fault.NOT_EDITABLE == caught.value.fault


# -- on disk ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "faq.yaml").write_text(TEXT, "utf-8")
    return tmp_path / "kb"


def incoming(*entries: FaqEntry) -> Incoming:
    return Incoming(name="a.yaml", entries=entries)


def test_new_entries_go_to_a_file_of_their_own_and_changed_ones_stay_where_they_are(folder: Path) -> None:
    found = plan(incoming(entry("one"), entry("new")), load_base(folder), mode=Mode.REPLACE)
    edits = changes(found, folder, folder / "more.yaml", language="ru", comment="Откуда: файл\nстрока")
    backups = store(edits, folder)

    base = load_knowledge(folder)
    files = {one.id: Path(one.origin.file).name for one in base.entries if one.origin is not None}
    assert {"one": "faq.yaml", "two": "faq.yaml", "three": "faq.yaml", "new": "more.yaml"} == files
    assert (entry("one"), entry("new")) == (base.entries[0], base.entries[-1])
    assert "# Откуда: файл\n# строка\n" in (folder / "more.yaml").read_text("utf-8")
    assert [TEXT] == [path.read_text("utf-8") for path in backups]


def test_a_base_of_one_file_takes_them_itself(folder: Path) -> None:
    file = folder / "faq.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    file.chmod(0o600)
    found = plan(incoming(entry("new")), load_base(file))
    store(changes(found, file, file, language="ru", comment=""), file)

    assert ["one", "two", "three", "new"] == [one.id for one in load_knowledge(file).entries]
    assert (b"\xef\xbb\xbf", 0o600) == (file.read_bytes()[:3], file.stat().st_mode & 0o777)
    assert ["faq.yaml"] == [path.name for path in folder.iterdir()]


def test_an_empty_place_is_a_base_to_come(tmp_path: Path) -> None:
    target = tmp_path / "new" / "faq.yaml"
    found = plan(incoming(entry("new")), load_base(target.parent))
    store(changes(found, target.parent, target, language="en", comment=""), target.parent)

    assert ("new", "en") == (load_knowledge(target).entries[0].id, load_knowledge(target).language)


def test_categories_of_a_base_without_entries_count(tmp_path: Path) -> None:
    file = tmp_path / "faq.yaml"
    file.write_text("language: en\ncategories: {pay: {title: Оплата}}\nentries:\n", "utf-8")
    found = plan(
        incoming(replace(entry("new"), category="Payment", language="en")), load_base(file), category="x"
    )
    titled = plan(
        Incoming(name="a.csv", entries=(replace(entry("new"), category="Оплата", language="en"),)),
        load_base(file),
    )
    store(changes(titled, file, file, language="en", comment=""), file)

    assert ["Payment"] == [one.id for one in found.categories]
    base = load_knowledge(file)
    assert ("pay", ["pay"]) == (base.entries[0].category, [one.id for one in base.categories])


def test_a_broken_base_is_not_added_to(folder: Path) -> None:
    (folder / "faq.yaml").write_text("entries:\n  - {id: a}\n", "utf-8")

    with pytest.raises(KnowledgeError):
        load_base(folder)


def test_somebody_elses_edit_in_the_meantime_is_not_lost(folder: Path) -> None:
    found = plan(incoming(entry("one")), load_base(folder), mode=Mode.REPLACE)
    edits = changes(found, folder, folder / "more.yaml", language="ru", comment="")
    (folder / "faq.yaml").write_text(TEXT + "# ещё слово\n", "utf-8")

    with pytest.raises(TransferError) as caught:
        store(edits, folder)

    assert Fault.CHANGED_MEANWHILE == caught.value.fault
    assert (folder / "faq.yaml").read_text("utf-8").endswith("# ещё слово\n")
    assert ["faq.yaml"] == [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("failure", ["loader", "disk"])
def test_if_anything_fails_everything_is_as_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    found = plan(incoming(entry("one"), entry("new")), load_base(folder), mode=Mode.REPLACE)
    edits = changes(found, folder, folder / "more.yaml", language="ru", comment="")
    if failure == "loader":

        def load(path: Path) -> KnowledgeBase:
            raise KnowledgeError([])

        monkeypatch.setattr("faq.transfer.storing.load_knowledge", load)
    else:
        real = Path.replace

        def full(self: Path, target: Path) -> Path:
            if target.name == "more.yaml":
                raise OSError(28, "No space left on device")
            return real(self, target)

        monkeypatch.setattr(Path, "replace", full)

    with pytest.raises((KnowledgeError, TransferError)):
        store(edits, folder)

    assert ["faq.yaml"] == [path.name for path in folder.iterdir()]
    assert TEXT == (folder / "faq.yaml").read_text("utf-8")


def test_many_entries_become_several_files_that_the_loader_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path = tmp_path / "kb"
    monkeypatch.setattr("faq.transfer.storing.MAX_BYTES", 66_000)
    assert MAX_BYTES > 66_000
    entries = [entry(f"e{number}", "ж" * 200) for number in range(20)]
    found = plan(incoming(*entries), None)
    edits = changes(found, tmp_path, tmp_path / "more.yaml", language="ru", comment="")
    store(edits, tmp_path)

    assert len(edits) > 1
    assert entries == sorted(load_knowledge(tmp_path).entries, key=lambda one: int(one.id[1:]))


def test_a_link_stays_a_link_and_the_file_behind_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("a", "utf-8")
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    replace_file(tmp_path / "link.yaml", b"b")

    assert (True, "b") == ((tmp_path / "link.yaml").is_symlink(), (tmp_path / "real.yaml").read_text("utf-8"))


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")

    with pytest.raises(TransferError, match="cannot be written"):
        replace_file(tmp_path / "file" / "a.yaml", b"")
