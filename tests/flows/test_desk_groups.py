"""A group calls a person: the ticket says of every message who of the group has written it."""

from __future__ import annotations

from tests.flows.desk import StageWith, at_the_desk


async def test_each_message_of_a_group_has_its_members_name(stage_with: StageWith) -> None:
    async with at_the_desk(stage_with) as (stage, desk):
        anna, boris = stage.person("Анна", chat="group"), stage.person("Борис", chat="group")
        await anna.says("есть ли у вас насосы")
        await boris.says("/operator")
        await anna.says("и шланги")
        await boris.says("срочно")
        (ticket,) = desk.helpdesk.tickets_here.values()
        words = [thread.text for thread in ticket.threads if thread.kind == "customer"]
        assert words == ["Анна: есть ли у вас насосы", "Анна: и шланги", "Борис: срочно"]
        (briefing, *_) = [thread.text for thread in ticket.threads if thread.kind == "note"]
        assert "Анна: есть ли у вас насосы" in briefing
        assert "Клиент" not in briefing
