"""What the pool knows of an expert (R-51, D-04): what somebody can do, where, when, and how much at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from bot.taxonomy import Theme


class Level(StrEnum):
    """How well somebody speaks a language: the levels of the CEFR, and above them the first language.

    They compare as they are written.
    """

    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"
    C1 = "C1"
    C2 = "C2"
    NATIVE = "NATIVE"


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


WEEK: Final = tuple(Weekday)
"""Monday first, as `date.weekday` counts."""

MOST_CASES: Final = 99
"""More cases at a time nobody can have."""


class Spoken(NamedTuple):
    """A language, by its code of `bot.pool.languages`, and how well it is spoken."""

    language: str
    level: Level


@dataclass(frozen=True, slots=True, order=True)
class Away:
    """Days on which somebody cannot be had, the first and the last among them."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("the last day is before the first")

    def touches(self, first: date, last: date) -> bool:
        """Whether one of the days from `first` to `last` is among them."""
        return self.first <= last and first <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An expert of the pool, as the desk has entered it; availability is the expert's own to change (J-3)."""

    id: str
    name: str = field(repr=False)
    professions: frozenset[str]
    """Keys of `bot.pool.words.PROFESSIONS` or of the contact point's own; at least one."""
    languages: tuple[Spoken, ...] = ()
    """Each at most once; kept in the order of their codes."""
    municipalities: frozenset[str] = frozenset()
    """The slugs of the places somebody comes to."""
    online: bool = False
    """Whether somebody also works by video or telephone, wherever the others are."""
    themes: frozenset[Theme] = frozenset()
    weekdays: frozenset[Weekday] = frozenset(WEEK)
    most_cases: int = 1
    """How many cases at a time are enough."""
    away: tuple[Away, ...] = ()
    """Kept in the order of time."""
    committed_on: date | None = None
    """The day of the signed commitment to secrecy; None: there is none, and so no offer (R-57)."""
    organisation: str = field(default="", repr=False)
    """The employer; empty: none. Nobody is suggested for a case in which it is a party (F-10)."""
    fee_class: str = ""
    """As the contact point calls it; empty: not agreed."""

    def __post_init__(self) -> None:
        if not self.id or not self.name or not self.professions:
            raise ValueError("an expert has an id, a name and a profession")
        if not 1 <= self.most_cases <= MOST_CASES:
            raise ValueError(f"from 1 to {MOST_CASES} cases at a time")
        if len({spoken.language for spoken in self.languages}) < len(self.languages):
            raise ValueError("a language twice")
        object.__setattr__(self, "languages", tuple(sorted(self.languages)))
        object.__setattr__(self, "away", tuple(sorted(self.away)))

    def level(self, language: str) -> Level | None:
        """How well somebody speaks it; None: not at all."""
        for spoken in self.languages:
            if spoken.language == language:
                return spoken.level
        return None
