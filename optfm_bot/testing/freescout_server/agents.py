"""What people do in FreeScout's own pages, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence

from optfm_bot.testing.freescout_server.conversations import Conversations
from optfm_bot.testing.freescout_server.webhook import Webhooks
from optfm_bot.testing.freescout_server.world import Conversation, Stored, World

AGENT = 9
File = tuple[str, str, bytes]
"""Name, type and content."""


class Agents:
    """The people behind the desk. `html` is what their editor makes."""

    def __init__(self, world: World, webhooks: Webhooks, api: Conversations) -> None:
        self.world = world
        self.webhooks = webhooks
        self.api = api

    def reply(
        self,
        conversation: int,
        html: str,
        files: Sequence[File] = (),
        *,
        user: int = AGENT,
        status: str = "pending",
        source: str = "web",
    ) -> int:
        """Answer the customer; gives the thread. It can be undone for a while, unless it came by e-mail."""
        found = self.world.conversation(conversation)
        thread = self.world.thread(
            found,
            type="message",
            body=html,
            status=status,
            source=(source, "user"),
            by=("user", user),
            files=self._store(files),
        )
        changed = found.status != status
        self.world.set_status(found, status, user)
        if found.assignee_id is None:
            self.api.assign(found, user, user)
        self.webhooks.event("convo.agent.reply.created", found, late=source == "web")
        if changed:
            self.webhooks.event("convo.status", found)
        return thread.id

    def undo(self, conversation: int, thread: int) -> None:
        """Take a reply back: it is a draft then, and its webhook comes nevertheless."""
        found = self.world.conversation(conversation)
        one = next(entry for entry in found.threads if entry.id == thread)
        one.state = "draft"
        found.updated_at = self.world.now()

    def draft(self, conversation: int, html: str, *, user: int = AGENT) -> int:
        """Begin an answer without sending it."""
        found = self.world.conversation(conversation)
        about = {"type": "message", "body": html, "state": "draft", "source": ("web", "user")}
        return self.world.thread(found, by=("user", user), **about).id

    def note(self, conversation: int, html: str, files: Sequence[File] = (), *, user: int = AGENT) -> int:
        """Write to colleagues."""
        found = self.world.conversation(conversation)
        thread = self.world.thread(
            found,
            type="note",
            body=html,
            source=("web", "user"),
            by=("user", user),
            files=self._store(files),
        )
        self.webhooks.event("convo.note.created", found)
        return thread.id

    def start(
        self, customer: int, html: str, *, mailbox: int = 2, subject: str = "Вопрос", user: int = AGENT
    ) -> int:
        """Begin a conversation with a customer; gives its id."""
        now = self.world.now()
        made = Conversation(
            id=self.world.next_id("conversation"),
            number=self.world.next_id("number"),
            type="chat",
            mailbox_id=mailbox,
            subject=subject,
            customer_id=customer,
            status="pending",
            source=("web", "user"),
            created_by=("user", user),
            assignee_id=user,
            created_at=now,
            updated_at=now,
        )
        self.world.conversations[made.id] = made
        self.world.thread(made, type="message", body=html, source=("web", "user"), by=("user", user))
        self.webhooks.event("convo.created", made, late=True)
        return made.id

    def close(self, conversation: int, *, user: int = AGENT) -> None:
        """Close it."""
        self.api.status(self.world.conversation(conversation), "closed", user)

    def reopen(self, conversation: int, *, user: int = AGENT) -> None:
        """Make it active again."""
        self.api.status(self.world.conversation(conversation), "active", user)

    def spam(self, conversation: int, *, user: int = AGENT) -> None:
        """Mark it as spam."""
        self.api.status(self.world.conversation(conversation), "spam", user)

    def assign(self, conversation: int, to: int | None, *, user: int = AGENT) -> None:
        """Give it to somebody, or to nobody."""
        self.api.assign(self.world.conversation(conversation), to, user)

    def move(self, conversation: int, mailbox: int, *, user: int = AGENT) -> None:
        """Put it into another mailbox."""
        self.api.move(self.world.conversation(conversation), mailbox, user)

    def merge(self, conversation: int, into: int) -> None:
        """Put the threads of one conversation into another one; the first is no more, and nobody is told."""
        gone, kept = self.world.conversation(conversation), self.world.conversation(into)
        kept.threads += gone.threads
        kept.threads.sort(key=lambda thread: (thread.created_at, thread.id))
        del self.world.conversations[gone.id]
        self.world.line(kept, "merged", AGENT)

    def delete(self, conversation: int) -> None:
        """Put it into the trash."""
        found = self.world.conversation(conversation)
        found.state = "deleted"
        found.updated_at = self.world.now()
        self.webhooks.event("convo.deleted", found)

    def restore(self, conversation: int) -> None:
        """Get it out of the trash."""
        found = self.world.conversation(conversation)
        found.state = "published"
        found.updated_at = self.world.now()
        self.webhooks.event("convo.restored", found)

    def delete_forever(self, conversation: int) -> None:
        """Delete it: its id is a 404 from now on."""
        found = self.world.conversation(conversation)
        self.webhooks.last_words("convo.deleted_forever", found)
        del self.world.conversations[conversation]

    def _store(self, files: Sequence[File]) -> list[Stored]:
        return [self.world.store(*file) for file in files]
