"""Working time: deadlines, the next service, and the days and nights on which that is hard."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contact_point import ContactPoint, ServiceTimes, Span
from bot.contact_point_file import load_contact_point, shipped
from bot.taxonomy import Urgency
from bot.working_time import (
    BERLIN,
    add_working_time,
    after_quiet_hours,
    deadline,
    fraction_due,
    is_open,
    next_service,
    promised,
    public_holidays,
    school_calendar_ends,
    school_holidays,
    service_day_after,
    working_minutes_between,
)

OBERBERG = load_contact_point(shipped() / "oberberg.toml")
"""Monday to Thursday 8 to 16, Friday 8 to 12; closed on Weiberfastnacht, Rosenmontag, 24 and 31 December."""


def with_hours(*spans: Span, closed: tuple[tuple[date, date], ...] = ()) -> ContactPoint:
    """A contact point with the same hours on all seven days."""
    return replace(OBERBERG, service=ServiceTimes((spans,) * 7, closed))


AROUND_THE_CLOCK = with_hours(Span(0, 24 * 60))
AT_NIGHT = with_hours(Span(0, 150), Span(150, 180), Span(180, 240))
SPLIT_DAY = with_hours(Span(8 * 60, 12 * 60), Span(13 * 60, 16 * 60))
CONTACT_POINTS = st.sampled_from([OBERBERG, AROUND_THE_CLOCK, AT_NIGHT, SPLIT_DAY])

moments = st.datetimes(datetime(2026, 11, 1), datetime(2028, 3, 1), timezones=st.just(UTC))
minutes = st.integers(0, 5000) | st.floats(0, 5000)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-23 09:00", 120, "2026-11-23 11:00"),
        ("2026-11-27 11:55", 120, "2026-11-30 09:55"),  # Friday: five minutes are left, then the weekend
        ("2026-11-27 11:55", 5, "2026-11-27 12:00"),
        ("2026-11-28 15:00", 0, "2026-11-30 08:00"),
        (
            "2027-03-25 15:30",
            120,
            "2027-03-30 09:30",
        ),  # before Karfreitag; Easter, and summer time in between
        ("2026-12-23 15:00", 120, "2026-12-28 09:00"),  # 24 December closed, Christmas, the weekend
        ("2026-12-30 15:00", 120, "2027-01-04 09:00"),
        ("2027-02-03 15:00", 120, "2027-02-05 09:00"),  # Weiberfastnacht
        ("2027-02-05 11:00", 120, "2027-02-09 09:00"),  # Rosenmontag
        ("2027-10-29 11:00", 120, "2027-11-02 09:00"),  # winter time, then Allerheiligen
    ],
)
def test_working_time_runs_in_service_hours_only(start: str, minutes: int, end: str) -> None:
    assert add_working_time(OBERBERG, berlin(start), minutes) == berlin(end)


def test_what_comes_back_is_utc() -> None:
    at = berlin("2026-11-23 09:00")

    for moment in (
        add_working_time(OBERBERG, at, 1),
        next_service(OBERBERG, at),
        deadline(OBERBERG, Urgency.LOW, at),
        fraction_due(OBERBERG, at, at, 0.5),
        after_quiet_hours(OBERBERG, at),
    ):
        assert moment.tzinfo is UTC


def test_a_time_without_a_zone_and_negative_minutes_are_mistakes() -> None:
    with pytest.raises(ValueError, match="zone"):
        is_open(OBERBERG, datetime(2026, 11, 23, 9))
    with pytest.raises(ValueError, match="-1"):
        add_working_time(OBERBERG, berlin("2026-11-23 09:00"), -1)


@pytest.mark.parametrize(
    ("at", "service"),
    [
        ("2026-11-23 09:00", "2026-11-23 09:00"),
        ("2026-11-23 07:59", "2026-11-23 08:00"),
        ("2026-11-23 08:00", "2026-11-23 08:00"),
        ("2026-11-23 16:00", "2026-11-24 08:00"),
        ("2026-11-27 12:00", "2026-11-30 08:00"),
        ("2026-12-24 10:00", "2026-12-28 08:00"),
        ("2027-03-26 10:00", "2027-03-30 08:00"),
        ("2026-12-31 23:59", "2027-01-04 08:00"),
    ],
)
def test_next_service(at: str, service: str) -> None:
    assert next_service(OBERBERG, berlin(at)) == berlin(service)
    assert is_open(OBERBERG, berlin(at)) == (at == service)


@pytest.mark.parametrize(
    ("urgency", "at", "due"),
    [
        (Urgency.URGENT, "2026-11-23 15:00", "2026-11-24 09:00"),
        (Urgency.SOON, "2026-11-23 09:00", "2026-11-24 16:00"),  # "bis Dienstag, 24.11., 16 Uhr"
        (Urgency.SOON, "2026-11-23 08:00", "2026-11-24 16:00"),
        (Urgency.SOON, "2026-11-23 06:00", "2026-11-23 16:00"),  # the whole Monday is still to come
        (Urgency.SOON, "2026-11-22 20:00", "2026-11-23 16:00"),
        (Urgency.SOON, "2026-11-26 09:00", "2026-11-27 12:00"),
        (Urgency.NORMAL, "2026-11-23 09:00", "2026-11-25 16:00"),
        (Urgency.NORMAL, "2026-11-27 11:55", "2026-12-01 16:00"),
        (Urgency.NORMAL, "2027-03-25 09:00", "2027-03-31 16:00"),
        (Urgency.LOW, "2026-11-23 09:00", "2026-11-30 16:00"),
        (Urgency.LOW, "2026-12-23 09:00", "2027-01-05 16:00"),
    ],
)
def test_deadlines(urgency: Urgency, at: str, due: str) -> None:
    assert deadline(OBERBERG, urgency, berlin(at)) == berlin(due)


def test_a_language_mediator_is_asked_for_some_service_days_before() -> None:
    assert service_day_after(OBERBERG, date(2026, 11, 23), 3) == date(2026, 11, 26)
    assert service_day_after(OBERBERG, date(2026, 11, 26), 3) == date(2026, 12, 1), "not on a weekend"
    assert service_day_after(OBERBERG, date(2026, 11, 28), 1) == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("urgency", "needed", "due", "suggestion"),
    [
        (Urgency.NORMAL, "2026-12-10 10:00", "2026-11-26 16:00", True),
        (Urgency.URGENT, "2026-12-10 10:00", "2026-11-24 16:00", True),
        (Urgency.URGENT, "2026-11-24 10:00", "2026-11-23 14:30", False),
    ],
    ids=["normal", "urgent", "needed before that"],
)
def test_until_when_a_suggestion_is_promised(urgency: Urgency, needed: str, due: str, suggestion: bool) -> None:
    asked = berlin("2026-11-23 12:30")
    assert promised(OBERBERG, urgency, asked, berlin(needed)) == (berlin(due), suggestion)


def test_a_day_with_a_break_is_one_service_day() -> None:
    assert deadline(SPLIT_DAY, Urgency.SOON, berlin("2026-11-23 12:30")) == berlin("2026-11-24 16:00")
    assert next_service(SPLIT_DAY, berlin("2026-11-23 12:30")) == berlin("2026-11-23 13:00")


def test_escalation_comes_at_parts_of_the_working_time() -> None:
    start, due = berlin("2026-11-27 11:00"), berlin("2026-11-30 09:00")

    assert fraction_due(OBERBERG, start, due, 0.5) == berlin("2026-11-27 12:00")
    assert fraction_due(OBERBERG, start, due, 0.8) == berlin("2026-11-30 08:36")
    assert fraction_due(OBERBERG, start, due, 1) == due


def test_escalation_is_never_later_than_a_deadline_without_service_before_it() -> None:
    start, due = berlin("2026-11-28 11:00"), berlin("2026-11-29 09:00")

    assert fraction_due(OBERBERG, start, due, 0.5) == due


def test_the_night_that_skips_an_hour() -> None:
    midnight = berlin("2027-03-28 00:00")

    assert working_minutes_between(AROUND_THE_CLOCK, midnight, berlin("2027-03-29 00:00")) == 23 * 60
    assert working_minutes_between(AT_NIGHT, midnight, berlin("2027-03-28 12:00")) == 3 * 60
    assert add_working_time(AROUND_THE_CLOCK, midnight, 121) == berlin("2027-03-28 03:01")
    assert is_open(with_hours(Span(120, 150)), datetime(2027, 3, 28, 1, 0, tzinfo=UTC)) is False


def test_the_night_with_an_hour_twice() -> None:
    midnight = berlin("2027-10-31 00:00")

    assert working_minutes_between(AROUND_THE_CLOCK, midnight, berlin("2027-11-01 00:00")) == 25 * 60
    assert working_minutes_between(AT_NIGHT, midnight, berlin("2027-10-31 12:00")) == 5 * 60
    assert add_working_time(AROUND_THE_CLOCK, midnight, 241) == berlin("2027-10-31 03:01")


def test_quiet_hours_end_in_the_morning() -> None:
    assert after_quiet_hours(OBERBERG, berlin("2026-11-23 20:59")) == berlin("2026-11-23 20:59")
    assert after_quiet_hours(OBERBERG, berlin("2026-11-23 21:00")) == berlin("2026-11-24 08:00")
    assert after_quiet_hours(OBERBERG, berlin("2027-03-28 02:59")) == berlin("2027-03-28 08:00")
    assert after_quiet_hours(OBERBERG, berlin("2026-11-24 08:00")) == berlin("2026-11-24 08:00")
    never_quiet = replace(OBERBERG, reminders=replace(OBERBERG.reminders, quiet_hours=None))
    assert after_quiet_hours(never_quiet, berlin("2026-11-23 23:00")) == berlin("2026-11-23 23:00")


def test_public_holidays_of_2027_have_their_german_names() -> None:
    assert [(day.isoformat()[5:], name) for day, name in sorted(public_holidays(2027).items())] == [
        ("01-01", "Neujahr"),
        ("03-26", "Karfreitag"),
        ("03-29", "Ostermontag"),
        ("05-01", "Erster Mai"),
        ("05-06", "Christi Himmelfahrt"),
        ("05-17", "Pfingstmontag"),
        ("05-27", "Fronleichnam"),
        ("10-03", "Tag der Deutschen Einheit"),
        ("11-01", "Allerheiligen"),
        ("12-25", "Erster Weihnachtstag"),
        ("12-26", "Zweiter Weihnachtstag"),
    ]


def test_school_holidays() -> None:
    assert school_holidays(date(2027, 7, 18)) is None
    assert school_holidays(date(2027, 7, 19)) == "Sommerferien"
    assert school_holidays(date(2027, 8, 31)) == "Sommerferien"
    assert school_holidays(date(2027, 9, 1)) is None
    assert school_calendar_ends() >= date(2029, 8, 1)
    assert school_holidays(school_calendar_ends())


@given(CONTACT_POINTS, moments, minutes)
def test_what_is_added_can_be_measured(contact_point: ContactPoint, start: datetime, minutes: float) -> None:
    end = add_working_time(contact_point, start, minutes)

    assert working_minutes_between(contact_point, start, end) == pytest.approx(minutes, abs=1e-6)


@given(CONTACT_POINTS, moments, minutes)
def test_working_time_ends_in_service_or_as_it_closes(
    contact_point: ContactPoint, start: datetime, minutes: float
) -> None:
    end = add_working_time(contact_point, start, minutes)

    assert end >= start
    assert is_open(contact_point, end) or is_open(contact_point, end - timedelta(microseconds=1))


@given(CONTACT_POINTS, moments, moments, minutes, minutes)
def test_later_or_longer_never_ends_earlier(
    contact_point: ContactPoint, one: datetime, other: datetime, few: float, many: float
) -> None:
    one, other = sorted((one, other))
    few, many = sorted((few, many))

    assert add_working_time(contact_point, one, few) <= add_working_time(contact_point, other, few)
    assert add_working_time(contact_point, one, few) <= add_working_time(contact_point, one, many)
    for urgency in Urgency:
        assert one < deadline(contact_point, urgency, one) <= deadline(contact_point, urgency, other)


@given(CONTACT_POINTS, moments)
def test_next_service_is_open_and_no_service_is_missed(contact_point: ContactPoint, at: datetime) -> None:
    service = next_service(contact_point, at)

    assert is_open(contact_point, service)
    assert working_minutes_between(contact_point, at, service) == 0


@given(CONTACT_POINTS, moments, st.sampled_from(Urgency))
def test_escalation_steps_come_in_order(contact_point: ContactPoint, at: datetime, urgency: Urgency) -> None:
    due = deadline(contact_point, urgency, at)
    half, most, all_of_it = (fraction_due(contact_point, at, due, part) for part in (0.5, 0.8, 1))

    assert at <= half < most < all_of_it == due
