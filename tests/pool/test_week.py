"""Mondays: what waits for whom, in one message, and for nobody who is away (J-2 step 12)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.contact_point import ContactPoint
from bot.pool.week import WEEK
from bot.taxonomy import RequestState
from storage.accounts import UserAccount
from storage.database import Database
from storage.models import DueRow
from tests.bench import START, Bench, to_person
from tests.pool.chain import Pool

MONDAY = datetime(2026, 11, 30, 9, 0, tzinfo=START.tzinfo)


@pytest.fixture
def pool(database: Database, oberberg: ContactPoint) -> Pool:
    bench = Bench(database, {oberberg.id: oberberg})
    bench.desk("kim", "/language en")
    made = Pool(bench)
    bench.join("case", "Ana", "CASE_MANAGER waldbroel caritas")
    made.expert("mia", most_cases=5)
    return made


def accepted(pool: Pool, **fields: object) -> str:
    ref = pool.ask(**fields)
    pool.bench.desk("kim", f"/offer {ref} 1")
    pool.bench.say("mia", choice=f"/accept {ref}")
    pool.bench.say("mia", choice="YES")
    return ref


def says(pool: Pool, ref: str, chat: str, state: str) -> None:
    pool.bench.say(chat, choice=f"/assignment {ref}")
    pool.bench.say(chat, choice=state)


def asked(said: object, chat: str) -> list[str]:
    return [text for text in to_person(said, chat) if "This is open with you" in text]  # type: ignore[arg-type]


def test_both_are_asked_whether_they_are_in_contact(pool: Pool) -> None:
    ref = accepted(pool)
    assert not asked(pool.bench.at(MONDAY - timedelta(minutes=1)), "mia")
    said = pool.bench.at(MONDAY)
    for chat in ("mia", "case"):
        (text,) = asked(said, chat)
        assert f"{ref} · mediation · somebody has accepted. How is it going?" in text


def test_several_make_one_message_with_a_button_each(pool: Pool) -> None:
    refs = [accepted(pool) for _n in range(3)]
    said = pool.bench.at(MONDAY)
    (message,) = [each.message for each in said if each.chat == "mia"]
    assert [option.id for option in message.options] == [f"/assignment {ref}" for ref in refs]


def test_not_a_day_after_the_acceptance(pool: Pool) -> None:
    pool.bench.at(MONDAY - timedelta(days=1))
    accepted(pool)
    said = pool.bench.at(MONDAY)
    assert not asked(said, "mia") and not asked(said, "case")
    assert asked(pool.bench.at(MONDAY + timedelta(days=7)), "mia")


def test_who_has_said_that_there_is_contact_is_asked_after_the_last_day(pool: Pool) -> None:
    ref = accepted(pool, last_day=date(2026, 12, 10))
    says(pool, ref, "mia", "CONFIRMED")
    for week in (0, 7):
        assert not asked(pool.bench.at(MONDAY + timedelta(days=week)), "mia")
    assert asked(pool.bench.at(MONDAY + timedelta(days=14)), "mia")


def test_the_questions_at_the_end_are_brought_to_mind_until_they_are_answered(pool: Pool) -> None:
    ref = accepted(pool)
    says(pool, ref, "mia", "DONE")
    pool.bench.say("mia", choice="YES")
    assert pool.state is RequestState.DONE
    pool.bench.say("mia", choice=f"/feedback {ref}")
    for choice in ("YES", "YES", "YES"):
        pool.bench.say("mia", choice=choice)
    pool.bench.say("mia", "3")
    said = pool.bench.at(MONDAY)
    assert not asked(said, "mia")
    assert "A few short questions wait for you" in asked(said, "case")[0]
    for week in (7, 14, 21):
        last = pool.bench.at(MONDAY + timedelta(days=week))
    assert not asked(last, "case")
    with pool.bench.database.transaction(pool.bench.point) as session:
        assert not session.scalars(select(DueRow).where(DueRow.kind == WEEK, DueRow.done_at.is_(None))).all()


def test_on_a_holiday_it_is_the_next_day_of_service(pool: Pool) -> None:
    pool.bench.at(datetime(2027, 3, 22, 10, 0, tzinfo=START.tzinfo))
    accepted(pool, first_day=date(2027, 4, 12), last_day=date(2027, 4, 30))
    easter_monday = datetime(2027, 3, 29, 9, 0, tzinfo=START.tzinfo)
    assert not asked(pool.bench.at(easter_monday + timedelta(hours=8)), "mia")
    assert asked(pool.bench.at(easter_monday + timedelta(days=1)), "mia")


def test_who_is_away_is_asked_when_back(pool: Pool) -> None:
    accepted(pool)
    with pool.bench.database.transaction(pool.bench.point) as session:
        days = {"away_from": date(2026, 11, 28), "away_until": date(2026, 12, 4)}
        session.execute(update(UserAccount).where(UserAccount.id == 1).values(**days))
    said = pool.bench.at(MONDAY)
    assert asked(said, "mia") and not asked(said, "case")
    assert asked(pool.bench.at(MONDAY + timedelta(days=7)), "case")


def test_an_outage_over_the_monday_brings_one_message(pool: Pool) -> None:
    accepted(pool)
    assert len(asked(pool.bench.at(MONDAY + timedelta(days=16)), "mia")) == 1


def test_whether_it_has_lasted(pool: Pool) -> None:
    ref = accepted(pool)
    says(pool, ref, "case", "DONE")
    pool.bench.say("case", choice="YES")
    pool.bench.say("case", choice=f"/feedback {ref}")
    for choice in ("YES", "YES", "YES", "OUTSIDER", "/done", "COSTS", "/done"):
        pool.bench.say("case", choice=choice)
    pool.bench.say("case", choice="YES")
    given = pool.request().feedback["REQUESTER"]
    assert given["success_factors"] == ["OUTSIDER"] and given["obstacles"] == ["COSTS"]
    assert "Has it lasted?" not in " ".join(to_person(pool.bench.after(days=27), "case"))
    assert "Has it lasted?" in " ".join(to_person(pool.bench.after(days=2), "case"))
