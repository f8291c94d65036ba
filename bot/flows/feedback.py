"""What both say at the end of an assignment, by choices only; nothing of what it was about (R-56, J-3 step 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from bot.commands import Button, Command, GiveFeedback, Say
from bot.engine.flow import Flow, ask, given
from bot.engine.inputs import Choice, Choices, Confirm, Number
from bot.engine.scope import Scope, Side
from bot.flows.answer_offer import assignment_of
from bot.i18n import Text, _
from bot.periods import FOLLOW_UP
from bot.taxonomy import POOL, REQUESTERS, RequestState


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


HELPED: Final[Mapping[Degree, Text]] = {
    Degree.YES: _("Yes"),
    Degree.PARTLY: _("Partly"),
    Degree.NO: _("No, or I don't know"),
}

COOPERATION: Final[Mapping[Degree, Text]] = {
    Degree.YES: _("Well"),
    Degree.PARTLY: _("It was all right"),
    Degree.NO: _("Not well"),
}

AGAIN: Final[Mapping[Degree, Text]] = {Degree.YES: _("Yes"), Degree.PARTLY: _("Perhaps"), Degree.NO: _("No")}

SUCCESS_FACTORS: Final[Mapping[SuccessFactor, Text]] = {
    SuccessFactor.OUTSIDER: _("Somebody from outside"),
    SuccessFactor.IN_PERSON: _("Talking face to face"),
    SuccessFactor.OWN_LANGUAGE: _("The own language"),
    SuccessFactor.AGREEMENT: _("A clear agreement"),
    SuccessFactor.TIME: _("Enough time"),
}

OBSTACLES: Final[Mapping[Obstacle, Text]] = {
    Obstacle.TIME: _("Too little time"),
    Obstacle.LANGUAGE: _("The language"),
    Obstacle.TAKING_PART: _("Not all took part"),
    Obstacle.RESPONSIBILITY: _("It was unclear who decides"),
    Obstacle.COSTS: _("The costs"),
}

MOST_HOURS = 999


def _is_over(flow: Feedback, scope: Scope) -> bool:
    found = assignment_of(flow.ref, scope)
    return found is not None and found.state is RequestState.DONE


def _requester_side(flow: Feedback, scope: Scope) -> bool:
    found = assignment_of(flow.ref, scope)
    return found is not None and found.side is Side.REQUESTER and _is_over(flow, scope)


def _can_be_asked_later(flow: Feedback, scope: Scope) -> bool:
    return _requester_side(flow, scope) and FOLLOW_UP.days < scope.contact_point.retention.contact_days


def _expert_side(flow: Feedback, scope: Scope) -> bool:
    found = assignment_of(flow.ref, scope)
    return found is not None and found.side is Side.EXPERT and _is_over(flow, scope)


class Feedback(Flow, name="feedback"):
    """What both say at the end."""

    title = _("Questions at the end")
    needs = POOL | REQUESTERS

    ref: str = given("")
    helped: Degree | None = ask(
        _("Has it helped the people involved?"),
        Choice(HELPED),
        when=_is_over,
        exits=("/menu", "/human"),
    )
    cooperation: Degree | None = ask(
        _("How did you work together?"),
        Choice(COOPERATION),
        when=_is_over,
        exits=("/back", "/menu", "/human"),
    )
    again: Degree | None = ask(
        _("Would you work together again?"),
        Choice(AGAIN),
        when=_is_over,
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
        Choices(SUCCESS_FACTORS),
        optional=True,
        when=_requester_side,
        exits=("/back", "/menu", "/human"),
    )
    obstacles: frozenset[Obstacle] | None = ask(
        _("What made it hard? You can choose several."),
        Choices(OBSTACLES),
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
        if self.helped is None:
            yield Say(
                _("This assignment is not finished yet, or you have no part in it."), (Button("/menu", _("Menu")),)
            )
            return
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
