"""Rules of RFC 5545 on the clock of the wall, and the same in a calendar file as another library reads it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from bot.meetings.calendar import CalendarEntry, Override, cancelled, published
from bot.meetings.rule import NoRule, Series, local_of, monthly, read_rule, utc_of, weekly, which_in_month

BERLIN = ZoneInfo("Europe/Berlin")
FIRST_TUESDAY = Series(starts=datetime(2026, 1, 6, 18), rule=monthly(1, 1))


class TestClock:
    def test_the_first_tuesday_is_at_six_in_every_season_for_seven_years(self) -> None:
        starts = list(FIRST_TUESDAY.between(date(2026, 1, 1), date(2032, 12, 31)))
        assert len(starts) == 7 * 12
        for local in starts:
            wall = utc_of(local).astimezone(BERLIN)
            assert (wall.weekday(), wall.time()) == (1, time(18))
            assert wall.day <= 7
        offsets = {utc_of(local).hour for local in starts}
        assert offsets == {16, 17}, "an hour apart in UTC"

    def test_a_time_that_the_clock_skips_is_the_one_it_leaps_to(self) -> None:
        assert utc_of(datetime(2027, 3, 28, 2, 30)).astimezone(BERLIN).time() == time(3, 30)

    def test_a_time_that_comes_twice_is_the_first(self) -> None:
        assert utc_of(datetime(2027, 10, 31, 2, 30)) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)

    @given(st.datetimes(datetime(2026, 1, 1), datetime(2033, 1, 1)))
    def test_every_time_on_the_wall_comes_back(self, local: datetime) -> None:
        back = local_of(utc_of(local))
        assert back == local or (back - local == timedelta(hours=1) and local.month == 3)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("rrule:freq=monthly;byday=1tu", "FREQ=MONTHLY;BYDAY=1TU"),
            ("BYDAY=MO,WE;FREQ=WEEKLY;INTERVAL=2;", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE"),
            ("FREQ=YEARLY;UNTIL=20301231T170000Z", "FREQ=YEARLY;UNTIL=20301231T170000Z"),
        ],
    )
    def test_what_is_a_rule(self, text: str, rule: str) -> None:
        assert read_rule(text) == rule

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "every tuesday",
            "FREQ=SECONDLY",
            "FREQ=DAILY",
            "FREQ=MONTHLY;BYDAY=9XX",
            "FREQ=MONTHLY;BYHOUR=3",
            "FREQ=WEEKLY;COUNT=3;UNTIL=20300101",
            "FREQ=WEEKLY;FREQ=MONTHLY",
            "FREQ=WEEKLY;UNTIL=tomorrow",
        ],
    )
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(NoRule):
            read_rule(text)

    def test_a_rule_without_a_date_is_none(self) -> None:
        with pytest.raises(NoRule):
            Series(starts=datetime(2026, 1, 1, 18), rule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30").begun()

    def test_the_first_start_is_one_of_the_rule(self) -> None:
        assert Series(starts=datetime(2026, 11, 24, 18), rule=monthly(1, 1)).begun().starts == datetime(2026, 12, 1, 18)

    @given(st.dates(date(2026, 1, 1), date(2032, 1, 1)))
    def test_which_of_its_weekdays_a_day_is(self, day: date) -> None:
        rule = monthly(day.weekday(), which_in_month(day))
        assert Series(starts=datetime.combine(day, time(18)), rule=rule).begun().starts.date() == day

    def test_how_often(self) -> None:
        assert FIRST_TUESDAY.cadence_days == 30
        assert Series(starts=datetime(2026, 1, 6, 18), rule=weekly(date(2026, 1, 6), 2)).cadence_days == 14
        assert Series(starts=datetime(2026, 1, 6, 18)).cadence_days is None


rules = st.one_of(
    st.builds(weekly, st.dates(date(2027, 1, 1), date(2027, 12, 31)), st.integers(1, 6)),
    st.builds(monthly, st.integers(0, 6), st.sampled_from([1, 2, 3, 4, -1]), st.integers(1, 6)),
    st.builds("FREQ=MONTHLY;BYMONTHDAY={}".format, st.integers(1, 31)),
    st.builds("FREQ=MONTHLY;BYDAY=1TU;COUNT={}".format, st.integers(1, 40)),
    st.builds("FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=2029{:02}15".format, st.integers(1, 12)),
    st.builds("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=-1;UNTIL=2029{:02}01T160000Z".format, st.integers(1, 12)),
    st.builds("FREQ=YEARLY;BYMONTH={};BYDAY=2WE".format, st.integers(1, 12)),
)
clocks = st.times(time(6), time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))


@st.composite
def series(draw: st.DrawFn) -> Series:
    starts = datetime.combine(draw(st.dates(date(2026, 6, 1), date(2027, 12, 31))), draw(clocks))
    whole = Series(starts=starts, minutes=draw(st.integers(15, 600)), rule=draw(rules)).begun()
    dates = list(whole.between(starts.date(), date(2031, 1, 1)))
    out = draw(st.sets(st.sampled_from(dates), max_size=4))
    return Series(starts=whole.starts, minutes=whole.minutes, rule=whole.rule, left_out=frozenset(out - {whole.starts}))


@settings(max_examples=60, deadline=None)
@given(series(), st.data())
def test_a_calendar_has_the_same_dates_for_five_years(series: Series, data: st.DataObject) -> None:
    first, last = series.starts.date(), series.starts.date() + timedelta(days=5 * 366)
    starts = list(series.between(first, last))
    changed = data.draw(st.lists(st.sampled_from(starts), unique=True, max_size=4)) if starts else []
    overrides = tuple(
        Override(each, each + timedelta(days=1, minutes=30), 90, cancelled=bool(n % 2))
        for n, each in enumerate(changed)
    )
    entry = CalendarEntry(
        "meeting-1@x", 3, datetime(2026, 1, 1, tzinfo=UTC), series, "Rat, “Ü”; \\", overrides=overrides
    )
    expected = {utc_of(each) for each in starts if each not in changed}
    expected |= {utc_of(each.local) for each in overrides if not each.cancelled}
    calendar = Calendar.from_ical(published([entry]))
    found = recurring_ical_events.of(calendar).between(first, last + timedelta(days=3))
    read = {each.start.astimezone(UTC) for each in found}
    late = datetime.combine(last, time.max, BERLIN).astimezone(UTC)
    assert {each for each in read if each <= late} == {each for each in expected if each <= late}


class TestFile:
    ENTRY = CalendarEntry(
        "meeting-7@x", 2, datetime(2026, 11, 1, tzinfo=UTC), FIRST_TUESDAY, "Table", link="https://x.example/1"
    )

    def test_a_file_has_its_zone_alarms_and_sequence(self) -> None:
        text = published([self.ENTRY]).decode()
        assert text.index("BEGIN:VTIMEZONE") < text.index("BEGIN:VEVENT")
        for line in ("UID:meeting-7@x", "SEQUENCE:2", "DTSTART;TZID=Europe/Berlin:20260106T180000", "TRIGGER:-P1D"):
            assert line in text
        assert all(len(line.encode()) <= 75 for line in text.splitlines()), "folded (RFC 5545, 3.1)"

    def test_a_cancelled_date_is_taken_out_by_its_original_start(self) -> None:
        text = cancelled(self.ENTRY, [datetime(2026, 3, 3, 18)]).decode()
        for line in ("METHOD:CANCEL", "STATUS:CANCELLED", "RECURRENCE-ID;TZID=Europe/Berlin:20260303T180000"):
            assert line in text

    def test_all_of_it_is_cancelled_without_naming_a_date(self) -> None:
        text = cancelled(self.ENTRY).decode()
        assert "STATUS:CANCELLED" in text
        assert "RECURRENCE-ID" not in text

    def test_a_single_date_that_moved_is_there_once(self) -> None:
        once = CalendarEntry(
            "m@x", 1, datetime(2026, 1, 1, tzinfo=UTC), Series(starts=datetime(2026, 6, 1, 18)), "Once",
            overrides=(Override(datetime(2026, 6, 1, 18), datetime(2026, 6, 2, 19), 60),),
        )  # fmt: skip
        text = published([once]).decode()
        assert text.count("BEGIN:VEVENT") == 1
        assert "20260602T190000" in text
