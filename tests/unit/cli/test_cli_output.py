"""Output: plain where nobody looks, safe with the words of others."""

from __future__ import annotations

import pytest

from optfm_bot.cli.output import Mark, Output, clean


def test_what_could_steer_a_terminal_is_removed() -> None:
    assert "[2Jhi there\nline" == clean("\x1b[2Jhi\x07 there\nline\u202e")


def test_plain_tables_are_aligned_and_end_without_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    Output(plain=True).table(["имя", "b"], [["длинное имя", "1"], ["x", ""]])

    assert "имя          b\nдлинное имя  1\nx\n" == capsys.readouterr().out


def test_plain_cells_stay_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Output(plain=True).table(["a"], [["two\nlines"]])

    assert "a\ntwo lines\n" == capsys.readouterr().out


def test_a_pipe_gets_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.line("fine", mark=Mark.OK)

    assert output.plain
    assert "✓ fine\n" == capsys.readouterr().out


def test_brackets_are_no_markup_in_a_terminal_table(capsys: pytest.CaptureFixture[str]) -> None:
    Output(plain=False).table(["a"], [["[red]x[/red]"]])

    assert "[red]x[/red]" in capsys.readouterr().out


def test_no_color_means_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert not Output().plain

    monkeypatch.setenv("NO_COLOR", "1")
    assert Output().plain


def test_waiting_shows_nothing_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with Output(plain=True).waiting("…"):
        pass

    assert ("", "") == capsys.readouterr()
