"""Proposing a topic for a round table: open to everybody who is invited, without names of others (R-62, D-10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.commands import Button, Command, PlaceTopic, Say
from bot.engine.flow import Flow, ask
from bot.engine.inputs import FreeText, PickFor
from bot.engine.scope import OwnDate, Scope
from bot.flows.my_meetings import date_of
from bot.flows.names import Names, names_question
from bot.i18n import Text, _

LONGEST_TOPIC: Final = 500
"""Characters that are enough for a topic."""


def takes_topics(scope: Scope) -> list[OwnDate]:
    """The dates for which the person can propose topics now."""
    return [each for each in scope.dates() if (each.invited or each.leads) and each.topics_until is not None]


def _dates(flow: Any, scope: Scope) -> Mapping[str, Text]:
    return {str(each.id): _("{when} · {title}", when=each.starts_at, title=each.title) for each in takes_topics(scope)}


def _question(flow: PlaceTopicFlow, scope: Scope) -> Text:
    found = date_of(flow.date, scope)
    if found is None:
        return _("What would you like to talk about?")
    return _("What would you like to talk about at “{title}” on {when}?", title=found.title, when=found.starts_at)


class PlaceTopicFlow(Flow, name="place_topic"):
    """Proposes a topic."""

    title = _("Propose a topic")
    review = _("Shall I pass this on to the moderator?")
    keeps_draft = True

    date: str = ask(_("For which date?"), PickFor(_dates), label=_("For"), exits=("/human", "/menu"))
    topic: str = ask(
        _question,
        FreeText(at_most=LONGEST_TOPIC),
        label=_("Topic"),
        note=_("Please no names, addresses or numbers of other people: everybody who is invited can read it."),
    )
    names: Names | None = names_question("topic", "names")

    def finish(self, scope: Scope) -> Iterator[Command]:
        if not self.date.isdecimal() or date_of(self.date, scope) is None:
            yield Say(_("I cannot find this date any more."), (Button("/menu", _("Menu")),))
            return
        yield PlaceTopic(int(self.date), self.topic)
