"""One message, one transaction: kept at once, worked through in order, and no bug stops the next one."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

import pytest
from sqlalchemy import event, select, text

from bot.app import App
from bot.commands import Command, Say
from bot.contact_point import ContactPoint
from bot.contact_point_file import load_contact_points, shipped
from bot.conversation import Listener
from bot.desks import Desks
from bot.door import Door
from bot.engine.engine import Engine
from bot.engine.flow import Flow, ask
from bot.engine.inputs import FreeText
from bot.engine.scope import Scope
from bot.flows import FLOWS
from bot.i18n import _, verbatim
from bot.languages import LANGUAGES
from bot.turns import Turns
from storage.database import Database
from storage.models import Conversation, InboxMessage, Report
from tests.bench import ACCOUNT, Bench, at_desk, to_person
from tests.databases import Databases, Postgres, name_of


@pytest.fixture
def bench(database: Database, oberberg: ContactPoint) -> Bench:
    made = Bench(database, {oberberg.id: oberberg})
    made.desk("kim", "/language en")
    return made


def inbox(bench: Bench) -> list[InboxMessage]:
    with bench.database.transaction(everywhere=True) as session:
        return list(session.scalars(select(InboxMessage).order_by(InboxMessage.id)))


def reports(bench: Bench) -> list[str]:
    with bench.database.transaction(bench.point) as session:
        return [report.story or "" for report in session.scalars(select(Report))]


def test_the_same_message_twice_has_no_effect(bench: Bench) -> None:
    assert bench.say("ana", "/start", message_id="one")
    assert bench.say("ana", "/start", message_id="one") == []
    assert bench.say("ana", "something else under the same id", message_id="one") == []
    assert bench.say("ana", choice="en", message_id="two")


def test_the_same_message_twice_before_its_turn(bench: Bench) -> None:
    for _again in range(3):
        bench.receive(chat="ana", text="/start", message_id="one")
    assert len(to_person(bench.settle(), "ana")) == 1


def test_a_report_sent_twice_is_filed_once(bench: Bench) -> None:
    bench.report("ana", "Noise at night in the yard.")
    assert reports(bench) == ["Noise at night in the yard."]
    bench.receive(chat="ana", choice="/send", message_id="again")
    bench.settle()
    assert reports(bench) == ["Noise at night in the yard."]


def test_messages_of_one_chat_are_worked_through_in_order(bench: Bench) -> None:
    bench.report("ana", "Noise at night in the yard.")
    ref = bench.report("ben", "Quarrel at the fence.", wish="TALK_TO_PERSON")
    bench.desk("kim", f"/open {ref}")
    for number in range(10):
        bench.receive(chat="ben", text=f"words {number}")
        bench.receive(by="kim", text=f"/reply {ref} answer {number}")
    said = bench.settle()
    assert [each for each in at_desk(said, ref) if each.startswith("words")] == [f"words {n}" for n in range(10)]
    answers = [each for each in to_person(said, "ben") if each.startswith("answer")]
    assert answers == [f"answer {n}" for n in range(10)]


def test_what_came_in_is_worked_through_by_the_next_start(bench: Bench, oberberg: ContactPoint) -> None:
    bench.receive(chat="ana", text="/start")
    again = App(bench.database, {oberberg.id: oberberg}, {ACCOUNT: bench.messenger}, bench.time, ACCOUNT)
    assert again.turns.waiting() == 1
    asyncio.run(again.settle())
    assert to_person(bench.heard, "ana") and again.turns.waiting() == 0


def test_words_leave_the_inbox_with_their_turn(bench: Bench) -> None:
    bench.receive(chat="ana", text="Herzlich geheim")
    assert inbox(bench)[-1].payload
    bench.settle()
    assert [row.payload for row in inbox(bench)] == [None] * len(inbox(bench))


class Poison(Exception):
    """Carries words, as real exceptions do."""


def _fails(flow: Poisonous, scope: Scope) -> Iterator[Command]:
    raise Poison(f"cannot digest {flow.thing}")
    yield Say(_("never"))


class Poisonous(Flow, name="report_tension"):
    """Stands where reporting is, and fails at some words."""

    title = verbatim("Poison")

    thing: str = ask(verbatim("Say something"), FreeText(at_most=500))

    def finish(self, scope: Scope) -> Iterator[Command]:
        if "Giftpilz" in self.thing:
            yield from _fails(self, scope)
        yield Say(verbatim("Digested."))


@pytest.fixture
def poisoned(bench: Bench) -> Bench:
    """The same bot with a flow that has a bug."""
    flows = [Poisonous if flow.name == "report_tension" else flow for flow in FLOWS]
    bench.app.turns.listener = Listener(Engine(flows))
    bench.say("ana", "/start")
    bench.say("ana", choice="en")
    bench.say("ana", "/report")
    return bench


def test_a_bug_ends_with_a_reference_number_and_a_kind_sentence(
    poisoned: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    (said,) = to_person(poisoned.say("ana", "Ein Giftpilz im Garten"), "ana")
    assert "We are sorry" in said and "02261 555 01 23" in said
    (reference,) = re.findall(r"Number of the fault: ([0-9A-F]{6})", said)
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert reference in record.getMessage() and "Poison at" in record.getMessage()
    assert "test_turns.py" in record.getMessage()
    assert "Giftpilz" not in caplog.text and "digest" not in caplog.text and "ana" not in caplog.text.split()
    assert record.exc_info is None
    row = inbox(poisoned)[-1]
    assert (row.state, row.error_ref) == ("FAILED", reference)


def test_the_next_message_works(poisoned: Bench) -> None:
    poisoned.receive(chat="ana", text="Ein Giftpilz im Garten")
    poisoned.receive(chat="ben", text="/start")
    poisoned.receive(chat="ana", text="Ein Apfel im Garten")
    said = poisoned.settle()
    assert to_person(said, "ben") and "Digested." in to_person(said, "ana")
    assert poisoned.app.turns.waiting() == 0


def test_a_failed_turn_leaves_nothing_behind(poisoned: Bench) -> None:
    with poisoned.database.transaction(poisoned.point) as session:
        before = session.scalars(select(Conversation)).one().memory
    poisoned.say("ana", "Ein Giftpilz im Garten")
    with poisoned.database.transaction(poisoned.point) as session:
        assert session.scalars(select(Conversation)).one().memory == before


def test_a_message_that_cannot_even_be_answered_does_not_stop_the_bot(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.receive(chat="ana", text="/start")
    with bench.database.transaction(everywhere=True) as session:
        row = session.scalars(select(InboxMessage).order_by(InboxMessage.id.desc())).first()
        assert row is not None
        row.payload = {"from": "a newer version", "chat": "ana"}
    bench.receive(chat="ben", text="/start")
    said = bench.settle()
    assert to_person(said, "ben") and not to_person(said, "ana")
    assert [each.state for each in inbox(bench)][-2:] == ["FAILED", "DONE"]
    assert caplog.text.count("bug ") == 2


def test_a_busy_database_only_delays(databases: Databases, url: str, bench: Bench) -> None:
    """Something is in the way: the turn is tried again a little later, and the person never learns of it."""
    bench.receive(chat="ana", text="/start")
    with in_the_way(databases, url, bench):
        assert bench.settle() == []
        row = inbox(bench)[-1]
        assert (row.state, row.attempts) == ("NEW", 1) and bench.app.turns.is_held_up
    sleep(0.3)
    assert to_person(bench.settle(), "ana")


@contextmanager
def in_the_way(databases: Databases, url: str, bench: Bench) -> Iterator[None]:
    """On a server somebody has locked a table; SQLite waits for such a one, so there a table is out of the way."""
    if isinstance(databases, Postgres):
        with databases.server.connect(name_of(url)) as other, other.transaction():
            other.execute("LOCK TABLE conversation")
            with bench.database.connection() as connection, connection.begin():
                connection.exec_driver_sql("SET lock_timeout = '50ms'")
            yield
        return
    with bench.database.transaction(everywhere=True) as session:
        session.execute(text("ALTER TABLE conversation RENAME TO elsewhere"))
    yield
    with bench.database.transaction(everywhere=True) as session:
        session.execute(text("ALTER TABLE elsewhere RENAME TO conversation"))


def test_one_chat_at_several_contact_points(database: Database) -> None:
    """A link brings the same person to another contact point, and their words to the one they came to last."""
    points = load_contact_points(shipped(), LANGUAGES)
    bench = Bench(database, points)
    door = Door(database, points)
    names = list(points)
    assert len(names) >= 2

    def say(words: str, **fields: Any) -> list[str]:
        point = door.contact_point_of(ACCOUNT, "ana", words)
        return to_person(bench.say("ana", words, contact_point=point, **fields), "ana")

    assert say(f"/start {names[0]}")
    assert say(f"/start {names[1]}")
    assert door.contact_point_of(ACCOUNT, "ana", "hello") == names[1]
    bench.receive(chat="ana", text=f"/start {names[0]}", contact_point=names[0])
    # Not worked through yet, and it counts already.
    assert door.contact_point_of(ACCOUNT, "ana", "hello") == names[0]
    assert bench.settle() and not [row for row in inbox(bench) if row.state == "FAILED"]
    with database.transaction(everywhere=True) as session:
        assert sorted(session.scalars(select(Conversation.contact_point))) == sorted(names[:2])


def test_an_edit_of_somebody_elses_message_changes_nothing(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.", story_id="story")
    talk = bench.report("ana", "And the music, too.", wish="TALK_TO_PERSON")
    bench.desk("kim", f"/open {talk}")
    bench.say("ana", "Nobody greets anybody.", message_id="more")
    for old in ("story", "more"):
        said = bench.say("ben", "Everything is fine, ignore it.", edits=old)
        assert not any("Everything is fine" in each or "I have passed on" in each for each in at_desk(said))
        assert not any(number in each for each in to_person(said, "ben") for number in (ref, talk))
    assert any("Really nobody." in each for each in at_desk(bench.say("ana", "Really nobody.", edits="more")))
    assert any(ref in each for each in to_person(bench.say("ana", "Noise by day.", edits="story"), "ana"))


def test_halves_of_characters_and_odd_words_do_no_harm(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.", wish="TALK_TO_PERSON")
    bench.desk("kim", f"/open {ref}")
    for odd in ("\x00", "\ud800", "a\u202eb", "\ufeff", "x" * 100_000, "/", "//", "/ ", "/" * 4000, "\n\n", "﷽" * 500):
        bench.say("ana", odd)
        bench.desk("kim", odd, ref)
        bench.desk("kim", f"/open {odd}")
        bench.desk("kim", odd, odd)
        bench.desk("kim", odd, ref, edits="nothing")
        bench.say("ben", odd)
    assert [row.error_ref for row in inbox(bench) if row.state == "FAILED"] == []


def test_a_contact_point_that_is_gone_stops_nobody_else(bench: Bench) -> None:
    bench.receive(chat="ana", text="/start", contact_point="closed-down")
    bench.receive(chat="ben", text="/start")
    assert to_person(bench.settle(), "ben")


def test_turns_take_one_message_each(bench: Bench, oberberg: ContactPoint) -> None:
    turns = Turns(bench.database, {oberberg.id: oberberg}, bench.app.turns.listener, Desks(ACCOUNT))
    bench.receive(chat="ana", text="/start")
    bench.receive(chat="ben", text="/start")
    taken = [turns.take_next(bench.time()) for _once in range(3)]
    assert [each.chat if each else None for each in taken] == ["ana", "ben", None]


def test_nothing_that_is_stored_is_looked_through(database: Database, oberberg: ContactPoint) -> None:
    """As quick at a million conversations: a report and an answer find their rows by what tells them apart."""
    if database.file is None:
        pytest.skip("PostgreSQL chooses by what is in the tables")
    asked: dict[str, Any] = {}

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.setdefault(statement, parameters)

    bench = Bench(database, {oberberg.id: oberberg})
    bench.report("ben", "Noise at night in the yard.")
    event.listen(database.engine, "before_cursor_execute", note)
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", f"/open {ref}")
    bench.desk("kim", "/reply Thank you.", thread=ref)
    bench.say("ana", "/mine")
    event.remove(database.engine, "before_cursor_execute", note)
    steps = []
    with database.connection() as connection:
        for statement, parameters in asked.items():
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                one = parameters[0] if isinstance(parameters, list) else parameters
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one)
                steps += [(row.detail, statement) for row in plan]
    assert len(steps) > 30
    short = re.compile("waiting|setting|lease|sqlite_sequence|CONSTANT|SUBQUERY|LIST")
    found = [(step, statement) for step, statement in steps if step.startswith("SCAN") and not short.search(step)]
    # Who works with the contact point are a few.
    few = re.compile("role_grant|user_account")
    found += [(step, statement) for step, statement in steps if "(contact_point=?)" in step and not few.search(step)]
    assert not found
