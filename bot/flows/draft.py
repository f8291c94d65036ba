"""Coming back to a draft (F-13)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from bot.commands import Command, ForgetDraft, ResumeDraft, StartFlow
from bot.engine.flow import Flow, ask
from bot.engine.inputs import Choice
from bot.engine.scope import Scope
from bot.i18n import _


class DraftWish(StrEnum):
    """What to do with a draft."""

    CONTINUE = "CONTINUE"
    ANEW = "ANEW"


class Draft(Flow, name="draft"):
    """Goes on with what was not sent, or starts again."""

    title = _("Your draft")

    draft: DraftWish = ask(
        _("You have a draft from earlier. Would you like to go on?"),
        Choice({DraftWish.CONTINUE: _("Go on"), DraftWish.ANEW: _("Start again")}),
        exits=("/human", "/menu"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        if self.draft is DraftWish.CONTINUE:
            yield ResumeDraft()
        else:
            yield ForgetDraft()
            yield StartFlow("report_tension")
