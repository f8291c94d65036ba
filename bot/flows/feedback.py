"""Three questions at the end of an assignment, to both; nothing about what it was about (R-56, J-3 step 7)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from bot.commands import Button, Command, GiveFeedback, Say
from bot.engine.flow import Flow, ask, given
from bot.engine.inputs import Choice, Number
from bot.engine.scope import Scope, Side
from bot.flows.answer_offer import assignment_of
from bot.i18n import _
from bot.taxonomy import POOL, REQUESTERS


class Degree(StrEnum):
    """How much."""

    YES = "YES"
    PARTLY = "PARTLY"
    NO = "NO"


MOST_HOURS = 999


def _expert_side(flow: Feedback, scope: Scope) -> bool:
    found = assignment_of(flow.ref, scope)
    return found is not None and found.side is Side.EXPERT


class Feedback(Flow, name="feedback"):
    """What both say at the end."""

    title = _("Three questions")
    needs = POOL | REQUESTERS

    ref: str = given("")
    helped: Degree = ask(
        _("Has it helped the people involved?"),
        Choice({Degree.YES: _("Yes"), Degree.PARTLY: _("Partly"), Degree.NO: _("No, or I don't know")}),
        exits=("/menu", "/human"),
    )
    cooperation: Degree = ask(
        _("How did you work together?"),
        Choice({Degree.YES: _("Well"), Degree.PARTLY: _("It was all right"), Degree.NO: _("Not well")}),
        exits=("/back", "/menu", "/human"),
    )
    again: Degree = ask(
        _("Would you work together again?"),
        Choice({Degree.YES: _("Yes"), Degree.PARTLY: _("Perhaps"), Degree.NO: _("No")}),
        exits=("/back", "/menu", "/human"),
    )
    hours: int | None = ask(
        _("How many hours did you need in all? A whole number is enough."),
        Number(at_least=0, at_most=MOST_HOURS),
        optional=True,
        when=_expert_side,
        exits=("/back", "/menu", "/human"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        if assignment_of(self.ref, scope) is None:
            yield Say(_("I cannot find this request any more."), (Button("/menu", _("Menu")),))
            return
        yield GiveFeedback(self.ref, str(self.helped), str(self.cooperation), str(self.again), self.hours)
        yield Say(_("Thank you. That helps the pool."), (Button("/menu", _("Menu")),))
