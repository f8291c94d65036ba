"""How members of staff are called at the desk; not by what their messenger says of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from itertools import count

from sqlalchemy import UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.models import Base, Thread
from storage.scope import Scoped
from storage.types import NUMBER, EncryptedText, ring_of


class DeskStaff(Base, Scoped):
    """The name of one account of a messenger at the desk of a contact point."""

    __tablename__ = "desk_staff"
    __table_args__ = (UniqueConstraint("contact_point", "user_key"),)

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    messenger: Mapped[str]
    user_key: Mapped[str]
    """Keyed hash of the account."""
    name: Mapped[str] = mapped_column(EncryptedText("desk_staff.name"))


def name_of(session: Session, contact_point: str, messenger: str, user: str, new_name: Callable[[int], str]) -> str:
    """How a member of staff is called; `new_name` makes a name for the n-th of them."""
    key = _key(session, messenger, user)
    row = _row(session, key)
    if row is None:
        taken = _names(session.scalars(select(DeskStaff)))
        name = next(each for n in count(len(taken) + 1) if _alike(each := new_name(n)) not in taken)
        row = DeskStaff(contact_point=contact_point, messenger=messenger, user_key=key, name=name)
        session.add(row)
    return row.name


def rename(session: Session, contact_point: str, messenger: str, user: str, name: str) -> bool:
    """A member of staff wants to be called so, and keeps what they hold; False where somebody else is called so.

    By their names the desk tells them apart: what one of two of the same name wrote as a note would go out, if the
    other one was talking. A desk is in one messenger: who has the name in another one has moved here with it.
    """
    key = _key(session, messenger, user)
    here = _names(session.scalars(select(DeskStaff).where(DeskStaff.messenger == messenger)))
    if here.get(_alike(name), key) != key:
        return False
    row = _row(session, key)
    if row is None:
        session.add(DeskStaff(contact_point=contact_point, messenger=messenger, user_key=key, name=name))
        return True
    held = select(Thread).where(Thread.closed_at.is_(None), Thread.taken_by.is_not(None))
    for thread in session.scalars(held):
        if thread.taken_by == row.name:
            thread.taken_by = name
    row.name = name
    return True


def _key(session: Session, messenger: str, user: str) -> str:
    return ring_of(session.get_bind().dialect).lookup(f"{messenger}.user", user)


def _row(session: Session, key: str) -> DeskStaff | None:
    return session.scalars(select(DeskStaff).where(DeskStaff.user_key == key)).one_or_none()


def _names(staff: Iterable[DeskStaff]) -> dict[str, str]:
    """Whose name each is."""
    return {_alike(each.name): each.user_key for each in staff}


def _alike(name: str) -> str:
    """As a reader sees it: marks that nobody sees make no other name."""
    shown = unicodedata.normalize("NFKC", name).casefold()
    return "".join(each for each in shown if unicodedata.category(each) != "Cf")
