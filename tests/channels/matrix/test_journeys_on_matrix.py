"""Every conversation of `tests/transcripts/`, word for word in encrypted rooms, with the desk in another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.contact_point import ContactPoint
from bot.play import Heard, read_transcript
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
from tests.channels.matrix_stage import MatrixJsStage, MatrixStage
from tests.databases import Databases, Sqlite
from tests.right_to_left import faults, speaking

OWN = Path(__file__).parent / "transcripts"


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """One kind is enough: the transcripts are played on both without a messenger."""
    return Sqlite(tmp_path_factory.mktemp("databases"))


@asynccontextmanager
async def at_work(stage: MatrixStage) -> AsyncIterator[MatrixStage]:
    await stage.start()
    try:
        yield stage
    finally:
        await stage.stop()


async def play_on(
    path: Path, url: str, ring: KeyRing, point: ContactPoint, kind: type[MatrixStage] = MatrixStage
) -> None:
    language = path.parent.name
    text = await text_of(path, OWN)
    stage = kind(
        lambda: Database.open(url, ring),
        {point.id: point},
        language=language,
        desk_language=language,
        # Whoever has chosen an option has written nothing that could be changed afterwards.
        presses="(edit)" not in text,
    )
    async with at_work(stage):
        await play(stage, point, language, text)


def is_usual(path: Path) -> bool:
    """The first of what matters most are played every time: one in German, the next in English."""
    usual = IMPORTANT[:2]
    return path.stem in usual and path.parent.name == ("de", "en")[usual.index(path.stem) % 2]


@pytest.mark.parametrize("path", [each for each in PATHS if is_usual(each)], ids=name_of)
async def test_journey(path: Path, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    await play_on(path, url, ring, oberberg)


@pytest.mark.long
@pytest.mark.parametrize("path", [each for each in PATHS if not is_usual(each)], ids=name_of)
async def test_journey_of_all_the_others(path: Path, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    await play_on(path, url, ring, oberberg)


@pytest.mark.long
@pytest.mark.parametrize("path", PATHS, ids=name_of)
async def test_journey_with_signed_devices_only(path: Path, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    await play_on(path, url, ring, oberberg, MatrixJsStage)


def _from_right_to_left() -> list[object]:
    usual = ("report_word_for_word",)
    return [pytest.param(each, marks=() if each in usual else pytest.mark.long) for each in IMPORTANT]


@pytest.mark.parametrize("name", _from_right_to_left())
async def test_journey_from_right_to_left(
    name: str, url: str, databases: Databases, ring: KeyRing, oberberg: ContactPoint
) -> None:
    text = await asyncio.to_thread((TRANSCRIPTS / "en" / f"{name}.txt").read_text, "utf-8")
    database = Database.open(await asyncio.to_thread(databases.new), ring)
    stage = MatrixStage(
        lambda: Database.open(url, ring),
        {oberberg.id: speaking(oberberg)},
        language=RIGHT_TO_LEFT,
        desk_language="de",
    )
    await play_from_right_to_left(text, database, oberberg, at_work(stage))
    by_staff = " ".join(line.said for line in read_transcript(text) if "@" in line.who)
    found = [fault for each in stage.texts for fault in faults(Heard("", "", each), by_staff)]
    assert stage.texts and not found, "\n" + "\n".join(found)
