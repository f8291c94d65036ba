"""Asking for a human: no question stands in the way (R-04)."""

from __future__ import annotations

from collections.abc import Iterator

from bot.commands import Command, HandOff
from bot.engine.flow import Flow, given
from bot.engine.scope import Scope
from bot.i18n import _


class TalkToHuman(Flow, name="human"):
    """Gets somebody from the contact point into the chat."""

    title = _("Talk to a person")

    message: str = given("")

    def finish(self, scope: Scope) -> Iterator[Command]:
        yield HandOff(words=self.message)
