"""What is new in a FreeScout conversation is what our record lacks, however the states come."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.body import plain_text
from channels.errors import BadPayload
from optfm_bot.helpdesk.contract import (
    AgentReplied,
    Assigned,
    Closed,
    DeskFile,
    DeskMessage,
    HelpdeskEvent,
    KnownTicket,
    Removed,
    Reopened,
)
from optfm_bot.helpdesk.freescout.threads import (
    find_thread,
    is_draft,
    news,
    read_conversation,
    refused,
    same_message,
)
from optfm_bot.helpdesk.markup import write_html

BASE = "https://desk.test/help"
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
AT = "2026-11-02T08:31:24Z"


def thread(number: int, kind: str = "message", **about: Any) -> dict[str, Any]:
    by = "customer" if kind == "customer" else "user"
    return {
        "id": number,
        "type": kind,
        "state": "published",
        "body": "<p>да</p>",
        "source": {"type": "api" if kind == "customer" else "web", "via": by},
        "createdBy": {"id": 9, "type": by, "firstName": "Ольга", "lastName": "Петрова"},
        "createdAt": AT,
        "_embedded": {"attachments": []},
        **about,
    }


def conversation(*threads: dict[str, Any], **about: Any) -> dict[str, Any]:
    return {
        "id": 77,
        "number": 1042,
        "status": "active",
        "state": "published",
        "subject": "MAX: заказ",
        "mailboxId": 2,
        "assignee": None,
        "customer": {"id": 412, "type": "customer"},
        "createdAt": "2026-11-02T08:15:00Z",
        "updatedAt": "2026-11-02T08:31:40Z",
        "_embedded": {"threads": list(threads)},
        **about,
    }


def known(*threads: str, **about: Any) -> KnownTicket:
    return KnownTicket(id="77", open=True, threads=frozenset(threads), **{"customer_id": "412", **about})


def heard(
    data: dict[str, Any], record: KnownTicket | None = None, *, now: datetime = NOW, undo: float = 15
) -> list[HelpdeskEvent]:
    return news(read_conversation(data), record, now=now, undo=timedelta(seconds=undo), base=BASE)


# -- replies ---------------------------------------------------------------------------------------------


def test_an_agents_reply_is_news() -> None:
    [event] = heard(conversation(thread(984)), known())
    assert isinstance(event, AgentReplied)
    assert (event.key, event.ticket, event.thread_id) == ("thread-984", "77", "984")
    assert (event.agent, event.customer_id) == ("Ольга", "412")
    assert event.at == datetime(2026, 11, 2, 8, 31, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    "about",
    [
        {"type": "note"},
        {"type": "lineitem", "body": None},
        {"type": "customer"},
        {"state": "draft"},
        {"state": "hidden"},
        {"source": {"type": "api", "via": "user"}},
        {"createdBy": {"id": 412, "type": "customer", "firstName": "М"}},
    ],
)
def test_nothing_else_is(about: dict[str, Any]) -> None:
    assert heard(conversation(thread(984, **about)), known()) == []


def test_replies_come_oldest_first_and_only_those_that_are_not_known() -> None:
    later = thread(984, createdAt="2026-11-02T08:31:25Z")
    data = conversation(later, thread(990), thread(983), thread(100))
    found = heard(data, known("100"))
    assert [event.key for event in found] == ["thread-983", "thread-990", "thread-984"]


@given(st.permutations(range(1, 7)), st.sets(st.integers(1, 6)))
def test_no_order_and_no_repetition_loses_or_repeats_a_reply(order: list[int], had: set[int]) -> None:
    data = conversation(*(thread(number) for number in order))
    found = heard(data, known(*map(str, had)))
    assert [event.key for event in found] == [
        f"thread-{number}" for number in range(1, 7) if number not in had
    ]


def test_a_reply_waits_until_it_cannot_be_undone() -> None:
    at = datetime(2026, 11, 2, 8, 31, 24, tzinfo=UTC)
    data = conversation(thread(984), status="closed")
    assert heard(data, known(), now=at + timedelta(seconds=12)) == []
    kinds = [type(event) for event in heard(data, known(), now=at + timedelta(seconds=15))]
    assert kinds == [AgentReplied, Closed]


def test_a_reply_by_mail_and_one_without_undo_wait_for_nothing() -> None:
    at = datetime(2026, 11, 2, 8, 31, 24, tzinfo=UTC)
    mail = thread(984, source={"type": "email", "via": "user"})
    assert len(heard(conversation(mail), known(), now=at)) == 1
    assert len(heard(conversation(thread(984)), known(), now=at, undo=0)) == 1


def test_earlier_replies_are_told_while_a_later_one_waits() -> None:
    at = datetime(2026, 11, 2, 8, 31, 24, tzinfo=UTC)
    data = conversation(thread(984), thread(983, createdAt="2026-11-02T08:31:00Z"))
    assert [event.key for event in heard(data, known(), now=at + timedelta(seconds=3))] == ["thread-983"]


def test_a_quoted_mail_is_cut_from_mails_alone() -> None:
    body = "да<div>Мария написал(а):</div><blockquote>вопрос</blockquote>"
    [mail] = heard(conversation(thread(1, body=body, source={"type": "email", "via": "user"})), known())
    [typed] = heard(conversation(thread(1, body=body)), known())
    assert isinstance(mail, AgentReplied)
    assert isinstance(typed, AgentReplied)
    assert (len(mail.body.blocks), len(typed.body.blocks)) == (1, 2)


def test_files_are_attachments_and_pictures_in_the_text() -> None:
    url = "https:\\/\\/desk.test\\/storage\\/1\\/track.pdf?id=31&token=a".replace("\\/", "/")
    attachments = [
        {"id": 31, "fileName": "track.pdf", "fileUrl": url, "mimeType": "application/pdf", "size": 2048},
        {
            "id": 32,
            "fileName": "p.png",
            "fileUrl": "/storage/p.png?id=32",
            "mimeType": "image/png",
            "size": 1,
        },
    ]
    body = '<img src="/storage/p.png?id=32"><img src="https://desk.test/storage/q.png?id=5"><img src="cid:1">'
    [event] = heard(conversation(thread(984, body=body, _embedded={"attachments": attachments})), known())
    assert isinstance(event, AgentReplied)
    assert event.body.blocks == ()
    assert [(file.id, file.name, file.size, file.link) for file in event.files] == [
        ("77/984/31", "track.pdf", 2048, url),
        ("77/984/32", "p.png", 1, "https://desk.test/storage/p.png?id=32"),
        ("77/984/image-1", "q.png", None, "https://desk.test/storage/q.png?id=5"),
    ]


@pytest.mark.parametrize("address", ["http://[x", "//[", "javascript:alert(1)", "gopher://x/y", "data:,x"])
def test_an_address_that_is_none_costs_nobody_the_words(address: str) -> None:
    attachments = [{"id": 31, "fileName": "a.pdf", "fileUrl": address}]
    body = f'Да<img src="{address}">'
    [event] = heard(conversation(thread(984, body=body, _embedded={"attachments": attachments})), known())
    assert isinstance(event, AgentReplied)
    assert plain_text(event.body) == "Да"
    assert [(file.name, file.link) for file in event.files] == [("a.pdf", None)]


# -- status ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "was_open", "expected"),
    [
        ("active", True, None),
        ("pending", True, None),
        ("closed", True, Closed),
        ("closed", False, None),
        ("active", False, Reopened),
        ("pending", False, Reopened),
        ("spam", True, Removed),
        ("spam", False, None),
    ],
)
def test_a_status_is_compared_with_ours(status: str, was_open: bool, expected: type | None) -> None:  # noqa: FBT001 - a column of the table
    found = heard(conversation(status=status), known() if was_open else replace(known(), open=False))
    assert [type(event) for event in found] == ([] if expected is None else [expected])


def test_deleted_is_removed_and_spam_says_so() -> None:
    [deleted] = heard(conversation(state="deleted"), known())
    [spam] = heard(conversation(status="spam"), known())
    assert isinstance(deleted, Removed)
    assert isinstance(spam, Removed)
    assert (deleted.spam, spam.spam) == (False, True)


def test_the_key_of_a_status_is_the_same_until_something_changes() -> None:
    closed = conversation(status="closed")
    assert heard(closed, known()) == heard(deepcopy(closed), known())
    again = conversation(thread(999, "lineitem", body=None), status="closed")
    assert heard(closed, known())[0].key != heard(again, known())[0].key


def test_an_agent_is_told_when_it_is_another_one() -> None:
    data = conversation(assignee={"id": 9, "type": "user", "firstName": "Ольга", "lastName": "Петрова"})
    [event] = heard(data, known())
    assert isinstance(event, Assigned)
    assert event.agent == "Ольга"
    assert heard(data, known(assignee="Ольга")) == []
    [nobody] = heard(conversation(), known(assignee="Ольга"))
    assert isinstance(nobody, Assigned)
    assert nobody.agent == ""


def test_a_ticket_that_nobody_knows_is_taken_for_an_open_one() -> None:
    assert [type(event) for event in heard(conversation(thread(1), status="closed"))] == [
        AgentReplied,
        Closed,
    ]


# -- strange answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["id", "createdAt", "createdBy", "state"])
def test_a_reply_without_what_has_to_be_known_is_no_news(missing: str) -> None:
    broken = thread(984)
    del broken[missing]
    with pytest.raises(BadPayload):
        read_conversation(conversation(broken))


@pytest.mark.parametrize(
    "about",
    [
        {"id": None},
        {"status": None},
        {"updatedAt": "yesterday"},
        {"updatedAt": None, "createdAt": None},
        {"_embedded": []},
        {"_embedded": {"threads": "x"}},
        {"customer": "x"},
    ],
)
def test_a_strange_conversation_is_a_bad_payload(about: dict[str, Any]) -> None:
    with pytest.raises(BadPayload):
        read_conversation(conversation(**about))


def test_what_may_be_absent_is_not_missed() -> None:
    least = {"id": 77, "status": "active", "updatedAt": AT}
    note = {"id": 1, "type": "note"}
    found = read_conversation({**least, "_embedded": {"threads": [note, "x", None]}})
    assert (found.number, found.customer_id, found.assignee, len(found.threads)) == ("", None, "", 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "threads", "state", "createdAt"]), inner)
    ),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from(list(conversation())), JSON),
    st.dictionaries(st.sampled_from(list(thread(1))), JSON),
)
def test_nothing_but_a_bad_payload_is_raised(about: dict[str, Any], entry: dict[str, Any]) -> None:
    with suppress(BadPayload):
        heard({**conversation(thread(1, **entry)), **about}, known())


# -- our own messages ------------------------------------------------------------------------------------


def ours(number: int, text: str, kind: str = "customer", **about: Any) -> dict[str, Any]:
    return thread(number, kind, body=write_html(text), **{"source": {"type": "api", "via": "x"}, **about})


def looked_for(
    data: dict[str, Any], text: str, *had: str, note: bool = False, since: datetime = NOW
) -> str | None:
    found = find_thread(
        read_conversation(data), DeskMessage(key="k", text=text), since=since, known=had, note=note
    )
    return None if found is None else found.id


def test_our_message_is_found_by_its_words_among_unknown_threads() -> None:
    data = conversation(ours(3, "да\nнет <b>"), ours(2, "да\nнет <b>"), ours(1, "другое"))
    since = datetime(2026, 11, 2, 8, 31, tzinfo=UTC)
    assert looked_for(data, "да\nнет <b>", since=since) == "2"
    assert looked_for(data, "да\nнет <b>", "2", since=since) == "3"
    assert looked_for(data, "да\nнет <b>", "2", "3", since=since) is None
    assert looked_for(data, "да", since=since) is None


def test_neither_old_threads_nor_those_of_people_are_ours() -> None:
    since = datetime(2026, 11, 2, 8, 31, tzinfo=UTC)
    assert looked_for(conversation(ours(1, "да")), "да", since=since + timedelta(minutes=3)) is None
    assert looked_for(conversation(ours(1, "да", source={"type": "web"})), "да", since=since) is None
    assert looked_for(conversation(ours(1, "да", "note")), "да", since=since) is None
    assert looked_for(conversation(ours(1, "да", "note")), "да", since=since, note=True) == "1"


def test_a_message_of_files_alone_is_known_by_their_names() -> None:
    attachment = {"id": 1, "fileName": "a.png", "fileUrl": "", "mimeType": "", "size": 1}
    data = read_conversation(conversation(ours(1, "", _embedded={"attachments": [attachment]})))
    [one] = data.threads
    assert same_message(
        one, DeskMessage(key="k", text="", files=(DeskFile(name="a.png", mime="", data=b"1"),))
    )
    assert not same_message(
        one, DeskMessage(key="k", text="", files=(DeskFile(name="b.png", mime="", data=b"1"),))
    )


def test_our_ticket_is_known_by_its_subject_and_first_words() -> None:
    data = read_conversation(
        conversation(ours(2, "ещё"), ours(1, "Где заказ?", createdAt="2026-11-02T08:15:00Z"))
    )
    since = datetime(2026, 11, 2, 8, 15, 30, tzinfo=UTC)
    words = DeskMessage(key="k", text="Где заказ?")
    assert is_draft(data, "MAX:  заказ", words, since=since, known=())
    assert not is_draft(data, "другое", words, since=since, known=())
    assert not is_draft(data, "MAX: заказ", DeskMessage(key="k", text="ещё"), since=since, known=())
    assert not is_draft(data, "MAX: заказ", words, since=since, known={"77"})
    assert not is_draft(data, "MAX: заказ", words, since=since + timedelta(minutes=3), known=())


def test_files_that_were_left_out_are_named_and_renamed_ones_are_not() -> None:
    attachments = [{"id": 1, "fileName": "a_1.png", "fileUrl": "", "mimeType": "", "size": 3}]
    taken = (
        read_conversation(conversation(ours(1, "", _embedded={"attachments": attachments}))).threads[0].files
    )
    files = (DeskFile(name="a 1.png", mime="", data=b"123"), DeskFile(name="b.exe", mime="", data=b"12"))
    assert refused(DeskMessage(key="k", text="", files=files), taken) == ("b.exe",)
