"""What both say at the end of an assignment, by choices only; nothing of what it was about (R-56, J-3 step 7)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from bot.commands import Command, GiveFeedback
from bot.engine.flow import Flow, ask, given
from bot.engine.inputs import Choice, Choices, Confirm, Number
from bot.engine.scope import Scope, Side
from bot.flows.answer_offer import assignment_of
from bot.i18n import _
from bot.periods import FOLLOW_UP
from bot.taxonomy import POOL, REQUESTERS


class Degree(StrEnum):
    """How much."""

    YES = "YES"
    PARTLY = "PARTLY"
    NO = "NO"


class Obstacle(StrEnum):
    """What made it hard."""

    TIME = "TIME"
    LANGUAGE = "LANGUAGE"
    TAKING_PART = "TAKING_PART"
    RESPONSIBILITY = "RESPONSIBILITY"
    COSTS = "COSTS"


class SuccessFactor(StrEnum):
    """What helped."""

    OUTSIDER = "OUTSIDER"
    IN_PERSON = "IN_PERSON"
    OWN_LANGUAGE = "OWN_LANGUAGE"
    AGREEMENT = "AGREEMENT"
    TIME = "TIME"


MOST_HOURS = 999


def _requester_side(flow: Feedback, scope: Scope) -> bool:
    found = assignment_of(flow.ref, scope)
    return found is not None and found.side is Side.REQUESTER


def _can_be_asked_later(flow: Feedback, scope: Scope) -> bool:
    return _requester_side(flow, scope) and FOLLOW_UP.days < scope.contact_point.retention.contact_days


def _expert_side(flow: Feedback, scope: Scope) -> bool:
    found = assignment_of(flow.ref, scope)
    return found is not None and found.side is Side.EXPERT


class Feedback(Flow, name="feedback"):
    """What both say at the end."""

    title = _("Questions at the end")
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

    success_factors: frozenset[SuccessFactor] | None = ask(
        _("What has helped? You can choose several."),
        Choices(
            {
                SuccessFactor.OUTSIDER: _("Somebody from outside"),
                SuccessFactor.IN_PERSON: _("Talking face to face"),
                SuccessFactor.OWN_LANGUAGE: _("The own language"),
                SuccessFactor.AGREEMENT: _("A clear agreement"),
                SuccessFactor.TIME: _("Enough time"),
            }
        ),
        optional=True,
        when=_requester_side,
        exits=("/back", "/menu", "/human"),
    )
    obstacles: frozenset[Obstacle] | None = ask(
        _("What made it hard? You can choose several."),
        Choices(
            {
                Obstacle.TIME: _("Too little time"),
                Obstacle.LANGUAGE: _("The language"),
                Obstacle.TAKING_PART: _("Not all took part"),
                Obstacle.RESPONSIBILITY: _("It was unclear who decides"),
                Obstacle.COSTS: _("The costs"),
            }
        ),
        optional=True,
        when=_requester_side,
        exits=("/back", "/menu", "/human"),
    )
    follow_up: bool | None = ask(
        _("Shall I ask you in four weeks whether it has lasted?"),
        Confirm(_("Yes, please"), _("No, thank you")),
        when=_can_be_asked_later,
        exits=("/back", "/menu", "/human"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        yield GiveFeedback(
            self.ref,
            str(self.helped),
            str(self.cooperation),
            str(self.again),
            self.hours,
            tuple(map(str, sorted(self.obstacles or ()))),
            tuple(map(str, sorted(self.success_factors or ()))),
            bool(self.follow_up),
        )
