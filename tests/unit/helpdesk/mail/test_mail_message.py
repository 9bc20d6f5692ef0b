"""Mails that we write: readable by any mail program, the same at every attempt, safe with what customers write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import TooLarge
from optfm_bot.helpdesk.contract import Customer, DeskFile, DeskMessage, TicketDraft
from optfm_bot.helpdesk.mail.message import (
    Kind,
    Letter,
    Letterhead,
    closing_letter,
    message_letter,
    subject_of,
    ticket_letter,
)
from optfm_bot.helpdesk.mail.naming import marked
from optfm_bot.i18n.catalogue import Catalogue

AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
HEAD = Letterhead(address="bot@shop.test", to="staff@shop.test", name="Магазин", file_limit=100)
CODE = HEAD.naming.code("t")
MESSAGE = DeskMessage(key="m", text="Ещё")


def read(letter: Letter) -> EmailMessage:
    return message_from_bytes(letter.data, EmailMessage, policy=default)


def draft(text: str = "Где заказ?", **changes: str) -> TicketDraft:
    customer = Customer(ref="max:1", name=changes.get("name", "Анна"), channel="MAX", phone="+79001112233")
    message = DeskMessage(key="t", text=text)
    return TicketDraft(
        key="t",
        subject=changes.get("subject", "доставка"),
        customer=customer,
        customer_id=None,
        message=message,
    )


def later(text: str = "Ещё", *files: DeskFile, kind: Kind = Kind.CUSTOMER, key: str = "m") -> Letter:
    return message_letter(
        HEAD, CODE, subject_of(CODE, "доставка"), DeskMessage(key=key, text=text, files=files), kind, AT
    )


def file(size: int, name: str = "a.pdf", mime: str = "application/pdf") -> DeskFile:
    return DeskFile(name=name, mime=mime, data=b"1" * size)


def test_a_ticket_says_who_writes_and_what() -> None:
    mail = read(ticket_letter(HEAD, draft(), AT))

    assert mail["Subject"] == f"[#{CODE}] доставка"
    assert (mail["From"], mail["To"], mail["Reply-To"]) == (
        "Магазин <bot@shop.test>",
        "staff@shop.test",
        "bot@shop.test",
    )
    assert mail["Date"].datetime == AT
    text = mail.get_content().replace("\r\n", "\n")
    assert "Где заказ?" in text
    assert "Клиент: Анна\nКанал: MAX\nТелефон: +79001112233" in text
    assert marked(text) == CODE


def test_every_attempt_has_the_same_names_and_other_messages_have_others() -> None:
    assert ticket_letter(HEAD, draft(), AT).message_id == ticket_letter(HEAD, draft("иначе"), AT).message_id
    assert later(key="m").message_id == later(key="m").message_id != later(key="m2").message_id


def test_later_mails_hang_below_the_first() -> None:
    root = ticket_letter(HEAD, draft(), AT).message_id
    mail = read(later())

    assert (mail["In-Reply-To"], mail["References"]) == (root, root)
    assert mail["Subject"] == f"Re: [#{CODE}] доставка"
    assert HEAD.naming.code_of(mail["Message-ID"]) == CODE == HEAD.naming.code_of(root)


def test_ids_of_a_long_domain_are_written_as_they_are() -> None:
    head = Letterhead(address=f"bot@{'long-' * 20}shop.test", to="staff@shop.test", file_limit=100)
    letter = message_letter(head, CODE, "x", DeskMessage(key="m", text="да"), Kind.NOTE, AT)

    assert f"In-Reply-To: {head.naming.root(CODE)}\r\n".encode() in letter.data
    assert f"Message-ID: {letter.message_id}\r\n".encode() in letter.data


@pytest.mark.parametrize(
    ("letter", "kind", "words"),
    [
        (later(kind=Kind.NOTE), "note", "Заметка, клиент её не видит"),
        (later(), "customer", "Пишет клиент"),
        (closing_letter(HEAD, CODE, "x", AT), "closed", "отвечать клиенту больше не нужно"),
    ],
    ids=["note", "customer", "closed"],
)
def test_the_first_line_says_what_a_mail_is(letter: Letter, kind: str, words: str) -> None:
    mail = read(letter)

    assert mail["X-OptFM-Kind"] == kind
    first = mail.get_content().split("\n")[0]
    assert words in first
    assert f"[#{CODE}]" in first


def test_no_robot_shall_answer() -> None:
    mail = read(later())

    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")


@pytest.mark.parametrize(
    "evil",
    [
        "a\r\nBcc: x@y.test",
        "a\nBcc: x@y.test",
        "a\0b",
        "\ud800",
        "a\u2028Bcc: x",
        "=?utf-8?q?a=0D=0ABcc:_x@y.test=0D=0A=0D=0Abody?=",
        "==?utf-8?q?a=0ABcc:_x@y.test?=",
        "=?utf-7?q?+2AA-?=",
    ],
)
def test_no_header_comes_from_a_customer(evil: str) -> None:
    plain = ticket_letter(HEAD, draft(subject="a", name="a"), AT)
    letter = ticket_letter(HEAD, draft(subject=evil, name=evil), AT)

    assert read(letter).keys() == read(plain).keys()
    assert letter.data.isascii()
    for said in (later("вот", file(1, evil)), message_letter(HEAD, CODE, evil, MESSAGE, Kind.CUSTOMER, AT)):
        assert "Bcc" not in {name for part in read(said).walk() for name in part}


def test_files_are_attached_under_their_names() -> None:
    [attached] = read(later("вот", file(10, "счёт №1.pdf"))).iter_attachments()

    assert attached.get_filename() == "счёт №1.pdf"
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_payload(decode=True) == b"1" * 10


@pytest.mark.parametrize(
    "mime", ["", "nonsense", "message/rfc822", "multipart/mixed", "a/b\r\nX: 1", "text/plain"]
)
def test_any_kind_of_file_is_attached_whole(mime: str) -> None:
    [attached] = read(later("вот", file(10, "файл", mime))).iter_attachments()

    assert attached.get_payload(decode=True) == b"1" * 10


def test_what_does_not_fit_is_named_and_what_never_fits_is_refused() -> None:
    letter = later("вот", file(60, "a.pdf"), file(60, "b.pdf"), file(40, "c.pdf"))

    assert letter.refused == ("b.pdf",)
    assert "Не поместились файлы: b.pdf" in read(letter).get_body(("plain",)).get_content()
    with pytest.raises(TooLarge):
        later("вот", file(101))


def test_words_stay_out_of_repr() -> None:
    assert "Ещё" not in repr(later())
    assert "доставка" not in repr(later())


@given(st.text(max_size=300))
def test_any_words_pass_seven_bits_and_short_lines(text: str) -> None:
    data = later(text).data

    assert data.isascii()
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")


def test_the_owners_words_stand_in_the_mails() -> None:
    own = {"ru": {"helpdesk.mail.ticket": "Клиент\nждёт", "helpdesk.mail.how": "Ответьте до шести.",
                  "helpdesk.mail.note": "Только для нас"}}  # fmt: skip
    head = replace(HEAD, words=Catalogue.load().with_texts(own))

    first = read(ticket_letter(head, draft(), AT)).get_content()
    note = read(message_letter(head, CODE, "доставка", MESSAGE, Kind.NOTE, AT)).get_content()

    assert first.startswith("Клиент ждёт · "), "one line, with the mark in it"
    assert first.split()[-4:] == ["--", "Ответьте", "до", "шести."]
    assert note.startswith("Только для нас · ")
