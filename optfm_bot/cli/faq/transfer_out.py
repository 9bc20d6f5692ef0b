"""`optfm-bot faq export`: write the knowledge base into one file for people with spreadsheets and other programs."""

from __future__ import annotations

from pathlib import Path

import click

from faq.source import load_knowledge
from faq.transfer import Format, export, format_of, replace_file
from faq.transfer.notes import Fault, TransferError
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.knowledge import knowledge_path, path_option
from optfm_bot.cli.faq.transfer import transferring
from optfm_bot.cli.options import config_option, json_option, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.remarks import short
from optfm_bot.cli.words import current_words


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--simple", is_flag=True, help="Only id, question, keywords and answer.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it is there.")
@path_option
@config_option
@json_option
@voice_options
@guarded
@transferring
def command(
    file: Path,
    path: Path | None,
    config_path: Path | None,
    *,
    simple: bool,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Write all entries into FILE; its ending says how: .xlsx, .csv, .json or .yaml.

    The import takes such a file back: the entries are the same then.
    """
    words, output = current_words(), Output()
    form = format_of(file.name)
    if file.exists() and not overwrite:
        raise TransferError(Fault.EXISTS, name=file)
    root = knowledge_path(path, config_path)
    if form is Format.YAML and file.resolve().is_relative_to(root.resolve()):
        raise click.UsageError(words("faq_transfer.inside_base", name=file))
    base = load_knowledge(root)
    with output.waiting(words("faq_transfer.writing")):
        found = export(base, form, simple=simple)
        replace_file(file, found.content)
    if as_json:
        output.data(
            {
                "ok": True,
                "file": short(str(file)),
                "format": found.format.value,
                "entries": len(base.entries),
                "lost": list(found.lost),
            }
        )
        return Exit.OK
    entries = words.count("count.entries", len(base.entries))
    output.line(words("faq_transfer.exported", path=short(str(file)), entries=entries), mark=Mark.OK)
    if found.lost:
        output.line(words("faq_transfer.lost", names=", ".join(found.lost)), mark=Mark.WARNING)
    return Exit.OK
