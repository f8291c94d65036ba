"""What is queued goes out: in order, tried again, and never over a human."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.app import App
from bot.commands import Button
from bot.contact_point import ContactPoint
from bot.delivery import UNHURRIED, Delivery, Refused, TryLater, Unreachable
from bot.i18n import Text, verbatim
from bot.messages import Style, Voice
from bot.work import Work
from storage import outbox
from storage.database import Database
from storage.leases import SECONDS, Dead
from storage.models import Conversation, OutboxMessage
from tests.bench import ACCOUNT, Bench, at_desk, plain, to_person
from tests.databases import Databases


@pytest.fixture
def bench(database: Database, oberberg: ContactPoint) -> Bench:
    made = Bench(database, {oberberg.id: oberberg})
    made.desk("kim", "/language en")
    return made


@contextmanager
def transaction_of(bench: Bench) -> Iterator[tuple[Session, Work]]:
    with (
        bench.database.transaction(everywhere=True) as session,
        bench.app.turns.working(session, bench.point, bench.time()) as work,
    ):
        yield session, work


def queue(
    bench: Bench,
    *said: tuple[str, str],
    voice: Voice = Voice.NOTICE,
    edits: int | None = None,
    broadcast: bool = False,
) -> list[int]:
    """Queues messages to chats without sending them; returns their ids."""
    ids = []
    with transaction_of(bench) as (session, work):
        for chat, text in said:
            key = work.ring.lookup("chat", ACCOUNT, chat)
            person = session.scalars(select(Conversation).where(Conversation.chat_key == key)).one()
            ids.append(work.tell(person, text, voice=voice, edits=edits, broadcast=broadcast))
    return ids


def rows(bench: Bench) -> dict[int, OutboxMessage]:
    with bench.database.transaction(everywhere=True) as session:
        return {row.id: row for row in session.scalars(select(OutboxMessage))}


def drain(bench: Bench) -> list[str]:
    before = len(bench.heard)
    asyncio.run(bench.app.outbox.drain())
    return [f"{each.chat}: {plain(each)}" for each in bench.heard[before:]]


def meet(bench: Bench, *chats: str) -> None:
    for chat in chats:
        bench.say(chat, "/start")


class Moody:
    """A messenger that answers some messages with errors, as often as it is told."""

    def __init__(self) -> None:
        self.moods: dict[str, list[Exception]] = {}
        self.tried: list[str] = []

    def __call__(self, delivery: Delivery) -> None:
        self.tried.append(delivery.message.text)
        moods = self.moods.get(delivery.message.text)
        if moods:
            raise moods.pop(0)


@pytest.fixture
def moody(bench: Bench) -> Moody:
    meet(bench, "ana", "ben")
    made = Moody()
    bench.messenger.behave = made
    return made


def test_order_within_a_chat_survives_failures_and_other_chats_go_on(bench: Bench, moody: Moody) -> None:
    moody.moods = {"a1": [TryLater(), TryLater()], "a2": [ConnectionError("gone")]}
    queue(bench, ("ana", "a1"), ("ben", "b1"), ("ana", "a2"), ("ben", "b2"), ("ana", "a3"))
    assert drain(bench) == ["ben: b1", "ben: b2"]
    heard = []
    for _ in range(40):
        bench.time.set(bench.time() + timedelta(seconds=1))
        heard += drain(bench)
    assert heard == ["ana: a1", "ana: a2", "ana: a3"]
    assert moody.tried.count("a1") == 3 and moody.tried.count("a2") == 2 and moody.tried.count("a3") == 1


def test_waits_double_with_jitter_up_to_five_minutes(bench: Bench, moody: Moody) -> None:
    waits: list[list[float]] = []
    for number in range(8):
        text = f"stubborn {number}"
        moody.moods[text] = [TryLater() for _ in range(12)]
        (row_id,) = queue(bench, ("ana", text))
        steps = []
        for _ in range(12):
            drain(bench)
            due = rows(bench)[row_id].not_before
            steps.append((due - bench.time()).total_seconds())
            bench.time.set(due)
        waits.append(steps)
        assert drain(bench) == [f"ana: {text}"]
    for attempt in range(12):
        middle = min(2.0**attempt, 300)
        assert all(0.8 * middle <= steps[attempt] <= 1.2 * middle for steps in waits)
        assert len({round(steps[attempt], 6) for steps in waits}) > 1, "without jitter all come back at once"


def test_a_messenger_that_names_a_time_is_left_alone_until_then(bench: Bench, moody: Moody) -> None:
    moody.moods = {"slow": [TryLater(after=77)]}
    (row_id,) = queue(bench, ("ana", "slow"))
    drain(bench)
    assert rows(bench)[row_id].not_before == bench.time() + timedelta(seconds=77)
    bench.time.set(bench.time() + timedelta(seconds=76))
    assert drain(bench) == []
    bench.time.set(bench.time() + timedelta(seconds=1))
    assert drain(bench) == ["ana: slow"]


def test_what_has_to_wait_goes_out_while_others_never_cease(bench: Bench, moody: Moody) -> None:
    moody.moods = {"slow": [TryLater(after=60)]}
    bench.messenger.pace = replace(bench.messenger.pace, at_once=1)
    queue(bench, ("ana", "slow"), *(("ben", f"b{n}") for n in range(4)))

    async def pass_time(delivery: Delivery) -> None:
        if delivery.message.text == "b1":
            await bench.database.run(bench.time.set, bench.time() + timedelta(seconds=80))

    bench.messenger.meanwhile = pass_time
    assert sorted(drain(bench)) == ["ana: slow", "ben: b0", "ben: b1", "ben: b2", "ben: b3"]


def test_what_processes_died_with_is_tried_more_and_more_seldom_and_not_given_up(bench: Bench, moody: Moody) -> None:
    (row,) = queue(bench, ("ana", "a1"))
    waited = timedelta()
    for _death in range(12):
        with bench.database.transaction(everywhere=True) as session:
            outbox.claim(session, [row], "gone")
            bench.app.outbox.take_over(session, Dead("gone", 0), bench.time())
        wait = max(timedelta(), rows(bench)[row].not_before - bench.time())
        assert wait == timedelta() or wait > waited / 2, "about twice as long each time"
        waited = wait
        bench.time.set(bench.time() + wait)
    assert waited > timedelta(seconds=40)
    assert drain(bench) == ["ana: a1"]


@pytest.mark.parametrize(("answer", "unreachable"), [(Unreachable(), True), (Refused(), False)])
def test_what_can_never_arrive_is_not_tried_again(
    bench: Bench, moody: Moody, answer: Exception, unreachable: bool
) -> None:
    moody.moods = {"first": [answer]}
    (row_id, _next) = queue(bench, ("ana", "first"), ("ana", "second"))
    assert drain(bench) == ["ana: second"]
    row = rows(bench)[row_id]
    assert (row.state, row.payload, row.address) == ("DEAD", None, "")
    with bench.database.transaction(bench.point) as session:
        gone = session.get_one(Conversation, row.conversation_id).unreachable_since
    assert (gone is not None) is unreachable
    bench.say("ana", "/help")
    with bench.database.transaction(bench.point) as session:
        assert session.get_one(Conversation, row.conversation_id).unreachable_since is None


def test_after_two_days_a_message_is_given_up(bench: Bench, moody: Moody) -> None:
    moody.moods = {"late": [TryLater() for _ in range(9)]}
    (row_id,) = queue(bench, ("ana", "late"))
    drain(bench)
    bench.time.set(bench.time() + timedelta(days=2, seconds=1))
    assert drain(bench) == []
    row = rows(bench)[row_id]
    assert (row.state, row.payload) == ("DEAD", None)
    assert drain(bench) == [] and moody.tried.count("late") == 2


def test_a_broken_channel_is_a_bug_in_the_log_without_words(
    bench: Bench, moody: Moody, caplog: pytest.LogCaptureFixture
) -> None:
    moody.moods = {"Herzlich geheim": [RuntimeError("broke at Herzlich geheim")]}
    queue(bench, ("ana", "Herzlich geheim"), ("ben", "b1"))
    assert drain(bench) == ["ben: b1"]
    assert "RuntimeError" in caplog.text and "geheim" not in caplog.text and "ana" not in caplog.text
    bench.time.set(bench.time() + timedelta(seconds=2))
    assert drain(bench) == ["ana: Herzlich geheim"]


def test_an_account_that_another_process_serves_does_not_stop_the_others(bench: Bench, moody: Moody) -> None:
    (left,) = queue(bench, ("ana", "by another messenger"))
    with bench.database.transaction(everywhere=True) as session:
        session.get_one(OutboxMessage, left).account = "pigeon:1"
    queue(bench, ("ben", "b1"))
    assert drain(bench) == ["ben: b1"] and rows(bench)[left].state == "QUEUED"


def test_a_process_that_was_held_up_for_long_sends_when_it_goes_on(bench: Bench, moody: Moody) -> None:
    queue(bench, ("ana", "a1"))
    time.sleep(SECONDS / 2 + 0.2)
    asyncio.run(asyncio.wait_for(bench.app.outbox.drain(), 10))
    assert [each.message.text for each in bench.heard[-1:]] == ["a1"]


def test_questions_of_the_bot_are_silenced_when_a_human_took_the_chat_meanwhile(bench: Bench, moody: Moody) -> None:
    ids = queue(bench, ("ana", "a question"), voice=Voice.BOT)
    ids += queue(bench, ("ana", "a fact"), voice=Voice.NOTICE)
    ids += queue(bench, ("ana", "a human"), voice=Voice.DESK)
    ids += queue(bench, ("ben", "his question"), voice=Voice.BOT)
    with bench.database.transaction(bench.point) as session:
        key = bench.database.ring.lookup("chat", ACCOUNT, "ana")
        session.scalars(select(Conversation).where(Conversation.chat_key == key)).one().holder = "HUMAN"
    assert sorted(drain(bench)) == ["ana: a fact", "ana: a human", "ben: his question"]
    states = rows(bench)
    assert [states[each].state for each in ids] == ["SILENCED", "SENT", "SENT", "SENT"]
    assert all(states[each].payload is None for each in ids)
    assert bench.counted.heard.count(f"{ACCOUNT} silenced") == 1


def test_an_edit_finds_the_message_or_is_dropped_when_that_was_never_sent(bench: Bench, moody: Moody) -> None:
    moody.moods = {"never": [Refused()], "late": [TryLater()]}
    (sent, never, late) = queue(bench, ("ana", "sent"), ("ana", "never"), ("ana", "late"))
    (edit,) = queue(bench, ("ana", "sent, corrected"), edits=sent)
    (lost,) = queue(bench, ("ana", "never, corrected"), edits=never)
    (waits,) = queue(bench, ("ana", "late, corrected"), edits=late)
    assert drain(bench) == ["ana: sent"]
    bench.time.set(bench.time() + timedelta(seconds=2))
    assert drain(bench) == ["ana: late", "ana: sent, corrected", "ana: late, corrected"]
    replaces = {plain(each): each.replaces for each in bench.heard if "corrected" in plain(each)}
    assert replaces == {"sent, corrected": f"o{sent}", "late, corrected": f"o{late}"}
    assert [rows(bench)[each].state for each in (edit, lost, waits)] == ["SENT", "SILENCED", "SENT"]


def test_the_writer_at_the_desk_learns_what_became_of_a_reply(bench: Bench, moody: Moody) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    moody.moods = {"Good morning": [TryLater()], "Are you there?": [Unreachable()], "No": [Refused()]}
    said = bench.desk("kim", "/reply Good morning", ref, message_id="reply1")
    assert "Not delivered yet. I keep trying." in at_desk(said, ref)
    said = bench.after(seconds=2)
    assert to_person(said, "ana") == ["Good morning"]
    (told,) = [each for each in said if plain(each) == "Delivered."]
    assert told.replaces and told.message.about == "reply1"
    assert "Not delivered: the person has closed the chat." in at_desk(bench.desk("kim", "/reply Are you there?", ref))
    assert "Not delivered: the messenger refused it." in at_desk(bench.desk("kim", "/reply No", ref))


def test_what_was_sent_leaves_no_words_in_the_outbox(bench: Bench, moody: Moody) -> None:
    queue(bench, ("ana", "Herzlich geheim"))
    drain(bench)
    assert all(row.payload is None and row.address == "" for row in rows(bench).values())


def test_a_restart_sends_what_was_queued_once(bench: Bench, moody: Moody, oberberg: ContactPoint) -> None:
    queue(bench, ("ana", "a1"), ("ana", "a2"))
    again = App(bench.database, {oberberg.id: oberberg}, {ACCOUNT: bench.messenger}, bench.time, ACCOUNT)
    before = len(bench.heard)
    asyncio.run(again.settle())
    asyncio.run(bench.app.settle())
    assert [plain(each) for each in bench.heard[before:]] == ["a1", "a2"]


def test_the_next_moment_to_look(bench: Bench, moody: Moody) -> None:
    assert bench.app.outbox.next_due() is None
    moody.moods = {"slow": [TryLater(after=60)]}
    queue(bench, ("ana", "slow"))
    drain(bench)
    assert bench.app.outbox.next_due() == bench.time() + timedelta(seconds=60)


def test_who_waits_for_an_answer_does_not_wait_for_a_reminder_to_hundreds(bench: Bench, moody: Moody) -> None:
    invited = [f"member{n}" for n in range(100)]
    meet(bench, *invited)
    queue(bench, *((chat, "Round table tomorrow") for chat in ["ana", *invited]), broadcast=True)
    queue(bench, ("ben", "Thank you"), ("ana", "First"), ("ana", "Second"))
    bench.messenger.pace = replace(bench.messenger.pace, at_once=1)
    heard = drain(bench)
    assert heard[:4] == ["ben: Thank you", "ana: First", "ana: Second", "ana: Round table tomorrow"]
    assert len(heard) == 104


def test_a_broadcast_that_has_to_wait_stays_before_what_comes_later(bench: Bench, moody: Moody) -> None:
    moody.moods = {"Round table tomorrow": [TryLater(after=30)]}
    queue(bench, ("ana", "Round table tomorrow"), broadcast=True)
    assert drain(bench) == []
    queue(bench, ("ana", "Thank you"))
    assert drain(bench) == [], "the messenger named a time for this chat"
    bench.time.set(bench.time() + timedelta(seconds=40))
    assert drain(bench) == ["ana: Round table tomorrow", "ana: Thank you"]


def test_many_chats_at_once_each_in_its_order(bench: Bench) -> None:
    chats = [f"chat{n}" for n in range(12)]
    meet(bench, *chats)
    queue(bench, *((chat, f"{n}") for n in range(10) for chat in chats))
    heard = drain(bench)
    assert {chat: [each.split(": ")[1] for each in heard if each.startswith(f"{chat}: ")] for chat in chats} == {
        chat: [str(n) for n in range(10)] for chat in chats
    }


def test_buttons_reach_the_messenger_in_the_language_of_the_person(bench: Bench) -> None:
    meet(bench, "ana")
    label: Text = verbatim("Weiter")
    with transaction_of(bench) as (session, work):
        person = session.scalars(select(Conversation)).one()
        work.tell(person, verbatim("x"), (Button("/menu", label),))
    drain(bench)
    assert [(option.id, option.label) for option in bench.heard[-1].message.options] == [("/menu", "Weiter")]


def test_a_reply_that_never_comes_through_does_not_hold_up_the_desk(bench: Bench, moody: Moody) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    moody.moods = {"Hello": [TryLater() for _ in range(99)]}
    bench.desk("kim", "/reply Hello", ref)
    said = bench.desk("lee", "/who")
    assert any("Open now" in text for text in at_desk(said))


def test_the_desk_sees_what_did_not_arrive(bench: Bench, moody: Moody) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", f"/open {ref}")
    (nothing,) = at_desk(bench.desk("kim", "/undelivered"), "")
    assert nothing == "Everything of the last 30 days has arrived."
    moody.moods = {"Good morning.": [Unreachable()]}
    said = bench.desk("kim", f"/reply {ref} Good morning.")
    assert any("The person has closed the chat since" in each for each in at_desk(said, ref, Style.CARD))
    (told,) = at_desk(bench.desk("kim", "/undelivered"), "")
    assert told.startswith("1 message did not arrive.\nIt concerns: " + ref)
    bench.after(days=31)
    assert at_desk(bench.desk("kim", "/undelivered"), "") == [nothing]
    back = bench.say("ana", "I am here again, and it goes on every night.")
    assert not any("has closed the chat" in each for each in at_desk(back, ref, Style.CARD))


class Paper:
    """A channel that writes messages out; told to, it finds the disk full after the next one."""

    pace = UNHURRIED
    knows_repeats = False

    def __init__(self) -> None:
        self.written: list[str] = []
        self.fills_up = False

    async def send(self, delivery: Delivery) -> str:
        raise AssertionError("it is written out")

    def write_out(self, delivery: Delivery) -> None:
        self.written.append(plain(delivery))
        if self.fills_up:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    def name_of(self, delivery: Delivery) -> str:
        return f"o{delivery.id}"


def test_a_disk_that_is_full_just_after_a_message_was_written(
    databases: Databases, database: Database, oberberg: ContactPoint
) -> None:
    """As long as the process lives, it knows what is written: nothing is written twice."""
    if databases.name != "sqlite":
        pytest.skip("the server has a disk of its own")
    bench = Bench(database, {oberberg.id: oberberg})
    meet(bench, "ana")
    paper = Paper()
    app = App(database, {oberberg.id: oberberg}, {ACCOUNT: paper}, bench.time, ACCOUNT)
    asyncio.run(app.settle())
    queue(bench, ("ana", "one"), ("ana", "two"), ("ana", "three"))
    paper.fills_up = True
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(DBAPIError):
            asyncio.run(app.settle())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert paper.written == ["one"]
    paper.fills_up = False
    asyncio.run(app.settle())
    assert paper.written == ["one", "two", "three"]


def test_what_was_queued_in_a_wrong_time_goes_out_when_the_clock_is_right_again(bench: Bench, moody: Moody) -> None:
    bench.time.set(bench.time() + timedelta(days=1))
    queue(bench, ("ana", "from tomorrow"))
    bench.time.set(bench.time() - timedelta(days=1))
    queue(bench, ("ana", "from today"))
    assert drain(bench) == ["ana: from tomorrow", "ana: from today"]
