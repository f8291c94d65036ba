"""Every conversation of `tests/transcripts/`, word for word on people's phones and in the desk's group.

Every third one goes over polling or over webhook, in German or in English, in turn, with people who write what a
button says and people who press it; what matters most goes over both. `-m long` plays everything over both in both.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.contact_point import ContactPoint
from storage.database import Database
from storage.keys import KeyRing
from tests.channels.journeys import (
    IMPORTANT,
    NAMES,
    PATHS,
    TRANSCRIPTS,
    name_of,
    play,
    play_from_right_to_left,
    text_of,
)
from tests.channels.telegram_stage import TelegramStage, TelegramWebhookStage
from tests.databases import Databases, Sqlite
from tests.right_to_left import speaking

OWN = Path(__file__).parent / "transcripts"
STAGES = {"polling": TelegramStage, "webhook": TelegramWebhookStage}
WAYS = tuple(STAGES)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """One kind is enough: the transcripts are played on both without a messenger."""
    return Sqlite(tmp_path_factory.mktemp("databases"))


@asynccontextmanager
async def on(
    way: str, url: str, ring: KeyRing, point: ContactPoint, language: str, desk_language: str, text: str
) -> AsyncIterator[TelegramStage]:
    """A bot at work; over webhook people press buttons, over polling they write what stands on them."""
    # Whoever has pressed a button has written nothing that could be changed afterwards.
    presses = way == "webhook" and "(edit)" not in text
    stage = STAGES[way](
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


async def play_on(path: Path, way: str, url: str, ring: KeyRing, point: ContactPoint) -> None:
    language = path.parent.name
    text = await text_of(path, OWN)
    async with on(way, url, ring, point, language, language, text) as stage:
        await play(stage, point, language, text)


USUAL = (("de", "polling"), ("en", "webhook"), ("de", "webhook"), ("en", "polling"))
BOTH = [(path, way) for path in PATHS for way in WAYS]


def is_usual(path: Path, way: str) -> bool:
    """Where one goes in German over one way, the next goes in English over the other."""
    where = (path.parent.name, way)
    if path.stem in IMPORTANT:
        return where in USUAL[:2]
    number = NAMES.index(path.stem)
    return number % 3 == 0 and where == USUAL[number // 3 % len(USUAL)]


@pytest.mark.parametrize(("path", "way"), [each for each in BOTH if is_usual(*each)], ids=name_of)
async def test_journey(path: Path, way: str, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    await play_on(path, way, url, ring, oberberg)


@pytest.mark.long
@pytest.mark.parametrize(("path", "way"), [each for each in BOTH if not is_usual(*each)], ids=name_of)
async def test_journey_over_the_other_way(
    path: Path, way: str, url: str, ring: KeyRing, oberberg: ContactPoint
) -> None:
    await play_on(path, way, url, ring, oberberg)


@pytest.mark.parametrize("way", ["polling", pytest.param("webhook", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "name", [*IMPORTANT[:3], *(pytest.param(each, marks=pytest.mark.long) for each in IMPORTANT[3:])]
)
async def test_journey_from_right_to_left(
    name: str, way: str, url: str, databases: Databases, ring: KeyRing, oberberg: ContactPoint
) -> None:
    text = await asyncio.to_thread((TRANSCRIPTS / "en" / f"{name}.txt").read_text, "utf-8")
    database = Database.open(await asyncio.to_thread(databases.new), ring)
    on_stage = on(way, url, ring, speaking(oberberg), "xx", "de", text)
    await play_from_right_to_left(text, database, oberberg, on_stage)
