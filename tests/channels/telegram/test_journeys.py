"""Every conversation of `tests/transcripts/`, word for word on people's phones and in the desk's group.

Each goes over polling or over webhook, in German or in English, in turn, with people who write what a button says and
people who press it; what matters most goes over both in both. `-m long` plays everything over both in both.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.contact_point import ContactPoint
from bot.now import ManualTime
from bot.play import Player, Room
from storage.database import Database
from storage.keys import KeyRing
from tests.channels.telegram_stage import TelegramStage, TelegramWebhookStage
from tests.databases import Databases, Sqlite
from tests.right_to_left import Course, differences, speaking

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts"
OWN = Path(__file__).parent / "transcripts"
"""Where Telegram itself makes a conversation another one, they are here under the same name, with the reason."""
STAGES = {"polling": TelegramStage, "webhook": TelegramWebhookStage}
WAYS = tuple(STAGES)
IMPORTANT = (
    "report_word_for_word",
    "danger_yes_and_over",
    "handoff_talk",
    "my_reports_add_and_correct",
    "privacy_in_full",
    "later_and_continue",
)
"""Report, danger, a human, my reports, privacy, later."""


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


async def play(path: Path, way: str, url: str, ring: KeyRing, point: ContactPoint) -> None:
    language = path.parent.name
    own = OWN / language / path.name
    text = await asyncio.to_thread((own if own.exists() else path).read_text, "utf-8")
    async with on(way, url, ring, point, language, language, text) as stage:
        found = await Player(stage, stage.database, point.id, language).play(text)
        assert not found, "\n" + "\n".join(map(str, found))


PATHS = sorted(TRANSCRIPTS.rglob("*.txt"))
USUAL = (("de", "polling"), ("en", "webhook"), ("de", "webhook"), ("en", "polling"))
NAMES = sorted({path.stem for path in PATHS})
BOTH = [(path, way) for path in PATHS for way in WAYS]


def is_usual(path: Path, way: str) -> bool:
    """Where one goes in German over one way, the next goes in English over the other."""
    number = NAMES.index(path.stem)
    return path.stem in IMPORTANT or (path.parent.name, way) == USUAL[number % len(USUAL)]


def _name(value: object) -> str:
    return f"{value.parent.name}-{value.stem}" if isinstance(value, Path) else str(value)


@pytest.mark.parametrize(("path", "way"), [each for each in BOTH if is_usual(*each)], ids=_name)
async def test_journey(path: Path, way: str, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    await play(path, way, url, ring, oberberg)


@pytest.mark.long
@pytest.mark.parametrize(("path", "way"), [each for each in BOTH if not is_usual(*each)], ids=_name)
async def test_journey_over_the_other_way(
    path: Path, way: str, url: str, ring: KeyRing, oberberg: ContactPoint
) -> None:
    await play(path, way, url, ring, oberberg)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", IMPORTANT)
async def test_journey_from_right_to_left(
    name: str, way: str, url: str, databases: Databases, ring: KeyRing, oberberg: ContactPoint
) -> None:
    text = await asyncio.to_thread((TRANSCRIPTS / "en" / f"{name}.txt").read_text, "utf-8")
    database = Database.open(await asyncio.to_thread(databases.new), ring)
    room = Room(database, {oberberg.id: oberberg}, "en", await database.run(ManualTime, database))
    first = await Course(Player(room, database, oberberg.id, "de")).first(text)
    await asyncio.to_thread(database.close)
    async with on(way, url, ring, speaking(oberberg), "xx", "de", text) as stage:
        again = await Course(Player(stage, stage.database, oberberg.id, "de")).again(first)
    found = differences(first, again)
    assert not found, "\n" + "\n".join(found)
