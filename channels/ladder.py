"""The ladder of degradation: what becomes of buttons and files that a platform cannot show.

* `buttons_to_list`: the platform has no buttons, or they do not fit its rows: a numbered list in the text,
  and `label: address` for those with an address.
* `url_button_to_text`: the platform cannot open an address from a button: a line `label: address`.
* `contact_to_list`: the platform cannot ask for the contact: an item of the numbered list.
* `buttons_rewrapped`: rows are too wide or too many, but the buttons fit: the same buttons in other rows.
* `label_shortened`: a label is longer than what is shown: cut, with an ellipsis.
* `media_to_link`, `media_to_name`: a file of a kind that cannot be sent, or that lies elsewhere and is too large: a
  link, or its name if there is no address that people may have.

Nothing that the ladder adds is a word of any language: labels, names, addresses, numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from channels.capabilities import Buttons, Capabilities
from channels.graphemes import shorten
from channels.links import is_link, link_scheme, shown_address
from channels.model import Action, Block, Break, Inline, Link, ListBlock, Media, Outbound, Paragraph, Text
from channels.values import dataclass

Rows = tuple[tuple[Action, ...], ...]

_UNOPENABLE = frozenset({"", "mailto", "tel"})
_NAMELESS = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Buttons and files on one platform: the real ones, and `tail`, the blocks that say the rest in text."""

    rows: Rows = ()
    numbered: tuple[Action, ...] = ()
    media: tuple[Media, ...] = ()
    tail: tuple[Block, ...] = ()
    degraded: tuple[str, ...] = ()


_NOTHING = Step()


def step_down(message: Outbound, capabilities: Capabilities) -> Step:
    """Take the buttons and files of a message down to what the platform can show. The body plays no part."""
    if not message.actions and not message.media:
        return _NOTHING
    degraded: dict[str, None] = {}
    media, media_lines = _media(message.media, capabilities, degraded)
    rows, numbered, addresses = _buttons(message.actions, capabilities.buttons, degraded)
    if not degraded:
        return Step(rows=rows, media=media)
    tail: list[Block] = []
    if media_lines or addresses:
        lines = [*media_lines, *map(_address_line, addresses)]
        tail.append(Paragraph(tuple(chain.from_iterable(_joined(lines)))))
    if numbered:
        items = tuple((Text(_label(action)),) for action in numbered)
        tail.append(ListBlock(items, ordered=True))
    return Step(rows=rows, numbered=numbered, media=media, tail=tuple(tail), degraded=tuple(degraded))


def numbered_actions(message: Outbound, capabilities: Capabilities) -> tuple[Action, ...]:
    """The buttons that become numbers 1, 2, 3… of the list in the text, in order; empty if none does.

    The same for the whole message and for the last of its parts.
    """
    if not message.actions:
        return ()
    return _buttons(message.actions, capabilities.buttons, {})[1]


# -- files -----------------------------------------------------------------------------------------------


def _media(
    media: tuple[Media, ...], capabilities: Capabilities, degraded: dict[str, None]
) -> tuple[tuple[Media, ...], list[tuple[Inline, ...]]]:
    kept: list[Media] = []
    lines: list[tuple[Inline, ...]] = []
    for item in media:
        if _can_be_sent(item, capabilities):
            kept.append(item)
            continue
        degraded["media_to_name" if _public_address(item) is None else "media_to_link"] = None
        lines.append(file_line(item))
    return tuple(kept), lines


def file_line(item: Media) -> tuple[Inline, ...]:
    """What is written instead of a file: its address if people may have it, under its name, else its name."""
    address = _public_address(item)
    if address is None:
        return (Text(_one_line(item.name)),)
    return (_link(address, item.name.strip() or shown_address(address)),)


def files_without_link(message: Outbound, capabilities: Capabilities) -> tuple[Media, ...]:
    """The files that are not sent there, and that nobody can open from the text either: it has their names alone."""
    return tuple(
        item
        for item in message.media
        if not _can_be_sent(item, capabilities) and _public_address(item) is None
    )


def _can_be_sent(item: Media, capabilities: Capabilities) -> bool:
    """Whether the platform takes it, as far as is known: the size of a file that lies here is seen when it is read."""
    most = capabilities.media.get(item.kind)
    return most is not None and (item.origin is None or item.size is None or item.size <= most)


def _public_address(item: Media) -> str | None:
    return item.url if item.public else None


# -- buttons ---------------------------------------------------------------------------------------------


