"""The topics of a date: everybody sees the agenda and their own, the moderator puts them in order (R-62)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from bot.commands import Button, Command, DecideTopic, Say
from bot.engine.flow import Flow, Stop, Turn, ask, given
from bot.engine.inputs import FreeText, PickFor
from bot.engine.scope import OwnTopic, Scope
from bot.flows.my_meetings import date_of
from bot.i18n import Text, _, lines, paragraphs, verbatim
from bot.meetings.meeting import TopicState
from bot.meetings.words import TOPIC_STATES

_LONGEST_LABEL: Final = 40


class Decision(StrEnum):
    """What becomes of a topic."""

    ON_AGENDA = "ON_AGENDA"
    FIRST = "FIRST"
    POSTPONED = "POSTPONED"
    ANSWERED = "ANSWERED"
    DECLINED = "DECLINED"


DECISIONS: Final[Mapping[Decision, Text]] = {
    Decision.ON_AGENDA: _("On the agenda"),
    Decision.FIRST: _("On the agenda, as the first"),
    Decision.POSTPONED: _("Postpone to the next date"),
    Decision.ANSWERED: _("It is answered already"),
    Decision.DECLINED: _("Do not take it up"),
}


def _leads(flow: Any, scope: Scope) -> bool:
    date = date_of(flow.date, scope)
    return date is not None and date.leads and bool(scope.topics(date.id))


def _topics(flow: Any, scope: Scope) -> tuple[OwnTopic, ...]:
    return scope.topics(int(flow.date)) if flow.date.isdecimal() else ()


def agenda_in_words(date: str, scope: Scope) -> Text:
    """All topics of a date that the person may see, with their states."""
    found = date_of(date, scope)
    topics = scope.topics(int(date)) if date.isdecimal() else ()
    if found is None:
        return _("I cannot find this date any more.")
    if not topics:
        return _("No topic has been proposed for “{title}” on {when}.", title=found.title, when=found.starts_at)
    return paragraphs(
        _("Topics of “{title}” on {when}:", title=found.title, when=found.starts_at),
        lines(
            *(
                _("{n}. {topic} ({state})", n=n, topic=verbatim(each.text), state=TOPIC_STATES[each.state])
                for n, each in enumerate(topics, 1)
            )
        ),
    )


def _question(flow: Agenda, scope: Scope) -> Text:
    return paragraphs(agenda_in_words(flow.date, scope), _("Which topic would you like to do something with?"))


def _choices(flow: Agenda, scope: Scope) -> Mapping[str, Text]:
    return {
        str(each.id): _("{n}. {topic}", n=n, topic=verbatim(_short(each.text)))
        for n, each in enumerate(_topics(flow, scope), 1)
    }


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_LABEL else line[: _LONGEST_LABEL - 1].rstrip() + "…"


def _chosen(flow: Agenda, scope: Scope) -> OwnTopic | None:
    return next((each for each in _topics(flow, scope) if str(each.id) == flow.topic), None)


def _decision(flow: Agenda, scope: Scope) -> Text:
    topic = _chosen(flow, scope)
    return lines(verbatim(topic.text) if topic is not None else None, _("What shall become of it?"))


def _decisions(flow: Agenda, scope: Scope) -> Mapping[str, Text]:
    return {str(each): label for each, label in DECISIONS.items()}


def _gone(flow: Agenda, scope: Scope) -> Iterator[Command | Turn]:
    if _chosen(flow, scope) is None:
        yield Say(_("I cannot find this topic any more."), (Button("/menu", _("Menu")),))
        yield Stop()


def _needs_reason(flow: Any, scope: Scope) -> bool:
    return flow.decision in (Decision.ANSWERED, Decision.DECLINED)


def _reason(flow: Agenda, scope: Scope) -> Text:
    if flow.decision == Decision.ANSWERED:
        return _("What is the answer? Whoever proposed the topic reads it.")
    return _("Why not? Whoever proposed the topic reads it.")


class Agenda(Flow, name="agenda"):
    """The topics of a date."""

    title = _("Topics and agenda")

    date: str = given("")
    topic: str | None = ask(_question, PickFor(_choices), when=_leads, then=_gone, exits=("/menu", "/human"))
    decision: str | None = ask(_decision, PickFor(_decisions), when=_leads, exits=("/back", "/menu"))
    reason: str | None = ask(
        _reason,
        FreeText(at_most=300),
        note=_("Please kindly, and without names."),
        when=_needs_reason,
        exits=("/back", "/menu"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        if self.topic is None or self.decision is None:
            yield Say(
                agenda_in_words(self.date, scope), (Button("/meetings", _("My dates")), Button("/menu", _("Menu")))
            )
            return
        first = self.decision == Decision.FIRST
        state = TopicState.ON_AGENDA if first else TopicState(self.decision)
        yield DecideTopic(int(self.topic), state, self.reason or "", first=first)
