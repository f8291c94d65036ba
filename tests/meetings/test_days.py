"""Dates that are proposed avoid days that are not good, and say why (J-5 step 2); and when people are reminded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from dateutil.easter import EASTER_ORTHODOX, easter
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.contact_point import ContactPoint, Reminders, orthodox_easter_sunday
from bot.contact_point_file import load_contact_point, shipped
from bot.i18n import render
from bot.meetings.days import Avoid, clashes, near, objections, proposals, suits
from bot.meetings.rule import Series, monthly, utc_of, weekly
from bot.meetings.steps import came_due, following, moment_of
from bot.working_time import after_quiet_hours

OBERBERG = load_contact_point(shipped() / "oberberg.toml")


def why(start: datetime) -> list[str]:
    return [render(each.why, "en") for each in objections(OBERBERG, start)]


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (datetime(2027, 1, 1, 18), "Neujahr"),
        (datetime(2027, 3, 23, 18), "school holidays: Oster-/Frühjahrsferien"),
        (datetime(2027, 2, 8, 18), "closing day"),
        (datetime(2026, 12, 20, 18), "Sunday"),
        (datetime(2027, 1, 15, 18), "Friday evening"),
        (datetime(2027, 2, 10, 18), "Ramadan"),
        (datetime(2027, 2, 19, 10), "Gedenken an Hanau"),
        (datetime(2027, 5, 2, 10), "Orthodoxes Ostern"),
    ],
)
def test_what_speaks_against_a_day(start: datetime, said: str) -> None:
    assert said in why(start)


def test_an_ordinary_day_suits() -> None:
    assert why(datetime(2027, 1, 14, 18)) == []
    assert why(datetime(2027, 1, 15, 10)) == [], "Friday morning"


def test_days_can_be_avoided_more_or_less() -> None:
    ramadan, holiday = datetime(2027, 2, 10, 18), datetime(2027, 1, 1, 18)
    kept = {each: (suits(OBERBERG, ramadan, each), suits(OBERBERG, holiday, each)) for each in Avoid}
    assert kept == {Avoid.ALL: (False, False), Avoid.CLOSED: (True, False), Avoid.NONE: (True, True)}


def test_proposals_tell_what_they_pass_over() -> None:
    series = Series(starts=datetime(2026, 12, 22, 18), rule=weekly(date(2026, 12, 22)))
    first, second = proposals(OBERBERG, series, series.starts, 2)
    assert first.start == datetime(2026, 12, 22, 18)
    assert not first.passed_over
    assert second.start == datetime(2027, 1, 12, 18)
    assert [start.date() for start, _why in second.passed_over] == [
        date(2026, 12, 29),
        date(2027, 1, 5),
    ]


@settings(max_examples=40, deadline=None)
@given(st.dates(date(2026, 11, 1), date(2028, 6, 1)), st.integers(0, 6), st.sampled_from([1, 2, 3, 4, -1]))
def test_what_is_proposed_suits(day: date, weekday: int, which: int) -> None:
    series = Series(starts=datetime.combine(day, time(18)), rule=monthly(weekday, which))
    for each in proposals(OBERBERG, series, series.starts, 3):
        assert not objections(OBERBERG, each.start)
        assert all(against for _start, against in each.passed_over)
    last = day + timedelta(days=365)
    assert {start for start, _why in clashes(OBERBERG, series, day, last)} == {
        each for each in series.between(day, last) if objections(OBERBERG, each)
    }
    for each in near(OBERBERG, series.starts):
        assert each.time() == series.starts.time()
        assert not objections(OBERBERG, each)


def test_orthodox_easter() -> None:
    for year in range(1950, 2099):
        assert orthodox_easter_sunday(year) == easter(year, EASTER_ORTHODOX)


class TestSteps:
    MEETING = datetime(2026, 12, 1, 18)

    def at(self, days: int, start: datetime = MEETING, point: ContactPoint = OBERBERG) -> datetime:
        return moment_of(point, start, "Europe/Berlin", days)

    def test_days_before_it_is_at_nine(self) -> None:
        assert self.at(14) == utc_of(datetime(2026, 11, 17, 9))
        assert self.at(0) == utc_of(datetime(2026, 12, 1, 9))

    def test_across_a_change_of_the_clock_it_stays_at_nine(self) -> None:
        start = datetime(2027, 4, 6, 18)
        assert self.at(14, start) == datetime(2027, 3, 23, 8, tzinfo=UTC)
        assert self.at(3, start) == datetime(2027, 4, 3, 7, tzinfo=UTC)

    def test_before_an_early_meeting_it_comes_an_hour_before(self) -> None:
        assert self.at(0, datetime(2026, 12, 1, 9, 30)) == utc_of(datetime(2026, 12, 1, 8, 30))

    def test_before_a_very_early_one_it_comes_in_the_evening(self) -> None:
        assert self.at(0, datetime(2026, 12, 1, 8, 0)) == utc_of(datetime(2026, 11, 30, 18))

    @settings(max_examples=150, deadline=None)
    @given(
        st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(second=0, microsecond=0)),
        st.integers(0, 30),
    )
    def test_a_reminder_comes_before_the_start_and_never_at_night(self, start: datetime, days: int) -> None:
        at = self.at(days, start)
        assert at < utc_of(start)
        assert after_quiet_hours(OBERBERG, at) == at

    def test_without_quiet_hours_it_is_as_early_as_it_has_to_be(self) -> None:
        point = replace(OBERBERG, reminders=Reminders(quiet_hours=None))
        assert self.at(0, datetime(2026, 12, 1, 7), point) == utc_of(datetime(2026, 12, 1, 6))

    def test_what_came_due_while_nobody_looked(self) -> None:
        steps, since = (14, 3, 0), utc_of(datetime(2026, 11, 10, 12))
        due = came_due(OBERBERG, self.MEETING, "Europe/Berlin", steps, since, utc_of(datetime(2026, 11, 29, 12)))
        assert due == [self.at(14), self.at(3)]
        assert following(OBERBERG, self.MEETING, "Europe/Berlin", steps, due[-1]) == self.at(0)
        assert following(OBERBERG, self.MEETING, "Europe/Berlin", steps, self.at(0)) is None
