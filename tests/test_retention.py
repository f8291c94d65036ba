"""What was kept long enough is gone, nothing else is, and only numbers remain (D-18, D-19)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, type_coerce
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import LargeBinary

from bot import retention
from bot.contact_point import ContactPoint, Retention
from bot.desks import Desks
from bot.periods import deleted_by, kept_until, months_after
from bot.retention import Counts, Daily, run
from storage import web_messages
from storage.database import Database
from storage.erasures import Kind, entries, subject_of
from storage.keys import KeyRing
from storage.leases import LostLease
from storage.migrate import upgrade
from storage.models import (
    Base,
    Consent,
    ContactLink,
    Conversation,
    DueRow,
    Erasure,
    InboxMessage,
    OutboxMessage,
    Report,
    SourceLink,
    Statistic,
    Thread,
    ThreadEntry,
)
from storage.types import Encrypted
from storage.web_messages import WebMessage
from tests.bench import ACCOUNT, START, Bench, at_desk, to_person

DAY = timedelta(days=1)
KEPT = {Statistic, Erasure, Consent}


@pytest.fixture
def bench(database: Database, oberberg: ContactPoint) -> Bench:
    made = Bench(database, {oberberg.id: oberberg})
    made.desk("kim", "/language en")
    return made


def delete(bench: Bench, point: ContactPoint, dry_run: bool = False) -> Counts:
    return run(bench.database, {point.id: point}, bench.time(), dry_run)


def number_of(database: Database, model: Any) -> int:
    with database.transaction(everywhere=True) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows as they are stored."""
    with database.connection() as connection, connection.begin():
        return {
            name: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {name}")).all()), key=repr)
            for name in Base.metadata.tables
        }


def secrets_in(database: Database) -> set[bytes]:
    """Everything by which somebody could be read or recognised: encrypted values, numbers, keys of chats."""
    found: set[bytes] = set()
    with database.connection() as connection, connection.begin():
        for table in Base.metadata.tables.values():
            for column in table.columns:
                if isinstance(column.type, Encrypted):
                    values = connection.execute(select(type_coerce(column, LargeBinary)).where(column.is_not(None)))
                    found.update(bytes(each) for each in values.scalars() if each)
        for name in ("thread.ref", "conversation.chat_key", "inbox.message_key", "source_link.source_key"):
            table_name, column_name = name.split(".")
            values = connection.execute(text(f"SELECT {column_name} FROM {table_name}")).scalars()
            found.update(each.encode() for each in values)
    return found


def test_after_thirteen_months_no_word_and_no_link_is_left(bench: Bench, oberberg: ContactPoint) -> None:
    ref = bench.report("ana", "Noise at night in the yard.", contact="PHONE", phone="0171 2345678")
    bench.say("ana", "/human")
    bench.desk("kim", f"/take {ref}")
    bench.desk("kim", "We will come and look.", thread=ref)
    bench.desk("kim", f"/reply {ref} Good morning.")
    bench.say("ana", "Thank you, that helps.")
    bench.desk("kim", f"/close {ref} REFERRED")
    secrets = secrets_in(bench.database)
    assert len(secrets) > 20 and ref.encode() in secrets
    bench.at(months_after(bench.time(), 13))
    assert delete(bench, oberberg).cases == 1
    left = {model.__name__ for model in _models() if number_of(bench.database, model)} - {"Setting", "Lease"}
    assert left == {"Statistic", "Erasure", "Consent"}
    with bench.database.transaction(bench.point) as session:
        (row,) = session.scalars(select(Statistic))
        assert (row.month, row.place, row.setting, row.parties, row.wish, row.result) == (
            "2026-11", None, "NEIGHBOURHOOD", "CITIZENS_CITIZENS", "ADVICE", "REFERRED",
        )  # fmt: skip
        (proof,) = session.scalars(select(Consent))
        assert proof.thread_id is None and proof.withdrawn_at is not None
    if (file := bench.database.file) is not None:
        bytes_left = b"".join(each.read_bytes() for each in file.parent.iterdir() if each.is_file())
        assert not [each for each in secrets if each in bytes_left]
    bench.at(months_after(bench.time(), 36))
    assert delete(bench, oberberg).consents == 1


def test_the_bot_deletes_by_itself(database: Database, oberberg: ContactPoint) -> None:
    bench = Bench(database, {oberberg.id: oberberg}, deleting=True)
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", f"/close {ref} REFERRED")
    bench.at(months_after(bench.time(), 11))
    assert number_of(database, Report) == 1
    bench.at(months_after(bench.time(), 2))
    assert number_of(database, Report) == 0 and number_of(database, Statistic) == 1


