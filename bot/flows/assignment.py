"""One offer or assignment: answering, writing to each other, saying how it goes, handing it back (J-3, F-15)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from bot.commands import Button, CancelAssignment, Command, ReportProgress, Say, StartFlow
from bot.engine.flow import Flow, Stop, Turn, ask, given
from bot.engine.inputs import Confirm, Pick
from bot.engine.scope import Scope, Side
from bot.flows.answer_offer import assignment_of
from bot.flows.assignments import in_words
from bot.i18n import Text, _, lines
from bot.taxonomy import POOL, REQUESTERS, OfferState, RequestState


class Action(StrEnum):
    """What to do with it."""

    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"
    QUESTION = "QUESTION"
    WRITE = "WRITE"
    CONFIRMED = "CONFIRMED"
    APPOINTED = "APPOINTED"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    CANCEL = "CANCEL"
    NOTHING = "NOTHING"


_ANSWERS: Final[Mapping[str, Text]] = {
    Action.ACCEPT: _("Yes, in principle"),
    Action.DECLINE: _("No"),
    Action.QUESTION: _("I have a question"),
}
_STEPS: Final[Mapping[str, Text]] = {
    Action.WRITE: _("Write a message"),
    Action.CONFIRMED: _("We are in contact"),
    Action.APPOINTED: _("A date is agreed"),
    Action.IN_PROGRESS: _("It is under way"),
    Action.DONE: _("It is finished"),
}
_NOTHING: Final[Mapping[str, Text]] = {Action.NOTHING: _("Nothing, thank you")}
_CANCEL: Final[Mapping[str, Text]] = {Action.CANCEL: _("I have to cancel")}


class _Actions(Pick):
    """What can be done now, by the state of the one it is about."""

    def buttons(self, so_far: AssignmentFlow, scope: Scope, pieces: object) -> tuple[Button, ...]:
        return tuple(Button(key, label) for key, label in possible(so_far.ref, scope).items())


def possible(ref: str, scope: Scope) -> Mapping[str, Text]:
    """The actions of an offer or assignment."""
    found = assignment_of(ref, scope)
    if found is None:
        return _NOTHING
    if found.offer is OfferState.OPEN and found.side is Side.EXPERT:
        return {**_ANSWERS, **_NOTHING}
    if found.running:
        return {**_STEPS, **(_CANCEL if found.side is Side.EXPERT else {}), **_NOTHING}
    return _NOTHING


def _all(scope: Scope) -> Mapping[str, Text]:
    return {**_ANSWERS, **_STEPS, **_CANCEL, **_NOTHING}


def _card(flow: AssignmentFlow, scope: Scope) -> Text:
    found = assignment_of(flow.ref, scope)
    if found is None:
        return _("This assignment is not under way any more.")
    return lines(
        in_words(found),
        _("With: {name}", name=found.other) if found.other and found.running else None,
        _("What would you like to do?"),
    )


def _after(flow: AssignmentFlow, scope: Scope) -> Iterator[Command | Turn]:
    match flow.action:
        case Action.ACCEPT | Action.DECLINE | Action.QUESTION:
            yield StartFlow("answer_offer", {"ref": flow.ref, "answer": str(flow.action)})
            yield Stop()
        case Action.WRITE:
            yield StartFlow("write", {"ref": flow.ref})
            yield Stop()
        case Action.NOTHING:
            yield Say(_("All right. I am here when you need me."), (Button("/menu", _("Menu")),))
            yield Stop()


def _really(flow: AssignmentFlow, scope: Scope) -> Text:
    if flow.action == Action.CANCEL:
        return lines(
            _("Do you really want to hand {ref} back?", ref=flow.ref),
            _("The contact point then looks for somebody else and tells the person who asked. You need no reason."),
        )
    found = assignment_of(flow.ref, scope)
    if found is not None and found.side is Side.EXPERT:
        return _("Is {ref} finished? Then your place is free again, and I ask you a few short questions.", ref=flow.ref)
    return _("Is {ref} finished? Then I ask you a few short questions.", ref=flow.ref)


class AssignmentFlow(Flow, name="assignment"):
    """One offer or assignment of the pool."""

    title = _("Assignment")
    needs = POOL | REQUESTERS

    ref: str = given("")
    action: str = ask(_card, _Actions(_all), then=_after, exits=("/menu", "/human"))
    sure: bool | None = ask(
        _really,
        Confirm(_("Yes"), _("No, not yet")),
        when=lambda so_far, scope: so_far.action in (Action.CANCEL, Action.DONE),
        exits=("/back", "/menu"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        if self.sure is False:
            yield Say(_("All right. Nothing was changed."), (Button("/menu", _("Menu")),))
        elif self.action == Action.CANCEL:
            yield CancelAssignment(self.ref)
        else:
            yield ReportProgress(self.ref, RequestState(self.action))
