"""Who asked loses the role while the search or the assignment goes on: nothing is lost, and nobody waits (F-14)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.contact_point import ContactPoint
from bot.taxonomy import OfferState, RequestState
from storage.accounts import UserAccount
from storage.database import Database
from tests.bench import Bench, at_desk, to_person
from tests.pool.chain import Pool


@pytest.fixture
def pool(database: Database, oberberg: ContactPoint) -> Pool:
    bench = Bench(database, {oberberg.id: oberberg})
    bench.desk("kim", "/language en")
    made = Pool(bench)
    bench.join("case", "Ana", "CASE_MANAGER waldbroel caritas")
    made.expert("mia")
    return made


def number_of(pool: Pool, name: str) -> int:
    with pool.bench.database.transaction(pool.bench.point) as session:
        return next(each.id for each in session.scalars(select(UserAccount)) if each.name == name)


def taken(pool: Pool) -> str:
    ref = pool.ask()
    pool.bench.desk("kim", f"/offer {ref} 1")
    pool.bench.say("mia", choice=f"/accept {ref}")
    pool.bench.say("mia", choice="YES")
    return ref


def heard(said: object, chat: str) -> str:
    return "\n".join(to_person(said, chat))  # type: ignore[arg-type]


def test_the_desk_says_who_goes_on(pool: Pool) -> None:
    ref = taken(pool)
    pool.bench.join("ben", "Ben", "CASE_MANAGER waldbroel")
    said = pool.bench.desk("kim", f"/revoke {number_of(pool, 'Ana')}")
    assert f"Request {ref}: who asked has no role with us any more" in "\n".join(at_desk(said))
    assert "the person who asked is no longer there" in heard(said, "mia")

    pool.bench.say("mia", choice=f"/write {ref}")
    said = pool.bench.say("mia", "Shall we talk on Friday?")
    assert "not sent" in heard(said, "mia")
    assert heard(said, "case") == ""

    shown = "\n".join(at_desk(pool.bench.desk("kim", f"/requester {ref}")))
    assert "Who goes on with this request?" in shown
    said = pool.bench.desk("kim", f"/requester {ref} {number_of(pool, 'Ben')}")
    assert f"Request {ref} to the pool is yours now" in heard(said, "ben")
    assert "Ben goes on with it now" in heard(said, "mia")
    assert ref in heard(pool.bench.say("ben", "/requests"), "ben")
    pool.bench.say("mia", "/menu")
    pool.bench.say("mia", choice=f"/write {ref}")
    assert "Shall we talk on Friday?" in heard(pool.bench.say("mia", "Shall we talk on Friday?"), "ben")


def test_the_search_goes_on_meanwhile(pool: Pool) -> None:
    ref = pool.ask()
    pool.bench.desk("kim", f"/offer {ref} 1")
    said = pool.bench.desk("kim", f"/revoke {number_of(pool, 'Ana')}")
    assert "the person who asked" not in heard(said, "mia")
    pool.bench.say("mia", choice=f"/accept {ref}")
    pool.bench.say("mia", choice="YES")
    assert pool.state is RequestState.ACCEPTED
    assert pool.offers() == {"P1": OfferState.ACCEPTED}


def test_it_can_be_handed_over_at_any_time(pool: Pool) -> None:
    ref = pool.ask()
    pool.bench.join("ben", "Ben", "CASE_MANAGER waldbroel")
    said = pool.bench.desk("kim", f"/requester {ref} {number_of(pool, 'Ben')}")
    assert "somebody else goes on with it now" in heard(said, "case")
    assert "No request to the pool" in heard(pool.bench.say("case", "/requests"), "case")


@pytest.mark.parametrize("argument", ["0", "999", "x", "1 2", "-1", "²", "9" * 30])
def test_nobody_of_that_number(pool: Pool, argument: str) -> None:
    ref = pool.ask()
    shown = "\n".join(at_desk(pool.bench.desk("kim", f"/requester {ref} {argument}")))
    assert "Who goes on with this request?" in shown
    assert ref in heard(pool.bench.say("case", "/requests"), "case")


def test_only_who_may_ask_can_take_it_over(pool: Pool) -> None:
    ref = pool.ask()
    pool.bench.desk("kim", f"/requester {ref} {number_of(pool, 'Expert mia')}")
    assert ref in heard(pool.bench.say("case", "/requests"), "case")


def test_a_thread_without_a_request(pool: Pool) -> None:
    ref = pool.bench.report("zoe", "They shout at night.")
    shown = "\n".join(at_desk(pool.bench.desk("kim", f"/requester {ref} 1")))
    assert "no request to the pool under way" in shown