def test_the_daily_run_looks_at_sizes_so_that_it_stays_quick(bench: Bench, oberberg: ContactPoint) -> None:
    if bench.database.file is None:
        pytest.skip("a server looks by itself")
    bench.report("ana", "Noise at night in the yard.")
    delete(bench, oberberg)
    with bench.database.connection() as connection:
        looked_at = connection.exec_driver_sql("SELECT DISTINCT tbl FROM sqlite_stat1").scalars().all()
    assert {"conversation", "thread", "thread_entry"} <= set(looked_at)


def _models() -> list[Any]:
    return [mapper.class_ for mapper in Base.registry.mappers]


@pytest.mark.parametrize(
    ("result", "months", "days"), [("ANSWERED", 6, 0), ("OUT_OF_SCOPE", 6, 0), ("REFERRED", 12, 0), ("ABUSE", 0, 30)]
)
def test_closing_names_a_day_that_is_true(
    bench: Bench, oberberg: ContactPoint, result: str, months: int, days: int
) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    said = bench.desk("kim", f"/close {ref} {result}")
    if result == "ABUSE":
        said = bench.desk("lee", f"/close {ref} ABUSE")
    closed_at = bench.time()
    until = months_after(closed_at, months) + timedelta(days=days)
    named = deleted_by(until)
    assert any(f"{named.day} {named:%B %Y}" in each for each in at_desk(said, ref)), at_desk(said, ref)
    daily = Daily(bench.database, {oberberg.id: oberberg}, Desks(ACCOUNT))
    hour = closed_at
    while hour < until + 2 * DAY:
        hour = max(hour + timedelta(hours=1), until - DAY)
        bench.at(hour)
        while daily.take_next(hour):
            pass
        if number_of(bench.database, Thread) == 0:
            break
    assert until <= hour and hour.astimezone(START.tzinfo).date() <= named


def test_a_report_that_only_tells_goes_half_a_year_after_its_last_word(bench: Bench, oberberg: ContactPoint) -> None:
    ref = bench.report("ana", "Noise at night in the yard.", wish="TELL_ONLY")
    unread = bench.report("ben", "Quarrel at the fence.", wish="TELL_ONLY")
    bench.report("eva", "Rubbish in the stairs.")
    bench.desk("kim", f"/open {ref}")
    bench.after(days=30)
    bench.desk("kim", "Seen it too.", thread=ref)
    last_word = bench.time()
    bench.at(months_after(last_word, 6) - timedelta(seconds=1))
    assert delete(bench, oberberg).cases == 0
    bench.at(months_after(last_word, 6))
    assert delete(bench, oberberg).cases == 1
    with bench.database.transaction(bench.point) as session:
        left = set(session.scalars(select(Thread.ref)))
    assert ref not in left and unread in left and len(left) == 2


def test_the_way_to_the_person_goes_thirty_days_after_closing(bench: Bench, oberberg: ContactPoint) -> None:
    ref = bench.report("ana", "Noise at night in the yard.", contact="PHONE", phone="0171 2345678")
    bench.desk("kim", f"/close {ref} ANSWERED")
    bench.after(days=30, seconds=-1)
    assert delete(bench, oberberg).contacts == 0
    bench.after(seconds=1)
    assert delete(bench, oberberg).contacts == 1
    assert (number_of(bench.database, ContactLink), number_of(bench.database, SourceLink)) == (0, 0)
    assert number_of(bench.database, Report) == 1
    assert "No phone number was left." in " ".join(at_desk(bench.desk("kim", f"/phone {ref}")))


def test_a_case_that_was_opened_again_keeps_its_contact(bench: Bench, oberberg: ContactPoint) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", f"/close {ref} ANSWERED")
    bench.desk("kim", f"/reopen {ref}")
    bench.after(days=400)
    counts = delete(bench, oberberg)
    assert (counts.contacts, counts.cases, counts.chats) == (0, 0, 0)


def test_a_talk_goes_ninety_days_after_its_last_word_and_its_notes_stay(bench: Bench, oberberg: ContactPoint) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", f"/reply {ref} Good morning.")
    bench.say("ana", "Good morning to you.")
    bench.after(days=100)
    assert delete(bench, oberberg).transcripts == 0, "somebody waits for an answer"
    bench.desk("kim", f"/reply {ref} We are sorry.")
    bench.desk("kim", "Call the landlord.", thread=ref)
    bench.say("ana", "/menu")
    bench.after(days=90, seconds=-1)
    assert delete(bench, oberberg).transcripts == 0
    bench.after(seconds=1)
    assert delete(bench, oberberg).transcripts == 3
    with bench.database.transaction(bench.point) as session:
        kinds = list(session.scalars(select(ThreadEntry.kind).order_by(ThreadEntry.id)))
        assert set(kinds) == {"STORY", "NOTE", "EVENT"}
        assert session.scalars(select(Report)).one().story


