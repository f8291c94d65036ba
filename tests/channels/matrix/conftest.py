"""A bot of Matrix at work on a real homeserver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.contact_point import ContactPoint
from storage.database import Database
from storage.keys import KeyRing
from tests.channels.contract import POINT
from tests.channels.matrix_driver import MatrixDriver
from tests.databases import Sqlite
from tests.matrix_server.person import Person
from tests.matrix_server.somebody import Somebody

New = Callable[..., Any]


@pytest.fixture
def people() -> type[Somebody]:
    """With what people and staff write."""
    return Person


@pytest.fixture
def running(tmp_path: Path, ring: KeyRing, oberberg: ContactPoint, people: type[Somebody]) -> New:
    """A bot at work; `rules` change what the contact point's file says of Matrix."""
    url = Sqlite(tmp_path).new()

    @asynccontextmanager
    async def run(
        kind: type[MatrixDriver] = MatrixDriver,
        rules: Mapping[str, Any] | None = None,
        late_after: float = 30.0,
        **point: Any,
    ) -> AsyncIterator[MatrixDriver]:
        driver = kind(lambda: Database.open(url, ring), {POINT: replace(oberberg, **point)})
        driver.rules = {**driver.rules, **(rules or {})}
        driver.late_after = late_after
        driver.client = people
        await driver.start()
        try:
            yield driver
        finally:
            await driver.stop()

    return run
