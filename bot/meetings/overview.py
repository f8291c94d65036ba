"""Which municipalities have a round table, which are silent, and which have none (R-61, J-5 step 1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from bot.i18n import Text, _, lines, ngettext, paragraphs, verbatim
from bot.meetings.meeting import MeetingKind
from bot.meetings.rows import last_held, next_dates, number_of, series_of
from bot.work import Work
from storage.meetings import Meeting

SILENT_AFTER: Final = 1.5
"""Times the usual distance of two dates, after which a round table is overdue."""


def overview(work: Work) -> Text:
    """Missing and silent ones first, then those that meet as planned."""
    tables: dict[str, list[Meeting]] = {}
    for each in work.session.scalars(
        select(Meeting).where(Meeting.kind == MeetingKind.ROUND_TABLE, Meeting.ended_at.is_(None)).order_by(Meeting.id)
    ):
        tables.setdefault(each.municipality, []).append(each)
    missing = [place for place in work.contact_point.municipalities if place.slug not in tables]
    silent: list[Text] = []
    active: list[Text] = []
    for place in work.contact_point.municipalities:
        for each in tables.get(place.slug, ()):
            since = overdue_since(work, each)
            (active if since is None else silent).append(_in_a_line(work, each, place.name, since))
    active += [_in_a_line(work, each, work.contact_point.name, None) for each in tables.get("", ())]
    return paragraphs(
        lines(
            ngettext("{n} municipality has no round table:", "{n} municipalities have no round table:", len(missing)),
            *(_("• {place}", place=verbatim(each.name)) for each in missing),
        )
        if missing
        else _("Every municipality has a round table."),
        lines(_("Silent for too long:"), *silent) if silent else None,
        lines(_("As planned:"), *active) if active else None,
    )


def overdue_since(work: Work, meeting: Meeting) -> datetime | None:
    """Since when a round table should have met; None while it meets as often as it is meant to."""
    cadence = series_of(meeting).cadence_days
    held = last_held(work, meeting)
    if cadence is None:
        return None if next_dates(work, meeting) else (held.starts_at if held is not None else meeting.created_at)
    before = held.starts_at if held is not None else meeting.created_at
    due = before + timedelta(days=cadence * SILENT_AFTER)
    following = next_dates(work, meeting)
    if following and following[0].starts_at <= due:
        return None
    return due if due <= work.now else None


def _in_a_line(work: Work, meeting: Meeting, place: str, since: datetime | None) -> Text:
    following = next_dates(work, meeting)
    number = number_of(meeting)
    if since is not None:
        return _("• {place} ({number}): overdue since {day}", place=place, number=number, day=since.date())
    if not following:
        return _("• {place} ({number}): no date", place=place, number=number)
    return _("• {place} ({number}): {when}", place=place, number=number, when=following[0].starts_at)
