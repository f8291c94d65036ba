"""A database in which many people have been before: the real rows of two of them, copied with other names and numbers."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Table, insert, select

from bot.references import ALPHABET
from bot.settings import open_database
from storage.database import Database
from storage.models import Base
from tests.benchmarks.contestant import Race
from tests.benchmarks.crowd import STEPS
from tests.benchmarks.ours import Ours

STRIDE: Final = 64
"""Every number of a copy is higher by this than in the copy before: more than one person's rows in any table."""

REPORTS: Final = ("thread", "report", "contact_link", "thread_entry", "source_link")
EVERY: Final = {"conversation": 1, **dict.fromkeys(REPORTS, 5), "due": 5, "inbox": 50, "outbox": 50}
"""Of how many people one has rows in a table: not everybody reports, and what has been said is forgotten early."""

IN_THE_MIDDLE: Final = 20
"""Of how many people one has begun a report and not sent it."""

BATCH: Final = 20_000
"""People in one transaction."""

Row = dict[str, Any]


def stored(directory: Path, conversations: int) -> Path:
    """The file; made once in a directory, with its keys beside it."""
    path = directory / f"stored-{conversations}.db"
    if path.exists():
        return path
    begun = directory / "being-stored.db"
    for left in directory.glob("being-stored.*"):
        left.unlink()
    start = time.perf_counter()
    database, _ = open_database(f"sqlite:///{begun}", os.environ)
    try:
        rows = fill(database, conversations)
        database.checkpoint()
    finally:
        database.close()
    os.replace(begun.with_suffix(".keys"), path.with_suffix(".keys"))
    os.replace(begun, path)
    counted = ", ".join(f"{count:,} {name}" for name, count in rows.items())
    print(
        f"{conversations:,} conversations stored in {time.perf_counter() - start:.0f} s, "
        f"{path.stat().st_size / 1e6:,.0f} MB: {counted}\n",
        flush=True,
    )
    return path


def fill(database: Database, conversations: int) -> dict[str, int]:
    """Writes the rows of so many people in big transactions, encrypted like all others; how many rows each table got."""
    finished, begun = rows_of(STEPS), rows_of(STEPS // 2)
    counts = dict.fromkeys(EVERY, 0)
    copiers = {table.name: _copier(table) for table in _tables()}
    with database.connection() as connection:
        # Hashes are written all over their indexes; the pages of these should stay at hand.
        connection.exec_driver_sql("PRAGMA cache_size=-500000")
        connection.rollback()
        for first in range(0, conversations, BATCH):
            with connection.begin():
                for table in _tables():
                    copy, every = copiers[table.name], EVERY[table.name]
                    rows = [
                        copy(row, n)
                        for n in range(first, min(first + BATCH, conversations))
                        for row in (begun if n % IN_THE_MIDDLE == 0 else finished)[table.name]
                        if n % every == 0
                    ]
                    if rows:
                        connection.execute(insert(table), rows)
                    counts[table.name] += len(rows)
    return counts


def rows_of(steps: int) -> dict[str, list[Row]]:
    """What a person leaves behind in the database who has come so far."""

    async def talk(race: Race) -> None:
        bot = Ours(race)
        await bot.open()
        for step in range(steps):
            await bot.answer([(0, step)])
        await bot.close()

    with tempfile.TemporaryDirectory() as scratch:
        url = f"sqlite:///{scratch}/one.db"
        asyncio.run(talk(Race(url)))
        database, _ = open_database(url, os.environ)
        try:
            with database.connection() as connection:
                return {
                    table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                    for table in _tables()
                }
        finally:
            database.close()


def _tables() -> list[Table]:
    # A conversation may name its thread and a thread's links their conversation; here only the latter happens.
    return sorted((Base.metadata.tables[name] for name in EVERY), key=lambda table: list(EVERY).index(table.name))


def _copier(table: Table) -> Callable[[Row, int], Row]:
    """How a row of this table is copied for the n-th person."""
    names = [column.name for column in table.columns]
    numbers = [name for name in names if name == "id" or name.endswith("_id") or name in ("subject", "edits", "cause")]
    keys = [name for name in names if name.endswith("_key")]

    def copy(row: Row, n: int) -> Row:
        new = dict(row)
        for name in numbers:
            if isinstance(new[name], int):
                new[name] += n * STRIDE
        for name in keys:
            # Everybody's messages to the desk share one place.
            if new[name] and not (
                name == "chat_key" and new.get("address") == "" and new.get("conversation_id") is None
            ):
                new[name] = hashlib.sha256(f"{n} {new[name]}".encode()).hexdigest()
        if "ref" in new:
            new["ref"] = _reference(n)
        if new.get("address"):
            new["address"] = f"{new['address']}-{n}"
        return new

    return copy


def _reference(n: int) -> str:
    """A number that no other person has, scattered like drawn ones."""
    size = len(ALPHABET) ** 8
    left, letters = (n + 1) * 387_420_489_017 % size, ""
    for _ in range(8):
        left, digit = divmod(left, len(ALPHABET))
        letters += ALPHABET[digit]
    return f"{letters[:4]}-{letters[4:]}"
