"""Does what the operations name: one call each, its answer looked at, because a no comes with status 200."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from channels.contract import ChannelSettings
from channels.errors import Rejected, RetryLater
from channels.greenapi import operations as forms
from channels.greenapi.answers import require
from channels.greenapi.client import GreenClient, PartnerClient
from channels.greenapi.contacts import Contacts
from channels.greenapi.requests import difference
from channels.greenapi.spec import GreenApiSettings, Network
from channels.phrase import phrase

_Done = Callable[[Any], Awaitable[Any]]


class Service:
    """Services one instance. Works without the channel being open; repeats nothing."""

    def __init__(self, settings: GreenApiSettings, client: GreenClient, contacts: Contacts) -> None:
        self._settings = settings
        self._client = client
        self._contacts = contacts
        self._partner: PartnerClient | None = None
        self._whatsapp = settings.network is Network.WHATSAPP
        self._table: Mapping[str, _Done] = {
            "state": self._get("getStateInstance"),
            "status": self._status,
            "account": self._get("getWaSettings" if self._whatsapp else "getAccountSettings"),
            "settings": self._get("getSettings"),
            "settings-set": self._set_settings,
            "reboot": self._get("reboot", accepted="isReboot"),
            "logout": self._get("logout", accepted="isLogout"),
            "queue-show": self._get("showMessagesQueue"),
            "queue-count": self._get("getMessagesCount"),
            "queue-clear": self._get("clearMessagesQueue", accepted="isCleared"),
            "incoming-count": self._get("getWebhooksCount"),
            "incoming-clear": self._clear_incoming,
            "journal-incoming": self._journal("lastIncomingMessages"),
            "journal-outgoing": self._journal("lastOutgoingMessages"),
            "chat-history": self._history,
            "message": self._message,
            "chats": self._get("getChats"),
            "contacts": self._get("getContacts"),
            "contact": self._contact,
            "check-account": self._check_account,
            "read": self._read,
            "group-create": self._create_group,
            "group-rename": self._rename_group,
            "group-info": self._group_info,
            "group-add": self._member("addGroupParticipant", "addParticipant"),
            "group-remove": self._member("removeGroupParticipant", "removeParticipant"),
            "group-admin": self._member("setGroupAdmin", "setGroupAdmin"),
            "group-admin-remove": self._member("removeAdmin", "removeAdmin"),
            "group-leave": self._leave_group,
            "partner-instances": self._instances,
            "partner-create": self._create_instance,
            "partner-delete": self._delete_instance,
        }

    async def operate(self, name: str, params: ChannelSettings) -> Any:
        """Do it and give the answer. Raises by reaction; `LookupError` for a name that is no operation."""
        if name not in self._table:
            raise LookupError(f"no operation is called {name!r}; there are {', '.join(sorted(self._table))}")
        return await self._table[name](params)

    async def close(self) -> None:
        """Close the connections to the partner API, if there were any."""
        partner, self._partner = self._partner, None
        if partner is not None:
            await partner.close()

    # -- the instance -------------------------------------------------------------------------------------

    def _get(self, method: str, *, accepted: str = "") -> _Done:
        async def ask(_params: Any) -> Any:
            content = await self._client.get(method)
            return require(content, accepted) if accepted else content

        return ask

    async def _status(self, _params: Any) -> Any:
        if not self._whatsapp:
            raise Rejected(
                phrase(
                    "green_api.no_phone_status",
                    "MAX has no status of the phone's connection: it does not need the phone. Use: state",
                )
            )
        return await self._client.get("getStatusInstance")

    async def _set_settings(self, params: forms.SettingsSet) -> Any:
        """Write what differs, and nothing if nothing does: writing restarts the instance."""
        present = await self._client.get("getSettings")
        if not isinstance(present, dict):
            raise RetryLater(
                phrase("green_api.settings_unreadable", "GREEN-API's answer to getSettings is no object")
            )
        wanted = params.wanted()
        # A person names these on purpose: one that the instance does not show is written too.
        change = difference(dict.fromkeys(wanted) | present, wanted)
        if change:
            require(await self._client.post("setSettings", change), "saveSettings")
        return {"saveSettings": True, "changed": sorted(change)}

    async def _clear_incoming(self, _params: Any) -> Any:
        return require(await self._client.delete("clearWebhooksQueue"), "isCleared")

    # -- messages -----------------------------------------------------------------------------------------

    def _journal(self, method: str) -> _Done:
        async def ask(params: forms.Journal) -> Any:
            return await self._client.get(method, minutes=params.minutes)

        return ask

    async def _history(self, params: forms.History) -> Any:
        chat = await self._contacts.chat(params.chat)
        return await self._client.post("getChatHistory", {"chatId": chat, "count": params.count})

    async def _message(self, params: forms.Message) -> Any:
        chat = await self._contacts.chat(params.chat)
        return await self._client.post("getMessage", {"chatId": chat, "idMessage": params.message})

    async def _read(self, params: forms.Read) -> Any:
        body = {"chatId": await self._contacts.chat(params.chat)}
        if params.message is not None:
            body["idMessage"] = params.message
        return require(await self._client.post("readChat", body), "setRead")

    # -- people -------------------------------------------------------------------------------------------

    async def _contact(self, params: forms.Chat) -> Any:
        chat = await self._contacts.chat(params.chat)
        return await self._client.post("getContactInfo", {"chatId": chat})

    async def _check_account(self, params: forms.CheckAccount) -> Any:
        chat_id = await self._contacts.check(params.phone, force=params.force)
        return {"exist": chat_id is not None, "chatId": chat_id}

    # -- groups -------------------------------------------------------------------------------------------

    def _group(self, group: str) -> dict[str, Any]:
        """Name a group as its network wants it: the documentation says `chatId` for MAX, `groupId` for WhatsApp."""
        return {"groupId" if self._whatsapp else "chatId": group}

    async def _create_group(self, params: forms.GroupCreate) -> Any:
        chats = [await self._contacts.chat(chat) for chat in params.chats]
        body = {"groupName": params.name, "chatIds": chats}
        return require(await self._client.post("createGroup", body, sends=True), "created")

    async def _rename_group(self, params: forms.GroupRename) -> Any:
        body = {**self._group(params.group), "groupName": params.name}
        return require(await self._client.post("updateGroupName", body), "updateGroupName")

    async def _group_info(self, params: forms.Group) -> Any:
        return await self._client.post("getGroupData", self._group(params.group))

    def _member(self, method: str, accepted: str) -> _Done:
        async def change(params: forms.GroupMember) -> Any:
            person = await self._contacts.chat(params.person)
            body = {**self._group(params.group), "participantChatId": person}
            return require(await self._client.post(method, body), accepted)

        return change

    async def _leave_group(self, params: forms.Group) -> Any:
        return require(await self._client.post("leaveGroup", self._group(params.group)), "leaveGroup")

    # -- the partner --------------------------------------------------------------------------------------

    def _partner_client(self) -> PartnerClient:
        self._partner = self._partner or PartnerClient(self._settings)
        return self._partner

    async def _instances(self, _params: Any) -> Any:
        content = await self._partner_client().call("getInstances")
        if not isinstance(content, list):
            raise RetryLater(
                phrase("green_api.no_instances", "GREEN-API's answer to getInstances is no list")
            )
        return content

    async def _create_instance(self, params: forms.PartnerCreate) -> Any:
        """Look first: an instance of this name may be there from an attempt whose answer got lost."""
        for instance in await self._instances(params):
            if (
                isinstance(instance, dict)
                and instance.get("name") == params.name
                and not _is_deleted(instance)
            ):
                raise Rejected(
                    phrase(
                        "green_api.name_taken",
                        "An instance of this name is there already: {id}. Give the new one another name.",
                        id=instance.get("idInstance"),
                    )
                )
        body: dict[str, Any] = {"name": params.name}
        if params.delay_milliseconds is not None:
            body["delaySendMessagesMilliseconds"] = params.delay_milliseconds
        return await self._partner_client().call("createInstance", body)

    async def _delete_instance(self, params: forms.PartnerDelete) -> Any:
        body = {"idInstance": int(params.id_instance)}
        return require(
            await self._partner_client().call("deleteInstanceAccount", body), "deleteInstanceAccount"
        )


def _is_deleted(instance: Mapping[str, Any]) -> bool:
    return instance.get("deleted") in {True, "true"}
