"""The mood in the area before a meeting, with a remark if somebody likes (R-66)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.commands import Button, Command, RecordPulse, Say
from bot.engine.flow import Flow, ask, given
from bot.engine.inputs import FreeText
from bot.engine.scope import Scope
from bot.flows.my_meetings import date_of
from bot.flows.names import Names, names_question
from bot.i18n import _
from bot.meetings.meeting import Pulse

LONGEST_REMARK: Final = 300


class PulseFlow(Flow, name="pulse"):
    """How calm it is."""

    title = _("The mood in your area")

    date: str = given("")
    mood: str = given("")
    remark: str | None = ask(
        _("Would you like to add something? You can skip it."),
        FreeText(at_most=LONGEST_REMARK),
        note=_("Please no names, addresses or numbers of other people."),
        optional=True,
        exits=("/menu", "/human"),
    )
    names: Names | None = names_question("remark", "names")

    def finish(self, scope: Scope) -> Iterator[Command]:
        if date_of(self.date, scope) is None or self.mood not in set(Pulse):
            yield Say(_("I cannot find this date any more."), (Button("/menu", _("Menu")),))
            return
        yield RecordPulse(int(self.date), Pulse(self.mood), self.remark or "")