def test_misuse_goes_after_thirty_days_and_the_block_after_ninety(bench: Bench, oberberg: ContactPoint) -> None:
    ref = bench.report("ana", "Something vile.")
    bench.desk("kim", f"/close {ref} ABUSE")
    bench.desk("lee", f"/close {ref} ABUSE")
    bench.after(days=30)
    counts = delete(bench, oberberg)
    assert (counts.cases, counts.blocks) == (1, 0)
    assert "cannot work on this" in to_person(bench.say("ana", "/report"), "ana")[0]
    bench.after(days=60)
    assert delete(bench, oberberg).blocks == 1
    bench.after(days=90)
    assert delete(bench, oberberg).chats == 1


def test_drafts_are_gone_although_nobody_looked_at_the_clock(bench: Bench, oberberg: ContactPoint) -> None:
    bench.say("ana", "/report")
    bench.say("ana", choice="en")
    for answer in ("NO", "READ_ON"):
        bench.say("ana", choice=answer)
    bench.say("ana", "They shout every night in the yard.")
    with bench.database.transaction(everywhere=True) as session:
        session.execute(DueRow.__table__.delete())
    bench.after(hours=25)
    assert delete(bench, oberberg).drafts == 1
    with bench.database.transaction(bench.point) as session:
        assert "shout" not in str(session.scalars(select(Conversation)).one().memory)


def test_a_chat_that_nobody_uses_goes_with_its_address(bench: Bench, oberberg: ContactPoint) -> None:
    bench.say("ana", "/start")
    bench.say("ana", choice="en")
    bench.report("ben", "Quarrel at the fence.")
    bench.after(days=90)
    assert delete(bench, oberberg).chats == 1
    with bench.database.transaction(bench.point) as session:
        assert session.scalars(select(Conversation)).one().address == "ben"
    assert "Which language" in to_person(bench.say("ana", "/start"), "ana")[0]


def test_the_card_of_a_living_case_can_be_edited_after_a_year(bench: Bench, oberberg: ContactPoint) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", f"/open {ref}")
    bench.after(days=365)
    counts = delete(bench, oberberg)
    assert counts.outbox > 10 and counts.inbox > 10
    said = bench.desk("kim", f"/take {ref}")
    assert any(each.replaces for each in said if each.message.style == "card" or each.replaces)


def test_a_reply_to_an_old_message_still_goes_out(bench: Bench, oberberg: ContactPoint) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    shown = next(each for each in bench.desk("kim", f"/open {ref}") if "Noise at night" in each.message.text)
    bench.after(days=60)
    delete(bench, oberberg)
    said = bench.desk("kim", "Good morning.", thread=ref, reply_to=f"o{shown.id}")
    assert "Good morning." in to_person(said, "ana")


def test_a_message_is_known_again_for_thirty_days(bench: Bench, oberberg: ContactPoint) -> None:
    bench.say("ana", "/start", message_id="one")
    bench.after(days=30, seconds=-1)
    assert delete(bench, oberberg).inbox == 0
    assert bench.say("ana", "/start", message_id="one") == []
    bench.after(days=1)
    assert delete(bench, oberberg).inbox > 0


def test_words_of_a_message_that_failed_go_after_fourteen_days(bench: Bench, oberberg: ContactPoint) -> None:
    bench.receive(chat="ana", text="/start")
    with bench.database.transaction(everywhere=True) as session:
        row = session.scalars(select(InboxMessage).order_by(InboxMessage.id.desc())).first()
        assert row is not None
        row.payload = {"from": "a newer version", "words": "secret"}
    bench.settle()
    bench.after(days=14)
    counts = delete(bench, oberberg)
    assert (counts.fault_words, counts.inbox) == (1, 0)
    with bench.database.transaction(everywhere=True) as session:
        (row,) = session.scalars(select(InboxMessage).where(InboxMessage.state == "FAILED"))
        assert row.payload is None and row.error_ref
    assert delete(bench, oberberg).fault_words == 0


