"""Who works with the contact point: their roles and places, and who is responsible on a day (R-22 to R-25)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from bot.taxonomy import RESPONSIBLE, Role


@dataclass(frozen=True)
class Absence:
    """From the first to the last day; never why (F-08)."""

    first: date
    last: date
    deputy: int | None = None
    """The person who stands in; None: the contact point."""

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last

    def overlaps(self, first: date, last: date) -> bool:
        return self.first <= last and first <= self.last


@dataclass(frozen=True)
class Person:
    """Somebody with roles, known by a chat and never by a name (F-14)."""

    id: int
    roles: Mapping[Role, frozenset[str]]
    """Each with its municipalities; none named: the whole area."""
    name: str = field(default="", repr=False)
    """As they want to be called; empty until they have said it."""
    organisation: str = ""
    """The short name of the employer in the contact point's file."""
    away: Absence | None = None

    def covers(self, role: Role, municipality: str) -> bool:
        """Whether they have the role there."""
        places = self.roles.get(role)
        return places is not None and (not places or municipality in places)

    def is_away(self, day: date) -> bool:
        return self.away is not None and self.away.covers(day)

    def shares_work_with(self, other: Person) -> bool:
        """Whether both are responsible for the same in some place."""
        for role in RESPONSIBLE & self.roles.keys() & other.roles.keys():
            mine, theirs = self.roles[role], other.roles[role]
            if not mine or not theirs or mine & theirs:
                return True
        return False


def responsible(people: Iterable[Person], municipality: str, role: Role, today: date) -> Person | None:
    """Who acts in a role for a municipality today; None: the contact point.

    Who names the municipality comes before who has the whole area, and among these the one who has been there longest.
    Somebody away is stood in for by the deputy (R-23), or else by the next who has the role there.
    """
    known = {each.id: each for each in people}
    named = [each for each in known.values() if each.covers(role, municipality)]
    for each in sorted(named, key=lambda person: (not person.roles[role], person.id)):
        acting = acting_for(each, known, municipality, role, today)
        if acting is not None:
            return acting
    return None


def acting_for(
    person: Person, people: Mapping[int, Person], municipality: str, role: Role, today: date
) -> Person | None:
    """Who does the person's work today: they themselves, or the deputy; None: the contact point (R-23, F-08).

    A deputy counts only who is there and has the role in that municipality.
    """
    if person.away is None or not person.away.covers(today):
        return person
    deputy = people.get(person.away.deputy) if person.away.deputy is not None else None
    if deputy is None or deputy.is_away(today) or not deputy.covers(role, municipality):
        return None
    return deputy


def possible_deputies(person: Person, people: Iterable[Person], first: date, last: date) -> tuple[Person, ...]:
    """Who may stand in for somebody in these days: with work in common, a name, and there all the time."""
    return tuple(
        each
        for each in people
        if each.id != person.id
        and each.name
        and each.shares_work_with(person)
        and not (each.away is not None and each.away.overlaps(first, last))
    )
