"""Names of staff at the desk, the same for every messenger."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.channels.staff import NAMELESS
from bot.engine.inputs import one_line
from bot.i18n import _, render
from storage import staff


def name_of(session: Session, contact_point: str, messenger: str, user: str, language: str) -> str:
    """How a member of staff is called; a new one is numbered, in the desk's language."""

    def new_name(number: int) -> str:
        return render(_("Colleague {n}", n=number), language)

    return staff.name_of(session, contact_point, messenger, user, new_name)


def rename(session: Session, contact_point: str, messenger: str, user: str, name: str, language: str) -> bool:
    """A member of staff wants to be called so; False where that cannot be, because somebody else is."""
    wanted = one_line(name)
    if not wanted or wanted == render(NAMELESS, language):
        return False
    return staff.rename(session, contact_point, messenger, user, wanted)