class TestHold:
    def closed(self, bench: Bench) -> str:
        ref = bench.report("ana", "Noise at night in the yard.", contact="PHONE", phone="0171 2345678")
        bench.desk("kim", f"/reply {ref} Good morning.")
        bench.desk("kim", f"/close {ref} ANSWERED")
        return ref

    def test_a_case_on_hold_is_left_alone(self, bench: Bench, oberberg: ContactPoint) -> None:
        ref = self.closed(bench)
        assert "Why must this be kept" in " ".join(at_desk(bench.desk("kim", f"/hold {ref}")))
        said = at_desk(bench.desk("kim", f"/hold {ref} DISPUTE"), ref)
        assert any("kim has put" in each and "Legal dispute" in each for each in said)
        assert any("on hold: legal dispute" in each for each in said), "the card says so"
        bench.after(days=800)
        counts = delete(bench, oberberg)
        assert (counts.cases, counts.contacts, counts.transcripts, counts.chats, counts.on_hold) == (0, 0, 0, 0, 1)
        said = at_desk(bench.desk("kim", f"/unhold {ref}"), ref)
        assert any("The texts are deleted by" in each for each in said)
        counts = delete(bench, oberberg)
        assert (counts.cases, counts.chats, counts.on_hold) == (1, 1, 0)

    def test_one_reason_at_a_time_and_none_by_mistake(self, bench: Bench) -> None:
        ref = self.closed(bench)
        assert "is not on hold" in " ".join(at_desk(bench.desk("kim", f"/unhold {ref}")))
        bench.desk("kim", f"/hold {ref} because")
        with bench.database.transaction(bench.point) as session:
            assert session.scalars(select(Thread)).one().flags == ""
        bench.desk("kim", f"/hold {ref} dispute")
        bench.desk("kim", f"/hold {ref} RESTRICTION")
        with bench.database.transaction(bench.point) as session:
            assert session.scalars(select(Thread)).one().flags == "HOLD_RESTRICTION"

    def test_closing_a_case_on_hold_names_no_day(self, bench: Bench) -> None:
        ref = bench.report("ana", "Noise at night in the yard.")
        bench.desk("kim", f"/hold {ref} DISCLOSURE")
        said = " ".join(at_desk(bench.desk("kim", f"/close {ref} ANSWERED"), ref))
        assert "nothing is deleted until /unhold" in said and "deleted by" not in said

    def test_the_desk_is_reminded_once_a_month_by_numbers_only(self, bench: Bench, oberberg: ContactPoint) -> None:
        ref = self.closed(bench)
        bench.desk("kim", f"/hold {ref} DISPUTE")
        daily = Daily(bench.database, {oberberg.id: oberberg}, Desks(ACCOUNT))
        told = []
        for _day in range(70):
            bench.after(days=1)
            while daily.take_next(bench.time()):
                pass
            told += [each for each in at_desk(bench.settle(), "") if "kept beyond its time" in each]
        assert told == [f"On hold, and so kept beyond its time: {ref}.\nIs that still needed? If not: /unhold"] * 4


class TestStatistics:
    def rows(self, bench: Bench) -> list[str | None]:
        with bench.database.transaction(bench.point) as session:
            return list(session.scalars(select(Statistic.place)))

    def filed(self, bench: Bench, how_many: int) -> list[str]:
        refs = [bench.report(f"person{n}", "Noise at night in the yard.", contact="NONE") for n in range(how_many)]
        for ref in refs:
            bench.desk("kim", f"/close {ref} ANSWERED")
            bench.after(hours=1)
        return refs

    def test_five_cases_of_a_place_and_month_name_it(self, bench: Bench, oberberg: ContactPoint) -> None:
        self.filed(bench, 5)
        bench.at(months_after(START, 6) + timedelta(hours=1, minutes=30))
        first = delete(bench, oberberg).cases
        assert 0 < first < 5, "the count takes in those that are still there"
        bench.after(days=1)
        delete(bench, oberberg)
        assert self.rows(bench) == ["waldbroel"] * 5

    def test_four_do_not(self, bench: Bench, oberberg: ContactPoint) -> None:
        self.filed(bench, 4)
        bench.at(months_after(START, 7))
        delete(bench, oberberg)
        assert self.rows(bench) == [None] * 4

    def test_their_ids_are_random_and_no_word_is_in_them(self, bench: Bench, oberberg: ContactPoint) -> None:
        self.filed(bench, 3)
        with bench.database.transaction(bench.point) as session:
            for report in session.scalars(select(Report)):
                report.details = {**report.details, "setting": "OTHER: at Ahmed's", "wish": "OTHER"}
        bench.at(months_after(START, 7))
        delete(bench, oberberg)
        with bench.database.transaction(bench.point) as session:
            rows = list(session.scalars(select(Statistic)))
        assert len({row.id for row in rows}) == 3 and all(len(row.id) == 32 for row in rows)
        assert [(row.setting, row.wish) for row in rows] == [(None, None)] * 3

    def test_what_nobody_had_read_leaves_nothing(self, bench: Bench, oberberg: ContactPoint) -> None:
        bench.report("ana", "Noise at night in the yard.")
        bench.say("ana", "/withdraw")
        bench.say("ana", choice="REPORT")
        bench.say("ana", choice="YES")
        bench.at(months_after(START, 14))
        delete(bench, oberberg)
        assert number_of(bench.database, Statistic) == 0 and number_of(bench.database, Thread) == 0


