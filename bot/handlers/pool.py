"""What experts change of their own profile becomes rows (J-3 steps 1 and 8)."""

from __future__ import annotations

from dataclasses import replace

from bot.commands import ChangeAvailability, LeavePool
from bot.conversation import MENU
from bot.desk.pool import deleted_on, has_left
from bot.i18n import _
from bot.messages import Style
from bot.pool import assignment, profiles
from bot.work import Work
from storage.models import Conversation
from storage.pool import PoolProfile


def _own(work: Work, conversation: Conversation) -> PoolProfile | None:
    """The profile of the chat, while it is in the pool, kept from others until the commit."""
    row = profiles.profile_row_of(work, conversation)
    if row is not None:
        work.session.refresh(row, with_for_update=True)
    return row if row is not None and row.left_at is None else None


def change_availability(command: ChangeAvailability, work: Work, conversation: Conversation) -> None:
    """Keeps it, and tells the desk whose profile it is, not what; days that are past are forgotten."""
    row = _own(work, conversation)
    if row is None:
        return
    profile = profiles.profile_in(row)
    away = {each for each in profile.away if each.last >= work.today} - {command.not_away}
    if command.away is not None:
        away.add(command.away)
    changed = replace(
        profile,
        most_cases=command.most_cases if command.most_cases is not None else profile.most_cases,
        weekdays=command.weekdays if command.weekdays is not None else profile.weekdays,
        municipalities=command.municipalities if command.municipalities is not None else profile.municipalities,
        online=command.online if command.online is not None else profile.online,
        away=tuple(each for each in away if each is not None),
    )
    profiles.save(row, changed)
    told = _(
        "{number} has changed when, where or how much they work. To see it: {command}",
        number=row.number,
        command=f"/profile {row.number}",
    )
    work.post(None, told, style=Style.STATUS)


def leave_pool(command: LeavePool, work: Work, conversation: Conversation) -> None:
    """At the expert's own wish: no more offers from now on."""
    row = _own(work, conversation)
    if row is None:
        return
    assignment.gone(work, row, finishes=True)
    profiles.leave(work, row)
    work.post(None, has_left(work, row), style=Style.STATUS)
    left = _(
        "Done. You have left the pool and get no more offers. The contact point is told. Your profile is deleted by "
        "{until}. Thank you for your work.",
        until=deleted_on(work.contact_point, work.now),
    )
    work.tell(conversation, left, (MENU,))
