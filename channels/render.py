"""From a message to one platform call, in the platform's dialect, with the buttons and files it can show.

What a platform cannot show is not dropped but said another way: the ladder in `channels.ladder`. Long
messages are cut before, by `channels.split.split_outbound`.
"""

from __future__ import annotations

from dataclasses import replace

from channels.capabilities import Capabilities
from channels.dialects import dialect_named
from channels.errors import TooLarge
from channels.ladder import numbered_actions, step_down
from channels.measure import written
from channels.model import Body, Outbound, Rendered
from channels.phrase import phrase
from channels.split import split_outbound

__all__ = ["numbered_actions", "plain_copy", "render", "split_outbound"]


def render(message: Outbound, capabilities: Capabilities, *, key: str = "") -> Rendered:
    """The message as one call within the platform's limits; `degraded` names each simplification.

    `key` is the house's name for the message. Raises `TooLarge` if the text is over the limit (that of captions if a
    file is sent with it): such a message should have been split. Raises `LookupError` if nobody registered the dialect.
    """
    step = step_down(message, capabilities)
    body = Body((*message.body.blocks, *step.tail)) if step.tail else message.body
    text = written(body, capabilities)
    limit = capabilities.caption_limit if step.media else capabilities.text_limit
    if text.length > limit:
        raise TooLarge(
            phrase(
                "render.too_long",
                "the text is {length} long, the platform takes {limit}",
                length=text.length,
                limit=limit,
            )
        )
    markup = dialect_named(capabilities.dialect).markup
    degraded = step.degraded
    if text.marked and not markup:
        degraded = (*degraded, "markup_to_plain")
    replaces = message.replaces
    if replaces is not None and not capabilities.edit:
        replaces = None
        degraded = (*degraded, "edit_to_new")
    return Rendered(
        chat=message.chat,
        text=text.text,
        plain=text.plain,
        key=key,
        markup=markup,
        actions=step.rows,
        media=step.media,
        reply_to=message.reply_to,
        replaces=replaces,
        purpose=message.purpose,
        degraded=degraded,
    )


def plain_copy(rendered: Rendered) -> Rendered:
    """The same message without markup, for the one more try after `MarkupRejected`."""
    if not rendered.markup:
        return rendered
    return replace(
        rendered, text=rendered.plain, markup=False, degraded=(*rendered.degraded, "markup_to_plain")
    )
