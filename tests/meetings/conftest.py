"""Meetings on the bench: people with roles, and a table planned at the desk."""

from __future__ import annotations

import pytest

from bot.contact_point import ContactPoint
from storage.database import Database
from tests.meetings.tables import Tables


@pytest.fixture
def tables(database: Database, oberberg: ContactPoint) -> Tables:
    return Tables(database, oberberg)
