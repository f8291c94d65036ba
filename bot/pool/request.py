"""What somebody asks the pool for, as it is stored: the answers of the requester and what the desk has let go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from bot.contact_point import ContactPoint
from bot.i18n import ZONE
from bot.pool.matching import Condition, ExpertRequest, Format
from bot.pool.profile import Level, Weekday
from bot.taxonomy import Theme


class RequestKind(StrEnum):
    """What is asked for; each has its own questions and rules."""

    EXPERT = "EXPERT"
    LANGUAGE_MEDIATOR = "LANGUAGE_MEDIATOR"


class CostApproval(StrEnum):
    """Who pays, as far as the requester knows (J-2 step 5)."""

    YES = "YES"
    NO = "NO"
    CONTACT_POINT = "CONTACT_POINT"


class SchoolConsent(StrEnum):
    """Whether the school takes part where an education mediator is to come (R-120)."""

    YES = "YES"
    NOT_YET = "NOT_YET"
    UNKNOWN = "UNKNOWN"


class AssignmentKind(StrEnum):
    """How language mediators help (R-111)."""

    OUTREACH = "OUTREACH"
    MEETING = "MEETING"
    PHONE = "PHONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRequest:
    """A request for somebody of the pool, without the person who asks."""

    kind: RequestKind
    professions: frozenset[str]
    """None: please advise me."""
    languages: frozenset[str] = frozenset()
    """Codes of `bot.pool.languages`."""
    level: Level = Level.B2
    format: Format = Format.EITHER
    municipality: str = ""
    """The slug; empty: another place, or not known."""
    first_day: date
    last_day: date
    weekdays: frozenset[Weekday] = frozenset()
    themes: frozenset[Theme] = frozenset()
    cost: CostApproval | None = None
    assignment: AssignmentKind | None = None
    school: SchoolConsent | None = None
    starts_at: datetime | None = None
    """The appointment, where there is one; then both days are its day."""
    aim: str = field(default="", repr=False)
    outline: str = field(default="", repr=False)
    """What it is about, without names (D-10); never goes into an offer."""
    parties: str = field(default="", repr=False)
    """Who has a part in it, by role: "tenants, housing company"; what neutrality is asked about (F-10)."""
    organisations: tuple[str, ...] = field(default=(), repr=False)
    """The names of the organisations that have a part in it."""
    on_behalf_of: str = field(default="", repr=False)
    """For whom staff of the contact point ask: name and organisation; the expert learns it after accepting (R-50)."""
    widened: frozenset[Condition] = frozenset()
    """What the desk has let go (F-03)."""

    @property
    def needed_at(self) -> datetime:
        """The moment after which a suggestion comes too late for sure."""
        return self.starts_at or datetime.combine(self.last_day, time(), ZONE)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "professions": sorted(self.professions),
            "languages": sorted(self.languages),
            "level": self.level,
            "format": self.format,
            "municipality": self.municipality,
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "weekdays": sorted(self.weekdays),
            "themes": sorted(self.themes),
            "cost": self.cost,
            "assignment": self.assignment,
            "school": self.school,
            "starts_at": self.starts_at.isoformat() if self.starts_at else None,
            "aim": self.aim,
            "outline": self.outline,
            "parties": self.parties,
            "organisations": list(self.organisations),
            "on_behalf_of": self.on_behalf_of,
            "widened": sorted(self.widened),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PoolRequest:
        """Raises KeyError or ValueError for what is none."""
        return cls(
            kind=RequestKind(data["kind"]),
            professions=frozenset(data["professions"]),
            languages=frozenset(data["languages"]),
            level=Level(data["level"]),
            format=Format(data["format"]),
            municipality=data["municipality"],
            first_day=date.fromisoformat(data["first_day"]),
            last_day=date.fromisoformat(data["last_day"]),
            weekdays=frozenset(map(Weekday, data["weekdays"])),
            themes=frozenset(map(Theme, data["themes"])),
            cost=CostApproval(data["cost"]) if data["cost"] else None,
            assignment=AssignmentKind(data["assignment"]) if data["assignment"] else None,
            school=SchoolConsent(data["school"]) if data.get("school") else None,
            starts_at=datetime.fromisoformat(data["starts_at"]) if data.get("starts_at") else None,
            aim=data["aim"],
            outline=data["outline"],
            parties=data["parties"],
            organisations=tuple(data["organisations"]),
            on_behalf_of=data.get("on_behalf_of", ""),
            widened=frozenset(map(Condition, data["widened"])),
        )

    def conditions(
        self, point: ContactPoint, today: date, asked: frozenset[str], declined: frozenset[str]
    ) -> ExpertRequest:
        """What of it matters for whom to ask; whoever was asked already is not asked again.

        Days that are past do not count: the search goes on for the time that is left.
        """
        return ExpertRequest(
            first_day=max(self.first_day, today),
            last_day=max(self.last_day, today),
            professions=self.professions,
            languages=self.languages,
            level=self.level,
            format=self.format,
            municipality=point.municipality(self.municipality) if self.municipality else None,
            weekdays=self.weekdays,
            themes=self.themes,
            # A profile may name an organisation by its short name.
            party_organisations=frozenset(self.organisations)
            | {each.slug for each in point.organisations if each.name in self.organisations},
            asked=asked,
            declined=declined,
            widened=self.widened,
        )


def without_words(details: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is stored of a request, without anything that somebody wrote; the choices stay."""
    return {**(details or {}), "aim": "", "outline": "", "parties": "", "organisations": [], "on_behalf_of": ""}
