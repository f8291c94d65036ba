"""A contact point as its own file describes it: who it is, when it works, whom it names for help."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

from bot.taxonomy import MediationRule, Urgency

FEASTS: Final = {"weiberfastnacht": -52, "rosenmontag": -48, "ostersonntag": 0, "pfingstsonntag": 49}
"""Closing days that move with Easter, in days from Easter Sunday."""
STALE_AFTER: Final = timedelta(days=180)
"""How long a help line counts as checked (wording, section 4.2)."""


@dataclass(frozen=True, order=True)
class Span:
    """Service hours without a break, in minutes after midnight by the clock on the wall."""

    start: int
    end: int


@dataclass(frozen=True)
class Translated:
    """A text of the contact point in one or more languages; German is always among them."""

    texts: tuple[tuple[str, str], ...]

    def in_language(self, *languages: str) -> str:
        """The text in the first of these languages that there is, else in German."""
        texts = dict(self.texts)
        return next((texts[language] for language in languages if language in texts), texts["de"])


@dataclass(frozen=True)
class Municipality:
    """A place to choose in a report: a municipality, or in a city without any a Stadtbezirk (R-11)."""

    slug: str
    name: str
    area: str = ""
    """The coarse word for pings to staff, like `Süd`; empty: pings name no place (J-4)."""


@dataclass(frozen=True)
class Organisation:
    """An employer of people who work with the contact point (R-24)."""

    slug: str
    name: str


@dataclass(frozen=True)
class ServiceTimes:
    """When somebody reads: weekly hours, Monday first, less the closing days."""

    hours: tuple[tuple[Span, ...], ...]
    closed: tuple[tuple[date, date], ...] = ()
    closed_yearly: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()
    """First and last (month, day) of closing days that return every year."""
    closed_feasts: tuple[str, ...] = ()

    def on(self, day: date) -> tuple[Span, ...]:
        """The hours of one day, public holidays aside; empty when closed."""
        hours = self.hours[day.weekday()]
        return () if not hours or self.is_closing_day(day) else hours

    def is_closing_day(self, day: date) -> bool:
        """Whether the day is on the list of the contact point, whatever the weekday."""
        return (
            any(first <= day <= last for first, last in self.closed)
            or any(first <= (day.month, day.day) <= last for first, last in self.closed_yearly)
            or any(day == easter_sunday(day.year) + timedelta(FEASTS[feast]) for feast in self.closed_feasts)
        )


@dataclass(frozen=True)
class Languages:
    """What the contact point and its staff speak."""

    default: str = "de"
    desk: str = "de"
    offered: tuple[str, ...] = ()
    """Empty: every language that the program has complete."""


@dataclass(frozen=True)
class WorkingPeriod:
    """Working minutes, or service days: always exactly one of the two."""

    minutes: int = 0
    days: int = 0


@dataclass(frozen=True)
class Deadlines:
    """How soon a person reads and answers, by urgency (F-01, 2.N)."""

    urgent: WorkingPeriod = WorkingPeriod(minutes=120)
    soon: WorkingPeriod = WorkingPeriod(days=1)
    normal: WorkingPeriod = WorkingPeriod(days=2)
    low: WorkingPeriod = WorkingPeriod(days=5)

    def of(self, urgency: Urgency) -> WorkingPeriod:
        match urgency:
            case Urgency.URGENT:
                return self.urgent
            case Urgency.SOON:
                return self.soon
            case Urgency.NORMAL:
                return self.normal
            case Urgency.LOW:
                return self.low


@dataclass(frozen=True)
class HelpLine:
    """Somebody to call, with the day the number was last checked."""

    key: str
    label: Translated
    numbers: tuple[str, ...]
    checked_on: date
    hours: Translated | None = None


@dataclass(frozen=True)
class Referral:
    """Who helps with a topic that is no conflict (R-12, W-21)."""

    topic: str
    name: Translated
    phone: str = ""
    website: str = ""


@dataclass(frozen=True)
class Privacy:
    """What only the controller can say in the privacy notice (Art. 13 GDPR)."""

    controller: Translated
    address: Translated
    data_protection_officer: Translated
    task: Translated
    agreement: Translated | None = None
    """The agreement with other employers of professionals (Art. 26 GDPR)."""


@dataclass(frozen=True)
class Retention:
    """How long something is kept (D-18), in the unit that the name ends with."""

    draft_hours: int = 24
    report_months: int = 6
    case_months: int = 12
    transcript_days: int = 90
    contact_days: int = 30
    abuse_content_days: int = 30
    abuse_block_days: int = 90
    expert_request_months: int = 24
    expert_profile_months: int = 12
    meeting_months: int = 24
    account_months: int = 12
    access_log_months: int = 12
    consent_proof_years: int = 3
    chat_days: int = 90
    fault_days: int = 14
    delivery_days: int = 30
    backup_days: int = 30
    erasure_list_days: int = 90


@dataclass(frozen=True)
class MediaRules:
    """Whether staff may invite photos and the like into a case (D-09)."""

    allowed: bool = False
    max_mb: int = 10
    kinds: tuple[str, ...] = ("photo", "document")
    keep_days: int = 30

    @property
    def max_bytes(self) -> int:
        """The largest file."""
        return self.max_mb * 1_000_000


@dataclass(frozen=True)
class Limits:
    """How much one person may send."""

    reports_per_day: int = 5
    """For one chat (F-06)."""


@dataclass(frozen=True)
class HandOffRules:
    """After how many idle minutes a human loses a chat or a case."""

    talk_minutes: int = 10
    """Plain text of staff no longer goes out."""
    take_minutes: int = 30
    """A report that was taken is free again (J-4)."""
    return_minutes: int = 120
    """The program answers again."""


@dataclass(frozen=True)
class Reminders:
    """When people are reminded."""

    draft_after_hours: int = 3
    quiet_hours: Span | None = Span(21 * 60, 8 * 60)
    """When nobody is reminded of anything; may pass midnight."""


@dataclass(frozen=True)
class DeskElsewhere:
    """A desk that people at the contact point turn to themselves; the program never writes to it (R-54, R-55)."""

    name: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class PoolRules:
    """What is promised to those who ask the pool, how long experts have, and the rules of language mediation."""

    suggestion: WorkingPeriod = WorkingPeriod(days=3)
    """Until when a suggestion is promised (J-2 step 6)."""
    suggestion_urgent: WorkingPeriod = WorkingPeriod(days=1)
    answer: WorkingPeriod = WorkingPeriod(days=2)
    """How long an expert has for an answer."""
    answer_urgent: WorkingPeriod = WorkingPeriod(minutes=240)
    batches: int = 2
    """After how many batches of offers the desk decides how it goes on."""
    language_mediator_lead: int = 3
    """How many service days before the day a language mediator should be asked for (R-110)."""
    language_mediator_rules: tuple[MediationRule, ...] = tuple(MediationRule)
    state_desk: DeskElsewhere | None = None
    """The central desk of the Land with its own pool."""
    education_desk: DeskElsewhere | None = None
    """Who is in charge of education mediators at schools (R-120)."""

    def suggestion_for(self, urgency: Urgency) -> WorkingPeriod:
        return self.suggestion_urgent if urgency is Urgency.URGENT else self.suggestion

    def answer_for(self, urgency: Urgency) -> WorkingPeriod:
        return self.answer_urgent if urgency is Urgency.URGENT else self.answer


@dataclass(frozen=True)
class SensitiveDay:
    """Days on which some people should not be asked to come (J-5 step 2): of one year, or of every year."""

    name: str
    days: tuple[date, date] | None = None
    yearly: tuple[tuple[int, int], tuple[int, int]] | None = None
    """First and last (month, day)."""
    orthodox_easter: bool = False

    def covers(self, day: date) -> bool:
        """Whether the day is one of them."""
        if self.days is not None:
            return self.days[0] <= day <= self.days[1]
        if self.yearly is not None:
            return self.yearly[0] <= (day.month, day.day) <= self.yearly[1]
        return self.orthodox_easter and day == orthodox_easter_sunday(day.year)


@dataclass(frozen=True)
class RoundTableRules:
    """How round tables and other meetings are reminded of and prepared (R-60 to R-69)."""

    reminders: tuple[int, ...] = (14, 3, 0)
    """So many days before somebody is reminded; 0 is the day itself."""
    remind_at: int = 9 * 60
    """At which time of day, in minutes after midnight."""
    topics_until_days: int = 7
    """So many days before, topics can be placed (R-62)."""
    pulse_days: int = 3
    """So many days before, members are asked about the mood in their area (R-66)."""
    sensitive_days: tuple[SensitiveDay, ...] = ()
    kinds: tuple[tuple[str, Translated], ...] = ()
    """Kinds of meetings here besides the usual ones, by their keys."""


@dataclass(frozen=True)
class TelegramRules:
    """How far Telegram may be used; without this part of the file it is not used at all (data-protection.md 5.1)."""

    approved_by: str = ""
    """Who has allowed it, and when; empty: nobody."""
    mode: str = "data_poor"
    """`data_poor`: buttons first, free text after a notice of its own (5.6). `full`: as on the web page."""
    desk_content: str = "none"
    """What a group of staff is shown: `none`, `pings` without a word of anybody, or `full`: it is the desk."""
    webhook: str = ""
    """The address under which Telegram reaches the page; empty: updates are fetched."""
    api: str = "https://api.telegram.org"
    """Where the Bot API is, as for a server of one's own."""

    @property
    def allowed(self) -> bool:
        return bool(self.approved_by)

    @property
    def data_poor(self) -> bool:
        return self.mode == "data_poor"


