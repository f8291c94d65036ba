"""Help at any moment: what the bot is, the emergency line, help numbers, and the way to a human."""

from __future__ import annotations

from typing import Final

from bot.contact_point import HelpLine
from bot.engine.scope import Scope
from bot.flows.call import call_us
from bot.flows.emergency import emergency_line
from bot.i18n import Phone, Text, _, lines, paragraphs

IN_EVERY_EMERGENCY_LINE: Final = frozenset({"police", "rescue"})


def help_lines(scope: Scope) -> Text:
    """The help lines of the contact point's file, with their hours (W-17)."""
    return lines(
        _("Here you get help:"),
        *(
            _help_line(line, scope.language)
            for line in scope.contact_point.help_lines
            if line.key not in IN_EVERY_EMERGENCY_LINE
        ),
    )


def _help_line(line: HelpLine, language: str) -> Text:
    label = line.label.in_language(language)
    numbers = Phone(" · ".join(line.numbers))
    if line.hours is None:
        return _("• {label}: {numbers}", label=label, numbers=numbers)
    return _("• {label}: {numbers} ({hours})", label=label, numbers=numbers, hours=line.hours.in_language(language))


def help_text(scope: Scope) -> Text:
    """What `/help` answers, in the middle of a conversation too."""
    return paragraphs(
        emergency_line(),
        _(
            "I am a program (a chat bot). I write down what worries you. People at the conflict contact point read "
            "it and answer."
        ),
        lines(
            _("You can always write:"),
            _("/human – talk to a person"),
            _("/back – one question back"),
            _("/later – go on later, I keep your draft"),
            _("/cancel – stop and delete"),
            _("/menu – everything else"),
        ),
        call_us(scope),
        help_lines(scope),
    )
