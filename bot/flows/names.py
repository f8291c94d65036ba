"""The check for names and numbers of other people in a story, and what is to happen to them (D-10)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from bot.commands import Command, Say
from bot.engine.flow import Forget, Rework, Turn, ask
from bot.engine.inputs import Choice
from bot.engine.scope import Scope
from bot.i18n import Text, _, ngettext, paragraphs
from bot.reading.third_parties import find, finds_any, redact


class Names(StrEnum):
    """What happens to names and numbers of other people in the story."""

    REDACT = "REDACT"
    KEEP = "KEEP"
    REWRITE = "REWRITE"


def names_question(story: str = "story", name: str = "names") -> Names | None:
    """The question `name`, asked only where something was found in the answer `story`."""

    def found(flow: object, scope: Scope) -> Text:
        return paragraphs(
            _("Your text may contain names or numbers. Shall I replace them with […]?"),
            ngettext("I found {n} place.", "I found {n} places.", len(find(getattr(flow, story) or ""))),
        )

    def after(flow: object, scope: Scope) -> Iterator[Command | Turn]:
        match getattr(flow, name):
            case Names.REDACT:
                yield Rework(story, redact)
                yield Say(_("Done. I have only kept the text with […]."))
            case Names.REWRITE:
                yield Forget(story)

    return ask(
        found,
        Choice(
            {
                Names.REDACT: _("Yes, replace them"),
                Names.KEEP: _("No, they are needed"),
                Names.REWRITE: _("Write the text again"),
            }
        ),
        when=lambda so_far, scope: finds_any(getattr(so_far, story) or ""),
        then=after,
        forgotten_with=story,
    )
