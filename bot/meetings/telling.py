"""Tells members what they do not know yet: that they are invited, and what was moved, cancelled or changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from sqlalchemy import or_, select

from bot.commands import Button
from bot.conversation import Memory
from bot.i18n import Text, _, lines, paragraphs, render, verbatim
from bot.meetings import calendar
from bot.meetings.meeting import Why
from bot.meetings.members import roles_behind
from bot.meetings.planning import TELL
from bot.meetings.rows import (
    BUSY,
    chats,
    dates_of,
    details_of,
    entry_of,
    is_planned,
    meeting_if_free,
    next_dates,
    number_of,
    original_moment,
    series_of,
    title_of,
)
from bot.meetings.rule import utc_of
from bot.meetings.words import kinds_of, place_of, rhythm, where, why_told
from bot.messages import Media
from bot.work import Work
from storage.accounts import RoleGrant, UserAccount
from storage.meetings import Attendance, Meeting, MeetingDate, MeetingMember
from storage.models import Conversation

STEP: Final = 250
"""How many chats are written to in one transaction; others want the database too."""

SHOWN: Final = 3
"""How many dates an invitation names; the calendar file has all."""


def tell_members(work: Work, meeting_id: int) -> None:
    """Writes to the next members who are behind; comes again until none is."""
    meeting = meeting_if_free(work, meeting_id)
    if meeting is None:
        if work.session.get(Meeting, meeting_id) is not None:
            work.remind(TELL, meeting_id, work.now + BUSY)
        return
    behind = (
        select(MeetingMember)
        .where(
            MeetingMember.meeting_id == meeting.id,
            MeetingMember.excluded.is_(False),
            or_(
                MeetingMember.told_sequence < meeting.sequence,
                MeetingMember.told_sequence.is_(None) & MeetingMember.left_at.is_(None),
            ),
        )
        .order_by(MeetingMember.id)
        .limit(STEP)
    )
    found = list(work.session.scalars(behind))
    if not found:
        return
    by_chat = {each.id: each for each in chats(work, [each.conversation_id for each in found])}
    news = News(work, meeting)
    roles = held_roles(work, list(by_chat))
    for member in found:
        chat = by_chat.get(member.conversation_id)
        if chat is not None:
            news.tell(member, chat, roles.get(chat.id, ()))
    # Chats that somebody else works on at the moment are left for a little later.
    work.remind(TELL, meeting.id, work.now if by_chat else work.now + BUSY)


def held_roles(work: Work, conversations: Sequence[int]) -> dict[int, list[str]]:
    """The roles of people, by their chats."""
    found: dict[int, list[str]] = {}
    rows = work.session.execute(
        select(UserAccount.conversation_id, RoleGrant.role)
        .join(RoleGrant, RoleGrant.account_id == UserAccount.id)
        .where(UserAccount.conversation_id.in_(conversations))
    )
    for chat, role in rows:
        found.setdefault(chat, []).append(role)
    return found


@dataclass
class News:
    """What there is to tell of a meeting, put into each language once."""

    work: Work
    meeting: Meeting

    def __post_init__(self) -> None:
        self._files: dict[tuple[str, str], Media] = {}
        self._texts: dict[tuple[object, ...], str] = {}
        self._roles = frozenset(self.meeting.roles.split())

    @cached_property
    def dates(self) -> list[MeetingDate]:
        return dates_of(self.work, self.meeting)

    @cached_property
    def upcoming(self) -> list[MeetingDate]:
        return next_dates(self.work, self.meeting, SHOWN)

    def tell(self, member: MeetingMember, chat: Conversation, held: Sequence[str]) -> None:
        """Tells one member all that is new to them, in one message."""
        before, member.told_sequence = member.told_sequence, self.meeting.sequence
        if self.meeting.ended_at is not None:
            if member.invited_at is not None and before is not None:
                self._send(chat, self._ended, self._file(chat, "end"), ("end",))
            return
        if member.left_at is not None:
            # Who was told an old date may turn up on it.
            self._tell_changes(member, chat, before)
            return
        if before is None or before < self.meeting.changed_sequence:
            is_new = member.invited_at is None
            member.invited_at = member.invited_at or self.work.now
            self._tell_all(member, chat, held, is_new=is_new, changed=before is not None)
            return
        self._tell_changes(member, chat, before)

    def _tell_all(
        self, member: MeetingMember, chat: Conversation, held: Sequence[str], *, is_new: bool, changed: bool
    ) -> None:
        only, why = member.only_date_id, Why(member.why)
        dates = [each for each in self.upcoming if only is None or each.id == only]
        key = (is_new, changed, only, why, frozenset(held) & self._roles)

        def text() -> Text:
            return paragraphs(
                _heading(self.work, self.meeting, is_new=is_new, changed=changed),
                how_it_is(self.work, self.meeting, dates),
                TOPICS if dates else None,
                lines(why_told(why, roles_behind(self.meeting, held)), HOW_TO_STOP),
            )

        self._send(chat, text, self._file(chat, "all"), key, answers(dates[0]) if dates else ())

    def _tell_changes(self, member: MeetingMember, chat: Conversation, before: int | None) -> None:
        changed = [each for each in self.dates if each.sequence > (before or 0)]
        if member.only_date_id is not None:
            changed = [each for each in changed if each.id == member.only_date_id]
        if member.left_at is not None:
            known = select(Attendance.date_id).where(Attendance.conversation_id == chat.id)
            heard = set(self.work.session.scalars(known))
            changed = [each for each in changed if each.id in heard]
        told = self._told(chat, changed)
        still = [each for each in changed if max(each.starts_at, told[each.id]) > self.work.now]
        if not still:
            return
        moved = [each for each in still if is_planned(each)]

        def text() -> Text:
            return paragraphs(
                *(self._change(each, told[each.id]) for each in still),
                _("Your answer for the old date no longer counts. Can you come on the new one?") if moved else None,
            )

        kind = "all" if moved else "cancel:" + " ".join(each.original for each in still)
        key = (before, tuple((each.id, told[each.id]) for each in still))
        self._send(chat, text, self._file(chat, kind), key, answers(moved[0]) if moved else ())

    def _told(self, chat: Conversation, changed: Sequence[MeetingDate]) -> dict[int, datetime]:
        """Which start of these dates somebody was told."""
        known = {
            row.date_id: row
            for row in self.work.session.scalars(
                select(Attendance).where(
                    Attendance.conversation_id == chat.id, Attendance.date_id.in_([each.id for each in changed])
                )
            )
        }
        found = {}
        for each in changed:
            row = known.get(each.id)
            told = row.told_start if row is not None else None
            found[each.id] = (
                utc_of(datetime.fromisoformat(told), self.meeting.zone) if told else original_moment(self.meeting, each)
            )
            if row is not None:
                row.told_start, row.reminded_at = each.local, self.work.now
            else:
                self.work.session.add(
                    Attendance(
                        date_id=each.id,
                        conversation_id=chat.id,
                        told_start=each.local,
                        reminded_at=self.work.now,
                        remind_at=self.work.now if is_planned(each) else None,
                        snoozed=False,
                        answer="NONE",
                    )
                )
        return found

    def _change(self, date: MeetingDate, told: datetime) -> Text:
        why = str((date.details or {}).get("why") or "")
        title = title_of(self.work.contact_point, self.meeting)
        if not is_planned(date):
            text = _("Cancelled: “{title}” on {when} does not take place.", title=title, when=told)
        else:
            text = lines(
                _("Moved: “{title}” on {when} does not take place then.", title=title, when=told),
                _("The new date: {when}.", when=date.starts_at),
            )
        return lines(text, _("Why: {why}", why=verbatim(why)) if why else None)

    def _ended(self) -> Text:
        return lines(
            _("“{title}” does not take place any more.", title=title_of(self.work.contact_point, self.meeting)),
            _("All its dates are cancelled. Thank you for having been there."),
        )

    def _file(self, chat: Conversation, kind: str) -> Media:
        language = self.work.language_of(chat)
        if (kind, language) not in self._files:
            entry = entry_of(self.work, self.meeting, self.dates, language)
            if kind == "end":
                data = calendar.cancelled(entry)
            elif kind.startswith("cancel:"):
                originals = [datetime.fromisoformat(each) for each in kind.removeprefix("cancel:").split()]
                data = calendar.cancelled(entry, originals)
            else:
                data = calendar.published([entry])
            self._files[kind, language] = Media("document", f"{number_of(self.meeting)}.ics", calendar.TYPE, data)
        return self._files[kind, language]

    def _send(
        self,
        chat: Conversation,
        text: Callable[[], Text],
        file: Media,
        key: tuple[object, ...],
        buttons: tuple[Button, ...] = (),
    ) -> None:
        language = self.work.language_of(chat)
        if (*key, language) not in self._texts:
            self._texts[*key, language] = render(text(), language)
            self._texts["file", language] = render(_("For your calendar:"), language)
        about = f"meeting:{self.meeting.id}"
        send(self.work, chat, self._texts[*key, language], buttons, about=about)
        self.work.tell(chat, self._texts["file", language], file=file, broadcast=True, about=about)


def send(
    work: Work,
    chat: Conversation,
    text: str,
    buttons: tuple[Button, ...],
    *,
    about: str,
    not_after: datetime | None = None,
) -> None:
    """Queues the same message as for many others; where there are no buttons, their numbers are understood."""
    work.tell(chat, text, buttons, broadcast=True, about=about, not_after=not_after)
    if not buttons:
        return
    memory = Memory.from_json(chat.memory)
    if memory.state is None:
        language = work.language_of(chat)
        offered = tuple((button.id, render(button.label, language)) for button in buttons)
        chat.memory = replace(memory, buttons=offered).to_json()


def say(
    work: Work,
    chat: Conversation,
    text: Text,
    buttons: tuple[Button, ...] = (),
    *,
    about: str = "",
    not_after: datetime | None = None,
) -> None:
    """Tells one person something; where there are no buttons, their numbers and words are understood."""
    work.tell(chat, text, buttons, about=about, not_after=not_after)
    if not buttons:
        return
    language = work.language_of(chat)
    offered = tuple((button.id, render(button.label, language)) for button in buttons)
    # In the turn of this chat its memory is written at the end.
    work.offered[chat.id] = offered
    memory = Memory.from_json(chat.memory)
    if memory.state is None:
        chat.memory = replace(memory, buttons=offered).to_json()


def answers(date: MeetingDate) -> tuple[Button, ...]:
    """The answers to an invitation (R-69)."""
    return (
        Button(f"/attend {date.id}", _("I will come"), primary=True),
        Button(f"/absent {date.id}", _("I cannot come")),
        Button(f"/substitute {date.id}", _("Somebody comes for me")),
    )


HOW_TO_STOP: Final = _("Your dates, answers and reminders, and how to stop them: /meetings")


def _heading(work: Work, meeting: Meeting, *, is_new: bool, changed: bool) -> Text:
    title = title_of(work.contact_point, meeting)
    if is_new:
        return _("You are invited: {title}", title=title)
    if changed:
        return _("“{title}” has changed. This holds from now on:", title=title)
    return _("This holds for “{title}”:", title=title)


def how_it_is(work: Work, meeting: Meeting, dates: Sequence[MeetingDate]) -> Text:
    """Kind, place, rhythm and the next dates."""
    details = details_of(meeting)
    series = series_of(meeting)
    kind = kinds_of(work.contact_point).get(meeting.kind, verbatim(meeting.kind))
    return lines(
        _("{kind}, {place}", kind=kind, place=place_of(work.contact_point, meeting.municipality)),
        _("How often: {rhythm}, {time}", rhythm=rhythm(series), time=series.starts.time()) if series.rule else None,
        where(details),
        verbatim(details.note) if details.note else None,
        _("The next dates:") if dates else _("There is no date yet."),
        *(_("• {when}", when=each.starts_at) for each in dates),
    )


TOPICS: Final = _("Would you like to talk about something there? /topic – everybody who is invited can propose topics.")