class TestPage:
    """What the web page shows goes with what it shows."""

    def keep(self, bench: Bench, chat: str, message_id: str, words: str, thread: str = "") -> None:
        with bench.database.transaction(bench.point) as session:
            web_messages.keep(session, bench.point, chat, message_id, {"text": words}, bench.time(), thread)

    def shown(self, bench: Bench) -> set[str]:
        with bench.database.transaction(bench.point) as session:
            return {row.payload["text"] for row in session.scalars(select(WebMessage))}

    def test_chats_ninety_days_and_cases_as_long_as_the_case(self, bench: Bench, oberberg: ContactPoint) -> None:
        ref = bench.report("ana", "Noise at night in the yard.")
        bench.desk("kim", f"/open {ref}")
        self.keep(bench, "ana", "m1", "in the chat")
        self.keep(bench, "", "m2", "in the room")
        self.keep(bench, "", "m3", "in the case", ref)
        bench.after(days=90, seconds=-1)
        assert delete(bench, oberberg).pages == 0
        bench.after(seconds=1)
        assert delete(bench, oberberg).pages == 2
        assert self.shown(bench) == {"in the case"}
        bench.desk("kim", f"/close {ref} ANSWERED")
        bench.at(months_after(bench.time(), 6))
        assert delete(bench, oberberg).cases == 1
        assert self.shown(bench) == set()

    def test_the_desk_loses_a_talk_with_its_transcript(self, bench: Bench, oberberg: ContactPoint) -> None:
        ref = bench.report("ana", "Noise at night in the yard.")
        bench.desk("kim", f"/open {ref}")
        heard = bench.say("ana", "/human") + bench.say("ana", "Words in the talk.")
        shown = next(each for each in heard if each.message.text == "Words in the talk.")
        self.keep(bench, "", f"o{shown.id}", "Words in the talk.", ref)
        self.keep(bench, "", "from kim", f"/reply {ref} Good morning.", ref)
        self.keep(bench, "", "card", "the card", ref)
        bench.desk("kim", f"/reply {ref} Good morning.", message_id="from kim")
        bench.say("ana", "/menu")
        bench.after(days=90)
        assert delete(bench, oberberg).transcripts == 2
        assert self.shown(bench) == {"the card"}

    def test_a_chat_goes_with_its_page(self, bench: Bench, oberberg: ContactPoint) -> None:
        bench.say("ana", "/start")
        bench.after(days=80)
        self.keep(bench, "ana", "m1", "in the chat")
        bench.after(days=10)
        assert delete(bench, oberberg).chats == 1
        assert self.shown(bench) == set()


