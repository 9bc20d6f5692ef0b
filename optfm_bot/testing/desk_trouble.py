"""Trouble: what was lost is found and nothing else is, errors tell what to do, and nothing is said that must not be."""

from __future__ import annotations

import pytest

from channels.contract import HealthState
from channels.errors import ChannelError, Gone, Rejected, RetryLater, Unauthorized, Unreachable
from channels.testing.conformance.subject import promise
from channels.testing.conformance.witness import everything_logged, leaks, told
from optfm_bot.helpdesk.contract import DeskFile
from optfm_bot.testing.desk_stage import FAULTS, LOOKUP, REMOVES, HelpdeskStage, draft, message
from optfm_bot.testing.desk_subject import DeskSubject

_LARGEST = 4_000_000
"""A larger file is not made for a check, in bytes."""


class TroubleChecks(DeskSubject):
    """Doubt, reactions, discretion, life."""

    # -- doubt --------------------------------------------------------------------------------------------

    async def test_a_lost_answer_to_a_message_is_found(self, stage: HelpdeskStage) -> None:
        """What arrived though nobody heard of it is found once, and never taken for a message that we know."""
        self.needs(stage, LOOKUP, "lost_answer")
        async with self.opened(stage) as record:
            since, said = stage.now(), message("где <заказ> & чек?\nжду", key="lost")
            async with stage.fault("lost_answer"):
                with pytest.raises(Unreachable) as caught:
                    await stage.desk.add_customer_message(record.ticket, said)
            promise(caught.value.maybe_sent, "the error says for certain that nothing arrived")
            before = record.known.threads
            found = await stage.desk.find_message(record.ticket, said, since=since, known=before, note=False)
            if found is None:
                raise AssertionError("the message that arrived is not found")
            promise(found.id not in before, "another message is taken for it")
            known = before | {found.id}
            again = await stage.desk.find_message(record.ticket, said, since=since, known=known, note=False)
            promise(again is None, "a message that we know is taken for another one")

    async def test_a_lost_answer_to_a_note_is_found(self, stage: HelpdeskStage) -> None:
        """The same for a note."""
        self.needs(stage, LOOKUP, "lost_answer")
        async with self.opened(stage) as record:
            since, said = stage.now(), message("Разговор:\n— да", key="lost-note")
            async with stage.fault("lost_answer"):
                with pytest.raises(Unreachable):
                    await stage.desk.add_note(record.ticket, said)
            found = await stage.desk.find_message(
                record.ticket, said, since=since, known=record.known.threads, note=True
            )
            promise(found is not None, "the note that arrived is not found")

    async def test_what_never_arrived_is_not_found(self, stage: HelpdeskStage) -> None:
        """The same words of an earlier message are not this one."""
        async with self.opened(stage, "ау") as record:
            for note in (False, True):
                found = await stage.desk.find_message(
                    record.ticket,
                    message("ау", key="never"),
                    since=stage.now(),
                    known=record.known.threads,
                    note=note,
                )
                promise(found is None, "a message is found that was never sent")

    async def test_a_lost_answer_to_a_new_ticket_is_found(self, stage: HelpdeskStage) -> None:
        """With its first message, once; None among those that we know."""
        self.needs(stage, LOOKUP, "lost_answer")
        since, made = stage.now(), draft("не работает оплата", key="lost-ticket")
        async with stage.fault("lost_answer"):
            with pytest.raises(Unreachable) as caught:
                await stage.desk.open_ticket(made)
        promise(caught.value.maybe_sent, "the error says for certain that there is no ticket")
        found = await stage.desk.find_ticket(made, since=since, known=())
        if found is None:
            raise AssertionError("the ticket that was opened is not found")
        kinds = [one.kind for one in await stage.seen(found)]
        promise(kinds == ["customer"], f"in the ticket that was found there are {kinds}")
        again = await stage.desk.find_ticket(made, since=since, known={found.id})
        promise(again is None, "a ticket that we know is taken for another one")

    async def test_a_ticket_that_was_never_opened_is_not_found(self, stage: HelpdeskStage) -> None:
        """An empty helpdesk has nothing to find."""
        found = await stage.desk.find_ticket(draft(), since=stage.now(), known=())
        promise(found is None, "a ticket is found that was never opened")

    # -- reactions ----------------------------------------------------------------------------------------

    async def test_a_ticket_that_is_no_more_is_gone(self, stage: HelpdeskStage) -> None:
        """The house then opens another one."""
        self.needs(stage, REMOVES)
        async with self.opened(stage) as record:
            await stage.remove(record.ticket)
            with pytest.raises(Gone):
                await stage.desk.add_customer_message(record.ticket, message("ау", key="m"))

    @pytest.mark.parametrize(
        ("fault", "reaction"), [("revoked", Unauthorized), ("busy", RetryLater), ("down", Unreachable)]
    )
    async def test_trouble_is_told_by_reaction_and_nothing_is_done_twice(
        self, stage: HelpdeskStage, fault: str, reaction: type[ChannelError]
    ) -> None:
        """What was refused is not there, so saying it again says it once."""
        self.needs(stage, fault)
        async with self.opened(stage) as record:
            async with stage.fault(fault):
                with pytest.raises(reaction) as caught:
                    await record.say("слышно?")
            if isinstance(caught.value, Unreachable):
                promise(
                    not caught.value.maybe_sent,
                    "nobody listened, and yet it says that it may have arrived",
                )
            await record.say("слышно?")
            said = [one.text for one in await stage.seen(record.ticket) if "слышно?" in one.text]
            promise(len(said) == 1, f"what was said once at last is there {len(said)} times")

    async def test_a_probe_tells_wrong_credentials(self, stage: HelpdeskStage) -> None:
        """As a state, with what to do; it raises nothing."""
        found = await stage.desk.probe()
        promise(found.state is HealthState.OK, f"all is well, and the probe says {found.state}")
        self.needs(stage, "revoked")
        async with stage.fault("revoked"):
            found = await stage.desk.probe()
        promise(found.state is HealthState.BAD_CREDENTIALS, f"the probe says {found.state}")
        promise(found.hint, "the probe does not say what to do")

    async def test_a_file_above_its_limit_is_refused(self, stage: HelpdeskStage) -> None:
        """`spec.file_limit` is kept by the house; a helpdesk refuses what it cannot take in any case."""
        limit = int(getattr(stage.desk.settings, "file_limit", stage.desk.spec.file_limit))
        if limit >= _LARGEST:
            pytest.skip("set a small file_limit in the settings of the test to check it")
        async with self.opened(stage) as record:
            big = DeskFile(name="big.bin", mime="application/octet-stream", data=b"0" * (limit + 1))
            with pytest.raises(Rejected):
                await record.say("", big)

    # -- discretion and life ------------------------------------------------------------------------------

    async def test_no_secret_is_told(self, stage: HelpdeskStage) -> None:
        """Neither by logs, nor by errors, nor by `repr`, whatever goes wrong."""
        with everything_logged() as lines:
            async with self.opened(stage) as record:
                for name in sorted(stage.powers & set(FAULTS)):
                    async with stage.fault(name):
                        try:
                            await record.say("ау", key=name)
                        except ChannelError as error:
                            lines.extend(told(error))
                        lines.append(repr(await stage.desk.probe()))
        lines += [repr(stage.desk), repr(stage.desk.settings), str(vars(stage.desk))]
        for secret in stage.secrets:
            found = leaks(secret, lines)
            promise(not found, f"a secret is told: {found}")

    async def test_a_customer_stays_out_of_repr(self, stage: HelpdeskStage) -> None:
        """What people say, and their names, are in no `repr` that an error or a log may show."""
        async with self.opened(stage, "мой секрет") as record:
            await stage.agent_reply(record.ticket, "ваш секрет")
            shown = repr([draft("мой секрет"), record.ticket, *(await record.hear())])
            promise("секрет" not in shown, f"words are shown: {shown}")
            promise("Мария" not in shown, f"a name is shown: {shown}")

    async def test_life(self, stage: HelpdeskStage) -> None:
        """Opened and closed twice, it still works, and closing twice harms nobody."""
        await stage.desk.open()
        async with self.opened(stage) as record:
            await record.say("ау")
        await stage.desk.close()
        await stage.desk.close()
