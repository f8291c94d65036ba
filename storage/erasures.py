"""The list of what was erased, so that a restored backup does not bring it back.

It stands in the database, written in the transaction that erases, and in a file beside it for the day on which the
database is lost. Neither holds anything but kinds, keyed hashes and moments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.database import Database
from storage.files import written_anew
from storage.keys import KeyRing
from storage.models import Erasure


class Kind(StrEnum):
    """What was erased, of a case or a profile by its number, or of a chat by its key."""

    WITHDRAWN = "WITHDRAWN"
    """A case that nobody had read: gone without a trace."""
    EXPIRED = "EXPIRED"
    """A case whose time was over: gone but for its statistics."""
    WORDS = "WORDS"
    """The words and answers of a report that somebody had read; the case is closed."""
    CONTACT = "CONTACT"
    """The way back from a case to the person."""
    TRANSCRIPT = "TRANSCRIPT"
    """What was said between person and desk in a case."""
    TAKEN_BACK = "TAKEN_BACK"
    """A request to the pool that nobody needs any more."""
    FORGOTTEN = "FORGOTTEN"
    """What a chat is remembered by: language, draft."""
    ROLES = "ROLES"
    """Roles of a chat; also when some were left, for who comes back from a backup with too many has none."""
    CHAT = "CHAT"
    """A chat that nobody used any more."""
    LEFT = "LEFT"
    """A profile's place in the pool; also when it was taken back in later, for the desk can do that again."""
    PROFILE = "PROFILE"
    """A profile of the pool, after its time."""


OF_PROFILES: Final = frozenset({Kind.LEFT, Kind.PROFILE})
"""Kinds whose subject is a profile of the pool, by its number."""

OF_CASES: Final = frozenset({Kind.WITHDRAWN, Kind.EXPIRED, Kind.WORDS, Kind.CONTACT, Kind.TRANSCRIPT, Kind.TAKEN_BACK})
"""Kinds whose subject is a case; what is left is of chats."""


@dataclass(frozen=True, order=True)
class Erased:
    """One entry of the list."""

    at: datetime
    contact_point: str
    kind: Kind
    subject: str


def subject_of(ring: KeyRing, contact_point: str, *identity: str) -> str:
    """What stands in the list for a case or a profile, by its number, or for a chat, by account and key of the chat."""
    return ring.lookup("erasure", contact_point, *identity)


def erased(session: Session, ring: KeyRing, contact_point: str, kind: Kind, *identity: str, at: datetime) -> None:
    """Enters an erasure, in the transaction that erases."""
    subject = subject_of(ring, contact_point, *identity)
    session.add(Erasure(contact_point=contact_point, kind=kind, subject=subject, at=at))


def entries(session: Session) -> frozenset[Erased]:
    """The list of all contact points, as the database has it."""
    rows = session.scalars(select(Erasure).execution_options(all_contact_points=True))
    return frozenset(Erased(row.at, row.contact_point, Kind(row.kind), row.subject) for row in rows)


def enter(session: Session, missing: Iterable[Erased]) -> None:
    """Enters what another copy of the list has."""
    for each in sorted(missing):
        session.add(Erasure(contact_point=each.contact_point, kind=each.kind, subject=each.subject, at=each.at))


class ListUnreadable(Exception):
    """The file with the list cannot be read; the message is one line."""


class ErasureFile:
    """The list in a file: what the database lists, and what an earlier database listed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._newest = 0

    def read(self) -> frozenset[Erased] | None:
        """None where there is no file; raises ListUnreadable."""
        try:
            content = self.path.read_text("ascii")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as wrong:
            raise ListUnreadable(f"The list of erasures {self.path} cannot be read: {wrong}.") from None
        return frozenset(self._parsed(content))

    def _parsed(self, content: str) -> Iterable[Erased]:
        for number, line in enumerate(content.splitlines(), start=1):
            if line.startswith("#"):
                continue
            match = _LINE.fullmatch(line)
            try:
                yield Erased(datetime.fromisoformat(match["at"]), match["point"], Kind(match["kind"]), match["subject"])  # type: ignore[index]
            except (TypeError, ValueError):
                raise ListUnreadable(f"The list of erasures {self.path} is damaged in line {number}.") from None

    def keep_up(self, database: Database) -> bool:
        """Writes down what has been erased since the last call; cheap when nothing has. True when it wrote."""
        with database.transaction(everywhere=True) as session:
            newest = session.scalar(select(func.max(Erasure.id))) or 0
        if newest == self._newest:
            return False
        self.write(database)
        self._newest = newest
        return True

    def write(self, database: Database, since: datetime | None = None) -> None:
        """Writes the whole list anew, without what is older than `since`; raises ListUnreadable or OSError.

        What the file has is kept: the database may be a new one that knows of nothing yet.
        """
        with database.transaction(everywhere=True) as session:
            known = entries(session)
        present = self.read()
        wanted = frozenset(each for each in known | (present or frozenset()) if since is None or each.at >= since)
        if wanted != present:
            self.replace(wanted)

    def replace(self, entries: frozenset[Erased]) -> None:
        """Writes exactly this list, whatever the file has."""
        written_anew(self.path, _HEAD + "".join(map(_line, sorted(entries))))


_HEAD: Final = "# What was erased, as keyed hashes: it must not come back with a backup. Keep this file.\n"
_LINE: Final = re.compile(r"(?P<at>\S+) (?P<point>\S+) (?P<kind>[A-Z]+) (?P<subject>[0-9a-f]{64})")


def _line(each: Erased) -> str:
    return f"{each.at.isoformat()} {each.contact_point} {each.kind} {each.subject}\n"
