"""Who is alive, and who alone does what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.keys import KeyRing
from storage.leases import SECONDS, Leases, LostLease
from tests.databases import Databases, Postgres


@pytest.fixture
def another(databases: Databases, url: str, ring: KeyRing) -> Iterator[Callable[[], Leases]]:
    """Makes a process of its own on the same database server."""
    if not isinstance(databases, Postgres):
        pytest.skip("on SQLite there is one process")
    opened: list[Database] = []

    def make() -> Leases:
        opened.append(Database.open(url, ring))
        leases = Leases(opened[-1])
        leases.start()
        return leases

    yield make
    for each in opened:
        each.close()


def fenced(leases: Leases, account: str) -> None:
    with leases._database.transaction() as session:
        leases.hold(session)
        leases.hold_account(session, account)


def give_up(leases: Leases, whom: Leases) -> list[str]:
    """As the others see it once the time of a process has run out."""
    with leases._database.transaction() as session:
        session.execute(text("UPDATE lease SET until = now() - interval '1 second' WHERE owner = :me"), {"me": whom.me})
    with leases._database.transaction() as session:
        dead = leases.dead(session, ())
        for each in dead:
            leases.bury(session, each)
    return [each.name for each in dead]


def test_an_account_has_one_holder(another: Callable[[], Leases]) -> None:
    ana, ben = another(), another()
    assert ana.take("web") == 1 and ben.take("web") is None
    fenced(ana, "web")
    with pytest.raises(LostLease):
        fenced(ben, "web")
    assert ben.take("telegram:1") == 1


def test_a_holder_that_is_given_up_finds_out_with_its_next_write(another: Callable[[], Leases]) -> None:
    ana, ben = another(), another()
    ana.take("web")
    assert give_up(ben, ana) == [ana.me]
    assert ben.take("web") == 2, "the epoch grows with the owner"
    with pytest.raises(LostLease):
        fenced(ana, "web")
    with pytest.raises(LostLease):
        ana.beat()
    ana.lost()
    ana.beat()
    assert ana.take("web") is None
    fenced(ben, "web")


def test_what_a_holder_had_in_hand_is_worth_nothing_once_another_one_has_held_it(another: Callable[[], Leases]) -> None:
    ana, ben = another(), another()
    before = ana.take("web")
    give_up(ben, ana)
    ben.take("web")
    ana.lost()
    ana.beat()
    give_up(ana, ben)
    after = ana.take("web")
    assert (before, after) == (1, 3) and ana.epoch_of("web") == 3
    with ana._database.transaction() as session:
        ana.hold_account(session, "web", after)
        with pytest.raises(LostLease):
            ana.hold_account(session, "web", before)


def test_who_only_came_late_is_not_given_up(another: Callable[[], Leases]) -> None:
    ana, ben = another(), another()
    ana.take("web")
    ana.beat()
    with ben._database.transaction() as session:
        assert ben.dead(session, ()) == []
    assert ben.take("web") is None


def test_a_process_whose_session_is_gone_is_dead_at_once(another: Callable[[], Leases]) -> None:
    ana, ben = another(), another()
    ana.take("web")
    ana._database.close()
    until = monotonic() + SECONDS
    while ben.take("web") is None:
        assert monotonic() < until - 1, "sooner than its time runs out"
    with ben._database.transaction() as session:
        assert [each.name for each in ben.dead(session, ())] == [ana.me]


def test_who_hangs_in_the_middle_of_a_statement_keeps_no_locks(another: Callable[[], Leases]) -> None:
    ana, ben = another(), another()
    with ana._database.connection() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("UPDATE lease SET until = now() - interval '1 minute' WHERE owner = %s", [ana.me])
        driver.commit()
        driver.execute("SELECT name FROM lease WHERE owner = %s FOR SHARE", [ana.me])
        # As a process stopped while it sends rows: the server waits for the rest, and no timeout of its own runs.
        driver.pgconn.enter_pipeline_mode()
        driver.pgconn.send_query_params(b"SELECT 1", None)
        driver.pgconn.send_flush_request()
        driver.pgconn.flush()
        until = monotonic() + SECONDS
        while True:
            with ben._database.transaction() as session:
                ben.end_hanging(session)
                if [each.name for each in ben.dead(session, ())] == [ana.me]:
                    break
            assert monotonic() < until
            sleep(0.05)
        connection.invalidate()


def test_a_clean_end_leaves_the_account_to_the_next(another: Callable[[], Leases]) -> None:
    ana, ben = another(), another()
    ana.take("web")
    ana.stop()
    assert ben.take("web") == 2


def test_senders_that_nobody_knows_are_dead(another: Callable[[], Leases]) -> None:
    ana = another()
    with ana._database.transaction() as session:
        assert [each.name for each in ana.dead(session, (ana.me, "nobody"))] == ["nobody"]


def test_on_sqlite_whoever_was_there_before_is_dead(database: Database, databases: Databases) -> None:
    if databases.name != "sqlite":
        pytest.skip("that is for files")
    before, now = Leases(database), Leases(database)
    before.start()
    now.start()
    assert before.take("web") == 1 and now.take("web") == 2
    with database.transaction() as session:
        assert [each.name for each in now.dead(session, ())] == [before.me]
