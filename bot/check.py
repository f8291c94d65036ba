"""`anlaufstelle check`: everything an operator must know, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from bot.contact_point import ContactPoint
from bot.reading import keywords
from storage.database import Database
from storage.key_check import check_keys
from storage.keys import WrongKey
from storage.models import InboxMessage, OutboxMessage


@dataclass(frozen=True)
class Finding:
    """One line of the check; `ok` is False for what somebody must do something about."""

    ok: bool
    text: str


def check_configuration(contact_points: Mapping[str, ContactPoint], now: datetime) -> Iterator[Finding]:
    """The contact points' files, their help lines, the keyword net."""
    for key, point in contact_points.items():
        yield Finding(True, f"{key}: {point.name}, {len(point.municipalities)} places")
        for line in point.stale_help_lines(now.date()):
            yield Finding(False, f"{key}: the help line {line.key} was last checked on {line.checked_on}")
    try:
        keywords.shipped()
        yield Finding(True, "keyword net: readable")
    except keywords.KeywordsError as wrong:
        yield Finding(False, f"keyword net: {wrong}")


def check_database(database: Database, now: datetime) -> Iterator[Finding]:
    """Keys, and what waits."""
    try:
        check_keys(database)
        with database.transaction(everywhere=True) as session:
            waiting = session.scalar(select(func.min(InboxMessage.received_at)).where(InboxMessage.state == "NEW"))
            unsent = session.scalar(select(func.min(OutboxMessage.queued_at)).where(OutboxMessage.state == "QUEUED"))
            dead = session.scalar(select(func.count()).select_from(OutboxMessage).where(OutboxMessage.state == "DEAD"))
            failed = session.scalars(select(InboxMessage.error_ref).where(InboxMessage.state == "FAILED")).all()
    except WrongKey as wrong:
        yield Finding(False, f"keys: {wrong}")
        return
    yield Finding(True, "keys: fit the database")
    yield _oldest("oldest message not worked through", waiting, now)
    yield _oldest("oldest message not sent", unsent, now)
    yield Finding(not dead, f"messages that could not be delivered: {dead or 0}")
    yield Finding(not failed, f"faults: {', '.join(ref or '?' for ref in failed) or 'none'}")


def _oldest(what: str, since: datetime | None, now: datetime) -> Finding:
    if since is None:
        return Finding(True, f"{what}: none")
    minutes = int((now - since).total_seconds() // 60)
    return Finding(minutes < 5, f"{what}: for {minutes} minutes")
