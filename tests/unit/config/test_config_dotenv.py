"""The small reader of `.env` files."""

from __future__ import annotations

import pytest

from config.dotenv import read_dotenv


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A = two words ", "two words"),
        ("A='single # $x \\n'", "single # $x \\n"),
        ('A="double\\n\\"q\\" # no comment" # comment', 'double\n"q" # no comment'),
        ("A=value # comment", "value"),
        ("A=value#part", "value#part"),
        ("A=", ""),
        ("A=#x", ""),
        ("A=a=b", "a=b"),
        ("\ufeffA=1", "1"),
    ],
)
def test_a_value_is_read(line: str, value: str) -> None:
    values, problems = read_dotenv(line, name=".env")

    assert problems == []
    assert value == values["A"].value


def test_comments_and_empty_lines_are_skipped_and_the_last_value_wins() -> None:
    values, _ = read_dotenv("# A=0\n\nA=1\nA=2\n", name=".env")

    assert (values["A"].value, values["A"].line) == ("2", 4)


def test_a_value_stays_out_of_repr() -> None:
    values, _ = read_dotenv("A=hunter2", name=".env")

    assert "hunter2" not in repr(values)
