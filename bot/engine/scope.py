"""What a flow may look at: a frozen picture of the contact point, the person and the moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from bot.contact_point import ContactPoint
from bot.i18n import ZONE, Text, _
from bot.meetings.meeting import Answer, TopicState
from bot.people import Person
from bot.pool.profile import Profile
from bot.pool.request import PoolRequest
from bot.taxonomy import RUNNING, OfferState, ReportState, RequestState, Role, Urgency
from bot.working_time import Promise, deadline, promised


@dataclass(frozen=True)
class OwnReport:
    """A report as its reporter may see it: number, place, state in neutral words, never other people."""

    ref: str
    municipality: str
    state: ReportState
    submitted_at: datetime
    deadline: datetime | None
    contact: str
    story: str = field(repr=False, default="")
    opened: bool = False


class Side(StrEnum):
    """Who of the two somebody is in an assignment."""

    REQUESTER = "REQUESTER"
    EXPERT = "EXPERT"


@dataclass(frozen=True)
class OwnAssignment:
    """An offer or an assignment of the pool, as its expert or its requester may see it."""

    ref: str
    side: Side
    state: RequestState
    offer: OfferState
    what: Text
    """In a few words, without the case."""
    due_at: datetime | None = None
    parties: Text | None = field(repr=False, default=None)
    """Who has a part in it: what an expert is asked about before accepting."""
    other: str = field(repr=False, default="")
    """The name of the other one, once accepted."""
    asked_at: datetime | None = None
    """When the expert was asked."""
    hours: int | None = None
    """As the expert told them at the end."""

    @property
    def running(self) -> bool:
        """Whether the two are in touch."""
        return self.offer is OfferState.ACCEPTED and self.state in RUNNING


@dataclass(frozen=True)
class OwnRequest:
    """A request to the pool as whoever made it may see it: never whom the desk asks."""

    ref: str
    request: PoolRequest
    state: RequestState
    requested_at: datetime
    due_at: datetime | None = None
    """The next date: by when the desk suggests somebody, or those who were asked answer."""


@dataclass(frozen=True)
class OwnProfile:
    """A profile of the pool as the expert may see it: all of it (D-21)."""

    profile: Profile
    left_at: datetime | None = None
    """Since when the expert is not in the pool any more."""


@dataclass(frozen=True)
class OwnTopic:
    """A topic as whoever sees the agenda may see it: never who placed it."""

    id: int
    text: str = field(repr=False)
    state: TopicState
    own: bool = False
    reason: str = field(repr=False, default="")


@dataclass(frozen=True)
class OwnDate:
    """A coming date of a meeting, as somebody who is invited, or may come, sees it."""

    id: int
    meeting: int
    number: str
    """As people write it, like `T12`."""
    title: Text = field(repr=False)
    starts_at: datetime
    where: Text | None = field(repr=False, default=None)
    answer: Answer = Answer.NONE
    invited: bool = True
    """False: it is public, and the person has not signed up."""
    leads: bool = False
    """Whether the person moderates it, or plans meetings."""
    coming: Text | None = None
    """How many come."""
    topics_until: datetime | None = None
    """None: it is too late to place one."""
    steps: tuple[int, ...] | None = None
    """The person's own; None: those of the meeting."""
    usual_steps: tuple[int, ...] = ()
    stopped: bool = False
    recurs: bool = True


def _nobody() -> None:
    return None


def _no_minutes(date: int) -> tuple[Text, bool]:
    return _("Nothing is written down yet."), False


def _no_topics(date: int) -> tuple[OwnTopic, ...]:
    return ()


@dataclass(frozen=True)
class Scope:
    """Everything a question may depend on besides the answers so far."""

    contact_point: ContactPoint
    now: datetime
    language: str
    fresh_ref: Callable[[], str]
    """Draws a reference number nobody has yet (D-06)."""
    own_reports: Callable[[], tuple[OwnReport, ...]] = tuple
    own_requests: Callable[[], tuple[OwnRequest, ...]] = tuple
    account: Callable[[], Person | None] = _nobody
    """The person with their roles; None for everybody who has none (D-05)."""
    pool_profile: Callable[[], OwnProfile | None] = _nobody
    """The profile of the pool that is linked to the chat."""
    people: Callable[[], tuple[Person, ...]] = tuple
    """All who have roles at the contact point."""
    assignments: Callable[[], tuple[OwnAssignment, ...]] = tuple
    """Offers that wait for the person's answer, and assignments they have a part in."""
    dates: Callable[[], tuple[OwnDate, ...]] = tuple
    """Coming dates that the person is invited to, leads or may come to, the next first."""
    minutes: Callable[[int], tuple[Text, bool]] = _no_minutes
    """The minutes of a date as they would be sent, and whether names may be in them."""
    has_dates: Callable[[], bool] = bool
    """Whether there are any."""
    topics: Callable[[int], tuple[OwnTopic, ...]] = _no_topics
    """The topics of a date that the person may see."""
    privacy_read: bool = False
    wanted_language: str = ""
    """The language the person chose, when it has no complete catalogue (F-04)."""
    hinted_language: str = ""
    hinted_municipality: str = ""
    """From the link the person came by; never a person (J-1)."""
    reports_today: int = 0
    ahead_in_queue: int = 0
    transport: str = ""
    """The channel, for the honest sentence on who can read along (D-5.5)."""
    has_draft: bool = False
    human_holds: bool = False

    @property
    def roles(self) -> frozenset[Role]:
        """What the person is for the contact point."""
        person = self.account()
        return frozenset(person.roles) if person is not None else frozenset()

    @property
    def today(self) -> date:
        """The day at the contact point."""
        return self.now.astimezone(ZONE).date()

    def deadline(self, urgency: Urgency) -> datetime:
        """By when a human answers, in working time (2.N)."""
        return deadline(self.contact_point, urgency, self.now)

    def promised(self, request: PoolRequest, urgency: Urgency) -> Promise:
        """By when the desk suggests somebody of the pool, or at least answers."""
        return promised(self.contact_point, urgency, self.now, request.needed_at)
