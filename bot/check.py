"""`anlaufstelle check`: everything an operator must know, a line each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.contact_point import ContactPoint
from bot.health import FRESH, LATE, Letters, queues, rows_without_contact_point
from bot.reading import keywords
from storage.database import Database
from storage.key_check import check_keys
from storage.keys import WrongKey


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


def check_database(database: Database, contact_points: Collection[str], now: datetime) -> Iterator[Finding]:
    """Keys, what waits, what failed, what nobody works on."""
    try:
        check_keys(database)
    except WrongKey as wrong:
        yield Finding(False, f"keys: {wrong}")
        return
    with database.transaction(everywhere=True) as session:
        waiting = queues(session, now)
        orphans = rows_without_contact_point(session, contact_points)
    yield Finding(True, "keys: fit the database")
    yield _oldest("message not worked through", waiting.inbox.oldest, now)
    yield _oldest("thing due and not done", waiting.due.oldest, now)
    unsent = {channel: letters.waiting.oldest for channel, letters in waiting.outbox.items()}
    yield _oldest("message not sent", min(filter(None, unsent.values()), default=None), now)
    yield from _letters(waiting.outbox, now)
    faults = ", ".join(waiting.failed_references)
    more = ", …" if waiting.failed > len(waiting.failed_references) else ""
    told = f"{faults}{more}, the oldest {_for(waiting.oldest_failed, now)} ago" if waiting.failed else "none"
    yield Finding(not waiting.failed, f"faults: {told}")
    for name, rows in sorted(orphans.items()):
        yield Finding(False, f"{name}: {rows} rows, but no file of a contact point of this name: nobody works on them")


def _letters(outbox: Mapping[str, Letters], now: datetime) -> Iterator[Finding]:
    in_doubt = {channel: letters.in_doubt for channel, letters in outbox.items() if letters.in_doubt}
    yield Finding(not in_doubt, f"messages that may have been sent or not: {_by_channel(in_doubt)}")
    dead = {channel: letters for channel, letters in outbox.items() if letters.dead}
    if not dead:
        yield Finding(True, "messages that could not be delivered: none")
        return
    oldest = min(letters.oldest_dead or now for letters in dead.values())
    newest = max(letters.newest_dead or now for letters in dead.values())
    counted = _by_channel({channel: letters.dead for channel, letters in dead.items()})
    between = f"the oldest {_for(oldest, now)} ago, the newest {_for(newest, now)} ago"
    yield Finding(newest < now - FRESH, f"messages that could not be delivered: {counted}, {between}")


def _by_channel(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{channel} {count}" for channel, count in sorted(counted.items())) or "none"


def _oldest(what: str, since: datetime | None, now: datetime) -> Finding:
    if since is None:
        return Finding(True, f"oldest {what}: none")
    return Finding(now - since < LATE, f"oldest {what}: for {_for(since, now)}")


def _for(since: datetime | None, now: datetime) -> str:
    minutes = max(int((now - (since or now)).total_seconds() // 60), 0)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"
