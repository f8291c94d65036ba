"""How long something may stay, reckoned by the calendar (D-18)."""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, date, datetime, timedelta
from typing import Final

from bot.contact_point import Retention
from bot.i18n import ZONE

SHORTEST_MONTH: Final = timedelta(days=28)

FOLLOW_UP: Final = timedelta(weeks=4)
"""After what time it is asked whether what was done has lasted."""

ABUSE: Final = "ABUSE"
"""The result of what was misuse."""
CASE: Final = "REFERRED"
"""The result that makes a report a case: somebody else goes on with it."""


def months_after(moment: datetime, months: int) -> datetime:
    """The same day so many months later, or the last day of a month that is shorter."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = min(moment.year + years, MAXYEAR)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def kept_until(retention: Retention, result: str | None, closed_at: datetime, *, is_request: bool = False) -> datetime:
    """Until when what was closed with this result is kept: a report, or a request to the pool."""
    if result == ABUSE:
        return closed_at + timedelta(days=retention.abuse_content_days)
    if is_request:
        return months_after(closed_at, retention.expert_request_months)
    return months_after(closed_at, retention.case_months if result == CASE else retention.report_months)


def deleted_by(until: datetime) -> date:
    """The day that may be named to people: the job runs once a day, so the day after is the first sure one."""
    return (until.astimezone(ZONE) + timedelta(days=1)).date()


def month_of(moment: datetime) -> str:
    """The month at the contact point, as statistics name it."""
    return f"{moment.astimezone(ZONE):%Y-%m}"


def span_of(month: str) -> tuple[datetime, datetime]:
    """Begin and end of a month at the contact point."""
    begin = datetime.strptime(month, "%Y-%m").replace(tzinfo=ZONE)
    return begin, months_after(begin, 1)
