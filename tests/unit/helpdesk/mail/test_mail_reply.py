"""Whose a mail is, and what in it is for the customer."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.body import plain_text
from channels.model import Bold, Paragraph
from optfm_bot.helpdesk.mail.message import Kind
from optfm_bot.helpdesk.mail.naming import Naming
from optfm_bot.helpdesk.mail.reply import Answer, Own, Refusal, Rules, content, data_of, judge, leaves, parse

NAMING = Naming("bot@shop.test")
CODE = NAMING.code("t")
RULES = Rules(naming=NAMING, agents=frozenset({"olga@other.test"}), domains=frozenset({"shop.test"}))


def mail(text: str = "Да", **headers: str) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    given_ = {
        "From": "Ольга <olga@shop.test>",
        "Message-ID": "<1@x>",
        "Subject": f"Re: [#{CODE}] доставка",
        **headers,
    }
    for name, value in given_.items():
        if value:
            made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def judged(**headers: str) -> Own | Answer | Refusal:
    return judge(parse(mail(**headers).as_bytes()), RULES)


# -- who ---------------------------------------------------------------------------------------------------


def test_an_agents_mail_is_an_answer() -> None:
    found = judged()

    assert isinstance(found, Answer)
    assert (found.code, found.agent) == (CODE, "Ольга")


@pytest.mark.parametrize(
    "headers",
    [
        {"In_Reply_To": NAMING.root(CODE), "Subject": "другая тема"},
        {"In_Reply_To": "<unknown@x>", "References": f"{NAMING.message_id(CODE, 'm')} <2@x>", "Subject": ""},
        {"Subject": f"AW: [#{CODE.upper()}]"},
    ],
)
def test_a_ticket_is_found_by_ids_or_by_the_subject(headers: dict[str, str]) -> None:
    found = judged(**headers)

    assert isinstance(found, Answer)
    assert found.code == CODE


def test_ids_count_more_than_the_subject() -> None:
    found = judged(In_Reply_To=NAMING.root("zzzzzzzz22"))

    assert isinstance(found, Answer)
    assert found.code == "zzzzzzzz22"


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"Subject": "Здравствуйте"}, Refusal.NO_TICKET),
        ({"Subject": "", "In_Reply_To": "<abcdefgh22.ticket@elsewhere.test>"}, Refusal.NO_TICKET),
        ({"From": "Ольга <olga@elsewhere.test>"}, Refusal.STRANGER),
        ({"From": '"olga@shop.test" <thief@elsewhere.test>'}, Refusal.STRANGER),
        ({"From": "thief@notshop.test"}, Refusal.STRANGER),
        ({"Auto_Submitted": "auto-replied"}, Refusal.AUTOMATIC),
        ({"Auto_Submitted": "auto-generated (holiday)"}, Refusal.AUTOMATIC),
        ({"Precedence": "bulk"}, Refusal.AUTOMATIC),
        ({"X_Autoreply": "yes"}, Refusal.AUTOMATIC),
        ({"Return_Path": "<>"}, Refusal.AUTOMATIC),
        ({"From": "Mail Delivery System <MAILER-DAEMON@shop.test>"}, Refusal.AUTOMATIC),
        ({"From": "olga@shop.test, thief@elsewhere.test"}, Refusal.AUTOMATIC),
        ({"From": ""}, Refusal.AUTOMATIC),
    ],
)
def test_others_are_passed_over(headers: dict[str, str], refusal: Refusal) -> None:
    assert judged(**headers) is refusal


@pytest.mark.parametrize(
    "header", ["From: olga@shop.test\r\nFrom: thief@elsewhere.test", "From: <a@shop.test> <b@x.test>"]
)
def test_a_puzzling_sender_is_nobody(header: str) -> None:
    raw = f"{header}\r\nSubject: [#{CODE}]\r\n\r\nхм".encode()

    assert judge(parse(raw), RULES) is Refusal.AUTOMATIC


def test_a_named_address_may_answer_and_a_mailing_list_may_carry_it() -> None:
    assert isinstance(judged(From="OLGA@Other.test"), Answer)
    assert judged(From="ivan@other.test") is Refusal.STRANGER
    assert isinstance(judged(Precedence="list", Auto_Submitted="no"), Answer)


def test_our_own_mail_is_known_by_its_id() -> None:
    found = judged(
        **{"Message-ID": NAMING.message_id(CODE, "m")}, X_OptFM_Kind="customer", From="bot@shop.test"
    )

    assert isinstance(found, Own)
    assert (found.code, found.kind) == (CODE, Kind.CUSTOMER)


@pytest.mark.parametrize(
    ("results", "proven"),
    [
        (
            "mx.shop.test; spf=pass smtp.mailfrom=x; dkim=pass; dmarc=pass (p=reject) header.from=shop.test",
            True,
        ),
        ("MX.shop.test 1; dmarc = pass", True),
        ("mx.shop.test; dmarc=fail", False),
        ("mx.shop.test; dkim=pass", False),
        ("mx.shop.test; x=1 (; dmarc=pass)", False),
        ("mx.shop.test; x=1 (a (b) ; dmarc=pass c)", False),
        ("mx.shop.test; x=1 (\\) ; dmarc=pass)", False),
        ('mx.shop.test; spf=pass smtp.mailfrom="x; dmarc=pass"@evil.test', False),
        ("mx.shop.test; spf=pass smtp.mailfrom==?utf-8?q?=3B_dmarc=3Dpass_?=@evil.test", False),
        ("mx.shop.test; dmarc=fail header.from=shop.test; dmarc=pass", False),
        ("mx.elsewhere.test; dmarc=pass", False),
        ("", False),
    ],
)
def test_a_sender_is_proven_by_the_own_server_alone(results: str, proven: object) -> None:
    rules = Rules(naming=NAMING, agents=RULES.agents, domains=RULES.domains, authserv_id="mx.shop.test")
    head = f"Authentication-Results: {results}\r\n" if results else ""
    found = judge(parse(head.encode() + mail().as_bytes()), rules)

    assert isinstance(found, Answer) is proven
    assert proven or found is Refusal.UNPROVEN


def test_only_the_topmost_result_counts() -> None:
    rules = Rules(naming=NAMING, agents=RULES.agents, domains=RULES.domains, authserv_id="mx.shop.test")
    head = "Authentication-Results: mx.shop.test; dmarc=fail\r\nAuthentication-Results: mx.shop.test; dmarc=pass\r\n"

    assert judge(parse(head.encode() + mail().as_bytes()), rules) is Refusal.UNPROVEN


# -- what --------------------------------------------------------------------------------------------------


def words(raw: bytes) -> str:
    return plain_text(content(parse(raw), CODE).body).strip()


def test_words_are_read_and_the_plain_part_is_preferred() -> None:
    made = mail("Заказ в пути\n")
    made.add_alternative("<p>Не это</p>", subtype="html")

    assert words(made.as_bytes()) == "Заказ в пути"


def test_html_alone_keeps_its_form_and_loses_its_history() -> None:
    made = mail()
    made.set_content(
        '<p>Заказ <b>в пути</b></p><div class="gmail_quote">секрет<blockquote>секрет</blockquote></div>',
        subtype="html",
    )
    found = content(parse(made.as_bytes()), CODE)

    assert "секрет" not in plain_text(found.body)
    assert any(
        isinstance(one, Bold)
        for block in found.body.blocks
        if isinstance(block, Paragraph)
        for one in block.children
    )


def test_in_html_too_our_mark_ends_the_answer_and_commands_count() -> None:
    made = mail()
    made.set_content(
        f"<div>Готово</div><div>/close</div><div>Заметка · [#{CODE}]</div><div>секрет</div>", subtype="html"
    )
    found = content(parse(made.as_bytes()), CODE)

    assert (plain_text(found.body).strip(), found.command) == ("Готово", "close")


@pytest.mark.parametrize("charset", ["koi8-r", "windows-1251", "utf-8", "iso-8859-5"])
def test_charsets(charset: str) -> None:
    head = f"From: a@shop.test\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"

    assert words(head.encode() + "Добрый день".encode(charset)) == "Добрый день"


@pytest.mark.parametrize("charset", ["nonsense", "us-ascii", "unknown-8bit", ""])
def test_a_wrong_charset_is_guessed(charset: str) -> None:
    head = f'From: a@shop.test\r\nContent-Type: text/plain; charset="{charset}"\r\n\r\n'

    assert words(head.encode() + "Добрый день".encode()) == "Добрый день"
    assert words(head.encode() + "Добрый день".encode("cp1251")) == "Добрый день"


def test_files_are_told_and_found_again_by_their_part() -> None:
    made = mail("вот")
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="счёт №1.pdf")
    made.add_attachment("строки", filename="a/b.txt")
    raw = made.as_bytes()
    files = content(parse(raw), CODE).files

    assert [(one.name, one.mime) for one in files] == [
        ("счёт №1.pdf", "application/pdf"),
        ("a_b.txt", "text/plain"),
    ]
    assert data_of(leaves(parse(raw))[files[0].part]) == files[0].data == b"%PDF"


def test_pictures_of_a_signature_and_signatures_of_programs_are_no_files() -> None:
    made = mail()
    made.set_content('<p>да</p><img src="cid:logo">', subtype="html")
    made.add_related(
        b"PNG", maintype="image", subtype="png", cid="<logo>", filename="logo.png", disposition="inline"
    )
    made.make_mixed()
    made.add_attachment(b"-", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")

    assert content(parse(made.as_bytes()), CODE).files == ()


def test_a_mail_inside_of_the_mail_is_not_read() -> None:
    made = mail("смотрите")
    made.add_attachment(mail("секрет"))

    assert words(made.as_bytes()) == "смотрите"
    assert content(parse(made.as_bytes()), CODE).files == ()


def test_a_note_has_neither_words_nor_files() -> None:
    made = mail("/note для своих")
    made.add_attachment(b"1", maintype="application", subtype="pdf", filename="a.pdf")
    found = content(parse(made.as_bytes()), CODE)

    assert (found.body.blocks, found.files) == ((), ())


def test_what_was_written_stays_out_of_repr() -> None:
    found = content(parse(mail("секрет").as_bytes()), CODE)

    assert "секрет" not in repr(found)
    assert "Ольга" not in repr(judged())


@pytest.mark.parametrize(
    ("kind", "placed"),
    [
        ("text/plain; charset*1*=utf-8", "inline"),
        ("text/plain; charset=u\0", "inline"),
        ("image/png; name*0*=utf-8''a; name*\r\n1=b.png", "attachment; filename*=u\0''a.png"),
    ],
)
def test_parameters_that_make_no_sense_cost_no_words(kind: str, placed: str) -> None:
    odd = f"--b\r\nContent-Type: {kind}\r\nContent-Disposition: {placed}\r\n\r\nпять\r\n--b--\r\n"
    raw = f"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nDone\r\n{odd}".encode()

    assert "Done" in words(raw)
    assert len(content(parse(raw), CODE).files) == placed.startswith("attachment")


def test_a_mail_of_endless_parts_says_nothing() -> None:
    inner = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(1500))
    found = parse(f"From: olga@shop.test\r\nSubject: [#{CODE}]\r\n{inner}Done".encode())

    assert isinstance(judge(found, RULES), Answer)
    assert content(found, CODE).files == ()


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape"])
def test_half_a_character_is_not_passed_on(charset: str) -> None:
    half = {"utf-7": "+2AA-", "unicode_escape": "\\ud800"}[charset]
    head = f"From: =?{charset}?q?{half}?= <olga@shop.test>\r\nSubject: [#{CODE}]\r\n"
    raw = f"{head}Content-Type: text/plain; charset={charset}\r\n\r\nDone {half}".encode()
    found = judge(parse(raw), RULES)

    words(raw).encode()
    assert isinstance(found, Answer)
    found.agent.encode()


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", mail().as_bytes()[:120], b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"]),
)
def test_nothing_that_arrives_raises(noise: bytes, head: bytes) -> None:
    judge(parse(head + noise), RULES)
    content(parse(head + noise), CODE)
    content(parse(noise + b"\r\n\r\n" + noise), CODE)
