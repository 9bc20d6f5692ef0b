"""The course of a ticket, and the place up to which a mailbox was read."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from channels.body import text_body
from optfm_bot.helpdesk.contract import HelpdeskEvent, KnownTicket
from optfm_bot.helpdesk.mail.course import Heard, events_of, is_closed
from optfm_bot.helpdesk.mail.cursor import Place, today
from optfm_bot.helpdesk.mail.message import Kind
from optfm_bot.helpdesk.mail.reply import Answer, Attachment, Content, Own

CODE = "abcdefgh23"
AT = datetime(2026, 11, 21, tzinfo=UTC)


def own(kind: Kind = Kind.CUSTOMER) -> Own:
    return Own(code=CODE, thread="ours", kind=kind)


def heard(thread: str, text: str = "", command: str = "", *, read: object = True) -> Heard:
    content = Content(body=text_body(text), command=command) if read else None
    return Heard(
        answer=Answer(code=CODE, thread=thread, agent="Ольга"),
        at=AT,
        content=content,
        file_id=lambda part: f"1.2.{part}",
    )


def course(*mails: Own | Heard, is_open: object = True) -> list[str]:
    return shown(events_of(mails, CODE, KnownTicket(id=CODE, open=bool(is_open))))


def shown(events: list[HelpdeskEvent]) -> list[str]:
    return [f"{type(event).__name__} {event.key}" for event in events]


OPENED = own(Kind.TICKET)


@pytest.mark.parametrize(
    ("mails", "is_open", "events"),
    [
        ([OPENED], True, []),
        ([OPENED, heard("1", "да")], True, ["AgentReplied 1"]),
        ([OPENED, heard("1", "да", "close")], True, ["AgentReplied 1", "Closed 1:close"]),
        ([OPENED, heard("1", command="close")], True, ["Closed 1:close"]),
        ([OPENED, heard("1", command="close")], False, []),
        ([OPENED, heard("1", command="close"), own()], True, []),
        ([OPENED, heard("1", command="close"), own(Kind.NOTE)], True, ["Closed 1:close"]),
        ([OPENED, heard("1", command="close"), heard("2", "ещё")], True, ["AgentReplied 2"]),
        (
            [OPENED, heard("1", command="close"), heard("2", "ещё")],
            False,
            ["Reopened 2:open", "AgentReplied 2"],
        ),
        ([OPENED, heard("1", command="close"), heard("2", command="open")], False, ["Reopened 2:open"]),
        ([OPENED, own(Kind.CLOSED), heard("1", "да")], False, ["Reopened 1:open", "AgentReplied 1"]),
        ([OPENED, heard("1", read=False), own(Kind.CLOSED)], False, []),
        ([OPENED, heard("1")], True, []),
    ],
)
def test_events(mails: list[Own | Heard], is_open: object, events: list[str]) -> None:
    assert course(*mails, is_open=is_open) == events


def test_of_a_ticket_that_nobody_knows_everything_is_new() -> None:
    assert shown(events_of([OPENED, heard("1", "да", "close")], CODE, None)) == [
        "AgentReplied 1",
        "Closed 1:close",
    ]


def test_a_file_alone_is_a_reply() -> None:
    file = Attachment(part=3, name="a.pdf", mime="application/pdf", data=b"12")
    mail = Heard(
        answer=Answer(code=CODE, thread="1", agent="Ольга"),
        at=AT,
        content=Content(body=text_body(""), files=(file,)),
        file_id=lambda part: f"1.2.{part}",
    )
    [reply] = events_of([mail], CODE, None)

    assert [(one.id, one.size) for one in reply.files] == [("1.2.3", 2)]


def test_whether_we_closed() -> None:
    answer = heard("1", "да").answer

    assert not is_closed([])
    assert not is_closed([OPENED])
    assert is_closed([OPENED, own(Kind.CLOSED), own(Kind.NOTE)])
    assert not is_closed([OPENED, own(Kind.CLOSED), own()])
    assert not is_closed([OPENED, own(Kind.CLOSED), answer])


def test_a_place_is_written_and_read() -> None:
    place = Place(7, 41, date(2026, 11, 2))

    assert Place.read(str(place)) == place
    assert place.criteria(7) == ("UID", "42:*")
    assert place.criteria(8) == ("SINCE", "31-Oct-2026")


@pytest.mark.parametrize("text", [None, "", "7 41", "7 41 2026-13-01", "x"])
def test_what_is_no_place_is_none(text: str | None) -> None:
    assert Place.read(text) is None


def test_a_day_is_that_of_utc() -> None:
    assert today(datetime.fromisoformat("2026-11-22T01:00:00+03:00")) == date(2026, 11, 21)
