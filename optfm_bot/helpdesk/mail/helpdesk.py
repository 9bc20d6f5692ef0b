"""The mail helpdesk: mail to the staff by SMTP, their answers by IMAP.

SMTP cannot be asked what it has taken. So each mail goes to our own mailbox too, in the same transaction: a server that
accepted it for the staff has accepted it for us, and after a lost answer it is looked for there by its Message-ID,
which is the same at every attempt. What is left is a copy that arrives after we looked: then the staff gets the mail
twice, under one Message-ID, and many mail programs show it once.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import ClassVar

import structlog

from channels.contract import Health, HealthState
from channels.errors import ChannelError, Gone, RetryLater, TooLarge, Unauthorized
from channels.phrase import phrase
from optfm_bot.helpdesk.contract import (
    AgentFile,
    DeskMessage,
    Helpdesk,
    HelpdeskContext,
    HelpdeskEvent,
    HelpdeskSpec,
    KnownTicket,
    Polled,
    ThreadRef,
    TicketDraft,
    TicketRef,
)
from optfm_bot.helpdesk.mail.course import Heard, events_of, is_closed
from optfm_bot.helpdesk.mail.cursor import Place, today
from optfm_bot.helpdesk.mail.mailbox import Found, Mailbox, Visit
from optfm_bot.helpdesk.mail.message import (
    Kind,
    Letter,
    Letterhead,
    closing_letter,
    message_letter,
    ticket_letter,
)
from optfm_bot.helpdesk.mail.naming import is_code, mark, thread_of
from optfm_bot.helpdesk.mail.post import Post
from optfm_bot.helpdesk.mail.reply import (
    Answer,
    Own,
    Refusal,
    Rules,
    content,
    data_of,
    header,
    judge,
    leaves,
    parse,
)
from optfm_bot.helpdesk.mail.spec import SPEC, MailSettings

log = structlog.get_logger("helpdesk.mail")

_SUBJECTS = 1000
"""Subjects that are remembered, so that most mails need no look into the mailbox before they leave."""
_MAILS_AT_ONCE = 200
_FILE_ID = re.compile(r"(\d{1,12})\.([1-9]\d{0,11})\.(\d{1,4})")
_MOST_MAIL = 40_000_000
"""Bytes of an incoming mail that are read; servers take hardly more."""


class MailHelpdesk(Helpdesk, Polled):
    """One mailbox of the bot's own. A ticket is a thread of mails, its id the code in their subject."""

    spec: ClassVar[HelpdeskSpec] = SPEC
    settings: MailSettings

    def __init__(self, settings: MailSettings, context: HelpdeskContext) -> None:
        super().__init__(settings, context)
        self._head = Letterhead(
            address=settings.address,
            to=settings.to,
            name=settings.name,
            language=settings.language,
            file_limit=settings.file_limit,
            words=context.words,
        )
        self._naming = self._head.naming
        self._rules = Rules.of(settings)
        self._shared = settings.address.lower() == settings.to.lower()
        self._post = Post(settings.smtp, domain=self._naming.domain)
        self._mailbox = Mailbox(settings.imap)
        self._subjects: OrderedDict[str, str] = OrderedDict()

    async def probe(self) -> Health:
        """Log in to both servers and open the folder."""
        address = self.settings.address
        try:
            await self._post.check()
            await self._mailbox.visit(lambda _: None)
        except Unauthorized as error:
            return Health(state=HealthState.BAD_CREDENTIALS, identity=address, hint=str(error))
        except RetryLater as error:
            return Health(state=HealthState.DEGRADED, identity=address, hint=str(error))
        except ChannelError as error:
            return Health(state=HealthState.DOWN, identity=address, hint=str(error))
        return Health(state=HealthState.OK, identity=address)

    # -- towards it ---------------------------------------------------------------------------------------

    async def open_ticket(self, draft: TicketDraft) -> TicketRef:
        """Send the mail that opens a ticket. Raises by reaction."""
        # In a thread: writing many megabytes of files for the transport takes a while.
        letter = await asyncio.to_thread(ticket_letter, self._head, draft, self.clock())
        await self._send(letter)
        ticket = self._ticket(draft)
        self._remember(ticket.id, letter.subject)
        return ticket

    async def find_ticket(
        self, draft: TicketDraft, *, since: datetime, known: Collection[str]
    ) -> TicketRef | None:
        """Look for the mail that an earlier call with this draft may have sent."""
        del since  # a Message-ID is enough
        ticket = self._ticket(draft)
        if ticket.id in known or not await self._arrived(self._naming.root(ticket.id)):
            return None
        return ticket

    async def add_customer_message(self, ticket: TicketRef, message: DeskMessage) -> ThreadRef:
        """Send what the customer wrote. Raises by reaction."""
        return await self._add(ticket, message, Kind.CUSTOMER)

    async def add_note(self, ticket: TicketRef, note: DeskMessage) -> ThreadRef:
        """Send a note, marked as one. Raises by reaction."""
        return await self._add(ticket, note, Kind.NOTE)

    async def find_message(
        self, ticket: TicketRef, message: DeskMessage, *, since: datetime, known: Collection[str], note: bool
    ) -> ThreadRef | None:
        """Look for the mail that an earlier call with this message may have sent."""
        del since, note  # a Message-ID is enough
        message_id = self._naming.message_id(ticket.id, message.key)
        thread = thread_of(message_id)
        if thread in known or not await self._arrived(message_id):
            return None
        return ThreadRef(id=thread)

    async def close_ticket(self, ticket: TicketRef) -> None:
        """Tell the staff that nobody waits any more, unless the last mail of ours did. Raises by reaction."""
        if is_closed(await self._mailbox.visit(lambda visit: self._said(visit, ticket.id))):
            return
        await self._send(closing_letter(self._head, ticket.id, await self._subject(ticket.id), self.clock()))

    # -- from it ------------------------------------------------------------------------------------------

    async def changes(self, cursor: str | None) -> tuple[Sequence[str], str]:
        """Look which tickets have got answers."""
        place = Place.read(cursor)
        day = today(self.clock())

        def look(visit: Visit) -> tuple[list[str], Place]:
            if place is None:
                return [], Place(visit.validity, visit.last, day)
            same = visit.validity == place.validity
            uids = [
                uid for uid in visit.search(*place.criteria(visit.validity)) if not same or uid > place.last
            ]
            more, uids = len(uids) > _MAILS_AT_ONCE, uids[:_MAILS_AT_ONCE]
            codes, copies = self._sorted(visit.heads(uids))
            if not self._shared:
                visit.mark_seen(copies)  # nobody reads them, and a person who looks in sees what is new
            if same or more:
                return codes, Place(visit.validity, max([place.last if same else 0, *uids]), day)
            return codes, Place(visit.validity, visit.last, day)

        codes, reached = await self._mailbox.visit(look, change=not self._shared)
        return list(dict.fromkeys(codes)), str(reached)

    async def read(self, ticket_id: str, known: KnownTicket | None) -> Sequence[HelpdeskEvent]:
        """Read the answers in a ticket that the house does not have, and whether it was closed."""
        if not is_code(ticket_id):
            return ()
        threads = known.threads if known else frozenset()

        def look(visit: Visit) -> list[Own | Heard]:
            mails: list[Own | Heard] = []
            for head in visit.heads(visit.search(*_ticket_criteria(ticket_id))):
                judged = judge(parse(head.data), self._rules)
                if isinstance(judged, Refusal) or judged.code != ticket_id:
                    continue
                if isinstance(judged, Own):
                    mails.append(judged)
                    continue
                read = None if judged.thread in threads else visit.mail(head.uid, most=_MOST_MAIL)
                mails.append(_heard(judged, head, read, visit.validity))
            return mails

        return events_of(await self._mailbox.visit(look), ticket_id, known)

    async def fetch(self, file: AgentFile, *, limit: int) -> bytes:
        """Get a file out of an answer. Raises `TooLarge`, `Gone` if the mail is not there any more."""
        found = _FILE_ID.fullmatch(file.id)
        if found is None:
            raise Gone(phrase("mail.no_file", "this is no file of a mail"))
        if file.size is not None and file.size > limit:
            raise TooLarge(phrase("file.too_large", "the file has {size} bytes", size=file.size))
        validity, uid, part = (int(one) for one in found.groups())

        def look(visit: Visit) -> bytes:
            mail = visit.mail(uid, most=_MOST_MAIL) if visit.validity == validity else None
            parts = leaves(parse(mail.data)) if mail else []
            if mail is None or part >= len(parts):
                raise Gone(phrase("mail.gone", "the mail with this file is not in the mailbox any more"))
            data = data_of(parts[part])
            if len(data) > limit or (not mail.whole and part == len(parts) - 1):
                raise TooLarge(phrase("file.over", "the file has more than {limit} bytes", limit=limit))
            return data

        return await self._mailbox.visit(look)

    # -- inside -------------------------------------------------------------------------------------------

    async def _add(self, ticket: TicketRef, message: DeskMessage, kind: Kind) -> ThreadRef:
        subject = await self._subject(ticket.id)
        letter = await asyncio.to_thread(
            message_letter, self._head, ticket.id, subject, message, kind, self.clock()
        )
        await self._send(letter)
        return ThreadRef(id=thread_of(letter.message_id))

    async def _send(self, letter: Letter) -> None:
        settings = self.settings
        if letter.refused:  # the letter says so
            log.warning("helpdesk.files_refused", instance=self.instance, files=len(letter.refused))
        copies = () if self._shared else (settings.address,)
        await self._post.send(letter.data, sender=settings.address, to=settings.to, copies=copies)

    def _ticket(self, draft: TicketDraft) -> TicketRef:
        code = self._naming.code(draft.key)
        return TicketRef(id=code, number=code, thread_id=thread_of(self._naming.root(code)))

    async def _arrived(self, message_id: str) -> bool:
        criteria = ("HEADER", "Message-ID", f'"{message_id}"')
        return bool(await self._mailbox.visit(lambda visit: visit.search(*criteria)))

    async def _subject(self, code: str) -> str:
        """The subject of a ticket: mail programs put mails of one subject together, some of them no others."""
        if known := self._subjects.get(code):
            return known
        found: str | None = None
        with suppress(ChannelError):  # a mail under its bare mark is better than none
            found = await self._mailbox.visit(self._look_up_subject(code))
        if found is None:
            return mark(code)
        self._remember(code, found)
        return found

    def _look_up_subject(self, code: str) -> Callable[[Visit], str | None]:
        def look(visit: Visit) -> str | None:
            uids = visit.search("HEADER", "Message-ID", f'"{self._naming.root(code)}"')
            for head in visit.heads(uids[:1]):
                return header(parse(head.data), "Subject") or None
            return None

        return look

    def _remember(self, code: str, subject: str) -> None:
        self._subjects[code] = subject
        if len(self._subjects) > _SUBJECTS:
            self._subjects.popitem(last=False)

    def _said(self, visit: Visit, code: str) -> list[Own | Answer]:
        heads = visit.heads(visit.search(*_ticket_criteria(code)))
        judged = (judge(parse(head.data), self._rules) for head in heads)
        return [one for one in judged if not isinstance(one, Refusal) and one.code == code]

    def _sorted(self, heads: Collection[Found]) -> tuple[list[str], list[int]]:
        """Give the tickets that got answers, and the uids of our own mails."""
        codes: list[str] = []
        copies: list[int] = []
        for head in heads:
            judged = judge(parse(head.data), self._rules)
            if isinstance(judged, Own):
                copies.append(head.uid)
            elif isinstance(judged, Answer):
                codes.append(judged.code)
            elif judged is not Refusal.NO_TICKET:
                log.warning("mail.passed_over", desk=self.instance, uid=head.uid, reason=str(judged))
        return codes, copies


def _ticket_criteria(code: str) -> tuple[str, ...]:
    word = f'"{code}"'
    return ("OR", "OR", "SUBJECT", word, "HEADER", "References", word, "HEADER", "In-Reply-To", word)


def _heard(answer: Answer, head: Found, read: Found | None, validity: int) -> Heard:
    return Heard(
        answer=answer,
        at=head.at,
        content=content(parse(read.data), answer.code) if read else None,
        file_id=lambda part: f"{validity}.{head.uid}.{part}",
    )
