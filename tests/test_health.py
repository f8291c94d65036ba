"""What an operator is told about a bot, and that asking can do no harm."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from bot.health import ANSWERS_WITHIN, Letters, Queues, Waiting, Watch, queues
from storage.database import Database
from storage.models import Base
from tests.health_rows import due, inbox, outbox, process

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def fill(database: Database, *rows: Base) -> None:
    with database.transaction(everywhere=True) as session:
        for row in rows:
            session.add(row)
            session.flush()


def look(database: Database) -> Queues:
    with database.transaction(everywhere=True) as session:
        return queues(session, NOW)


class TestQueues:
    def test_of_an_empty_database(self, database: Database) -> None:
        assert look(database) == Queues()

    def test_what_waits_and_since_when(self, database: Database) -> None:
        fill(database, inbox("NEW", ago(3)), inbox("NEW", ago(8)), inbox("DONE", ago(90)), inbox("FAILED", ago(50)))
        fill(database, due(ago(2)), due(ago(90), done=ago(1)), due(ago(-5)))
        found = look(database)
        assert found.inbox == Waiting(2, ago(8), ago(8))
        assert (found.failed, found.oldest_failed, found.failed_references) == (1, ago(50), ("?",))
        assert found.due == Waiting(1, ago(2), ago(2))

    def test_what_is_tried_again_later_is_old_but_not_late(self, database: Database) -> None:
        """Nor is what stands behind it in the same chat: nobody could send it now."""
        fill(database, outbox("QUEUED", ago(60), chat="x", not_before=ago(-4)), outbox("QUEUED", ago(50), chat="x"))
        found = look(database)
        assert found.outbox == {"web": Letters(Waiting(2, ago(60)))}
        assert found.unsent_overdue is None
        fill(database, outbox("QUEUED", ago(3)))
        assert look(database).unsent_overdue == ago(3)

    def test_by_channel(self, database: Database) -> None:
        fill(
            database,
            outbox("QUEUED", ago(5), account="telegram:1"),
            outbox("DEAD", ago(70), account="telegram:1"),
            outbox("DEAD", ago(60), account="telegram:2"),
            outbox("SENDING", ago(9), account="telegram:2"),
            outbox("SENDING", ago(0), account="matrix", sender="alive"),
            outbox("SENT", ago(999), account="matrix", doubts=1),
            process("alive"),
        )
        assert look(database).outbox == {
            "telegram": Letters(Waiting(2, ago(9)), 1, 2, ago(70), ago(60)),
            "matrix": Letters(Waiting(1, ago(0))),
        }

    def test_in_doubt(self, database: Database) -> None:
        """It may have been sent already, or nobody is left who knows."""
        fill(database, outbox("QUEUED", ago(1)), outbox("QUEUED", ago(1), doubts=1), outbox("SENDING", ago(1)))
        assert look(database).outbox["web"].in_doubt == 2

    def test_what_is_done_is_not_looked_through(self, database: Database) -> None:
        """Quick at a million rows: every queue is found by an index over what waits or failed."""
        if database.file is None:
            pytest.skip("PostgreSQL chooses by what is in the tables")
        asked: list[tuple[str, Any]] = []

        def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
            asked.append((statement, parameters))

        event.listen(database.engine, "before_cursor_execute", note)
        look(database)
        event.remove(database.engine, "before_cursor_execute", note)
        used = set()
        with database.connection() as connection:
            for statement, parameters in asked:
                if statement.startswith("SELECT"):
                    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                    for step in [row.detail for row in plan if row.detail.startswith(("SCAN", "SEARCH"))]:
                        assert "INDEX" in step, (step, statement)
                        used.add(re.search(r"INDEX (\w+)", step)[1])  # type: ignore[index]
        waiting = {"ix_inbox_waiting_in_chat", "ix_outbox_waiting", "ix_outbox_waiting_in_chat", "ix_due_waiting"}
        assert used == waiting | {"ix_inbox_failed", "ix_outbox_dead", "sqlite_autoindex_lease_1"}


class Standing:
    """A clock that tells what it is told."""

    def __init__(self) -> None:
        self.ticked_at: datetime | None = ago(0)
        self.leases = {"process": 4.0}

    def watch(self, database: Database) -> Watch:
        return Watch(database, lambda: NOW, lambda: self.ticked_at, lambda _session: self.leases)


async def wrong(watch: Watch) -> set[str]:
    """The names of what is not as it must be."""
    return {check.name for check in watch.checks(await watch.read()) if not check.ok}


class TestReady:
    async def test_all_is_well(self, database: Database) -> None:
        watch = Standing().watch(database)
        assert await wrong(watch) == set()
        names = [check.name for check in watch.checks(await watch.read())]
        assert names == ["running", "database", "schema", "inbox", "due", "outbox", "clock", "lease process"]

    @pytest.mark.parametrize(
        ("row", "name"),
        [
            (lambda: inbox("NEW", ago(6)), "inbox"),
            (lambda: outbox("QUEUED", ago(16)), "outbox"),
            (lambda: due(ago(6)), "due"),
        ],
        ids=["inbox", "outbox", "due"],
    )
    async def test_nobody_works(self, database: Database, row: Callable[[], Base], name: str) -> None:
        await database.run(fill, database, row())
        assert await wrong(Standing().watch(database)) == {name}

    @pytest.mark.parametrize(
        "ticked_at", [None, ago(1), ago(-1)], ids=["never", "long ago", "before the clock went back"]
    )
    async def test_the_clock_stands(self, database: Database, ticked_at: datetime | None) -> None:
        standing = Standing()
        standing.ticked_at = ticked_at
        assert await wrong(standing.watch(database)) == {"clock"}

    async def test_a_lease_ran_out(self, database: Database) -> None:
        standing = Standing()
        standing.leases = {"process": 4.0, "account:telegram": 0.0}
        assert await wrong(standing.watch(database)) == {"lease account:telegram"}

    async def test_another_version_changed_the_tables(self, database: Database) -> None:
        watch = Standing().watch(database)

        def change() -> None:
            with database.connection() as connection, connection.begin():
                connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

        await database.run(change)
        assert await wrong(watch) == {"schema"}

    async def test_a_database_that_fails(self, database: Database) -> None:
        watch = Standing().watch(database)

        def destroy() -> None:
            with database.connection() as connection, connection.begin():
                connection.exec_driver_sql("DROP TABLE due")

        await database.run(destroy)
        assert await wrong(watch) == {"database"}

    async def test_a_database_that_hangs_is_asked_once(self, database: Database) -> None:
        """Whoever asks gets an answer in time, and the bot is not buried in questions."""
        watch = Standing().watch(database)
        hanging = asyncio.create_task(database.run(time.sleep, ANSWERS_WITHIN + 1.5))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        answers = await asyncio.gather(*(watch.read() for _ in range(50)))
        assert answers == [None] * 50 and time.monotonic() - started < ANSWERS_WITHIN + 1
        await hanging
        assert await watch.read() is not None
        # The fifty were one question: nothing is left in the way of the bot.
        started = time.monotonic()
        await database.run(lambda: None)
        assert time.monotonic() - started < 0.5

    async def test_asked_all_the_time_it_looks_once_a_second(self, database: Database) -> None:
        watch = Standing().watch(database)
        assert await watch.read() is await watch.read()
