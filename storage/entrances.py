"""Where people reach a contact point from outside: the addresses before the code of an invitation."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.models import Setting

_NAME: Final = "entrance:"


def note_entrance(session: Session, contact_point: str, messenger: str, address: str) -> None:
    """Remembers the address of a messenger that a code can stand behind."""
    session.merge(Setting(name=f"{_NAME}{contact_point}:{messenger}", value=address))


def entrances(session: Session, contact_point: str) -> dict[str, str]:
    """The addresses by messenger."""
    begin = f"{_NAME}{contact_point}:"
    found = session.scalars(select(Setting).where(Setting.name.startswith(begin, autoescape=True)))
    return {each.name.removeprefix(begin): each.value for each in found}
