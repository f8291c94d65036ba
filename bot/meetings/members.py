"""Who is invited to a meeting: by role and place, by name, or because they have signed up (R-60)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import Table, select, update

from bot.i18n import _
from bot.meetings.meeting import Why
from bot.meetings.rows import title_of
from bot.roles import ROLE
from bot.work import Work
from storage import meetings, outbox
from storage.accounts import RoleGrant, UserAccount
from storage.insert import insert_or_leave
from storage.meetings import Attendance, Meeting, MeetingDate, MeetingMember
from storage.models import Conversation

_MEMBERS: Final = cast("Table", MeetingMember.__table__)

BY_THEMSELVES: Final = frozenset({Why.NAMED, Why.SIGNED_UP, Why.IN_PLACE})
"""Members whom no role makes one."""


def by_role(work: Work, meeting: Meeting) -> dict[int, str]:
    """Whom a role makes a member, and the moderators, by their chats."""
    found: dict[int, str] = {}
    roles = meeting.roles.split()
    if roles:
        rows = work.session.execute(
            select(UserAccount.conversation_id, RoleGrant.municipalities)
            .join(RoleGrant, RoleGrant.account_id == UserAccount.id)
            .where(RoleGrant.role.in_(roles))
        )
        for chat, places in rows:
            if not places or not meeting.municipality or meeting.municipality in places.split():
                found[chat] = Why.ROLE
    leading = [each for each in (meeting.moderator_id, meeting.deputy_id) if each is not None]
    if leading:
        moderators = select(UserAccount.conversation_id).where(UserAccount.id.in_(leading))
        found |= dict.fromkeys(work.session.scalars(moderators), str(Why.MODERATOR))
    return found


class Found(NamedTuple):
    """What came of looking for members."""

    behind: bool
    """Whether somebody is to be told something."""
    whole: bool
    """False: some chats were being worked on, and are left for the next time."""


def bring_up_to_date(work: Work, meeting: Meeting) -> Found:
    """Enters who has become a member, and ends who is none any more; waits for nobody."""
    expected = by_role(work, meeting)
    rows = {
        row.conversation_id: row
        for row in work.session.execute(
            select(
                MeetingMember.id,
                MeetingMember.conversation_id,
                MeetingMember.why,
                MeetingMember.left_at,
                MeetingMember.excluded,
                MeetingMember.told_sequence,
            ).where(MeetingMember.meeting_id == meeting.id)
        )
    }
    missing = [chat for chat in expected if chat not in rows]
    free = set(
        work.session.scalars(
            select(Conversation.id)
            .where(Conversation.id.in_(missing))
            .with_for_update(read=True, key_share=True, skip_locked=True)
        )
    )
    new = [_row(work, meeting, chat, expected[chat]) for chat in missing if chat in free]
    if new:
        insert_or_leave(work.session, _MEMBERS, new)
    back = [
        row.id
        for chat, row in rows.items()
        if chat in expected and not row.excluded and (row.left_at is not None or row.why == Why.IN_PLACE)
    ]
    gone = [
        row.id
        for chat, row in rows.items()
        if chat not in expected and row.left_at is None and row.why not in BY_THEMSELVES
    ]
    _set(work, back, left_at=None, told_sequence=None, why=str(Why.ROLE), only_date_id=None)
    _set(work, gone, left_at=work.now)
    for chat in (row.conversation_id for row in rows.values() if row.id in set(gone)):
        take_back(work, meeting, chat)
    behind = any(
        row.left_at is None and not row.excluded and (row.told_sequence is None or row.told_sequence < meeting.sequence)
        for row in rows.values()
    )
    return Found(bool(new or back or behind), len(new) == len(missing))


def _row(work: Work, meeting: Meeting, chat: int, why: str) -> dict[str, Any]:
    return {
        "contact_point": work.contact_point.id,
        "meeting_id": meeting.id,
        "conversation_id": chat,
        "why": str(why),
        "excluded": False,
    }


def _set(work: Work, ids: Collection[int], **values: Any) -> None:
    if ids:
        work.session.execute(
            update(MeetingMember)
            .where(MeetingMember.id.in_(ids))
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def add(work: Work, meeting: Meeting, chat: int, why: Why, only_date: MeetingDate | None = None) -> MeetingMember:
    """Makes a chat a member, or again one; who is invited for one date only is invited to all from now on."""
    member = member_of(work, meeting.id, chat)
    if member is None:
        member = MeetingMember(
            meeting_id=meeting.id,
            conversation_id=chat,
            why=why,
            excluded=False,
            only_date_id=only_date.id if only_date is not None else None,
        )
        work.session.add(member)
    elif member.left_at is not None or member.excluded or (member.only_date_id is not None and only_date is None):
        member.why, member.left_at, member.excluded, member.told_sequence = why, None, False, None
        member.only_date_id = only_date.id if only_date is not None else None
    work.session.flush()
    return member


def leave(work: Work, meeting: Meeting, member: MeetingMember, *, excluded: bool) -> None:
    """Ends a membership: what waits is taken back, and there are no more reminders."""
    member.left_at, member.excluded = work.now, excluded
    take_back(work, meeting, member.conversation_id)
    chat = work.session.get(Conversation, member.conversation_id)
    if chat is not None and excluded and member.invited_at is not None:
        work.tell(chat, _("You are not invited to “{title}” any more.", title=title_of(work.contact_point, meeting)))


def take_back(work: Work, meeting: Meeting, chat: int) -> None:
    """Takes back what waits for a chat about a meeting, and its reminders."""
    outbox.take_back(work.session, f"meeting:{meeting.id}", work.now, chat)
    dates = list(work.session.scalars(select(MeetingDate.id).where(MeetingDate.meeting_id == meeting.id)))
    for each in dates:
        outbox.take_back(work.session, f"date:{each}", work.now, chat)
    work.session.execute(
        update(Attendance)
        .where(Attendance.conversation_id == chat, Attendance.date_id.in_(dates))
        .values(remind_at=None, snoozed=False)
        .execution_options(synchronize_session=False)
    )


def forget(work: Work, chat: int) -> None:
    """Deletes what is kept of a chat: invitations, answers, its calendar; topics stay without whose they were."""
    for about in outbox.waiting_about(work.session, chat):
        outbox.take_back(work.session, about, work.now, chat)
    meetings.forget_chat(work.session, chat)
    work.session.flush()


def member_of(work: Work, meeting_id: int, chat: int) -> MeetingMember | None:
    """What a chat is to a meeting, whether it still is or was."""
    return work.session.scalars(
        select(MeetingMember).where(MeetingMember.meeting_id == meeting_id, MeetingMember.conversation_id == chat)
    ).one_or_none()


def is_member(member: MeetingMember | None, date: MeetingDate | None = None) -> bool:
    """Whether somebody is invited, to this date where one is named."""
    if member is None or member.left_at is not None or member.excluded:
        return False
    return member.only_date_id is None or date is None or member.only_date_id == date.id


def roles_behind(meeting: Meeting, held: Collection[str]) -> list[Any]:
    """The roles by which somebody is a member, in words."""
    wanted = set(meeting.roles.split()) & set(held)
    return [label for role, label in ROLE.items() if role in wanted]


def moderates(work: Work, meeting: Meeting, chat: Conversation) -> bool:
    """Whether somebody leads the meeting."""
    account = work.session.scalars(select(UserAccount).where(UserAccount.conversation_id == chat.id)).one_or_none()
    return account is not None and account.id in (meeting.moderator_id, meeting.deputy_id)
