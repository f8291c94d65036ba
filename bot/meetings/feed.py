"""A person's dates under a private address for calendar programmes: unguessable, and good until it is renewed."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select

from bot.commands import Button
from bot.conversation import MENU
from bot.i18n import _, lines, render
from bot.meetings import calendar
from bot.meetings.calendar import CalendarEntry
from bot.meetings.members import is_member
from bot.meetings.rows import dates_of, entry_of, is_planned, local_of_date
from bot.meetings.telling import say
from bot.work import Work
from storage.entrances import entrances
from storage.keys import KeyRing
from storage.meetings import CalendarFeed, Meeting, MeetingMember
from storage.models import Conversation

PATH: Final = "/calendar/"
SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 random bits."""


def key_of(ring: KeyRing, secret: str) -> str:
    """What is stored of an address."""
    return ring.lookup("calendar", secret)


def renew(work: Work, chat: Conversation) -> None:
    """Gives a fresh address; the one before is not good any more."""
    page = entrances(work.session, work.contact_point.id).get("web", "")
    origin = "/".join(page.split("/")[:3])
    if not origin:
        say(work, chat, _("There is no web page here that could serve a calendar. Every invitation has a file."),
                  (Button("/meetings", _("My dates")), MENU))  # fmt: skip
        return
    end(work, chat)
    secret = secrets.token_urlsafe(32)
    work.session.add(CalendarFeed(conversation_id=chat.id, key=key_of(work.ring, secret), created_at=work.now))
    say(
        work,
        chat,
        lines(
            _("This is the private address of your dates: {link}", link=f"{origin}{PATH}{secret}.ics"),
            _("Enter it in your calendar programme as a subscription. It changes by itself when a date does."),
            _("Whoever has the address can read your dates. An earlier address is not good any more."),
        ),
        (Button("/nofeed", _("End this address")), Button("/meetings", _("My dates")), MENU),
    )


def end(work: Work, chat: Conversation) -> None:
    """Ends the address of a chat."""
    work.session.execute(
        delete(CalendarFeed).where(CalendarFeed.conversation_id == chat.id).execution_options(synchronize_session=False)
    )
    work.session.flush()


def of_one(entry: CalendarEntry, local: datetime) -> CalendarEntry:
    """A single date, for whoever is invited to that one only."""
    once = replace(entry.series, starts=local, rule="", left_out=frozenset())
    return replace(entry, uid=f"{local:%Y%m%dT%H%M}-{entry.uid}", series=once, overrides=())


def feed_of(work: Work, chat: Conversation) -> bytes:
    """All meetings that a chat is invited to."""
    language = work.language_of(chat)
    rows = work.session.execute(
        select(Meeting, MeetingMember)
        .join(MeetingMember, MeetingMember.meeting_id == Meeting.id)
        .where(MeetingMember.conversation_id == chat.id, Meeting.ended_at.is_(None))
        .order_by(Meeting.id)
    )
    entries = []
    for meeting, member in rows:
        if not is_member(member):
            continue
        dates = dates_of(work, meeting)
        if member.only_date_id is not None:
            only = [each for each in dates if each.id == member.only_date_id and is_planned(each)]
            entries += [of_one(entry_of(work, meeting, only, language), local_of_date(each)) for each in only]
        else:
            entries.append(entry_of(work, meeting, dates, language))
    name = render(_("Meetings, {place}", place=work.contact_point.name), language)
    return calendar.published(entries, name)