def _buttons(
    rows: Rows, buttons: Buttons | None, degraded: dict[str, None]
) -> tuple[Rows, tuple[Action, ...], list[Action]]:
    """Real rows, the actions that become numbers, and the actions that become lines with an address."""
    if buttons is None:
        actions = list(chain.from_iterable(rows))
        if actions:
            degraded["buttons_to_list"] = None
        return _as_list(actions)
    if _fit(rows, buttons):
        return rows, (), []  # nearly always: nothing is made anew
    real: list[tuple[Action, ...]] = []
    impossible: list[Action] = []
    for row in rows:
        kept = tuple([action for action in row if _possible(action, buttons)])
        if len(kept) != len(row):
            impossible += [action for action in row if not _possible(action, buttons)]
        if kept:
            real.append(kept)
    if len(real) > buttons.max_rows or any(len(row) > buttons.per_row for row in real):
        wrapped = _wrapped(real, buttons)
        if wrapped is None:
            degraded["buttons_to_list"] = None
            return _as_list(list(chain.from_iterable(rows)))
        degraded["buttons_rewrapped"] = None
        real = wrapped
    for action in impossible:
        degraded[_impossible_id(action)] = None
    _, numbered, addresses = _as_list(impossible)
    shown = tuple([tuple([_shown(action, buttons, degraded) for action in row]) for row in real])
    return shown, numbered, addresses


def _fit(rows: Rows, buttons: Buttons) -> bool:
    """Whether the platform shows the buttons just as they are."""
    if len(rows) > buttons.max_rows:
        return False
    for row in rows:
        if not 0 < len(row) <= buttons.per_row:
            return False
        for action in row:
            label = action.label
            if (
                len(label) > buttons.label_length
                or _one_line(label) != label
                or not _possible(action, buttons)
            ):
                return False
    return True


def _impossible_id(action: Action) -> str:
    if action.url is not None:
        return "url_button_to_text"
    return "contact_to_list" if action.ask_contact else "buttons_to_list"


def _as_list(actions: Sequence[Action]) -> tuple[Rows, tuple[Action, ...], list[Action]]:
    return (
        (),
        tuple(action for action in actions if action.url is None),
        [action for action in actions if action.url is not None],
    )


def _possible(action: Action, buttons: Buttons) -> bool:
    if action.token is not None:
        return len(action.token) <= buttons.payload_bytes
    if action.url is not None:
        return buttons.urls and link_scheme(action.url) not in _UNOPENABLE
    return buttons.contact


def _shown(action: Action, buttons: Buttons, degraded: dict[str, None]) -> Action:
    label = _label(action)
    if len(label) > buttons.label_length:
        degraded["label_shortened"] = None
        label = shorten(label, buttons.label_length)
    if label == action.label:
        return action
    return Action(label=label, token=action.token, url=action.url, ask_contact=action.ask_contact)


def _wrapped(rows: Sequence[tuple[Action, ...]], buttons: Buttons) -> list[tuple[Action, ...]] | None:
    """The same buttons within the limits: wide rows cut, then all rows filled up; None if too many."""
    cut = [chunk for row in rows for chunk in _chunks(row, buttons.per_row)]
    if len(cut) > buttons.max_rows:
        cut = _chunks(tuple(chain.from_iterable(rows)), buttons.per_row)
    return cut if len(cut) <= buttons.max_rows else None


def _chunks(row: tuple[Action, ...], size: int) -> list[tuple[Action, ...]]:
    return [row[begin : begin + size] for begin in range(0, len(row), size)]


# -- lines of text ---------------------------------------------------------------------------------------


def _label(action: Action) -> str:
    return _one_line(action.label)


@lru_cache(maxsize=4096)
def _one_line(label: str) -> str:
    return " ".join(label.split()) or _NAMELESS


def _address_line(action: Action) -> tuple[Inline, ...]:
    url = action.url or ""
    label = " ".join(action.label.split())
    link = _link(url, shown_address(url))
    return (link,) if label in {"", url, shown_address(url)} else (Text(f"{label}: "), link)


def _link(url: str, label: str) -> Inline:
    if is_link(url):
        return Link(url, (Text(label),))
    return Text(label if label in {"", url} else f"{label} ({url})")


def _joined(lines: Sequence[tuple[Inline, ...]]) -> list[tuple[Inline, ...]]:
    return [line if index == 0 else (Break(), *line) for index, line in enumerate(lines)]
