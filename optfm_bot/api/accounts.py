"""The accounts behind the channels: how they are, what may be done to them, and how they are logged in."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import structlog

from channels.contract import Addressable, Channel, Login, Operable, Operation
from channels.errors import ChannelError, Unreachable
from optfm_bot.api.call import Answer, Call, Masks, channel_of
from optfm_bot.api.logins import Logins, LoginSession, LoginUnderWay
from optfm_bot.api.models import (
    ChannelAbilities,
    ChannelList,
    ChannelView,
    LoginView,
    OperationList,
    OperationResult,
    OperationView,
)
from optfm_bot.api.refusals import Refusal, refused_by_channel
from optfm_bot.clock import Clock
from optfm_bot.house import House
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.i18n.hints import translate
from optfm_bot.receive.status import ChannelState

log = structlog.get_logger("optfm_bot.api")

_OPERATE_SECONDS = 90.0


class AccountDesk:
    """Shows channels and services their accounts."""

    def __init__(self, house: House, clock: Clock, masks: Masks, logins: Logins) -> None:
        self._house = house
        self._clock = clock
        self._masks = masks
        self._logins = logins
        self._words = house.settings.words or Catalogue.load()

    # -- looking ------------------------------------------------------------------------------------------

    async def channels(self, call: Call) -> Answer:
        """List all channels."""
        views = [self._view(channel, call.language) for channel in self._house.channels.values()]
        return Answer(body=ChannelList(channels=views))

    async def channel(self, call: Call) -> Answer:
        """Show one channel."""
        return Answer(body=self._view(channel_of(call, self._house.channels), call.language))

    def _view(self, channel: Channel, language: str) -> ChannelView:
        now = self._house.runners[channel.instance].status.now
        fine = now.healthy or now.state is ChannelState.STOPPED
        return ChannelView(
            name=channel.instance,
            type=channel.spec.kind,
            title=channel.spec.title,
            state=now.state,
            since=now.since,
            why=self._masks[channel.instance](translate(now.why, language)),
            to_do="" if fine else self._words.label(f"channel.to_do.{now.state.value}", language),
            can=_abilities(channel),
        )

    # -- operations ---------------------------------------------------------------------------------------

    async def operations(self, call: Call) -> Answer:
        """List what may be done."""
        channel = self._operable(call)
        return Answer(body=OperationList(operations=[_operation(one) for one in channel.operations]))

    async def operate(self, call: Call) -> Answer:
        """Do something; what it is given is checked first. A result that is not known to be secret is masked."""
        channel = self._operable(call)
        instance, name = call.places["instance"], call.places["name"]
        operation = next((one for one in channel.operations if one.name == name), None)
        if operation is None:
            raise Refusal("no_operation", channel=instance, operation=name)
        params = call.read(operation.params)
        log.info("api.operation", channel=instance, operation=name, client=call.client)
        try:
            async with self._clock.limit(_OPERATE_SECONDS):
                result = await channel.operate(name, params)
        except TimeoutError:
            raise refused_by_channel(Unreachable(maybe_sent=operation.changes)) from None
        except ChannelError as error:
            raise refused_by_channel(error, self._masks[instance]) from None
        return Answer(
            body=OperationResult(
                result=result if operation.sensitive else self._masks.value(instance, result)
            )
        )

    def _operable(self, call: Call) -> Operable:
        channel = channel_of(call, self._house.channels)
        if not isinstance(channel, Operable):
            raise Refusal("no_operations", channel=channel.instance)
        return channel

    # -- logins -------------------------------------------------------------------------------------------

    async def start_login(self, call: Call) -> Answer:
        """Begin a login."""
        instance, channel = self._login(call)
        try:
            session = self._logins.start(instance, channel)
        except LoginUnderWay:
            raise Refusal("login_running", channel=instance) from None
        log.info("api.login", channel=instance, client=call.client)
        return Answer(
            body=self._shown(instance, session, call.language),
            headers={"Location": f"/api/channels/{instance}/login"},
        )

    async def login(self, call: Call) -> Answer:
        """Tell how a login goes."""
        instance, _ = self._login(call)
        session = self._logins.session(instance)
        if session is None:
            raise Refusal("no_login_running", channel=instance)
        return Answer(body=self._shown(instance, session, call.language))

    async def cancel_login(self, call: Call) -> Answer:
        """End a login."""
        instance, _ = self._login(call)
        if not await self._logins.cancel(instance):
            raise Refusal("no_login_running", channel=instance)
        return Answer()

    def _login(self, call: Call) -> tuple[str, Login]:
        channel = channel_of(call, self._house.channels)
        if not isinstance(channel, Login):
            raise Refusal("no_login", channel=channel.instance)
        return channel.instance, channel

    def _shown(self, instance: str, session: LoginSession, language: str) -> LoginView:
        ours = Catalogue.load("api").label(session.said, language) if session.said else ""
        message = " ".join(
            part for part in (ours, self._masks[instance](translate(session.message, language))) if part
        )
        qr = session.qr_png
        return LoginView(
            state=session.state,
            running=session.running,
            message=message,
            qr=None if qr is None else f"data:image/png;base64,{b64encode(qr).decode()}",
            started_at=session.started_at,
            ends_at=session.ends_at,
        )


def _abilities(channel: Channel) -> ChannelAbilities:
    can = channel.capabilities
    return ChannelAbilities(
        text_limit=can.text_limit,
        buttons=can.buttons is not None,
        edit=can.edit,
        typing=can.typing,
        groups=can.groups,
        threads=can.threads,
        media=[kind.value for kind in can.media],
        phone=isinstance(channel, Addressable),
        operations=isinstance(channel, Operable),
        login=isinstance(channel, Login),
    )


def _operation(one: Operation) -> OperationView:
    schema: dict[str, Any] = one.params.model_json_schema()
    return OperationView(
        name=one.name, summary=one.summary, changes=one.changes, sensitive=one.sensitive, params=schema
    )