class TestRunning:
    def test_once_a_day_at_night_and_after_a_standstill_at_once(self, bench: Bench, oberberg: ContactPoint) -> None:
        daily = Daily(bench.database, {oberberg.id: oberberg}, Desks(ACCOUNT))

        def steps(moment: datetime) -> int:
            return sum(1 for _step in iter(lambda: daily.take_next(moment), False))

        midnight = START.replace(hour=0)
        assert steps(midnight) == 0, "not before three"
        assert steps(midnight.replace(hour=3)) > 0
        assert steps(START) == 0, "once"
        assert steps(START + timedelta(days=1)) > 0
        again = Daily(bench.database, {oberberg.id: oberberg}, Desks(ACCOUNT))
        assert not again.take_next(START + timedelta(days=1)), "not again after a restart"
        assert not daily.take_next(START), "a clock that was set back repeats nothing"

    def test_people_are_answered_between_two_steps(self, bench: Bench, oberberg: ContactPoint) -> None:
        bench.report("ana", "Noise at night in the yard.")
        bench.after(days=200)
        daily = Daily(bench.database, {oberberg.id: oberberg}, Desks(ACCOUNT))
        assert daily.take_next(bench.time())
        assert to_person(bench.say("ben", "/start"), "ben")
        assert daily.take_next(bench.time())

    def test_a_fault_ends_the_day_and_nothing_else(
        self, bench: Bench, oberberg: ContactPoint, caplog: pytest.LogCaptureFixture
    ) -> None:
        faults = iter([ZeroDivisionError()])

        def alone() -> bool:
            for each in faults:
                raise each
            return True

        daily = Daily(bench.database, {oberberg.id: oberberg}, Desks(ACCOUNT), alone=alone, rest=0)
        assert not daily.take_next(bench.time())
        assert "bug " in caplog.text
        assert not daily.take_next(bench.time())
        assert daily.take_next(bench.time() + DAY)

    def test_a_database_that_is_away_does_not_end_the_day(
        self, bench: Bench, oberberg: ContactPoint, caplog: pytest.LogCaptureFixture
    ) -> None:
        away = iter([OperationalError("", None, Exception("away"))])

        def alone() -> bool:
            for each in away:
                raise each
            return True

        patient = Daily(bench.database, {oberberg.id: oberberg}, Desks(ACCOUNT), alone=alone)
        assert not patient.take_next(bench.time()) and not patient.take_next(bench.time())
        away = iter([OperationalError("", None, Exception("away")), LostLease("given up")])
        daily = Daily(bench.database, {oberberg.id: oberberg}, Desks(ACCOUNT), alone=alone, rest=0)
        assert [daily.take_next(bench.time()) for _ in range(3)] == [False, False, True]
        assert "bug " not in caplog.text

    def test_the_log_has_numbers_only(
        self, bench: Bench, oberberg: ContactPoint, caplog: pytest.LogCaptureFixture
    ) -> None:
        ref = bench.report("ana", "Noise at night in the yard.")
        bench.desk("kim", f"/close {ref} ANSWERED")
        bench.after(days=200)
        caplog.clear()
        with caplog.at_level(logging.INFO, "anlaufstelle.retention"):
            daily = Daily(bench.database, {oberberg.id: oberberg}, Desks(ACCOUNT))
            while daily.take_next(bench.time()):
                pass
        (record,) = [each for each in caplog.records if each.name == "anlaufstelle.retention"]
        assert "cases 1" in record.getMessage() and ref not in caplog.text and "ana" not in caplog.text.split()

    def test_old_copies_of_the_database_go(self, bench: Bench, oberberg: ContactPoint) -> None:
        file = bench.database.file
        if file is None:
            pytest.skip("a database on a server has no files here")
        old = file.with_name(f"{file.name}.before-upgrade")
        old.write_bytes(b"")
        backups = file.parent / "backups"
        backups.mkdir()
        for day in (1, 30):
            (backups / f"anlaufstelle-202611{day:02}T030000Z.db").write_bytes(b"")
        (backups / "notes.txt").write_bytes(b"")
        now = datetime(2026, 12, 15, 3, tzinfo=UTC)
        young = datetime.fromtimestamp(old.stat().st_mtime, UTC) > now - timedelta(days=30)
        counts = run(bench.database, {oberberg.id: oberberg}, now, dry_run=True)
        assert counts.copies == (1 if young else 2) and len(list(backups.iterdir())) == 3
        assert run(bench.database, {oberberg.id: oberberg}, now).copies == counts.copies
        assert {each.name for each in backups.iterdir()} == {"anlaufstelle-20261130T030000Z.db", "notes.txt"}


def test_the_list_of_erasures_names_nobody_and_ends(bench: Bench, oberberg: ContactPoint) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", f"/close {ref} ANSWERED")
    bench.at(months_after(bench.time(), 6))
    delete(bench, oberberg)
    with bench.database.transaction(everywhere=True) as session:
        listed = entries(session)
    assert {each.kind for each in listed} == {Kind.EXPIRED, Kind.CHAT}
    assert subject_of(bench.database.ring, bench.point, ref) in {each.subject for each in listed}
    bench.after(days=91)
    assert delete(bench, oberberg).erasures == len(listed)
    assert number_of(bench.database, Erasure) == 0


def test_what_months_are() -> None:
    start = datetime(2026, 8, 31, 12, tzinfo=UTC)
    assert months_after(start, 6) == datetime(2027, 2, 28, 12, tzinfo=UTC)
    assert months_after(start, 12) == datetime(2027, 8, 31, 12, tzinfo=UTC)
    assert months_after(start, 9999 * 12).year == 9999
    assert kept_until(Retention(), "ABUSE", start) == start + timedelta(days=30)
    assert kept_until(Retention(), None, start) == months_after(start, 6)


# --- whatever the database holds ---

