"""Whether keys and database belong together: found at start, not when the first person writes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.database import Database
from storage.keys import KeyRing, WrongKey
from storage.models import Conversation, Setting

NAME: Final = "look_up_key"


def check_keys(database: Database) -> None:
    """Raises WrongKey; leaves a mark by which the look-up key is known again, for with another nobody is found."""
    mark = mark_of(database.ring)
    try:
        _check(database, mark)
    except IntegrityError:
        # Another process has just left its mark.
        _check(database, mark)


def _check(database: Database, mark: str) -> None:
    with database.transaction(everywhere=True) as session:
        stored = session.get(Setting, NAME)
        if stored is None:
            session.add(Setting(name=NAME, value=mark))
        elif stored.value != mark:
            raise WrongKey("The look-up key is not the one this database was begun with.")
        _read_something(session)


def mark_of(ring: KeyRing) -> str:
    """What a database keeps to know its look-up key by."""
    return ring.lookup("mark of the look-up key")


def _read_something(session: Session) -> None:
    session.scalars(select(Conversation).order_by(Conversation.id.desc()).limit(1)).all()
