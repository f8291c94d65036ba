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
        _THREAD.c.ref.between(bindparam("first"), bindparam("last")),
    )
    .limit(1)
)


def span_of(begins: str) -> tuple[str, str]:
    """The first and the last number that begins so.

    What lies between is found by the index, whatever the order of letters of the database; by LIKE it is not.
    """
    return begins + "2222-2222"[len(begins) :], begins + "ZZZZ-ZZZZ"[len(begins) :]


def numbered(session: Session, contact_point: str, begins: str) -> bool:
    """Whether a thread of the contact point has a number that begins so (four letters)."""
    first, last = span_of(begins)
    wanted = {"its_contact_point": contact_point, "first": first, "last": last}
    return session.connection().execute(_NUMBERED, wanted).first() is not None