NOW = datetime(2027, 3, 31, 9, 0, tzinfo=UTC)
AGES = st.integers(0, 500 * 24).map(lambda hours: timedelta(hours=hours))
MAYBE = st.one_of(st.none(), AGES)
CASES = st.fixed_dictionaries(
    {
        "age": AGES,
        "closed": MAYBE,
        "result": st.sampled_from(["ANSWERED", "REFERRED", "OUT_OF_SCOPE", "ABUSE", None]),
        "wish": st.sampled_from(["TELL_ONLY", "ADVICE"]),
        "report": st.booleans(),
        "waiting": st.booleans(),
        "link": st.booleans(),
        "words": st.lists(AGES, max_size=3),
        "hold": st.sampled_from(["", "", "", "HOLD_DISPUTE", "DANGER"]),
        "place": st.sampled_from(["waldbroel", "wiehl", None]),
    }
)
CHATS = st.fixed_dictionaries({"heard": AGES, "draft": MAYBE, "blocked": MAYBE})
ROWS = st.fixed_dictionaries(
    {"age": AGES, "state": st.sampled_from(["NEW", "DONE", "FAILED", "QUEUED", "SENT", "DEAD"])}
)


def sow(database: Database, cases: list[Any], chats: list[Any], rows: list[Any]) -> None:
    """A database as years of use might leave it."""
    with database.transaction("oberberg") as session:
        for number, chat in enumerate(chats):
            session.add(
                Conversation(
                    account=ACCOUNT, chat_key=f"key{number}", address=f"chat{number}", holder="BOT", memory=None,
                    draft_until=NOW - chat["draft"] + 2 * DAY if chat["draft"] is not None else None,
                    blocked_until=NOW - chat["blocked"] + 20 * DAY if chat["blocked"] is not None else None,
                    last_heard_at=NOW - chat["heard"], created_at=NOW - chat["heard"],
                )
            )  # fmt: skip
        session.flush()
        ids = list(session.scalars(select(Conversation.id)))
        for number, case in enumerate(cases):
            closed = NOW - min(case["closed"], case["age"]) if case["closed"] is not None else None
            thread = Thread(
                ref=f"AAAA-{number:04}", language="de", urgency="NORMAL", flags=case["hold"], lapses=0,
                municipality=case["place"], created_at=NOW - case["age"], closed_at=closed,
                result=case["result"] if closed else None,
                waiting_since=NOW if case["waiting"] and not closed else None,
            )  # fmt: skip
            session.add(thread)
            session.flush()
            if case["report"]:
                session.add(
                    Report(
                        thread_id=thread.id, state="SUBMITTED", story="words", submitted_at=NOW - case["age"],
                        details={"wish": case["wish"], "setting": "WORK", "parties": "UNCLEAR"},
                    )
                )  # fmt: skip
            if case["link"] and ids:
                session.add(ContactLink(thread_id=thread.id, conversation_id=ids[number % len(ids)], phone="0171"))
                session.add(Consent(thread_id=thread.id, purpose="X", text_version="1", language="de", given_at=NOW))
            for age in case["words"]:
                sent = OutboxMessage(
                    account=ACCOUNT, chat_key="desk", address="", voice="notice", state="SENT", attempts=0,
                    not_before=NOW - age, queued_at=NOW - age, settled_at=NOW - age, remote_id=f"r{number}",
                )  # fmt: skip
                session.add(sent)
                session.flush()
                session.add(
                    ThreadEntry(
                        thread_id=thread.id, kind="FROM_REPORTER", text="words", at=NOW - age, outbox_id=sent.id
                    )
                )
            session.add(DueRow(kind="take_idle", subject=thread.id, due_at=NOW, attempts=0))
        for number, row in enumerate(rows):
            at = NOW - row["age"]
            if row["state"] in ("NEW", "DONE", "FAILED"):
                session.add(
                    InboxMessage(
                        account=ACCOUNT, message_key=f"m{number}", chat_key="c", payload={"words": 1},
                        state=row["state"], attempts=0, received_at=at, done_at=None if row["state"] == "NEW" else at,
                    )
                )  # fmt: skip
            else:
                session.add(
                    OutboxMessage(
                        account=ACCOUNT, chat_key="c", address="a", payload={"words": 1}, voice="notice",
                        state=row["state"], attempts=0, not_before=at, queued_at=at,
                        settled_at=None if row["state"] == "QUEUED" else at,
                    )
                )  # fmt: skip


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory, ring: KeyRing) -> Path:
    """A SQLite file of the current schema without a row, to copy from."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    database = Database.open(f"sqlite:///{path}", ring)
    upgrade(database)
    database.checkpoint()
    database.close()
    return path


@pytest.fixture
def fields(tmp_path: Path, empty_file: Path, ring: KeyRing) -> Iterator[Any]:
    """Fresh databases, as many as wanted."""
    opened: list[Database] = []

    def fresh() -> Database:
        path = tmp_path / f"field{len(opened)}.db"
        path.write_bytes(empty_file.read_bytes())
        opened.append(Database.open(f"sqlite:///{path}", ring))
        return opened[-1]

    yield fresh
    for each in opened:
        each.close()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes
)
@given(
    cases=st.lists(CASES, max_size=8),
    chats=st.lists(CHATS, max_size=5),
    rows=st.lists(ROWS, max_size=8),
    window=st.integers(1, 6),
)
def test_whatever_the_database_holds(
    fields: Any, oberberg: ContactPoint, cases: list[Any], chats: list[Any], rows: list[Any], window: int
) -> None:
    database, points = fields(), {oberberg.id: oberberg}
    rows.sort(key=lambda row: -row["age"])  # ids grow with time
    for case in cases:
        case["words"] = [min(age, case["age"]) for age in case["words"]]
    sow(database, cases, chats, rows)
    before = dump(database)
    usual, retention.WINDOW = retention.WINDOW, window  # type: ignore[misc]
    try:
        told = run(database, points, NOW, dry_run=True)
        assert dump(database) == before, "a dry run changes nothing"
        assert run(database, points, NOW) == told, "and tells what the real one does"
        once = dump(database)
        again = run(database, points, NOW)
    finally:
        retention.WINDOW = usual  # type: ignore[misc]
    assert again.deleted == 0 and dump(database) == once, "twice is once"
    _is_just(database, cases, chats, rows)


def _is_just(database: Database, cases: list[Any], chats: list[Any], rows: list[Any]) -> None:
    """Nothing younger than its period is gone, nothing older is left; told in other words than the program's."""
    with database.transaction("oberberg") as session:
        refs = set(session.scalars(select(Thread.ref)))
        linked = set(session.scalars(select(Thread.ref).join(ContactLink)))
        words = dict(
            session.execute(
                select(Thread.ref, func.count())
                .join(ThreadEntry, ThreadEntry.thread_id == Thread.id)
                .group_by(Thread.ref)
            ).all()
        )  # fmt: skip
        addresses = set(session.scalars(select(Conversation.address)))
        statistics = session.scalar(select(func.count()).select_from(Statistic))
        keys = set(session.scalars(select(InboxMessage.message_key)))
    for number, case in enumerate(cases):
        ref = f"AAAA-{number:04}"
        there, hold = ref in refs, case["hold"].startswith("HOLD")
        closed = NOW - min(case["closed"], case["age"]) if case["closed"] is not None else None
        if closed is not None:
            result = case["result"]
            over = (
                NOW - closed >= timedelta(days=30) if result == "ABUSE"
                else months_after(closed, 12) <= NOW if result == "REFERRED"
                else months_after(closed, 6) <= NOW
            )  # fmt: skip
        else:
            last = NOW - min([case["age"], *case["words"]])
            tell = case["report"] and case["wish"] == "TELL_ONLY" and not case["waiting"]
            over = tell and months_after(last, 6) <= NOW
        assert there == (hold or not over)
        if there and case["link"] and chats:
            assert (ref in linked) == (hold or closed is None or NOW - closed < timedelta(days=30))
        if there and case["words"]:
            old = case["age"] >= timedelta(days=90) and min(case["words"]) >= timedelta(days=90)
            gone = old and not hold and (closed is not None or not case["waiting"])
            assert words.get(ref, 0) == (0 if gone else len(case["words"]))
    assert statistics == len(cases) - len(refs)
    for number, chat in enumerate(chats):
        holding = [
            case for position, case in enumerate(cases)
            if case["link"] and position % len(chats) == number and f"AAAA-{position:04}" in linked
        ]  # fmt: skip
        draft = chat["draft"] is not None and chat["draft"] < 2 * DAY
        blocked = chat["blocked"] is not None and chat["blocked"] < 20 * DAY
        idle = chat["heard"] >= timedelta(days=90)
        assert (f"chat{number}" in addresses) == (bool(holding) or draft or blocked or not idle)
    for number, row in enumerate(rows):
        if row["state"] in ("NEW", "DONE", "FAILED"):
            assert (f"m{number}" in keys) == (row["state"] == "NEW" or row["age"] < timedelta(days=30))
