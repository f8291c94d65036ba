"""A database that does not answer is told once, and once more when it answers again."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from storage.database import Database


async def test_once_each_way(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    def away() -> None:
        raise OperationalError(None, None, ConnectionResetError("words of somebody"))

    for _outage in range(2):
        for _once in range(3):
            with pytest.raises(OperationalError):
                await database.run(away)
        for _once in range(3):
            await database.run(lambda: None)
    told = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert [level for level, _text in told] == [logging.ERROR, logging.WARNING] * 2
    assert told[0][1] == "the database does not answer (ConnectionResetError)"
    assert told[1][1].startswith("the database answers again after 0")


async def test_a_wrong_statement_is_no_outage(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    def wrong() -> None:
        raise IntegrityError(None, None, ValueError())

    with pytest.raises(IntegrityError):
        await database.run(wrong)
    await database.run(lambda: None)
    assert not caplog.records
