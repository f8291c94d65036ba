"""What a flow may ask for: plain frozen values; handlers turn each into rows in the same transaction (idea 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from bot.i18n import Text
from bot.meetings.meeting import Answer, NamesInMinutes, Plan, Pulse, TopicState
from bot.pool.profile import Away, Weekday
from bot.pool.request import PoolRequest
from bot.taxonomy import Constellation, Contact, Danger, Flag, Heat, RequestState, Setting, Urgency, When, Wish

Day = date
"""The type, where a field is called `date`."""


@dataclass(frozen=True)
class Button:
    """An option before it is put into the reader's language."""

    id: str
    label: Text
    primary: bool = False


@dataclass(frozen=True)
class Command:
    """Something a flow wants to happen."""


@dataclass(frozen=True)
class Say(Command):
    """Tells the person something that needs no answer."""

    text: Text
    buttons: tuple[Button, ...] = ()
    notice: bool = False
    """True for a fact that must be told even while a human holds the chat."""


@dataclass(frozen=True)
class Ask(Command):
    """Asks the question that the engine found to be next."""

    text: Text
    flow: str
    question: str
    buttons: tuple[Button, ...] = ()
    step: tuple[int, int] | None = None
    columns: int = 1


@dataclass(frozen=True)
class ShowPick(Command):
    """Edits an answered question so that it shows what was chosen and offers nothing any more."""

    prompt: int
    """The outbox row of the question."""
    text: Text
    repeats_words: bool = False
    """The question repeated what the person had written: where a messenger keeps it, it is deleted (D-20)."""


@dataclass(frozen=True)
class SendFile(Command):
    """Gives the person a file."""

    name: str
    type: str
    data: bytes = field(repr=False)
    text: Text


@dataclass(frozen=True)
class StartFlow(Command):
    """Goes on with another conversation."""

    flow: str
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SetLanguage(Command):
    """Keeps the language a person reads, and the one they would rather write (F-04)."""

    language: str


@dataclass(frozen=True)
class RememberPrivacyRead(Command):
    """Keeps that the privacy notice was shown and passed (Art. 13 GDPR; information, not consent)."""


@dataclass(frozen=True)
class FileReport(Command):
    """Hands a report to the contact point (D-01)."""

    ref: str
    story: str = field(repr=False)
    municipality: str
    danger: Danger
    setting: Setting | None
    when: When | None
    parties: Constellation | None
    heat: Heat | None
    wish: Wish
    contact: Contact
    phone: str | None = field(repr=False)
    urgency: Urgency
    flags: frozenset[Flag]
    language: str
    sources: tuple[str, ...] = ()
    """Keyed hashes of the messages the story was written in, so that an edit finds its report (F-25)."""


@dataclass(frozen=True)
class AddToReport(Command):
    """Adds a person's further words to a report of theirs."""

    ref: str
    text: str = field(repr=False)
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class AskForExpert(Command):
    """Asks the pool for somebody (R-50, R-110)."""

    ref: str
    request: PoolRequest
    urgency: Urgency
    language: str
    sources: tuple[str, ...] = ()
    """Keyed hashes of the messages with its words, so that an edit finds it (F-25)."""


@dataclass(frozen=True)
class WithdrawRequest(Command):
    """What the person asked the pool for is no longer needed."""

    ref: str


class WithdrawScope(StrEnum):
    """How much a person takes back (F-07)."""

    CONTACT = "CONTACT"
    REPORT = "REPORT"


@dataclass(frozen=True)
class Withdraw(Command):
    """Takes back a report, or only the way to reach the person (F-07)."""

    ref: str
    scope: WithdrawScope


@dataclass(frozen=True)
class HandOff(Command):
    """Gets a human into the chat (G-83)."""

    about: str | None = None
    """The report it is about; None lets the desk open a thread of its own."""
    urgency: Urgency = Urgency.SOON
    words: str = field(default="", repr=False)
    """What the person has already written."""
    flags: frozenset[Flag] = frozenset()
    """What was noticed in their words just before."""


@dataclass(frozen=True)
class AlertDesk(Command):
    """Tells the staff room, without a word of the person, that something needs eyes at once (F-05, F-11, F-12)."""

    flag: Flag


@dataclass(frozen=True)
class ForgetDraft(Command):
    """Deletes what was not sent."""


@dataclass(frozen=True)
class ResumeDraft(Command):
    """Goes on with what was not sent; `words` are (text, source) pairs that belong to it."""

    words: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class SetName(Command):
    """How somebody with a role wants to be called (D-05)."""

    name: str = field(repr=False)


@dataclass(frozen=True)
class GoAway(Command):
    """Enters the days in which somebody is away, in place of those entered before (R-23); never why (F-08)."""

    first: date
    last: date
    deputy: int | None
    """The person who stands in; None: the contact point."""


@dataclass(frozen=True)
class ComeBack(Command):
    """Takes back the days in which somebody would be away."""


