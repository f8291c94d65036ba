"""The pool and its file: everybody out, or a whole file in, or nothing (R-51)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot.contact_point import ContactPoint
from bot.pool import profiles
from bot.pool.table import Fault, Vocabulary, cells_of, read_table, write_table
from bot.pool.words import professions_of


@dataclass(frozen=True)
class Taken:
    """What a file has changed, in numbers."""

    new: int
    changed: int
    unchanged: int
    missing: int
    """Profiles that are not in the file; they stay as they are."""


class Faulty(Exception):
    """A file that is not taken over; raised within the transaction, so that nothing of it stays."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__()
        self.faults = faults


def export(session: Session, point: ContactPoint) -> bytes:
    """The file with everybody who is in the pool, in the language of the desk."""
    everybody = map(profiles.profile_in, profiles.in_pool(session))
    return write_table(everybody, point.municipalities, point.languages.desk, professions_of(point))


def take_in(session: Session, point: ContactPoint, data: bytes) -> Taken:
    """Takes a file over; a row without a pool number is somebody new. What it changed it does not change again.

    Raises Faulty.
    """
    rows = {row.number: row for row in profiles.in_pool(session, locked=True)}
    fresh = profiles.numbers(session, point.id)
    read = read_table(data, point.municipalities, fresh, professions_of(point), rows)
    if read.faults:
        raise Faulty(read.faults)
    known, language = Vocabulary.at(point), point.languages.desk
    new = changed = 0
    for profile in read.profiles:
        row = rows.get(profile.id)
        if row is None:
            profiles.add(session, profile)
            new += 1
        # What a file has no words for, like a profession of earlier, is no change.
        elif cells_of(profiles.profile_in(row), known, language) != cells_of(profile, known, language):
            profiles.save(row, profile)
            changed += 1
    found = len(read.profiles) - new
    return Taken(new, changed, found - changed, len(rows) - found)
