"""Knowledge from and for other programs: spreadsheets, CSV, JSON and our own YAML. Loaded only when it is asked for."""

from __future__ import annotations

from faq.transfer.columns import parse_choices
from faq.transfer.incoming import Incoming, read_incoming
from faq.transfer.notes import Fault, Note, NoteCode, TransferError
from faq.transfer.outgoing import Export, Format, export, format_of
from faq.transfer.plan import Conflict, Mode, Plan, Step, Verdict, plan
from faq.transfer.storing import Change, changes, load_base, read_file, replace_file, store

__all__ = [
    "Change",
    "Conflict",
    "Export",
    "Fault",
    "Format",
    "Incoming",
    "Mode",
    "Note",
    "NoteCode",
    "Plan",
    "Step",
    "TransferError",
    "Verdict",
    "changes",
    "export",
    "format_of",
    "load_base",
    "parse_choices",
    "plan",
    "read_file",
    "read_incoming",
    "replace_file",
    "store",
]
