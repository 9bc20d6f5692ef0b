"""What a message asks: its questions, each decided alone or in the light of what was answered before it. Pure."""

from __future__ import annotations

from faq import Decision, FaqManager
from faq.followup import LastTopic, is_follow_up, resolve
from faq.parts import Part, decide_parts
from optfm_bot.domain.conversation import Conversation


def understand(text: str, faq: FaqManager, last: LastTopic | None = None) -> tuple[Part, ...]:
    """The questions of a message with their decisions: what is answered first, at least one part.

    `last` is what the conversation talks about; a question may also continue the one before it in the same message.
    """

    def after(piece: str, answered: Part) -> Decision | None:
        topic = _topic(faq, answered.decision.entry_id, answered.text, 0)
        return None if topic is None else resolve(piece, topic, faq.decide, faq.rank)

    parts = decide_parts(text, faq.decide, after=after)
    if last is None or len(parts) > 1:
        return parts
    decision = resolve(text, last, faq.decide, faq.rank)
    return parts if decision is None else (Part(text, decision),)


def last_topic(talk: Conversation, faq: FaqManager, now: int) -> LastTopic | None:
    """What a conversation was answered last; None if that is nothing, or an entry that is not live any more."""
    return _topic(faq, talk.topic, talk.topic_text, now - talk.topic_at)


def remembered(talk: Conversation, parts: tuple[Part, ...], now: int) -> Conversation:
    """The conversation after a message: what was answered last is its topic.

    A question without an answer ends the topic, unless it continued it («а пельмени?»): then one may still go on.
    """
    answered = [part for part in parts if part.decision.entry_id is not None]
    if not answered:
        going_on = all(is_follow_up(part.text) for part in parts)
        return talk if going_on else talk.about(None, "", 0)
    last = answered[-1]
    entry_id = last.decision.entry_id
    # «а в казань?» says nothing to the next follow-up; the question before it does, if it is the same entry's.
    if is_follow_up(last.text):
        return talk.about(entry_id, talk.topic_text if entry_id == talk.topic else "", now)
    return talk.about(entry_id, last.text, now)


def _topic(faq: FaqManager, entry_id: str | None, asked: str, age_ms: int) -> LastTopic | None:
    entry = faq.entry(entry_id) if entry_id is not None else None
    if entry is None:
        return None
    return LastTopic(
        entry_id=entry.id,
        question_text=entry.question,
        asked_text=asked,
        category=entry.category,
        age=age_ms / 1000,
    )
