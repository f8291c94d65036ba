"""Every conversation of `tests/transcripts/en/` in a language that is written from right to left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.contact_point import ContactPoint
from bot.i18n import Text, _, render, verbatim
from bot.messages import Option
from bot.now import ManualTime
from bot.play import Heard, Line, Player, Room
from storage.database import Database
from storage.keys import KeyRing
from tests.databases import Databases, Sqlite
from tests.right_to_left import LANGUAGE, Course, Turn, differences, faults, speaking

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts" / "en"
OTHER_LANGUAGES = {"language_change_in_the_middle", "language_not_complete", "language_words"}
"""What is said there depends on which languages are meant."""


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """One kind is enough: what a database does has nothing to do with the language."""
    return Sqlite(tmp_path_factory.mktemp("databases"))


PATHS = sorted(path for path in TRANSCRIPTS.glob("*.txt") if path.stem not in OTHER_LANGUAGES)


@contextmanager
def room(databases: Databases, ring: KeyRing, point: ContactPoint, hint: str) -> Iterator[Course]:
    """A bot of its own, for people whose messenger hints at a language."""
    database = Database.open(databases.new(), ring)
    try:
        stage = Room(database, {point.id: point}, hint, ManualTime(database))
        yield Course(Player(stage, database, point.id, point.languages.desk))
    finally:
        database.close()


EVERY = 3
"""One of so many is played every time, and what matters most on Telegram besides; all of them with `-m long`."""


def _paths() -> list[object]:
    return [
        pytest.param(path, marks=() if number % EVERY == 0 else pytest.mark.long, id=path.stem)
        for number, path in enumerate(PATHS)
    ]


@pytest.mark.parametrize("path", _paths())
def test_conversation(path: Path, databases: Databases, ring: KeyRing, oberberg: ContactPoint) -> None:
    text = path.read_text("utf-8")
    with room(databases, ring, oberberg, "en") as course:
        first = asyncio.run(course.first(text))
    with room(databases, ring, speaking(oberberg), "") as course:
        again = asyncio.run(course.again(first))
    found = differences(first, again)
    assert not found, "\n" + "\n".join(found)


def said(text: str, *labels: str) -> Heard:
    return Heard("1", "ana", text, tuple(Option(f"o{number}", label) for number, label in enumerate(labels)))


def shown(text: Text) -> str:
    return render(text, LANGUAGE)


class TestTheTest:
    """Whatever is wrong with a message is found."""

    def test_nothing_is_wrong(self) -> None:
        reference = shown(_("Number: {ref} {link}", ref="7F3K-29QX", link="/data"))
        assert list(faults(said(reference, shown(_("Yes")), shown(verbatim("Wiehl"))))) == []
        assert list(faults(said("Come by."), by_staff="/reply Come by.")) == []

    @pytest.mark.parametrize(
        ("heard", "fault"),
        [
            (said("Please wait."), "not translated: ['Please wait.']"),
            (said(shown(_("Yes")), "Back"), "not translated: ['Back']"),
            (said("⟦נומבהר: ‹\u20687F3K-29QX›⟧"), "an isolate that is not closed"),
            (said("⟦נומבהר: ‹7F3K-29QX\u2069›⟧"), "an isolate that is not closed"),
            (said("⟦נומבהר: ‹KA-29QX›⟧"), "not isolated: ['KA-29QX']"),
            (said(shown(_("Yes")), "⟦⟧"), "a button without a label"),
            (said(shown(_("Yes")) * 1500), "longer than a message of Telegram"),
            (Heard("1", "ana", "", (Option("x" * 36, shown(_("Yes"))),)), "a button that Telegram cannot carry"),
        ],
    )
    def test_is_found(self, heard: Heard, fault: str) -> None:
        assert list(faults(heard)) == [fault]

    def test_another_way_is_found(self) -> None:
        line = Line(1, "ana", "Yes")
        one, other = Turn(line, "", [said("", "⟦כ⟧")]), Turn(line, "", [said("", "⟦כ⟧", "⟦ל⟧")])
        missing = Turn(line, "", [])
        assert differences([one], [one]) == []
        assert len(differences([one], [other])) == len(differences([one], [missing])) == 1
