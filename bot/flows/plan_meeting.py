"""Planning a round table or another meeting: the dates proposed avoid days that are not good, and say why (J-5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.commands import Button, Command, PlanMeeting, Say
from bot.engine.flow import Flow, ask
from bot.engine.inputs import (
    Choice,
    Choices,
    ClockTime,
    Confirm,
    Day,
    FreeText,
    NotUnderstood,
    Number,
    Pick,
    PickFor,
    Said,
)
from bot.engine.scope import Scope
from bot.i18n import Text, _, lines, ngettext, paragraphs, verbatim
from bot.meetings.days import Avoid, clashes, is_past_calendar, proposals
from bot.meetings.meeting import LONGEST_PLACE, LONGEST_TITLE, MOST_SEATS, Plan
from bot.meetings.rule import BERLIN, LAST, NoRule, Series, monthly, read_rule, utc_of, weekly, which_in_month
from bot.meetings.words import AVOID, against, kinds_of, rhythm
from bot.people import Person
from bot.pool.profile import WEEK, Weekday
from bot.pool.words import WEEKDAYS
from bot.roles import ROLE
from bot.taxonomy import PLANNERS, Role

WHOLE_AREA: Final = "ALL"
NOBODY: Final = "NOBODY"
_PERSON: Final = "PERSON-"
SHOWN: Final = 5
"""How many dates are proposed, and how many that are left out are named."""


class Rhythm(StrEnum):
    """How often a meeting takes place."""

    ONCE = "ONCE"
    WEEKLY = "WEEKLY"
    EVERY_TWO_WEEKS = "EVERY_TWO_WEEKS"
    MONTHLY = "MONTHLY"
    EVERY_TWO_MONTHS = "EVERY_TWO_MONTHS"
    QUARTERLY = "QUARTERLY"
    HALF_YEARLY = "HALF_YEARLY"
    OWN = "OWN"


_MONTHS: Final = {
    Rhythm.MONTHLY: 1,
    Rhythm.EVERY_TWO_MONTHS: 2,
    Rhythm.QUARTERLY: 3,
    Rhythm.HALF_YEARLY: 6,
}


class InMonth(StrEnum):
    """Which weekday of the month."""

    FIRST = "1"
    SECOND = "2"
    THIRD = "3"
    FOURTH = "4"
    LAST = "-1"


class Length(StrEnum):
    """How long it lasts, in minutes."""

    HOUR = "60"
    HOUR_AND_HALF = "90"
    TWO_HOURS = "120"
    THREE_HOURS = "180"
    FOUR_HOURS = "240"
    DAY = "420"


class Who(StrEnum):
    """Who can come."""

    INVITED = "INVITED"
    PUBLIC = "PUBLIC"


def _kinds(scope: Scope) -> Mapping[str, Text]:
    return kinds_of(scope.contact_point)


def _places(scope: Scope) -> Mapping[str, Text]:
    return {
        WHOLE_AREA: _("The whole area"),
        **{place.slug: verbatim(place.name) for place in scope.contact_point.municipalities},
    }


def _weekday(flow: PlanMeetingFlow) -> int:
    return WEEK.index(flow.weekday) if flow.weekday is not None else 0


def series_of(flow: PlanMeetingFlow, starts: datetime) -> Series:
    """What the answers so far say, beginning at a local moment; raises NoRule."""
    rule = ""
    match flow.rhythm:
        case Rhythm.WEEKLY | Rhythm.EVERY_TWO_WEEKS:
            day = starts.date() + timedelta(days=(_weekday(flow) - starts.weekday()) % 7)
            rule = weekly(day, 1 if flow.rhythm is Rhythm.WEEKLY else 2)
        case Rhythm.OWN:
            rule = flow.rule or ""
        case Rhythm.ONCE:
            pass
        case months:
            rule = monthly(_weekday(flow), int(flow.in_month or InMonth.FIRST), _MONTHS[months])
    return Series(starts=starts, minutes=int(flow.length or Length.TWO_HOURS), rule=rule)


def _from_now(flow: PlanMeetingFlow, scope: Scope) -> datetime:
    """Not before tomorrow."""
    return datetime.combine(scope.today + timedelta(days=1), flow.begins or time(18))


def _candidates(flow: PlanMeetingFlow, scope: Scope) -> Series:
    """The days among which the first date is looked for: each such weekday, whatever the month."""
    begin = _from_now(flow, scope)
    if flow.rhythm is Rhythm.ONCE:
        return Series(starts=begin, rule=f"FREQ=WEEKLY;INTERVAL=1;BYDAY={_days_of_week(flow)}")
    if flow.rhythm in (Rhythm.WEEKLY, Rhythm.EVERY_TWO_WEEKS):
        return Series(starts=begin, rule=weekly(begin.date() + timedelta(days=(_weekday(flow) - begin.weekday()) % 7)))
    if flow.rhythm is Rhythm.OWN:
        return series_of(flow, begin)
    return Series(starts=begin, rule=monthly(_weekday(flow), int(flow.in_month or InMonth.FIRST)))


def _days_of_week(flow: PlanMeetingFlow) -> str:
    return ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[_weekday(flow)]


def _proposed(flow: PlanMeetingFlow, scope: Scope) -> Mapping[str, Text]:
    found = proposals(scope.contact_point, _candidates(flow, scope), _from_now(flow, scope), SHOWN)
    return {each.start.isoformat(): _when(each.start) for each in found}


def _when(local: datetime) -> Text:
    return _("{when}", when=utc_of(local, BERLIN))


def _called(value: str, flow: PlanMeetingFlow, scope: Scope) -> Text:
    start = datetime.fromisoformat(value)
    return _when(datetime.combine(start.date(), flow.begins or start.time()))


def _first_question(flow: PlanMeetingFlow, scope: Scope) -> Text:
    found = proposals(scope.contact_point, _candidates(flow, scope), _from_now(flow, scope), SHOWN)
    passed = [each for proposal in found for each in proposal.passed_over]
    return paragraphs(
        _("When is it for the first time?"),
        lines(
            _("These dates I have left out:"),
            *(_("• {day}: {why}", day=start.date(), why=against(why)) for start, why in passed[:SHOWN]),
        )
        if passed
        else None,
        _("For dates so far ahead the school holidays are not known yet.")
        if found and is_past_calendar(found[-1].start.date())
        else None,
    )


def _read_first(words: str, flow: PlanMeetingFlow, scope: Scope) -> str:
    """Another day, typed; it may be one that is not good, and then the person is told so in the review."""
    day: date = Day().read(Said(text=words), flow, scope)
    start = datetime.combine(day, flow.begins or time(18))
    if utc_of(start, BERLIN) <= scope.now:
        raise NotUnderstood(_("This time has already passed. Please write a later one."))
    return start.isoformat()


def _first(flow: PlanMeetingFlow) -> datetime:
    """The first start; the time of day may have been changed after the day was chosen."""
    return datetime.combine(datetime.fromisoformat(flow.first).date(), flow.begins)


def _series(flow: PlanMeetingFlow) -> Series:
    """The series with its first date as it was chosen."""
    first = _first(flow)
    if flow.rhythm is Rhythm.ONCE:
        return Series(starts=first, minutes=int(flow.length))
    if flow.rhythm in _MONTHS and first.weekday() != _weekday(flow):
        # Who typed another day means that day from now on.
        return Series(
            starts=first,
            minutes=int(flow.length),
            rule=monthly(first.weekday(), which_in_month(first.date()), _MONTHS[flow.rhythm]),
        )
    if flow.rhythm in _MONTHS:
        which = int(flow.in_month or InMonth.FIRST)
        if which not in (which_in_month(first.date()), LAST):
            which = which_in_month(first.date())
        return Series(starts=first, minutes=int(flow.length), rule=monthly(_weekday(flow), which, _MONTHS[flow.rhythm]))
    if flow.rhythm in (Rhythm.WEEKLY, Rhythm.EVERY_TWO_WEEKS):
        every = 1 if flow.rhythm is Rhythm.WEEKLY else 2
        return Series(starts=first, minutes=int(flow.length), rule=weekly(first.date(), every))
    return series_of(flow, first)


def _clashing(flow: PlanMeetingFlow, scope: Scope) -> list[tuple[datetime, Any]]:
    answered = all((flow.rhythm, flow.first, flow.begins, flow.length))
    if not answered or flow.rhythm is Rhythm.ONCE or (flow.rhythm is Rhythm.OWN and not flow.rule):
        return []
    first = _first(flow)
    return clashes(scope.contact_point, _series(flow), first.date(), first.date() + timedelta(days=366))


def _clash_question(flow: PlanMeetingFlow, scope: Scope) -> Text:
    found = _clashing(flow, scope)
    more = len(found) - SHOWN
    return paragraphs(
        lines(
            ngettext(
                "In the first year {n} date falls on a day that is not good:",
                "In the first year {n} dates fall on days that are not good:",
                len(found),
            ),
            *(_("• {day}: {why}", day=start.date(), why=against(why)) for start, why in found[:SHOWN]),
            ngettext("… and {n} more", "… and {n} more", more) if more > 0 else None,
        )
        if found
        else _("In the first year no date falls on a day that is not good."),
        _("What shall I do with such dates?"),
    )


def _people(scope: Scope) -> Mapping[str, Text]:
    return {NOBODY: _("Nobody yet"), **{f"{_PERSON}{each.id}": _label(each, scope) for each in _named(scope)}}


def _named(scope: Scope) -> list[Person]:
    return sorted((each for each in scope.people() if each.name), key=lambda each: each.name.casefold())


def _label(person: Person, scope: Scope) -> Text:
    organisation = scope.contact_point.organisation(person.organisation) if person.organisation else None
    return verbatim(f"{person.name} ({organisation.name})" if organisation is not None else person.name)


def _deputies(flow: PlanMeetingFlow, scope: Scope) -> Mapping[str, Text]:
    return {key: label for key, label in _people(scope).items() if key != flow.moderator or key == NOBODY}


def _person(chosen: str | None) -> int | None:
    return int(chosen.removeprefix(_PERSON)) if chosen and chosen.startswith(_PERSON) else None


def _read_rule(flow_words: str) -> str:
    try:
        rule = read_rule(flow_words)
        Series(starts=datetime(2026, 1, 1, 18), rule=rule).begun()  # noqa: DTZ001  # a time on the wall
    except NoRule as wrong:
        raise NotUnderstood(
            lines(
                _("I cannot read this rule: {reason}.", reason=str(wrong)),
                _("Please write it like this: {example}", example="FREQ=MONTHLY;INTERVAL=2;BYDAY=1TU"),
            )
        ) from wrong
    return rule


class Rule(FreeText):
    """A rule of RFC 5545."""

    def finish(self, pieces: Any) -> str:
        return _read_rule(super().finish(pieces))

    def load(self, stored: Any) -> str:
        return read_rule(super().load(stored))


class PlanMeetingFlow(Flow, name="plan_meeting"):
    """Plans a meeting: what, when, where, who."""

    title = _("Plan a meeting")
    needs = PLANNERS
    review = _("Shall I enter this and invite the people?")
    keeps_draft = True

    kind: str = ask(_("What kind of meeting is it?"), Pick(_kinds), label=_("Kind"), exits=("/human", "/help", "/menu"))
    called: str | None = ask(
        _("What is it called?"),
        FreeText(at_most=LONGEST_TITLE, never_more_than=LONGEST_TITLE),
        label=_("Title"),
        note=_("Without a title it is called by its kind and place."),
        optional=True,
    )
    municipality: str = ask(_("Where does it belong?"), Pick(_places, columns=2), label=_("Municipality"))
    rhythm: Rhythm = ask(
        _("How often does it take place?"),
        Choice(
            {
                Rhythm.ONCE: _("Once"),
                Rhythm.WEEKLY: _("Every week"),
                Rhythm.EVERY_TWO_WEEKS: _("Every two weeks"),
                Rhythm.MONTHLY: _("Every month"),
                Rhythm.EVERY_TWO_MONTHS: _("Every two months"),
                Rhythm.QUARTERLY: _("Every three months"),
                Rhythm.HALF_YEARLY: _("Every six months"),
                Rhythm.OWN: _("Another rule (RFC 5545)"),
            },
            columns=2,
        ),
        label=_("How often"),
    )
    rule: str | None = ask(
        _("Please write the rule, like {example}", example="FREQ=MONTHLY;BYDAY=1TU;BYMONTH=2,5,9,11"),
        Rule(at_most=200),
        label=_("Rule"),
        when=lambda so_far, scope: so_far.rhythm is Rhythm.OWN,
    )
    weekday: Weekday | None = ask(
        _("On which day of the week?"),
        Choice(WEEKDAYS, columns=2),
        label=_("Day of the week"),
        when=lambda so_far, scope: so_far.rhythm is not Rhythm.OWN,
    )
    in_month: InMonth | None = ask(
        _("On which of them in the month?"),
        Choice(
            {
                InMonth.FIRST: _("The first"),
                InMonth.SECOND: _("The second"),
                InMonth.THIRD: _("The third"),
                InMonth.FOURTH: _("The fourth"),
                InMonth.LAST: _("The last"),
            },
            columns=2,
        ),
        label=_("In the month"),
        when=lambda so_far, scope: so_far.rhythm in _MONTHS,
    )
    begins: time = ask(
        _("At what time does it begin?"), ClockTime(), label=_("Begin"), note=_("Please write it like this: 18:00")
    )
    length: Length = ask(
        _("How long does it last?"),
        Choice(
            {
                Length.HOUR: _("1 hour"),
                Length.HOUR_AND_HALF: _("1 ½ hours"),
                Length.TWO_HOURS: _("2 hours"),
                Length.THREE_HOURS: _("3 hours"),
                Length.FOUR_HOURS: _("4 hours"),
                Length.DAY: _("7 hours"),
            },
            columns=3,
        ),
        label=_("Length"),
    )
    first: str = ask(
        _first_question,
        PickFor(_proposed, written=_read_first, called=_called),
        label=_("First date"),
        note=_("Choose one, or write another day like this: 24.12.2026."),
        forgotten_with="weekday",
    )
    avoid: Avoid | None = ask(
        _clash_question,
        Choice(AVOID),
        label=_("Days that are not good"),
        when=lambda so_far, scope: so_far.rhythm is not Rhythm.ONCE,
        forgotten_with="first",
    )
    place: str | None = ask(
        _("At which place?"),
        FreeText(at_most=LONGEST_PLACE, never_more_than=LONGEST_PLACE),
        label=_("Place"),
        note=_("For example: Town hall, room 12. Skip it if it is online only."),
        optional=True,
    )
    link: str | None = ask(
        _("Which link for taking part online?"),
        FreeText(at_most=LONGEST_PLACE, never_more_than=500),
        label=_("Online"),
        optional=True,
    )
    moderator: str = ask(_("Who moderates it?"), Pick(_people), label=_("Moderation"))
    deputy: str | None = ask(
        _("Who stands in for the moderator?"),
        PickFor(_deputies),
        label=_("Deputy"),
        when=lambda so_far, scope: so_far.moderator != NOBODY,
    )
    roles: frozenset[Role] | None = ask(
        _("Who is invited? You can choose several roles. Whoever has the role there comes in by itself."),
        Choices(ROLE, columns=2),
        label=_("Invited"),
        note=_("People by name can be added later at the desk: /meeting"),
        optional=True,
    )
    who: Who = ask(
        _("May others sign up too?"),
        Choice({Who.INVITED: _("No, only who is invited"), Who.PUBLIC: _("Yes, everybody who writes here")}),
        label=_("Open to"),
    )
    limited: bool = ask(_("Is the number of places limited?"), Confirm(), label=_("Limited places"))
    seats: int | None = ask(
        _("How many places are there?"),
        Number(at_least=1, at_most=MOST_SEATS),
        label=_("Places"),
        when=lambda so_far, scope: bool(so_far.limited),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        rules = scope.contact_point.round_tables
        series = _series(self)
        yield PlanMeeting(
            Plan(
                kind=self.kind,
                title=self.called or "",
                municipality="" if self.municipality == WHOLE_AREA else self.municipality,
                series=series,
                avoid=self.avoid or Avoid.ALL if series.rule else Avoid.NONE,
                place=self.place or "",
                link=self.link or "",
                roles=self.roles or frozenset(),
                public=self.who is Who.PUBLIC,
                seats=self.seats,
                steps=rules.reminders,
                topics_until=rules.topics_until_days,
                moderator=_person(self.moderator),
                deputy=_person(self.deputy),
            )
        )
        yield Say(
            lines(
                _(
                    "Entered: {rhythm}, for the first time {when}.",
                    rhythm=rhythm(series),
                    when=utc_of(_first(self), BERLIN),
                ),
                _("I now invite the people. To see, move or cancel dates: /meetings"),
            ),
            (Button("/meetings", _("My dates")), Button("/menu", _("Menu"))),
        )
