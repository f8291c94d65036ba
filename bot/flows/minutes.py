"""Writing minutes: one decision after the other, then a check for names before they are sent (R-67, F-23)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.commands import Command, KeepDecision, ReleaseMinutes
from bot.commands import Day as CommandDay
from bot.engine.flow import Flow, ask, given
from bot.engine.inputs import Choice, Day, FreeText, PickFor
from bot.engine.scope import Scope
from bot.flows.names import Names, names_question
from bot.i18n import Text, _, paragraphs, verbatim
from bot.meetings.meeting import NamesInMinutes, TopicState
from bot.taxonomy import Role

NO_TOPIC: Final = "NONE"
_LONGEST_LABEL: Final = 40


def _topics(flow: Any, scope: Scope) -> Mapping[str, Text]:
    topics = scope.topics(int(flow.date)) if flow.date.isdecimal() else ()
    return {
        **{str(each.id): verbatim(_short(each.text)) for each in topics if each.state is TopicState.ON_AGENDA},
        NO_TOPIC: _("Another decision"),
    }


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_LABEL else line[: _LONGEST_LABEL - 1].rstrip() + "…"


class Minutes(Flow, name="minutes"):
    """Writes down one decision."""

    title = _("Minutes")
    needs = frozenset(Role)
    review = _("Shall I write this down?")

    date: str = given("")
    topic: str = ask(_("To which topic?"), PickFor(_topics), label=_("Topic"), exits=("/menu", "/human"))
    decision: str = ask(
        _("What was decided?"),
        FreeText(at_most=500),
        label=_("Decision"),
        note=_("Please no names: write what is done, not by whom."),
    )
    decision_names: Names | None = names_question("decision", "decision_names")
    owner: str | None = ask(
        _("Who does it? Please write the function, not the name."),
        FreeText(at_most=100),
        label=_("Who"),
        note=_("For example: school social work, integration office"),
        optional=True,
    )
    owner_names: Names | None = names_question("owner", "owner_names")
    until: CommandDay | None = ask(
        _("Until which day?"),
        Day(),
        label=_("Until"),
        note=_("Choose a day or write it like this: 24.12.2026."),
        optional=True,
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        topic = int(self.topic) if self.topic.isdecimal() else None
        number = int(self.date) if self.date.isdecimal() else 0
        yield KeepDecision(number, topic, self.decision, self.owner or "", self.until)


def _preview(flow: Any, scope: Scope) -> Text:
    shown, names = scope.minutes(int(flow.date) if flow.date.isdecimal() else 0)
    return paragraphs(
        shown,
        _("The text may contain names or numbers. What shall I do?")
        if names
        else _("No names were found. Shall I send it?"),
    )


class Release(Flow, name="release_minutes"):
    """Checks minutes and sends them."""

    title = _("Check and send the minutes")
    needs = frozenset(Role)

    date: str = given("")
    how: NamesInMinutes = ask(
        _preview,
        Choice(
            {
                NamesInMinutes.REDACT: _("Replace names and numbers with […], and send"),
                NamesInMinutes.SEND: _("Send as it is"),
                NamesInMinutes.NOT_YET: _("Do not send yet"),
            }
        ),
        exits=("/menu", "/human"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        yield ReleaseMinutes(int(self.date) if self.date.isdecimal() else 0, self.how)
