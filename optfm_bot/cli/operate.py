"""`optfm-bot channels operations` and `do`: servicing the account behind a channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
import structlog
from pydantic import BaseModel, ValidationError

from channels.contract import Channel, ChannelSettings, Operable, Operation
from channels.errors import ChannelError, Unreachable
from channels.http import Redactor
from config.problem import Problem
from config.validate import secrets_in, validate_section
from optfm_bot.cli.consent import agreed
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.plan import plan_channels

_OPERATE_SECONDS = 90.0
_CLOSE_SECONDS = 5.0
_NONE = "—"
_LISTS = frozenset({"list_type", "tuple_type", "set_type", "frozen_set_type", "sequence_str"})
"""How pydantic calls it when a word is where a list should be."""

C = TypeVar("C", bound=Channel)

log = structlog.get_logger("optfm_bot.cli")


@click.command("operations")
@click.argument("name")
@config_option
@json_option
@voice_options
@guarded
def operations_command(name: str, config_path: Path | None, *, as_json: bool) -> int:
    """List what may be done to the account of a channel. Needs no network."""
    words, output = current_words(), Output()
    channel = _operable(one_channel(config_path, name), words)
    if as_json:
        output.data([_described(one) for one in channel.operations])
        return Exit.OK
    headers = [words(f"operate.column_{key}") for key in ("name", "summary", "params", "changes")]
    output.table(
        headers,
        [
            [one.name, one.summary, _params(one.params) or _NONE, words("operate.yes") if one.changes else ""]
            for one in channel.operations
        ],
    )
    return Exit.OK


@click.command("do")
@click.argument("name")
@click.argument("operation")
@click.argument("given", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--yes", is_flag=True, help="Do not ask before something is changed.")
@config_option
@json_option
@voice_options
@guarded
def do_command(
    name: str, operation: str, given: Sequence[str], config_path: Path | None, *, yes: bool, as_json: bool
) -> int:
    """Do something to the account of a channel. A result that holds secrets is printed and kept nowhere."""
    words, output = current_words(), Output()
    channel = one_channel(config_path, name)
    operable = _operable(channel, words)
    wanted = next((one for one in operable.operations if one.name == operation), None)
    if wanted is None:
        known = ", ".join(one.name for one in operable.operations)
        raise click.UsageError(words("operate.unknown", name=name, operation=operation, known=known))
    params = read_params(wanted.params, given)
    if isinstance(params, list):
        described = "\n".join(problem.describe(words.language) for problem in params)
        raise click.UsageError(
            f"{described}\n{words('operate.takes', params=_params(wanted.params) or _NONE)}"
        )
    if wanted.changes and not yes and not _agreed(name, wanted, words):
        return Exit.PROBLEMS
    with output.waiting(words("operate.working")):
        result = asyncio.run(_operate(channel, operable, wanted, params))
    if wanted.sensitive:
        click.echo(words("operate.sensitive"), err=True)
    else:
        result = _masked(result, Redactor(secret.reveal() for secret in secrets_in(channel.settings)))
    if as_json:
        output.data(result)
    else:
        _show(result, output, words)
    return Exit.OK


# -- shared with the login --------------------------------------------------------------------------------


def one_channel(config_path: Path | None, name: str) -> Channel:
    """Make the channel of that name, unopened, its secrets hidden in the log. Raises `ConfigError`, `UsageError`."""
    words = current_words()
    plans = plan_channels(loaded(config_path), clock=SystemClock(), cwd=Path.cwd())
    channels = {plan.channel.instance: plan.channel for plan in plans}
    if name not in channels:
        raise click.UsageError(words("channels.unknown", name=name, known=", ".join(channels)))
    log_to_stderr("error", secrets_in(channels[name].settings))
    return channels[name]


@asynccontextmanager
async def closed_afterwards(channel: C) -> AsyncIterator[C]:
    """Close the channel at the end of the block, however it ends, within a limit."""
    try:
        yield channel
    finally:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await channel.close()
        except TimeoutError:
            log.warning("channel.not_closed", channel=channel.instance)


# -- doing ------------------------------------------------------------------------------------------------


def _operable(channel: Channel, words: Words) -> Operable:
    if not isinstance(channel, Operable):
        raise click.UsageError(words("operate.nothing", name=channel.instance))
    return channel


def _agreed(name: str, operation: Operation, words: Words) -> bool:
    question = words("operate.sure", name=name, summary=operation.summary.rstrip("."))
    return agreed(question)


async def _operate(
    channel: Channel, operable: Operable, operation: Operation, params: ChannelSettings
) -> Any:
    async with closed_afterwards(channel):
        try:
            async with asyncio.timeout(_OPERATE_SECONDS):
                return await operable.operate(operation.name, params)
        except TimeoutError as error:
            raise _no_answer(operation) from error


def _no_answer(operation: Operation) -> ChannelError:
    words = current_words()
    key = "operate.unclear" if operation.changes else "operate.no_answer"
    return Unreachable(words(key, seconds=int(_OPERATE_SECONDS)), maybe_sent=operation.changes)


def _masked(value: Any, mask: Redactor) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {str(key): _masked(item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, mask) for item in value]
    return value


# -- what is given ----------------------------------------------------------------------------------------


def read_params(model: type[ChannelSettings], given: Sequence[str]) -> ChannelSettings | list[Problem]:
    """Read `key=value` words by a model; gives every problem if there are any. Pure.

    A value is taken as it is written. Where the model wants something else, it is read as JSON, and a list may also be
    given as one word or by repeating its key.
    """
    values: dict[str, Any] = {}
    problems = []
    for word in given:
        key, equals, value = word.partition("=")
        key = key.strip()
        if not equals or not key:
            problems.append(
                Problem(
                    where="", key=word[:40], message="is not KEY=VALUE", message_ru="не вида КЛЮЧ=ЗНАЧЕНИЕ"
                )
            )
        elif key in values:
            values[key] = [*(values[key] if isinstance(values[key], list) else [values[key]]), value]
        else:
            values[key] = value
    if problems:
        return problems
    wrong = {str(error["loc"][0]): error["type"] for error in _errors(model, values) if error["loc"]}
    for key in wrong.keys() & values.keys():
        values[key] = _read_again(values[key], is_list=wrong[key] in _LISTS)
    return validate_section(model, values, locate=lambda _: "")


def _errors(model: type[BaseModel], values: Mapping[str, Any]) -> Sequence[Any]:
    try:
        model.model_validate(dict(values))
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False, include_context=False)
    return ()


def _read_again(value: Any, *, is_list: bool) -> Any:
    if not isinstance(value, str):
        return value
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        found = value
    return [value] if is_list and not isinstance(found, list) else found


# -- showing ----------------------------------------------------------------------------------------------


def _described(one: Operation) -> dict[str, Any]:
    return {
        "name": one.name,
        "summary": one.summary,
        "changes": one.changes,
        "sensitive": one.sensitive,
        "params": one.params.model_json_schema(),
    }


def _params(model: type[BaseModel]) -> str:
    """Name what an operation takes: `name= [size=]`, what may be missing in brackets."""
    return " ".join(
        f"{name}=" if field.is_required() else f"[{name}=]" for name, field in model.model_fields.items()
    )


def _show(result: Any, output: Output, words: Words) -> None:
    """Print JSON data for a person: rows as a table, fields as lines."""
    if result is None or result in ({}, []):
        output.line(words("operate.done"), mark=Mark.OK)
    elif isinstance(result, list) and all(isinstance(item, Mapping) for item in result):
        columns = list(dict.fromkeys(str(key) for item in result for key in item))
        output.table(columns, [[_cell(item.get(column)) for column in columns] for item in result])
    elif isinstance(result, Mapping):
        for key, value in result.items():
            output.line(f"{key}: {_cell(value)}")
    elif isinstance(result, list):
        for item in result:
            output.line(_cell(item))
    else:
        output.line(_cell(result))


def _cell(value: Any) -> str:
    if value is None:
        return _NONE
    return value if isinstance(value, str) else orjson.dumps(value).decode()
