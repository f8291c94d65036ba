"""Plays a transcript against a fresh bot and shows where it differs: a test that anybody can write and read.

A line is `bot:` and what the bot says (`bot@ana:` where several people write), `desk:` and what the staff room or a
thread shows, or a name and what that person says. `[Label]` are the options; `…` stands for anything, `REF` for the
number of the last report; `(photo)` sends a photo, `(press ID)` presses a button, `(edit) words` changes the last
message. A line `at 2026-11-24 09:00` sets the time, `kim@desk:` speaks in the staff room, `kim@thread:` in the thread
of the last report. A line that begins with blanks goes on with the one before; `#` begins a remark. Whatever is said
to a person must stand in the transcript; what the desk shows may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.app import App
from bot.contact_point import ContactPoint
from bot.delivery import Delivery
from bot.messages import Inbound, Media, Style, Voice
from bot.now import ManualTime
from storage.database import Database
from storage.models import Setting

ACCOUNT = "play"
ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Line:
    """One line of a transcript."""

    number: int
    who: str
    said: str


@dataclass(frozen=True)
class Difference:
    """Where the bot said something else than the transcript."""

    line: int
    expected: str
    heard: str

    def __str__(self) -> str:
        return f"line {self.line}\n  expected: {self.expected}\n  heard:    {self.heard}"


class TranscriptError(Exception):
    """A transcript that cannot be read; the text names the line."""


def read_transcript(text: str) -> Iterator[Line]:
    """The lines of a transcript; a line that begins with blanks goes on with the one before. Raises TranscriptError."""
    current: Line | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and current is not None:
            current = Line(current.number, current.who, f"{current.said}\n{line.strip()}")
            continue
        if current is not None:
            yield current
        if at := re.fullmatch(r"at (\d{4}-\d\d-\d\d \d\d:\d\d)", line):
            current = Line(number, "at", at[1])
            continue
        who, colon, said = line.partition(":")
        if not colon or not who.strip():
            raise TranscriptError(f"Line {number} has no name before a colon.")
        current = Line(number, who.strip(), said.strip())
    if current is not None:
        yield current


@dataclass
class Ear:
    """The channel of a played conversation: keeps what was said, in order."""

    heard: list[Delivery] = field(default_factory=list)

    async def send(self, delivery: Delivery) -> str:
        self.heard.append(delivery)
        return delivery.replaces or f"o{delivery.id}"


class Player:
    """A bot of its own for one transcript."""

    def __init__(
        self, database: Database, contact_points: Mapping[str, ContactPoint], language: str, time: ManualTime
    ) -> None:
        self._contact_point = next(iter(contact_points))
        self._language = language
        self._time = time
        self._database = database
        self._ear = Ear()
        self._app = App(database, contact_points, {ACCOUNT: self._ear}, time, ACCOUNT)
        self._said: dict[str, int] = {}
        self._count = 0
        self.ref = ""
        """The number of the last report or chat."""

    async def play(self, text: str) -> list[Difference]:
        """Every place where the bot says something else; the desk speaks the language of the transcript."""
        await self._database.run(self._set_desk_language)
        differences: list[Difference] = []
        pending: list[Delivery] = []
        for line in read_transcript(text):
            match line.who:
                case "at":
                    differences += self._unexpected(pending, line)
                    at = datetime.fromisoformat(line.said).replace(tzinfo=ZONE)
                    await self._database.run(self._time.set, at)
                    pending = await self._settled()
                case who if who == "desk" or who == "bot" or who.startswith("bot@"):
                    expected = self._with_ref(line.said)
                    found = _first(pending, who, expected)
                    if found is None or not matches(expected, shown(found)):
                        heard = shown(found) if found else "(nothing)"
                        differences.append(Difference(line.number, line.said, heard))
                    if found is not None:
                        pending.remove(found)
                case _:
                    differences += self._unexpected(pending, line)
                    await self._speak(line)
                    pending = await self._settled()
        return [*differences, *self._unexpected(pending, Line(0, "end", ""))]

    def _set_desk_language(self) -> None:
        with self._database.transaction() as session:
            session.merge(Setting(name=f"desk_language:{self._contact_point}", value=self._language))

    def _unexpected(self, pending: list[Delivery], line: Line) -> list[Difference]:
        """The bot said more to the person than the transcript; the desk may be left out of it."""
        return [Difference(line.number, "(nothing more)", shown(each)) for each in pending if each.chat]

    async def _settled(self) -> list[Delivery]:
        self._ear.heard.clear()
        await self._app.settle()
        for each in self._ear.heard:
            if ref := re.search(r"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b", each.message.text):
                self.ref = ref[0]
        return [each for each in self._ear.heard if not each.replaces or _is_relayed_edit(each)]

    async def _speak(self, line: Line) -> None:
        who, at, place = line.who.partition("@")
        said = self._with_ref(line.said)
        number = self._count = self._count + 1
        edits = ""
        if said.startswith("(edit) "):
            said, edits = said.removeprefix("(edit) "), f"{who}{self._said[who]}"
        else:
            self._said[who] = number
        media = re.fullmatch(r"\((photo|voice|video|document|location|contact|sticker)\)", said)
        press = re.fullmatch(r"\(press (.+)\)", said)
        inbound = Inbound(
            contact_point=self._contact_point,
            account=ACCOUNT,
            message_id=f"{who}{number}",
            chat="" if at else who,
            by=who if at else "",
            thread=self.ref if at and place != "desk" else "",
            text="" if media or press else said,
            choice=press[1] if press else "",
            media=Media(media[1]) if media else None,
            edits=edits,
            language="" if at else self._language,
        )
        await self._app.receive(inbound)

    def _with_ref(self, said: str) -> str:
        return said.replace("REF", self.ref) if self.ref else said


def _first(pending: list[Delivery], who: str, expected: str) -> Delivery | None:
    """The message a line is about: the next one to that person, or one at the desk that fits."""
    if who == "desk":
        at_desk = [each for each in pending if not each.chat]
        return next((each for each in at_desk if matches(expected, shown(each))), next(iter(at_desk), None))
    chat = who.partition("@")[2]
    return next((each for each in pending if each.chat and chat in ("", each.chat)), None)


def _is_relayed_edit(delivery: Delivery) -> bool:
    """An edit that a human made, and not the bot marking what was pressed."""
    message = delivery.message
    return message.voice is Voice.DESK or message.style is Style.FROM_REPORTER


def shown(delivery: Delivery) -> str:
    """A message as a transcript writes it."""
    options = " ".join(f"[{option.label}]" for option in delivery.message.options)
    file = f"(file {delivery.message.file.name})" if delivery.message.file else ""
    edited = "(edited)" if delivery.replaces else ""
    return " ".join(filter(None, (edited, delivery.message.text, file, options)))


def matches(expected: str, heard: str) -> bool:
    """Whether a line of a transcript describes a message; `…` stands for anything, blanks do not count."""
    parts = [re.escape(" ".join(part.split())) for part in expected.split("…")]
    return re.fullmatch(r".*".join(parts), " ".join(heard.split()), re.DOTALL) is not None


async def play_file(
    path: Path, database: Database, contact_points: Mapping[str, ContactPoint], language: str
) -> list[Difference]:
    """Plays one file; raises TranscriptError."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise TranscriptError(f"{path} cannot be read: {wrong}") from None
    time = await database.run(ManualTime, database)
    return await Player(database, contact_points, language, time).play(text)
