"""Messages as text for a database column: compact JSON with a version, the same message back.

`{"v":1,"c":[channel,chat,thread?],"b":[block,…]}` and, where they say something, `a` rows of buttons, `m`
files, `r` reply to, `e` the message that is edited, `p` purpose, `x` the moment of expiry, `g` guard. A block
is `["p",…]`, `["q",…]`, `["u",[…],…]` or `["o",start,[…],…]`; inside, a string is text, 0 is a line break,
and `["b",…]`, `["i",…]`, `["c",text]`, `["l",url,…]` are bold, italic, code and a link. A file is
`[kind,url,path,name,mime]`, and one that lies somewhere else goes on with `origin,file_id,size,public`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from channels.model import (
    Action,
    Block,
    Body,
    Bold,
    Break,
    ChatRef,
    Code,
    Inline,
    Italic,
    Link,
    ListBlock,
    Media,
    MediaKind,
    Outbound,
    Paragraph,
    Purpose,
    Quote,
    Text,
)

_VERSION = 1
_REMEMBERED = 512
_DEEPEST = 32
_KNOWN = frozenset("vcbamrepxg")
_HERE = (None, None, None, True)
"""Origin, name there, size and publicity of a file that nobody has to fetch: not written."""


def encode_outbound(message: Outbound) -> str:
    """The message as one line of JSON; `decode_outbound` gives an equal one back, expiry in UTC.

    Raises `ValueError` for text that cannot be stored: halves of surrogate pairs.
    """
    chat = message.chat
    data: dict[str, Any] = {"v": _VERSION, "c": [chat.channel, chat.chat_id]}
    if chat.thread_id is not None:
        data["c"].append(chat.thread_id)
    try:
        data["b"] = orjson.Fragment(_encoded_body(message.body))
        if message.actions:
            data["a"] = [[_encoded_action(action) for action in row] for row in message.actions]
        if message.media:
            data["m"] = [_encoded_media(item) for item in message.media]
        if message.reply_to is not None:
            data["r"] = message.reply_to
        if message.replaces is not None:
            data["e"] = message.replaces
        if message.purpose is not Purpose.ANSWER:
            data["p"] = message.purpose.value
        if message.expires_at is not None:
            data["x"] = _encoded_moment(message.expires_at)
        if message.guard is not None:
            data["g"] = message.guard
        return orjson.dumps(data).decode()
    except orjson.JSONEncodeError as error:
        raise ValueError("a message holds text that cannot be stored as UTF-8") from error


def decode_outbound(text: str | bytes) -> Outbound:
    """The message that `encode_outbound` wrote.

    Raises `ValueError` for anything else; it says what is wrong without quoting the text.
    """
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError("a stored message is not JSON") from error
    if not isinstance(data, dict):
        raise ValueError("a stored message is not an object")  # noqa: TRY004 - wrong data, not a wrong call
    if data.get("v") != _VERSION:
        raise ValueError(
            f"a stored message is of a version that this release cannot read; it reads {_VERSION}"
        )
    if unknown := data.keys() - _KNOWN:
        raise ValueError(f"a stored message has {len(unknown)} fields that this release does not know")
    moment = _text_or_none(data, "x")
    return Outbound(
        chat=_chat(data.get("c")),
        body=_body(data.get("b")),
        actions=tuple(
            [tuple([_action(item) for item in _list(row, "a")]) for row in _list(data.get("a", []), "a")]
        ),
        media=tuple([_media(item) for item in _list(data.get("m", []), "m")]),
        reply_to=_text_or_none(data, "r"),
        replaces=_text_or_none(data, "e"),
        purpose=_purpose(data.get("p", Purpose.ANSWER.value)),
        expires_at=None if moment is None else _moment(moment),
        guard=_text_or_none(data, "g"),
    )


def encode_body(body: Body) -> str:
    """A text tree as one line of JSON. Raises `ValueError` for text that cannot be stored."""
    try:
        return _encoded_body(body).decode()
    except orjson.JSONEncodeError as error:
        raise ValueError("a text holds what cannot be stored as UTF-8") from error


def decode_body(text: str) -> Body:
    """The tree that `encode_body` wrote. Raises `ValueError` for anything else."""
    try:
        return _body(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise ValueError("a stored text is not JSON") from error


# -- writing ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=_REMEMBERED)
def _one(body: Body) -> Body:
    """One tree for all equal ones, so that what is decoded is the tree that other memories know."""
    return body


@lru_cache(maxsize=_REMEMBERED)
def _encoded_body(body: Body) -> bytes:
    _one(body)
    return orjson.dumps([_encoded_block(block) for block in body.blocks])


def _encoded_block(block: Block) -> list[Any]:
    match block:
        case Paragraph(children):
            return ["p", *map(_encoded_inline, children)]
        case Quote(children):
            return ["q", *map(_encoded_inline, children)]
        case ListBlock(items, ordered, start):
            encoded = [[_encoded_inline(child) for child in item] for item in items]
            return ["o", start, *encoded] if ordered else ["u", *encoded]


def _encoded_inline(child: Inline) -> Any:
    match child:
        case Text(value):
            return value
        case Break():
            return 0
        case Bold(children):
            return ["b", *map(_encoded_inline, children)]
        case Italic(children):
            return ["i", *map(_encoded_inline, children)]
        case Code(value):
            return ["c", value]
        case Link(url, children):
            return ["l", url, *map(_encoded_inline, children)]


def _encoded_action(action: Action) -> list[str]:
    if action.token is not None:
        return [action.label, "t", action.token]
    if action.url is not None:
        return [action.label, "u", action.url]
    return [action.label, "c"]


def _encoded_media(item: Media) -> list[Any]:
    data: list[Any] = [item.kind.value, item.url, item.path, item.name, item.mime]
    where = (item.origin, item.file_id, item.size, item.public)
    return data if where == _HERE else [*data, *where]


def _encoded_moment(moment: datetime) -> str:
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).isoformat()


# -- reading ---------------------------------------------------------------------------------------------


def _broken(where: str) -> ValueError:
    return ValueError(f"field {where!r} of a stored message is not what it should be")


def _list(value: Any, where: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise _broken(where)


def _text_or_none(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is None or isinstance(value, str):
        return value
    raise _broken(key)


def _chat(value: Any) -> ChatRef:
    match value:
        case [str(channel), str(chat_id)]:
            return ChatRef(channel=channel, chat_id=chat_id)
        case [str(channel), str(chat_id), str(thread_id)]:
            return ChatRef(channel=channel, chat_id=chat_id, thread_id=thread_id)
    raise _broken("c")


def _action(value: Any) -> Action:
    match value:
        case [str(label), "t", str(token)]:
            return Action(label=label, token=token)
        case [str(label), "u", str(url)]:
            return Action(label=label, url=url)
        case [str(label), "c"]:
            return Action(label=label, ask_contact=True)
    raise _broken("a")


def _media(value: Any) -> Media:
    match value:
        case [str(kind), str() | None as url, str() | None as path, str(name), str(mime)] if kind in _KINDS:
            return Media(kind=MediaKind(kind), url=url, path=path, name=name, mime=mime)
        case [
            kind,
            url,
            path,
            name,
            mime,
            str() | None as origin,
            str() | None as file_id,
            size,
            bool(public),
        ]:
            if size is not None and type(size) is not int:
                raise _broken("m")
            here = _media([kind, url, path, name, mime])
            return replace(here, origin=origin, file_id=file_id, size=size, public=public)
    raise _broken("m")


_KINDS = frozenset(kind.value for kind in MediaKind)


def _purpose(value: Any) -> Purpose:
    try:
        return Purpose(value)
    except ValueError:
        raise _broken("p") from None


def _moment(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise _broken("x") from None


def _body(value: Any) -> Body:
    # The same answer is sent again and again: equal text gives the very same tree, known to later steps.
    try:
        return _decoded_body(orjson.dumps(_list(value, "b")))
    except orjson.JSONEncodeError:
        raise _broken("b") from None


@lru_cache(maxsize=_REMEMBERED)
def _decoded_body(encoded: bytes) -> Body:
    return _one(Body(tuple([_block(block) for block in orjson.loads(encoded)])))


def _block(value: Any) -> Block:
    match value:
        case ["p", *children]:
            return Paragraph(_inlines(children))
        case ["q", *children]:
            return Quote(_inlines(children))
        case ["u", *items]:
            return ListBlock(_items(items))
        case ["o", int(start), *items] if not isinstance(start, bool):
            return ListBlock(_items(items), ordered=True, start=start)
    raise _broken("b")


def _items(values: list[Any]) -> tuple[tuple[Inline, ...], ...]:
    return tuple([_inlines(_list(item, "b")) for item in values])


def _inlines(values: list[Any], depth: int = 0) -> tuple[Inline, ...]:
    if depth > _DEEPEST:
        raise _broken("b")
    return tuple([_inline(value, depth + 1) for value in values])


def _inline(value: Any, depth: int) -> Inline:
    match value:
        case str():
            return Text(value)
        case ["b", *children]:
            return Bold(_inlines(children, depth))
        case ["i", *children]:
            return Italic(_inlines(children, depth))
        case ["c", str(code)]:
            return Code(code)
        case ["l", str(url), *children]:
            return Link(url, _inlines(children, depth))
        case 0 if value is not False:
            return Break()
    raise _broken("b")
