"""When a meeting takes place: a rule of RFC 5545 on the clock of the wall, from which UTC is derived (R-60).

What is kept is the local start and its zone. "First Tuesday, 18:00" is 18:00 in summer and in winter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

BERLIN: Final = "Europe/Berlin"

_PARTS: Final = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "COUNT", "UNTIL", "WKST")
"""What a rule may have (RFC 5545, 3.3.10); meetings more often than once a day are none."""

_FREQUENCIES: Final = {"WEEKLY": 7, "MONTHLY": 30, "YEARLY": 365}
"""With the days between two meetings, roughly."""

FIRST_WITHIN: Final = timedelta(days=800)
"""A rule without a date so long is a mistake."""

_UNTIL: Final = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")


class NoRule(ValueError):
    """What was given is no rule of RFC 5545 that a meeting can have."""


@dataclass(frozen=True)
class Series:
    """A meeting that returns by a rule, or takes place once."""

    starts: datetime
    """The first start by the clock of the wall, without a zone."""
    zone: str = BERLIN
    minutes: int = 120
    rule: str = ""
    """As in RFC 5545 without `RRULE:`; empty: once."""
    left_out: frozenset[datetime] = frozenset()
    """Starts of the rule on which there is no meeting (EXDATE)."""

    def __post_init__(self) -> None:
        if self.starts.tzinfo is not None:
            raise ValueError("the start is one of the clock of the wall, without a zone")
        if not 1 <= self.minutes <= 24 * 60:
            raise ValueError("a meeting lasts from a minute to a day")

    def between(self, first: date, last: date) -> Iterator[datetime]:
        """The local starts on these days, both included, in order."""
        begin, end = datetime.combine(first, time.min), datetime.combine(last, time.max)
        if not self.rule:
            yield from (each for each in (self.starts,) if begin <= each <= end and each not in self.left_out)
            return
        for each in _rule(self.rule, self.starts, self.zone).xafter(begin, inc=True):
            if each > end:
                return
            if each not in self.left_out:
                yield each

    def after(self, local: datetime, count: int) -> list[datetime]:
        """The next local starts from a moment on, at most so many."""
        if not self.rule:
            return [self.starts] if self.starts >= local and self.starts not in self.left_out else []
        found: list[datetime] = []
        for each in _rule(self.rule, self.starts, self.zone).xafter(local, inc=True):
            if len(found) == count:
                break
            if each not in self.left_out:
                found.append(each)
        return found

    def begun(self) -> Series:
        """The same, beginning with the first start that the rule has, as RFC 5545 wants it; raises NoRule for none."""
        first = self.after(self.starts, 1)
        if not first or first[0] - self.starts > FIRST_WITHIN:
            raise NoRule("the rule has no date")
        return replace(self, starts=first[0])

    @property
    def cadence_days(self) -> int | None:
        """About how many days lie between two meetings; None: it takes place once."""
        if not self.rule:
            return None
        begin = datetime.combine(self.starts.date(), time.min)
        starts = list(self.between(begin.date(), (begin + timedelta(days=3 * 366)).date()))
        if len(starts) < 2:
            return None
        return round((starts[-1] - starts[0]) / timedelta(days=1) / (len(starts) - 1))


def utc_of(local: datetime, zone: str = BERLIN) -> datetime:
    """The moment of a time on the wall, as RFC 5545 (3.3.5) has it.

    One that the clock passes twice is the first of the two; one that it skips is counted by the offset before the gap.
    """
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def local_of(moment: datetime, zone: str = BERLIN) -> datetime:
    """The time on the wall, without a zone."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def read_rule(text: str, zone: str = BERLIN) -> str:
    """A rule in its proper form; raises NoRule for what is none, or comes more often than once a day."""
    words = text.strip().upper().removeprefix("RRULE:").rstrip(";")
    parts = dict(part.partition("=")[::2] for part in words.split(";"))
    if len(parts) != len(words.split(";")) or not all(parts.values()):
        raise NoRule("a rule is KEY=VALUE;KEY=VALUE")
    if unknown := parts.keys() - set(_PARTS):
        raise NoRule(f"not known: {min(unknown)}")
    if parts.get("FREQ") not in _FREQUENCIES:
        raise NoRule(f"FREQ is one of {', '.join(_FREQUENCIES)}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise NoRule("COUNT or UNTIL, not both")
    rule = ";".join(f"{key}={parts[key]}" for key in _PARTS if key in parts)
    try:
        _rule(rule, datetime(2026, 1, 5, 18, 0), zone)  # noqa: DTZ001  # a time on the wall
    except (ValueError, TypeError) as error:
        raise NoRule("a part of the rule cannot be read") from error
    return rule


def until_of(rule: str, zone: str) -> datetime | None:
    """The last moment of a rule as a time on the wall; a day stands for its end."""
    found = re.search(r"UNTIL=([0-9TZ]+)", rule)
    if found is None:
        return None
    whole = _UNTIL.fullmatch(found[1])
    if whole is None:
        raise NoRule("UNTIL is like 20271231 or 20271231T170000Z")
    day, clock, is_utc = whole.groups()
    at = datetime.strptime(day + (clock or "235959"), "%Y%m%d%H%M%S")  # noqa: DTZ007  # a time on the wall
    return local_of(at.replace(tzinfo=UTC), zone) if is_utc else at


def without_until(rule: str) -> str:
    """The rule without its end."""
    return ";".join(part for part in rule.split(";") if not part.startswith("UNTIL="))


@lru_cache(maxsize=512)
def _rule(rule: str, starts: datetime, zone: str) -> Any:
    from dateutil.rrule import rrulestr

    # Local and naive throughout: dateutil compares UNTIL with the starts, and RFC 5545 writes it in UTC.
    made = rrulestr(without_until(rule), dtstart=starts)
    until = until_of(rule, zone)
    return made.replace(until=until) if until is not None else made


WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
"""Monday first, as `date.weekday` counts."""

LAST: Final = -1
"""The last of a month."""


def which_in_month(day: date) -> int:
    """Which of its weekdays in the month a day is; from the fifth on: the last."""
    n = (day.day - 1) // 7 + 1
    return n if n < 5 else LAST


def weekly(day: date, every: int = 1) -> str:
    """Each week, or every other, on the weekday of a day."""
    return f"FREQ=WEEKLY;INTERVAL={every};BYDAY={WEEKDAYS[day.weekday()]}"


def monthly(weekday: int, which: int, every: int = 1) -> str:
    """On the n-th such weekday of each month, or of every n-th month; `LAST` is the last."""
    return f"FREQ=MONTHLY;INTERVAL={every};BYDAY={which}{WEEKDAYS[weekday]}"