@dataclass(frozen=True)
class ChangeAvailability(Command):
    """When, where and how much an expert of the pool works; None: as it was."""

    most_cases: int | None = None
    weekdays: frozenset[Weekday] | None = None
    municipalities: frozenset[str] | None = None
    online: bool | None = None
    away: Away | None = None
    """Days away to add."""
    not_away: Away | None = None
    """Days away to take out."""


@dataclass(frozen=True)
class LeavePool(Command):
    """Takes an expert out of the pool at their own wish (J-3 step 8)."""


@dataclass(frozen=True)
class LayDownRoles(Command):
    """Ends all roles of the person who asks for it (F-14, D-21)."""


class OfferAnswer(StrEnum):
    """What an expert says to an offer; never why (W-25)."""

    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"
    NOT_NEUTRAL = "NOT_NEUTRAL"


@dataclass(frozen=True)
class AnswerOffer(Command):
    """An expert's answer to an offer of the pool (R-52, F-10)."""

    ref: str
    answer: OfferAnswer


@dataclass(frozen=True)
class AskAboutOffer(Command):
    """An expert would like to ask the contact point about an offer before answering (J-3)."""

    ref: str


@dataclass(frozen=True)
class PassOn(Command):
    """Words from requester to expert or back; they are kept nowhere."""

    ref: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class ReportProgress(Command):
    """How an assignment goes (J-3 step 6)."""

    ref: str
    state: RequestState


@dataclass(frozen=True)
class CancelAssignment(Command):
    """An expert hands an assignment back (F-15)."""

    ref: str


@dataclass(frozen=True)
class GiveFeedback(Command):
    """Choices at the end: the hours of the expert, the closing form of who asked (R-56, J-2 step 9)."""

    ref: str
    helped: str
    cooperation: str
    again: str
    hours: int | None = None
    obstacles: tuple[str, ...] = ()
    success_factors: tuple[str, ...] = ()
    follow_up: bool = False
    """Ask later whether it has lasted."""


@dataclass(frozen=True)
class PlanMeeting(Command):
    """Enters a meeting, and has its members invited (R-60)."""

    plan: Plan


@dataclass(frozen=True)
class AnswerDate(Command):
    """Whether somebody comes to a date (R-69)."""

    date: int
    answer: Answer


@dataclass(frozen=True)
class SnoozeDate(Command):
    """Reminds the person once more of a date."""

    date: int


@dataclass(frozen=True)
class MuteMeeting(Command):
    """No more reminders of a meeting."""

    meeting: int


@dataclass(frozen=True)
class SetReminders(Command):
    """So many days before, the person is reminded of a meeting; None: as the meeting has it."""

    meeting: int
    steps: tuple[int, ...] | None


@dataclass(frozen=True)
class LeaveMeeting(Command):
    """The person is not invited any more, at their own wish."""

    meeting: int


@dataclass(frozen=True)
class SendCalendar(Command):
    """Gives the person a meeting as a calendar file."""

    meeting: int


@dataclass(frozen=True)
class RenewFeed(Command):
    """Gives the person a new private address of their dates; an earlier one ends."""

    end: bool = False
    """Only the end of the earlier one."""


@dataclass(frozen=True)
class ShowWhoComes(Command):
    """Shows a moderator who comes to a date."""

    date: int


@dataclass(frozen=True)
class MoveDate(Command):
    """Moves a date to another local start."""

    date: int
    local: datetime
    why: str = field(default="", repr=False)


@dataclass(frozen=True)
class CancelDate(Command):
    """Cancels a date."""

    date: int
    why: str = field(default="", repr=False)


@dataclass(frozen=True)
class PlaceTopic(Command):
    """Somebody would like to talk about something at a date (R-62)."""

    date: int
    text: str = field(repr=False)


@dataclass(frozen=True)
class DecideTopic(Command):
    """What a moderator does with a topic; who placed it is told."""

    topic: int
    state: TopicState
    reason: str = field(default="", repr=False)
    first: bool = False
    """To the top of the agenda."""


@dataclass(frozen=True)
class CarryOver(Command):
    """Takes unfinished topics over to the next date."""

    date: int


@dataclass(frozen=True)
class RecordPulse(Command):
    """The mood in the area as one member sees it (R-66)."""

    date: int
    mood: Pulse
    remark: str = field(default="", repr=False)


@dataclass(frozen=True)
class KeepDecision(Command):
    """One decision for the minutes (R-67)."""

    date: int
    topic: int | None
    decision: str = field(repr=False)
    owner: str = field(default="", repr=False)
    """The function of whoever does it, never a name."""
    until: Day | None = None


@dataclass(frozen=True)
class ReleaseMinutes(Command):
    """Sends the minutes of a date, or does not yet."""

    date: int
    how: NamesInMinutes


@dataclass(frozen=True)
class FinishMeasure(Command):
    """A measure is done."""

    measure: int


@dataclass(frozen=True)
class ShowOverview(Command):
    """Shows which municipalities have a round table (R-61)."""


@dataclass(frozen=True)
class ForgetMe(Command):
    """Cuts every link between a person's chat and what they told (D-21)."""
