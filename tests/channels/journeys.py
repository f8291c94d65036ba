"""Every conversation of `tests/transcripts/`, to be played over a messenger: which there are, and how they are played."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from bot.contact_point import ContactPoint
from bot.now import ManualTime
from bot.play import Player, Room, Stage
from storage.database import Database
from tests.right_to_left import Course, differences

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
PATHS = sorted(TRANSCRIPTS.rglob("*.txt"))
NAMES = sorted({path.stem for path in PATHS})
IMPORTANT = (
    "report_word_for_word",
    "danger_yes_and_over",
    "handoff_talk",
    "my_reports_add_and_correct",
    "privacy_in_full",
    "later_and_continue",
)
"""Report, danger, a human, my reports, privacy, later."""


class MessengerStage(Stage, Protocol):
    """A stage with a bot of its own."""

    @property
    def database(self) -> Database: ...


def name_of(value: object) -> str:
    """For the list of tests."""
    return f"{value.parent.name}-{value.stem}" if isinstance(value, Path) else str(value)


async def text_of(path: Path, own: Path) -> str:
    """Where a messenger itself makes a conversation another one, it has its own under the same name, with the reason."""
    other = own / path.parent.name / path.name
    return await asyncio.to_thread((other if other.exists() else path).read_text, "utf-8")


async def play(stage: MessengerStage, point: ContactPoint, language: str, text: str) -> None:
    """Everything is said as it stands there."""
    found = await Player(stage, stage.database, point.id, language).play(text)
    assert not found, "\n" + "\n".join(map(str, found))


async def play_from_right_to_left(
    text: str, database: Database, point: ContactPoint, on: AbstractAsyncContextManager[MessengerStage]
) -> None:
    """The English transcript leads along the same way in the other language; `on` speaks it, `database` is closed."""
    try:
        room = Room(database, {point.id: point}, "en", await database.run(ManualTime, database))
        first = await Course(Player(room, database, point.id, "de")).first(text)
    finally:
        await asyncio.to_thread(database.close)
    async with on as stage:
        again = await Course(Player(stage, stage.database, point.id, "de")).again(first)
    found = differences(first, again)
    assert not found, "\n" + "\n".join(found)
