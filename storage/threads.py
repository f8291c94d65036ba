"""Looking for threads past the session, whose changes need not be written for it."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from storage.models import Thread

_THREAD: Final[Any] = Thread.__table__
_NUMBERED: Final = (
    select(_THREAD.c.id)
    .where(
        _THREAD.c.contact_point == bindparam("its_contact_point"),
        # Between, and no LIKE: the index serves it whatever the order of letters of the database.
        _THREAD.c.ref.between(bindparam("first"), bindparam("last")),
    )
    .limit(1)
)


def numbered(session: Session, contact_point: str, begins: str) -> bool:
    """Whether a thread of the contact point has a number that begins so (four letters)."""
    wanted = {"its_contact_point": contact_point, "first": f"{begins}-2222", "last": f"{begins}-ZZZZ"}
    return session.connection().execute(_NUMBERED, wanted).first() is not None
