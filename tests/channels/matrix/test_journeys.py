"""Every conversation of `tests/transcripts/`, word for word in encrypted rooms, with the desk in another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.contact_point import ContactPoint
from bot.pseudo import RIGHT_TO_LEFT
from storage.database import Database
from storage.keys import KeyRing
from tests.channels.journeys import (
    IMPORTANT,
    PATHS,
    TRANSCRIPTS,
    name_of,
    play,
    play_from_right_to_left,
    text_of,
)
from tests.channels.matrix_stage import MatrixStage
from tests.databases import Databases, Sqlite
from tests.right_to_left import speaking

OWN = Path(__file__).parent / "transcripts"


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """One kind is enough: the transcripts are played on both without a messenger."""
    return Sqlite(tmp_path_factory.mktemp("databases"))


@asynccontextmanager
async def on(
    url: str, ring: KeyRing, point: ContactPoint, language: str, desk_language: str, text: str
) -> AsyncIterator[MatrixStage]:
    """A bot at work."""
    # Whoever has chosen an option has written nothing that could be changed afterwards.
    presses = "(edit)" not in text
    stage = MatrixStage(
        lambda: Database.open(url, ring),
        {point.id: point},
        language=language,
        desk_language=desk_language,
        presses=presses,
    )
    await stage.start()
    try:
        yield stage
    finally:
        await stage.stop()


async def play_on(path: Path, url: str, ring: KeyRing, point: ContactPoint) -> None:
    language = path.parent.name
    text = await text_of(path, OWN)
    async with on(url, ring, point, language, language, text) as stage:
        await play(stage, point, language, text)


@pytest.mark.parametrize("path", PATHS, ids=name_of)
async def test_journey(path: Path, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    await play_on(path, url, ring, oberberg)


@pytest.mark.parametrize("name", IMPORTANT)
async def test_journey_from_right_to_left(
    name: str, url: str, databases: Databases, ring: KeyRing, oberberg: ContactPoint
) -> None:
    text = await asyncio.to_thread((TRANSCRIPTS / "en" / f"{name}.txt").read_text, "utf-8")
    database = Database.open(await asyncio.to_thread(databases.new), ring)
    on_stage = on(url, ring, speaking(oberberg), RIGHT_TO_LEFT, "de", text)
    await play_from_right_to_left(text, database, oberberg, on_stage)