@dataclass(frozen=True)
class MatrixRules:
    """The bot's account on Matrix; without this part of the file there is none."""

    homeserver: str = ""
    """Where the homeserver is reached, like `https://matrix.example.org`."""
    user: str = ""
    """The bot's account, like `@anlaufstelle:example.org`."""
    people: bool = True
    """Whether people may write there; otherwise only the desk is there."""
    desk_content: str = "none"
    """What the room of staff is shown: `none`, `pings` without a word of anybody, or `full`: it is the desk."""
    cases: str = "threads"
    """Where a case is worked on: in `threads` of the desk's room, or in `rooms` of their own."""
    devices: str = "signed"
    """Who gets messages: `signed`, once everybody in a room signs devices, only such; or `all`."""

    @property
    def allowed(self) -> bool:
        return bool(self.user)


@dataclass(frozen=True)
class ContactPoint:
    """One Konfliktanlaufstelle, as its file describes it."""

    id: str
    name: str
    """A proper name like `Oberbergischer Kreis`, the same in every language."""
    phone: str
    email: str
    address: str
    municipalities: tuple[Municipality, ...]
    """In the order of a German telephone book."""
    service: ServiceTimes
    help_lines: tuple[HelpLine, ...]
    privacy: Privacy
    referrals: tuple[Referral, ...] = ()
    organisations: tuple[Organisation, ...] = ()
    """In the order of a German telephone book."""
    show_staff_names: bool = False
    languages: Languages = Languages()
    deadlines: Deadlines = Deadlines()
    retention: Retention = Retention()
    media: MediaRules = MediaRules()
    limits: Limits = Limits()
    handoff: HandOffRules = HandOffRules()
    reminders: Reminders = Reminders()
    pool: PoolRules = PoolRules()
    round_tables: RoundTableRules = RoundTableRules()
    telegram: TelegramRules = TelegramRules()
    matrix: MatrixRules = MatrixRules()
    professions: tuple[tuple[str, Translated], ...] = ()
    """What experts are asked for here besides the usual professions (R-51), by their keys."""

    def municipality(self, slug: str) -> Municipality | None:
        return next((place for place in self.municipalities if place.slug == slug), None)

    def organisation(self, slug: str) -> Organisation | None:
        return next((each for each in self.organisations if each.slug == slug), None)

    def help_line(self, key: str) -> HelpLine | None:
        return next((line for line in self.help_lines if line.key == key), None)

    def stale_help_lines(self, today: date) -> tuple[HelpLine, ...]:
        """The help lines whose numbers nobody has checked for more than 180 days."""
        return tuple(line for line in self.help_lines if today - line.checked_on > STALE_AFTER)

    def referral(self, topic: str) -> Referral | None:
        return next((referral for referral in self.referrals if referral.topic == topic), None)


@cache
def easter_sunday(year: int) -> date:
    """By the method of Meeus, Jones and Butcher, for the Gregorian calendar."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    moon = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    to_sunday = (32 + 2 * e + 2 * i - moon - k) % 7
    late = (a + 11 * moon + 22 * to_sunday) // 451
    month, day = divmod(moon + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@cache
def orthodox_easter_sunday(year: int) -> date:
    """By the method of Meeus for the Julian calendar, as a day of the Gregorian one; right from 1900 to 2099."""
    moon = (19 * (year % 19) + 15) % 30
    to_sunday = (2 * (year % 4) + 4 * (year % 7) - moon + 34) % 7
    month, day = divmod(moon + to_sunday + 114, 31)
    return date(year, month, day + 1) + timedelta(days=13)
