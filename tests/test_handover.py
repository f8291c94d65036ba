"""Messages that go from the turn straight to the sender, and what happens when the sender is gone or gives up."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select

from bot.app import BEAT_SECONDS
from bot.contact_point import ContactPoint
from bot.messages import Inbound
from storage.database import Database
from storage.models import OutboxMessage
from tests.bench import Bench


@pytest.fixture
def bench(database: Database, oberberg: ContactPoint) -> Bench:
    bench = Bench(database, {oberberg.id: oberberg})
    bench.say("ben", "/start")
    return bench


def states(bench: Bench) -> list[str]:
    """What is in the outbox and not settled."""
    with bench.database.transaction(everywhere=True) as session:
        waits = select(OutboxMessage.state).where(OutboxMessage.settled_at.is_(None)).order_by(OutboxMessage.id)
        return list(session.scalars(waits))


def turn(bench: Bench, chat: str) -> list[Inbound]:
    """A message is worked through and what it led to is not sent yet."""
    bench.receive(chat=chat, text="/start", language="en")
    return bench.app.turns.take(bench.time())


def test_what_a_turn_hands_over_is_being_sent_with_its_commit(bench: Bench) -> None:
    turn(bench, "ana")
    assert states(bench) == ["SENDING"]
    assert len(bench.settle()) == 1 and states(bench) == []


def test_who_lost_its_place_sends_nothing_that_others_take_over(bench: Bench) -> None:
    turn(bench, "ana")
    bench.app.leases.lost()
    # It hears of that when it says the next time that it is alive.
    time.sleep(BEAT_SECONDS)
    assert [each.chat for each in bench.settle()] == ["ana"]
    assert bench.settle() == [] and states(bench) == []


def test_what_was_handed_over_and_not_sent_waits_for_the_next_start(bench: Bench, oberberg: ContactPoint) -> None:
    turn(bench, "ana")
    bench.app.outbox.let_go(bench.time())
    assert states(bench) == ["QUEUED"]
    bench.app.leases.stop()
    again = Bench(bench.database, {oberberg.id: oberberg})
    assert [each.chat for each in again.settle()] == ["ana"]


def test_a_second_message_in_a_chat_waits_for_the_first(bench: Bench) -> None:
    turn(bench, "ana")
    bench.receive(chat="ana", choice="en")
    bench.app.turns.take(bench.time())
    assert states(bench)[0] == "SENDING" and set(states(bench)[1:]) == {"QUEUED"}
    said = bench.settle()
    assert [each.id for each in said] == sorted(each.id for each in said) and states(bench) == []
