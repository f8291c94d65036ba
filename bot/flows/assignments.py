"""What an expert has been asked and has accepted (J-3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.commands import Command, StartFlow
from bot.engine.flow import Flow, ask
from bot.engine.inputs import Pick
from bot.engine.scope import OwnAssignment, Scope, Side
from bot.i18n import Text, _
from bot.pool.request_words import STATE_WORDS
from bot.taxonomy import POOL, OfferState, RequestState


def own(scope: Scope) -> tuple[OwnAssignment, ...]:
    """Offers that wait and assignments under way, of the person as an expert."""
    return tuple(
        each
        for each in scope.assignments()
        if each.side is Side.EXPERT and (each.offer is OfferState.OPEN or each.running)
    )


def in_words(assignment: OwnAssignment) -> Text:
    """One line of the list."""
    if assignment.offer is OfferState.OPEN and assignment.due_at is not None:
        return _("{ref} · {what} · answer by {due}", ref=assignment.ref, what=assignment.what, due=assignment.due_at)
    accepted = assignment.side is Side.EXPERT and assignment.state is RequestState.ACCEPTED
    state = _("you have accepted") if accepted else STATE_WORDS[assignment.state]
    return _("{ref} · {what} · {state}", ref=assignment.ref, what=assignment.what, state=state)


def _choices(scope: Scope) -> Mapping[str, Text]:
    return {each.ref: in_words(each) for each in own(scope)}


class Assignments(Flow, name="assignments"):
    """The offers and assignments of an expert."""

    title = _("My assignments")
    needs = POOL

    which: str = ask(_("Which one is it about?"), Pick(_choices), exits=("/menu", "/human"))

    def finish(self, scope: Scope) -> Iterator[Command]:
        yield StartFlow("assignment", {"ref": self.which})
