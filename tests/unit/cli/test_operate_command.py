"""channels operations and do: listed, checked before they begin, asked before they change, secrets shown once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from click.testing import Result
from pydantic import Field

from channels.console.spec import SPEC
from channels.contract import Channel, ChannelContext, ChannelSettings, ChannelSpec, Operable, Operation
from channels.errors import Rejected, Unauthorized, Unreachable
from channels.model import Inbound, RawUpdate, Receipt, Rendered
from config.secret import Secret
from optfm_bot.blueprint import ChannelPlan
from optfm_bot.cli import consent, operate
from optfm_bot.cli.operate import read_params

Cli = Callable[..., Result]
CANARY = "CANARY-key"


class Settings(ChannelSettings):
    key: Secret = Secret(CANARY)


class Params(ChannelSettings):
    name: str
    size: int = Field(2, ge=2)
    loud: bool = False
    people: list[str] = []  # noqa: RUF012 - pydantic copies it
    extra: dict[str, int] | None = None


class Bare(Channel):
    """A channel without powers."""

    spec: ClassVar[ChannelSpec] = SPEC

    def __init__(self, name: str) -> None:
        super().__init__(Settings(), ChannelContext(instance=name, clock=lambda: datetime.now(UTC)))
        self.calls: list[Any] = []

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        raise NotImplementedError

    async def deliver(self, message: Rendered) -> Receipt:
        raise NotImplementedError

    async def open(self) -> None:
        self.calls.append("open")

    async def close(self) -> None:
        self.calls.append("close")


class Account(Bare, Operable):
    """A channel that can be serviced."""

    operations: ClassVar[Sequence[Operation]] = (
        Operation(name="queue-show", summary="Show the queue."),
        Operation(name="group-create", summary="Create a group.", params=Params, changes=True),
        Operation(name="new-key", summary="Make a key.", sensitive=True),
    )

    def __init__(self) -> None:
        super().__init__("acc")
        self.result: Any = [{"id": 1, "to": "a"}, {"id": 2, "why": None}]
        self.fails: Exception | None = None

    async def operate(self, name: str, params: ChannelSettings) -> Any:
        self.calls.append((name, params))
        if self.fails is not None:
            raise self.fails
        return self.result


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account()
    plans = [ChannelPlan(channel=made), ChannelPlan(channel=Bare("bare"))]
    monkeypatch.setattr(operate, "plan_channels", lambda *_, **__: plans)
    return made


def test_operations_are_listed_with_what_they_take(cli: Cli, account: Account) -> None:
    result = cli("channels", "operations", "acc")

    assert 0 == result.exit_code
    lines = result.output.splitlines()
    assert ["операция", "что", "делает", "параметры", "меняет"] == lines[0].split()
    assert ["queue-show", "Show", "the", "queue.", "—"] == lines[1].split()
    assert "name= [size=] [loud=] [people=] [extra=]  да" in lines[2]
    assert [] == account.calls


def test_operations_for_programs_have_their_schema(cli: Cli, account: Account) -> None:
    found = json.loads(cli("channels", "operations", "acc", "--json").stdout)

    assert ["name"] == found[1]["params"]["required"]
    assert [False, True, False] == [one["changes"] for one in found]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("operations", "nowhere"), "nowhere"),
        (("operations", "bare"), "нет операций"),
        (("do", "bare", "x"), "нет операций"),
        (("do", "acc", "explode"), "queue-show, group-create, new-key"),
        (("do", "acc", "group-create"), "Параметры: name= [size=]"),
        (("do", "acc", "group-create", "name=x", "size=1"), "size"),
        (("do", "acc", "group-create", "nam=x"), "может быть, `name`"),
        (("do", "acc", "group-create", "x"), "не вида КЛЮЧ=ЗНАЧЕНИЕ"),
    ],
)
def test_what_is_wrong_is_told_before_anything_begins(
    cli: Cli, account: Account, arguments: Sequence[str], words: str
) -> None:
    result = cli("channels", *arguments)

    assert 2 == result.exit_code
    assert words in result.output
    assert [] == account.calls


def test_rows_are_shown_as_a_table(cli: Cli, account: Account) -> None:
    result = cli("channels", "do", "acc", "queue-show")

    assert (0, "id  to  why\n1   a   —\n2   —   —\n") == (result.exit_code, result.output)
    assert "close" == account.calls[-1]
    assert "open" not in account.calls


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ({"state": "ok", "n": [1]}, "state: ok\nn: [1]\n"),
        (["a", 1], "a\n1\n"),
        ("text", "text\n"),
        (True, "true\n"),
        (None, "✓ Готово\n"),
        ([], "✓ Готово\n"),
    ],
)
def test_any_result_can_be_shown(cli: Cli, account: Account, found: Any, shown: str) -> None:
    account.result = found

    assert shown == cli("channels", "do", "acc", "queue-show").output


def test_a_result_for_programs_is_as_it_came(cli: Cli, account: Account) -> None:
    assert account.result == json.loads(cli("channels", "do", "acc", "queue-show", "--json").stdout)


def test_nothing_is_changed_unasked(cli: Cli, account: Account) -> None:
    refused = cli("channels", "do", "acc", "group-create", "name=x")
    assert 2 == refused.exit_code
    assert "--yes" in refused.output
    assert [] == account.calls

    assert 0 == cli("channels", "do", "acc", "group-create", "name=x", "--yes").exit_code
    assert ("group-create", Params(name="x")) == account.calls[0]


@pytest.mark.parametrize(("typed", "code", "done"), [("y\n", 0, True), ("n\n", 1, False), ("\n", 1, False)])
def test_a_person_is_asked_before_something_changes(
    cli: Cli,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
    done: bool,  # noqa: FBT001 - expected
) -> None:
    monkeypatch.setattr(consent, "somebody_is_there", lambda: True)
    result = cli("channels", "do", "acc", "group-create", "name=x", typed=typed)

    assert code == result.exit_code
    assert "acc: Create a group — точно?" in result.stderr
    assert done == bool(account.calls)


def test_secrets_are_shown_once_where_the_operation_is_for_that(cli: Cli, account: Account) -> None:
    account.result = {"key": CANARY, "list": [CANARY]}

    plain = cli("channels", "do", "acc", "queue-show")
    secret = cli("channels", "do", "acc", "new-key")

    assert CANARY not in plain.output
    assert "••••" in plain.stdout
    assert CANARY in secret.stdout
    assert CANARY not in secret.stderr
    assert "секреты" in secret.stderr


@pytest.mark.parametrize(
    ("error", "code"), [(Unauthorized(), 5), (Unreachable(maybe_sent=False), 4), (Rejected("no"), 4)]
)
def test_a_failure_has_its_exit_code_and_the_channel_is_closed(
    cli: Cli, account: Account, error: Exception, code: int
) -> None:
    account.fails = error

    assert code == cli("channels", "do", "acc", "queue-show").exit_code
    assert "close" == account.calls[-1]


@pytest.mark.parametrize("name", ["queue-show", "group-create"])
def test_an_operation_that_hangs_is_given_up(
    cli: Cli, account: Account, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async def hang(*_: Any) -> None:
        import asyncio  # noqa: PLC0415 - used once

        await asyncio.Event().wait()

    monkeypatch.setattr(account, "operate", hang)
    monkeypatch.setattr(operate, "_OPERATE_SECONDS", 0.02)
    arguments = ["name=x", "--yes"] if name == "group-create" else []
    result = cli("channels", "do", "acc", name, *arguments)

    assert 4 == result.exit_code
    assert ("неизвестно" in result.output) == (name == "group-create")


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (["name=5"], {"name": "5"}),
        (["name=a=b"], {"name": "a=b"}),
        (["name=[x]"], {"name": "[x]"}),
        (["name=x", "size=7", "loud=true"], {"name": "x", "size": 7, "loud": True}),
        (["name=x", "people=a"], {"name": "x", "people": ["a"]}),
        (["name=x", "people=a", "people=b"], {"name": "x", "people": ["a", "b"]}),
        (["name=x", 'people=["a","b"]'], {"name": "x", "people": ["a", "b"]}),
        (["name=x", 'extra={"a":1}'], {"name": "x", "extra": {"a": 1}}),
        (["name="], {"name": ""}),
    ],
)
def test_words_become_what_the_model_wants(given: Sequence[str], fields: dict[str, Any]) -> None:
    assert Params(**fields) == read_params(Params, given)
