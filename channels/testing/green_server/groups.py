"""The methods about groups. What is not allowed is a false with 200, as the gateway likes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from channels.testing.green_server.book import Book, Group
from channels.testing.green_server.fields import MAX
from channels.testing.green_server.refusal import Refusal

Given = Mapping[str, Any]
INTERVAL: Final = 300.0
"""Seconds between two groups that one account may make."""

_FLAGS: Final = ("allowParticipantsEditGroupSettings", "allowParticipantsSendMessages")


class Groups:
    """The groups of one account."""

    def __init__(self, *, book: Book, clock: Callable[[], float], interval: float = INTERVAL) -> None:
        self.book = book
        self.clock = clock
        self.interval = interval
        self._allowed_at = 0.0
        self._number = 0

    @property
    def handlers(self) -> Mapping[str, Callable[[Given], Any]]:
        """The methods that are answered here."""
        return {
            "createGroup": self._create,
            "updateGroupName": self._rename,
            "getGroupData": self._data,
            "addGroupParticipant": self._add,
            "removeGroupParticipant": self._remove,
            "setGroupAdmin": lambda given: {"setGroupAdmin": self._set_admin(given, admin=True)},
            "removeAdmin": lambda given: {"removeAdmin": self._set_admin(given, admin=False)},
            "setGroupPicture": self._picture,
            "updateGroupSettings": self._settings,
            "leaveGroup": self._leave,
        }

    def _create(self, given: Given) -> dict[str, Any]:
        members = [self.book.behind(one) for one in given["chatIds"]]
        if self.clock() < self._allowed_at or not all(members):
            return {"created": False, "chatId": "", "groupInviteLink": ""}
        self._allowed_at = self.clock() + self.interval
        self._number += 1
        number = -(70_000_000_000_000 + self._number)
        group = self.book.group(
            number if self.book.network == MAX else f"{120_363_900_000_000_000 + self._number}@g.us",
            created=int(self.clock()),
            name=given["groupName"],
            owner=self.book.own.id,
        )
        group.members = {self.book.own.id: True} | dict.fromkeys(members, False)
        return {"created": True, "chatId": group.id, "groupInviteLink": self._link(group)}

    def _link(self, group: Group) -> str:
        if not group.members.get(self.book.own.id):
            return ""
        return f"https://example.invalid/join/{group.id.strip('-').partition('@')[0]}"

    def _group(self, given: Given) -> Group | None:
        group = self.book.groups.get(given["group"])
        return group if group is not None and self.book.own.id in group.members else None

    def _governed(self, given: Given) -> Group | None:
        group = self._group(given)
        return group if group is not None and group.members[self.book.own.id] else None

    def _rename(self, given: Given) -> dict[str, Any]:
        group = self._governed(given)
        if group is not None:
            group.name = given["groupName"]
        return {"updateGroupName": group is not None}

    def _data(self, given: Given) -> dict[str, Any]:
        group = self._group(given)
        if group is None:
            raise Refusal(400, "forbidden: not in the group")
        is_max = self.book.network == MAX
        people = [
            {
                "chatId" if is_max else "id": ident,
                **({"name": self.book.people[ident].name} if is_max and ident in self.book.people else {}),
                "isAdmin": admin,
                "isSuperAdmin": ident == group.owner,
            }
            for ident, admin in group.members.items()
        ]
        return {
            "chatId" if is_max else "groupId": group.id,
            "owner": group.owner,
            "subject": group.name,
            "description": group.description,
            "creation": group.created,
            "participants": people,
            "groupInviteLink": self._link(group),
            **{name: group.flags.get(name, True) for name in _FLAGS},
        }

    def _add(self, given: Given) -> dict[str, Any]:
        group = self._governed(given)
        person = self.book.behind(given["participantChatId"])
        done = group is not None and bool(person) and person not in group.members
        if done and group is not None:
            group.members[person] = False
        return {"addParticipant": done}

    def _remove(self, given: Given) -> dict[str, Any]:
        group = self._governed(given)
        person = self.book.behind(given["participantChatId"])
        done = group is not None and group.members.pop(person, None) is not None
        return {"removeParticipant": done}

    def _set_admin(self, given: Given, *, admin: bool) -> bool:
        group = self._governed(given)
        person = self.book.behind(given["participantChatId"])
        if group is None or group.members.get(person) is not (not admin):
            return False
        group.members[person] = admin
        return True

    def _picture(self, given: Given) -> dict[str, Any]:
        done = self._governed(given) is not None
        url = "https://example.invalid/group.jpg" if done else ""
        return {"setGroupPicture": done, "urlAvatar": url, "reason": None if done else "not an admin"}

    def _settings(self, given: Given) -> dict[str, Any]:
        group = self._governed(given)
        if group is not None:
            group.flags |= {name: given[name] for name in _FLAGS if name in given}
        return {"updateGroupSettings": group is not None, "reason": None if group else "not an admin"}

    def _leave(self, given: Given) -> dict[str, Any]:
        group = self._group(given)
        if group is not None:
            del group.members[self.book.own.id]
        return {"leaveGroup": group is not None}
