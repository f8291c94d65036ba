"""Answering an offer of the pool: neutrality comes before everything else, and nobody has to say why (F-10, W-25)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from bot.commands import AnswerOffer, AskAboutOffer, Command, OfferAnswer
from bot.engine.flow import Flow, ask, given
from bot.engine.inputs import Choice
from bot.engine.scope import OwnAssignment, Scope, Side
from bot.i18n import Text, _, lines, paragraphs
from bot.taxonomy import OFFER_OVER, POOL, OfferState

QUESTION = "QUESTION"
"""What `answer` is for an expert who would like to ask something first."""


class Neutral(StrEnum):
    """Whether an expert or their employer has to do with one of those involved."""

    YES = "YES"
    NO = "NO"
    UNSURE = "UNSURE"


def assignment_of(ref: str, scope: Scope) -> OwnAssignment | None:
    """The offer or assignment of this number, if the person has a part in it."""
    own = (each for each in scope.assignments() if each.ref == ref and each.offer not in OFFER_OVER)
    return next(own, None)


def _is_open(flow: AnswerOfferFlow, scope: Scope) -> bool:
    found = assignment_of(flow.ref, scope)
    waits = found is not None and found.side is Side.EXPERT and found.offer is OfferState.OPEN
    return waits and flow.answer == OfferAnswer.ACCEPT


def _involved(flow: AnswerOfferFlow, scope: Scope) -> Text:
    found = assignment_of(flow.ref, scope)
    return paragraphs(
        _("Before you accept {ref}:", ref=flow.ref),
        (found.parties if found is not None else None) or _("Who has a part in it was not said."),
        lines(
            _("Are you neutral? So: do you, your family or your employer have nothing to do with them?"),
            _("You do not have to give a reason."),
        ),
        _("If you accept, the person who asks learns your name, and you theirs."),
    )


class AnswerOfferFlow(Flow, name="answer_offer"):
    """Yes or no to an offer of the pool."""

    title = _("Request from the pool")
    needs = POOL

    ref: str = given("")
    answer: str = given("")
    neutral: Neutral | None = ask(
        _involved,
        Choice(
            {
                Neutral.YES: _("Yes, I am neutral and accept"),
                Neutral.NO: _("No, rather somebody else"),
                Neutral.UNSURE: _("I am not sure: ask the contact point"),
            }
        ),
        when=_is_open,
        exits=("/menu", "/human"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        if self.answer == QUESTION or self.neutral is Neutral.UNSURE:
            yield AskAboutOffer(self.ref)
        elif self.answer == OfferAnswer.DECLINE:
            yield AnswerOffer(self.ref, OfferAnswer.DECLINE)
        elif self.neutral is Neutral.NO:
            yield AnswerOffer(self.ref, OfferAnswer.NOT_NEUTRAL)
        else:
            # What is not open any more asks nothing: who accepts it is told what became of it.
            yield AnswerOffer(self.ref, OfferAnswer.ACCEPT)
