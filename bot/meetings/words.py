"""Meetings in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from bot.contact_point import ContactPoint
from bot.i18n import Text, _, lines, listing, ngettext, verbatim
from bot.meetings.days import Avoid, Objection
from bot.meetings.meeting import Answer, Details, MeetingKind, Pulse, TopicState, Why
from bot.meetings.rule import WEEKDAYS, Series, utc_of

KINDS: Final[Mapping[str, Text]] = {
    MeetingKind.ROUND_TABLE: _("Round table"),
    MeetingKind.EXCHANGE_FORUM: _("Exchange forum"),
    MeetingKind.TRAINING_MODULE: _("Training"),
    MeetingKind.PEER_CONSULTATION: _("Peer consultation"),
    MeetingKind.STEERING_GROUP: _("Steering group"),
    MeetingKind.OTHER: _("Other meeting"),
}

AVOID: Final = {
    Avoid.ALL: _("Leave out all of these days"),
    Avoid.CLOSED: _("Leave out only holidays, school holidays and closing days"),
    Avoid.NONE: _("Keep all of them"),
}

ANSWERS: Final = {
    Answer.NONE: _("no answer yet"),
    Answer.YES: _("you come"),
    Answer.NO: _("you do not come"),
    Answer.DEPUTY: _("somebody comes for you"),
    Answer.WAITING: _("you are on the waiting list"),
}

TOPIC_STATES: Final = {
    TopicState.PROPOSED: _("proposed"),
    TopicState.ON_AGENDA: _("on the agenda"),
    TopicState.POSTPONED: _("postponed"),
    TopicState.ANSWERED: _("answered"),
    TopicState.DECLINED: _("declined"),
}

PULSES: Final = {
    Pulse.CALM: _("calm"),
    Pulse.A_BIT_TENSE: _("a bit tense"),
    Pulse.TENSE: _("tense"),
}


def kinds_of(point: ContactPoint) -> Mapping[str, Text]:
    """All kinds of meetings of a contact point, its own last; those are called as its desk speaks."""
    desk = point.languages.desk
    return {**KINDS, **{key: verbatim(name.in_language(desk)) for key, name in point.round_tables.kinds}}


def place_of(point: ContactPoint, municipality: str) -> str:
    """Where a meeting belongs."""
    found = point.municipality(municipality) if municipality else None
    return found.name if found is not None else point.name


def moment(local: datetime, zone: str) -> datetime:
    """A local start as sentences take it."""
    return utc_of(local, zone).astimezone(UTC)


def where(details: Details) -> Text | None:
    """The place and the link; None where neither is known yet."""
    if not details.place and not details.link:
        return None
    return lines(
        _("Place: {place}", place=verbatim(details.place)) if details.place else None,
        _("Online: {link}", link=details.link) if details.link else None,
    )


_DAYS: Final = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)

_USUAL: Final = re.compile(r"FREQ=(WEEKLY|MONTHLY);(?:INTERVAL=(\d+);)?BYDAY=(-?\d)?(MO|TU|WE|TH|FR|SA|SU)")


def rhythm(series: Series) -> Text:
    """How often, in words where the rule is a usual one, else as it is written."""
    if not series.rule:
        return _("once")
    found = _USUAL.fullmatch(series.rule)
    if found is None:
        return verbatim(series.rule)
    every, weekday = int(found[2] or 1), _DAYS[WEEKDAYS.index(found[4])]
    if found[1] == "WEEKLY":
        often = ngettext("every week", "every {n} weeks", every)
        return _("{often}, {day}", often=often, day=weekday)
    often = ngettext("every month", "every {n} months", every)
    return _("{often}, {day}", often=often, day=_on(int(found[3] or 1), weekday))


def _on(which: int, weekday: Text) -> Text:
    match which:
        case 1:
            return _("on the first {weekday}", weekday=weekday)
        case 2:
            return _("on the second {weekday}", weekday=weekday)
        case 3:
            return _("on the third {weekday}", weekday=weekday)
        case 4:
            return _("on the fourth {weekday}", weekday=weekday)
    return _("on the last {weekday}", weekday=weekday)


def against(objections: Sequence[Objection]) -> Text:
    """What speaks against a day."""
    return listing([each.why for each in objections])


def why_told(why: Why, roles: Sequence[Text | str]) -> Text:
    """Why somebody gets a message about a meeting."""
    match why:
        case Why.MODERATOR:
            return _("You get this because you moderate it.")
        case Why.ROLE if roles:
            return _("You get this because of your role here: {roles}.", roles=listing(roles))
        case Why.SIGNED_UP:
            return _("You get this because you have signed up.")
        case Why.IN_PLACE:
            return _("You get this because you come in somebody's place.")
    return _("You get this because you were invited by name.")


def days_before(steps: Sequence[int]) -> Text:
    """When somebody is reminded."""
    if not steps:
        return _("no reminders")
    return listing(
        [_("on the day") if each == 0 else ngettext("{n} day before", "{n} days before", each) for each in steps]
    )
