"""What will happen to a text on a platform, said while it is being written and not when it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from channels.capabilities import Capabilities
from channels.dialects.writer import words
from channels.errors import TooLarge
from channels.links import is_link
from channels.model import Action, Body, ChatRef, ListBlock, Media, Outbound
from channels.render import render, split_outbound

_NOWHERE = ChatRef(channel="content", chat_id="")
_WRITTEN_LINK = re.compile(r"\[[^\[\]\n]{1,200}\]\(([^()\s]{1,2048})\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentProblem:
    """One thing that a reader will get differently: a stable `id`, and a `detail` such as a number."""

    id: str
    detail: str = ""


def content_problems(
    body: Body,
    capabilities: Capabilities,
    *,
    actions: tuple[tuple[Action, ...], ...] = (),
    media: tuple[Media, ...] = (),
) -> Sequence[ContentProblem]:
    """What would be simplified if this were sent: the ids of `Rendered.degraded`, and four more.

    `empty`: nothing to show. `split`: sent as several messages, the detail says how many. `too_large`: the
    list that buttons become is longer than a message. `link_unsupported`: something typed as a link that is
    not one, the detail is its address. Never raises for content.
    """
    message = Outbound(chat=_NOWHERE, body=body, actions=actions, media=media)
    problems = [ContentProblem(id="link_unsupported", detail=address) for address in _unread_links(body)]
    try:
        parts = split_outbound(message, capabilities)
    except ValueError:
        return (*problems, ContentProblem(id="empty"))
    if len(parts) > 1:
        problems.append(ContentProblem(id="split", detail=str(len(parts))))
    degraded = dict.fromkeys(name for part in parts for name in _degraded(part, capabilities))
    return (*problems, *(ContentProblem(id=name) for name in degraded))


def _degraded(part: Outbound, capabilities: Capabilities) -> Sequence[str]:
    try:
        return render(part, capabilities).degraded
    except TooLarge:
        return ("too_large",)


def _unread_links(body: Body) -> Iterable[str]:
    found = (match[1] for line in _texts(body) for match in _WRITTEN_LINK.finditer(line))
    return [address for address in dict.fromkeys(found) if not is_link(address)]


def _texts(body: Body) -> Iterator[str]:
    for block in body.blocks:
        if isinstance(block, ListBlock):
            yield from map(words, block.items)
        else:
            yield words(block.children)
