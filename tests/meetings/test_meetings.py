"""From planning to the day itself: invitations, answers, reminders that are right, dates that move."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import select

from bot.delivery import Delivery
from bot.messages import Outbound
from bot.outbox import TryLater
from storage.meetings import Attendance, MeetingDate, MeetingMember
from storage.models import OutboxMessage
from tests.meetings.tables import FIRST_TUESDAY, Tables, heard, noted, reminded


def files(said: list[Delivery], chat: str) -> list[Outbound]:
    return [each.message for each in said if each.chat == chat and each.message.file is not None]


class TestInvitation:
    def test_members_by_role_and_place_are_invited_once_with_a_file(self, tables: Tables) -> None:
        tables.join("ana", "ben")
        tables.join("far", role="case_manager lindlar")
        tables.join("all", role="case_manager")
        said = tables.plan()
        for chat in ("ana", "ben", "all"):
            assert "You are invited: Round table Wiehl" in heard(said, chat)
            assert "because of your role here: Case management" in heard(said, chat)
            (file,) = files(said, chat)
            assert file.file is not None
            calendar = Calendar.from_ical(file.file.data)
            assert calendar.events[0]["RRULE"]["BYDAY"] == ["1TU"]
        assert heard(said, "far") == ""
        assert tables.at("2026-11-25 10:00") == []

    def test_whoever_gets_the_role_later_is_invited_then(self, tables: Tables) -> None:
        tables.join("ana")
        tables.plan()
        tables.bench.join("new", "New", "case_manager wiehl")
        invited = [each for each in tables.bench.heard if each.chat == "new" and "invited" in each.message.text]
        assert len(invited) == 1

    def test_whoever_loses_the_role_is_reminded_no_more(self, tables: Tables) -> None:
        tables.join("ana", "ben")
        tables.plan()
        tables.desk("/revoke 1")
        assert reminded(tables.at("2026-11-28 09:00")) == ["ben"]

    def test_people_by_name(self, tables: Tables) -> None:
        tables.join("ana", "vera", role="volunteer")
        tables.plan(FIRST_TUESDAY.replace("Roles: Case management", "Moderation: 1"))
        assert "by name" in heard(tables.desk("/meeting T1 add 2"), "vera")
        assert "not invited" in heard(tables.desk("/meeting T1 remove 2"), "vera")
        assert reminded(tables.at("2026-11-28 09:00")) == ["ana"]

    def test_a_public_meeting_can_be_joined_by_anybody(self, tables: Tables) -> None:
        tables.bench.say("eva", "/start")
        tables.bench.say("eva", choice="en")
        tables.plan(FIRST_TUESDAY, "Open to all: yes")
        assert "You come to “Round table Wiehl”" in tables.press("eva", "/attend 1")
        assert "you have signed up" in heard(tables.at("2026-11-28 09:00"), "eva")

    def test_nobody_answers_who_is_not_invited(self, tables: Tables) -> None:
        tables.join("ana")
        tables.join("far", role="case_manager lindlar")
        tables.plan()
        assert "cannot find" in tables.press("far", "/attend 1")
        assert "cannot find" in tables.press("far", "/mute 1")


class TestAnswers:
    def test_an_answer_can_be_changed_until_the_start(self, tables: Tables) -> None:
        tables.join("ana")
        tables.plan()
        assert "1 person comes" in tables.press("ana", "/attend 1")
        assert "0 people come" in tables.press("ana", "/absent 1")
        assert reminded(tables.at("2026-11-28 09:00")) == []
        tables.press("ana", "/attend 1")
        assert reminded(tables.at("2026-12-01 09:00")) == ["ana"]
        tables.at("2026-12-01 18:00")
        assert "has begun already" in tables.press("ana", "/absent 1")

    def test_only_the_moderator_sees_names(self, tables: Tables) -> None:
        tables.join("mod", "ana")
        tables.plan(FIRST_TUESDAY, "Moderation: 1")
        tables.press("ana", "/attend 1")
        assert "Ana" in noted(tables.desk("/meeting T1 who"))
        tables.bench.say("mod", "/meetings")
        tables.press("mod", "1")
        assert "Coming: Ana" in tables.press("mod", "WHO")
        tables.bench.say("ana", "/meetings")
        shown = tables.bench.say("ana", choice="1")
        assert "1 person comes" in heard(shown, "ana")
        assert "WHO" not in [option.id for each in shown for option in each.message.options]

    def test_a_waiting_list_moves_up(self, tables: Tables) -> None:
        tables.join("ana", "ben", "cem")
        tables.plan(FIRST_TUESDAY, "Places: 1")
        tables.press("ana", "/attend 1")
        assert "waiting list" in tables.press("ben", "/attend 1")
        assert "waiting list" in tables.press("cem", "/attend 1")
        said = tables.bench.say("ana", choice="/absent 1")
        assert "A place is free" in heard(said, "ben")
        assert heard(said, "cem") == ""

    def test_somebody_comes_in_a_members_place(self, tables: Tables) -> None:
        tables.join("ana")
        tables.plan()
        told = tables.press("ana", "/substitute 1")
        code = re.search(r"\b[2-9A-Z]{4}(-[2-9A-Z]{4}){2}\b", told)
        assert code is not None
        said = tables.bench.say("eva", f"/start {code[0]}")
        assert "you come to a meeting in somebody's place" in heard(said, "eva")
        assert "Your code was used" in heard(said, "ana")
        said += tables.bench.say("eva", choice="en")
        assert "1 December 2026, 18:00" in heard(said, "eva")
        assert "2 February" not in heard(said, "eva"), "one date only"
        assert "does not work" in heard(tables.bench.say("bob", f"/start {code[0]}"), "bob")
        assert "somebody for Ana" in noted(tables.desk("/meeting T1 who"))
        assert reminded(tables.at("2026-11-28 09:00")) == ["eva"]
        assert "need not come" in heard(tables.bench.say("ana", choice="/attend 1"), "eva")
        assert reminded(tables.at("2026-12-01 09:00")) == ["ana"]


class TestReminders:
    def test_by_the_series_and_never_twice(self, tables: Tables) -> None:
        tables.join("ana")
        tables.plan(FIRST_TUESDAY.replace("2026-12-01", "2027-01-05"))
        days = [datetime(2026, 12, 20, 9) + timedelta(hours=n) for n in range(0, 24 * 17, 12)]
        found = [day for day in days for _who in reminded(tables.at(day.isoformat(" ")))]
        assert found == [datetime(2026, 12, 22, 9), datetime(2027, 1, 2, 9), datetime(2027, 1, 5, 9)]

    def test_by_the_wish_of_a_person(self, tables: Tables) -> None:
        tables.join("ana", "ben")
        tables.plan()
        tables.bench.say("ana", "/meetings")
        for choice in ("1", "REMINDERS", "1"):
            said = tables.press("ana", choice)
        assert "1 day before" in said
        assert reminded(tables.at("2026-11-28 09:00")) == ["ben"]
        assert reminded(tables.at("2026-11-30 09:00")) == ["ana"]
        assert reminded(tables.at("2026-12-01 09:00")) == ["ben"]

    def test_snooze_and_stop(self, tables: Tables) -> None:
        tables.join("ana", "ben")
        tables.plan()
        tables.at("2026-11-28 09:00")
        assert "Sunday, 29 November 2026, 09:00" in tables.press("ana", "/snooze 1")
        tables.press("ben", "/mute 1")
        assert reminded(tables.at("2026-11-29 09:00")) == ["ana"]
        assert reminded(tables.at("2026-12-01 09:00")) == ["ana"]

    def test_never_at_night(self, tables: Tables) -> None:
        tables.join("ana")
        tables.plan()
        tables.at("2026-11-27 22:00")
        assert tables.press("ana", "/snooze 1")
        assert reminded(tables.at("2026-11-28 07:59")) == []

    def test_after_an_outage_the_newest_is_sent_late_and_the_rest_dropped(self, tables: Tables) -> None:
        tables.join("ana")
        tables.plan(FIRST_TUESDAY.replace("2026-12-01", "2027-01-05"))
        said = tables.at("2027-01-03 12:00")
        assert reminded(said) == ["ana"]
        assert "comes late" in heard(said, "ana")
        assert "1 reminder of “Round table Wiehl”" in noted(said)

    def test_after_an_outage_that_lasts_beyond_the_start_nothing_is_sent(self, tables: Tables) -> None:
        tables.join("ana", "ben")
        tables.plan(FIRST_TUESDAY)
        said = tables.at("2026-12-02 12:00")
        assert reminded(said) == []
        assert "4 reminders of “Round table Wiehl”" in noted(said), "two people, three days before and on the day"

    def test_what_waits_in_the_outbox_is_not_sent_after_the_start(self, tables: Tables) -> None:
        tables.join("ana")
        tables.plan()
        tables.at("2026-11-28 09:00")

        def down(delivery: Delivery) -> None:
            if delivery.chat:
                raise TryLater(after=3600)

        tables.bench.messenger.behave = down
        tables.at("2026-12-01 09:00")
        tables.bench.messenger.behave = lambda delivery: None
        said = tables.at("2026-12-01 18:30")
        assert reminded(said) == []
        assert "1 reminder of “Round table Wiehl”" in noted(said)


class TestTruth:
    """Between planning and sending everything may change: what goes out is true."""

    def test_moved_is_told_to_those_who_were_told_and_reminded_by_the_new_date(self, tables: Tables) -> None:
        tables.join("ana", "ben")
        tables.plan()
        tables.press("ana", "/attend 1")
        said = tables.desk("/meeting T1 move 2026-12-01 2026-12-03 19:00 No room")
        for chat in ("ana", "ben"):
            assert "Moved: “Round table Wiehl” on Tuesday, 1 December 2026, 18:00" in heard(said, chat)
            assert "Thursday, 3 December 2026, 19:00" in heard(said, chat)
            assert "No room" in heard(said, chat)
        again = tables.desk("/meeting T1 move 2026-12-03 2026-12-04 10:00")
        assert "on Thursday, 3 December 2026, 19:00 does not" in heard(again, "ana"), "what was told last"
        assert reminded(tables.at("2026-11-28 09:00")) == []
        said = tables.at("2026-12-01 09:00")
        assert "Friday, 4 December 2026, 10:00" in heard(said, "ana")
        assert "Can you come?" in heard(said, "ana"), "the old answer counts no more"

    def test_who_knows_nothing_of_the_old_date_is_told_the_new_one_only(self, tables: Tables) -> None:
        tables.join("ana")
        tables.plan()
        tables.desk("/meeting T1 move 2026-12-01 2026-12-03 19:00")
        tables.bench.join("new", "New", "case_manager wiehl")
        said = [each.message.text for each in tables.bench.heard if each.chat == "new"]
        assert not any("Moved" in each for each in said)
        assert any("3 December 2026, 19:00" in each for each in said)

    def test_cancelled_is_told_with_a_file_that_takes_it_out_and_never_reminded(self, tables: Tables) -> None:
        tables.join("ana")
        tables.plan()
        said = tables.desk("/meeting T1 cancel 2026-12-01 Snow")
        assert "Cancelled: “Round table Wiehl” on Tuesday, 1 December 2026, 18:00" in heard(said, "ana")
        (file,) = files(said, "ana")
        assert file.file is not None
        event = Calendar.from_ical(file.file.data).events[0]
        assert event["STATUS"] == "CANCELLED"
        assert event["SEQUENCE"] == 1
        assert reminded(tables.at("2026-12-01 12:00")) == []
        assert "does not take place" in tables.press("ana", "/attend 1")

    def test_a_series_that_changes_keeps_its_uid(self, tables: Tables) -> None:
        tables.join("ana")
        before = files(tables.plan(), "ana")[0]
        said = tables.desk("/meeting T1\nRule: FREQ=MONTHLY;BYDAY=2TH\nPlace: Library")
        assert "has changed" in heard(said, "ana")
        assert "Place: Library" in heard(said, "ana")
        assert "Thursday, 10 December 2026, 18:00" in heard(said, "ana")
        after = files(said, "ana")[0]
        assert before.file is not None
        assert after.file is not None
        first, second = (Calendar.from_ical(each.data).events[0] for each in (before.file, after.file))
        assert first["UID"] == second["UID"]
        assert second["SEQUENCE"] > first["SEQUENCE"]
        assert reminded(tables.at("2026-11-26 09:00")) == ["ana"], "two weeks before the new date"
        assert reminded(tables.at("2026-12-01 12:00")) == []
        assert reminded(tables.at("2026-12-07 09:00")) == ["ana"]

    def test_an_end_is_told_once(self, tables: Tables) -> None:
        tables.join("ana")
        tables.plan()
        assert "does not take place any more" in heard(tables.desk("/meeting T1 end"), "ana")
        assert tables.at("2026-12-01 12:00") == []

    @pytest.mark.parametrize("change", ["place", "language", "answer", "move", "cancel", "remove"])
    def test_what_waits_to_be_sent_is_made_anew(self, tables: Tables, change: str) -> None:
        tables.join("ana", "ben")
        tables.plan()
        held = True

        def busy(delivery: Delivery) -> None:
            if held and delivery.chat == "ana" and re.search("Reminder|Erinnerung:", delivery.message.text):
                raise TryLater(after=5)

        tables.bench.messenger.behave = busy
        assert reminded(tables.at("2026-11-28 09:00")) == ["ben"]
        match change:
            case "place":
                tables.desk("/meeting T1\nPlace: Library")
            case "language":
                tables.bench.say("ana", "/language de")
            case "answer":
                tables.bench.say("ana", choice="/absent 1")
            case "move":
                tables.desk("/meeting T1 move 2026-12-01 2026-12-01 20:00")
            case "cancel":
                tables.desk("/meeting T1 cancel 2026-12-01")
            case "remove":
                tables.desk("/meeting T1 remove 1")
        held = False
        said = tables.at("2026-11-28 09:10")
        reminders = [text for text in heard(said, "ana").split("\n\n") if "Reminder:" in text or "Erinnerung:" in text]
        match change:
            case "place":
                assert ["Library" in each for each in reminders] == [True]
            case "language":
                assert ["Erinnerung" in each for each in reminders] == [True]
            case _:
                assert reminders == []

    def test_whoever_is_forgotten_leaves_nothing(self, tables: Tables) -> None:
        tables.join("ana", "ben")
        tables.plan()
        tables.press("ana", "/attend 1")
        tables.bench.say("ana", "/data")
        tables.press("ana", "FORGET_ME")
        tables.press("ana", "YES")
        chat = tables.chat("ana")

        def left(work: object) -> list[object]:
            session = work.session  # type: ignore[attr-defined]
            return [
                row for table in (MeetingMember, Attendance) for row in session.scalars(select(table))
                if row.conversation_id == chat
            ]  # fmt: skip

        assert tables.within(left) == []
        assert reminded(tables.at("2026-11-28 09:00")) == ["ben"]


def test_what_people_write_is_not_readable_in_the_database(tables: Tables) -> None:
    tables.join("ana")
    tables.plan(FIRST_TUESDAY, "Title: Zanzibar", "Note: Quagga", "Online: https://x.example/quokka")
    with tables.bench.database.transaction(everywhere=True) as session:
        connection = session.connection()
        for table in ("meeting", "meeting_date", "outbox"):
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):
                for word in ("Zanzibar", "Quagga", "quokka", "Town hall"):
                    assert word not in repr(tuple(row))


def test_rows_are_laid_out_ahead_and_moments_are_derived_again(tables: Tables) -> None:
    tables.join("ana")
    tables.plan()

    def spoil(work: object) -> None:
        for row in work.session.scalars(select(MeetingDate)):  # type: ignore[attr-defined]
            row.starts_at += timedelta(hours=1)

    tables.within(spoil)
    tables.at("2026-11-25 12:00")
    rows = tables.within(lambda work: [(row.local, row.starts_at) for row in work.session.scalars(select(MeetingDate))])
    assert len(rows) >= 6
    for local, at in rows:
        wall = at.astimezone(UTC)
        assert wall.hour in (16, 17)
        assert local.endswith("T18:00:00")


def test_nothing_is_left_waiting(tables: Tables) -> None:
    tables.join("ana")
    tables.plan()
    tables.at("2026-12-05 12:00")
    with tables.bench.database.transaction(everywhere=True) as session:
        assert not [row for row in session.scalars(select(OutboxMessage)) if row.settled_at is None]
