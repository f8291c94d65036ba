"""Round tables and other meetings, as those see them who come or moderate (R-60 to R-69)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from bot.commands import (
    AnswerDate,
    Button,
    Command,
    LeaveMeeting,
    RenewFeed,
    Say,
    SendCalendar,
    SetReminders,
    ShowWhoComes,
    StartFlow,
)
from bot.engine.flow import AskAgain, Flow, Stop, Turn, ask
from bot.engine.inputs import Confirm, PickFor
from bot.engine.scope import OwnDate, Scope
from bot.i18n import Text, _, lines
from bot.meetings.meeting import Answer, read_steps
from bot.meetings.words import ANSWERS, days_before


class Action(StrEnum):
    """What to do with a date."""

    YES = "YES"
    NO = "NO"
    DEPUTY = "DEPUTY"
    TOPIC = "TOPIC"
    AGENDA = "AGENDA"
    WHO = "WHO"
    MOVE = "MOVE"
    CANCEL = "CANCEL"
    CALENDAR = "CALENDAR"
    REMINDERS = "REMINDERS"
    LEAVE = "LEAVE"
    NOTHING = "NOTHING"


ACTIONS: Final[Mapping[Action, Text]] = {
    Action.YES: _("I will come"),
    Action.NO: _("I cannot come"),
    Action.DEPUTY: _("Somebody comes for me"),
    Action.TOPIC: _("Propose a topic"),
    Action.AGENDA: _("Topics and agenda"),
    Action.WHO: _("Who comes"),
    Action.MOVE: _("Move this date"),
    Action.CANCEL: _("Cancel this date"),
    Action.CALENDAR: _("For my calendar"),
    Action.REMINDERS: _("Reminders"),
    Action.LEAVE: _("Do not invite me any more"),
    Action.NOTHING: _("Nothing, thank you"),
}

FEED: Final = "FEED"
"""The entry of the list for the private address of all dates."""


class Steps(StrEnum):
    """When somebody wants to be reminded."""

    USUAL = "USUAL"
    WEEK_AND_DAY = "7 0"
    DAY_BEFORE = "1"
    SAME_DAY = "0"
    NONE = "NONE"


def date_of(key: str | None, scope: Scope) -> OwnDate | None:
    """The date that was chosen, as long as it is there."""
    return next((each for each in scope.dates() if str(each.id) == key), None)


def date_in_words(date: OwnDate) -> Text:
    """One line of the list."""
    if not date.invited:
        return _("{when} · {title}", when=date.starts_at, title=date.title)
    return _("{when} · {title} · {answer}", when=date.starts_at, title=date.title, answer=ANSWERS[date.answer])


def _dates(flow: Any, scope: Scope) -> Mapping[str, Text]:
    return {
        **{str(each.id): date_in_words(each) for each in scope.dates()},
        FEED: _("All my dates in my calendar"),
    }


def _card(flow: MyMeetings, scope: Scope) -> Text:
    date = date_of(flow.date, scope)
    if date is None:
        return _("What would you like to do?")
    return lines(
        date.title,
        _("{when}", when=date.starts_at),
        date.where,
        date.coming,
        _("Your answer: {answer}", answer=ANSWERS[date.answer]) if date.invited else None,
        _("Topics can be proposed until {until}.", until=date.topics_until) if date.topics_until else None,
        _("What would you like to do?"),
    )


def _actions(flow: MyMeetings, scope: Scope) -> Mapping[str, Text]:
    date = date_of(flow.date, scope)
    if date is None:
        return {Action.NOTHING: ACTIONS[Action.NOTHING]}
    offered = {
        Action.YES: date.answer not in (Answer.YES, Answer.WAITING),
        Action.NO: date.invited and date.answer is not Answer.NO,
        Action.DEPUTY: date.invited,
        Action.TOPIC: date.invited and date.topics_until is not None,
        Action.AGENDA: date.leads or bool(scope.topics(date.id)),
        Action.WHO: date.leads,
        Action.MOVE: date.leads,
        Action.CANCEL: date.leads,
        Action.REMINDERS: date.invited,
        Action.LEAVE: date.invited,
    }
    return {each: label for each, label in ACTIONS.items() if offered.get(each, True)}


def _after_date(flow: MyMeetings, scope: Scope) -> Iterator[Command | Turn]:
    if flow.date == FEED:
        yield RenewFeed()
        yield Stop()
    elif date_of(flow.date, scope) is None:
        yield Say(_("I cannot find this date any more."), (Button("/menu", _("Menu")),))
        yield Stop()


def _after_action(flow: MyMeetings, scope: Scope) -> Iterator[Command | Turn]:
    date = date_of(flow.date, scope)
    if date is None or flow.action == Action.NOTHING:
        yield Say(_("All right. I am here when you need me."), (Button("/menu", _("Menu")),))
        yield Stop()
        return
    match flow.action:
        case Action.YES | Action.NO | Action.DEPUTY:
            yield AnswerDate(date.id, Answer(flow.action))
            yield Stop()
        case Action.TOPIC:
            yield StartFlow("place_topic", {"date": str(date.id)})
            yield Stop()
        case Action.AGENDA:
            yield StartFlow("agenda", {"date": str(date.id)})
            yield Stop()
        case Action.MOVE | Action.CANCEL:
            yield StartFlow("change_date", {"date": str(date.id), "change": flow.action})
            yield Stop()
        case Action.WHO:
            yield ShowWhoComes(date.id)
            yield AskAgain()
        case Action.CALENDAR:
            yield SendCalendar(date.meeting)
            yield AskAgain()


def _now(flow: MyMeetings, scope: Scope) -> Text:
    date = date_of(flow.date, scope)
    if date is None or date.stopped:
        return lines(_("You get no reminders of this now."), _("When shall I remind you?"))
    steps = date.steps if date.steps is not None else date.usual_steps
    return lines(_("I remind you: {steps}.", steps=days_before(steps)), _("When shall I remind you?"))


def _steps(flow: MyMeetings, scope: Scope) -> Mapping[str, Text]:
    date = date_of(flow.date, scope)
    usual = date.usual_steps if date is not None else ()
    return {
        Steps.USUAL: _("As usual: {steps}", steps=days_before(usual)),
        Steps.WEEK_AND_DAY: days_before((7, 0)),
        Steps.DAY_BEFORE: days_before((1,)),
        Steps.SAME_DAY: days_before((0,)),
        Steps.NONE: _("No reminders"),
    }


class MyMeetings(Flow, name="my_meetings"):
    """My dates: answers, topics, calendar, reminders."""

    title = _("Round tables and meetings")

    date: str = ask(_("Which date is it about?"), PickFor(_dates), then=_after_date, exits=("/human", "/menu"))
    action: str = ask(_card, PickFor(_actions), then=_after_action, exits=("/back", "/human", "/menu"))
    steps: str | None = ask(
        _now,
        PickFor(_steps),
        when=lambda so_far, scope: so_far.action == Action.REMINDERS,
        exits=("/back", "/menu"),
    )
    sure: bool | None = ask(
        _("You are not invited any more, and hear nothing of it. Shall I do that?"),
        Confirm(_("Yes, do that"), _("No, keep it")),
        when=lambda so_far, scope: so_far.action == Action.LEAVE,
        exits=("/back", "/menu"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        date = date_of(self.date, scope)
        if date is None:
            yield Say(_("I cannot find this date any more."), (Button("/menu", _("Menu")),))
        elif self.action == Action.LEAVE and self.sure:
            yield LeaveMeeting(date.meeting)
        elif self.action == Action.REMINDERS:
            steps = {Steps.USUAL: None, Steps.NONE: ()}.get(Steps(self.steps or "USUAL"), read_steps_of(self.steps))
            yield SetReminders(date.meeting, steps)
        else:
            yield Say(_("All right. Nothing was changed."), (Button("/menu", _("Menu")),))


def read_steps_of(steps: str | None) -> tuple[int, ...]:
    """The days that an entry of the list stands for."""
    return read_steps(steps) if steps and steps[0].isdecimal() else ()
