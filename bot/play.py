"""Plays a transcript against a fresh bot and shows where it differs: a test that anybody can write and read.

A line is `bot:` and what the bot says (`bot@ana:` where several people write), `desk:` and what the staff room or a
thread shows, or a name and what that person says; `kim@desk:` speaks in the staff room, `kim@thread:` in the thread of
the number last seen. A line `at 2026-11-24 09:00` sets the time. A line that begins with blanks goes on with the one
before; `#` begins a remark. Whatever is said to a person must stand in the transcript; what the desk shows may be left
out.

    [Label]             an option
    …                   anything
    REF, HALF           the number last seen, and its first half
    REF1, REF2          the first number seen, the second; `kim@REF1:` speaks in its thread
    (photo) words       a photo, with words or without; so are voice, video, document, location, contact and sticker
    (press ID)          presses the newest button of that id
    (edit) words        changes the last message; `(edit) old words → new words` changes an earlier one
    (answer) words      at the desk: answers the last message of the person in that thread
    (5000 characters)   so much text
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.app import App
from bot.contact_point import ContactPoint
from bot.delivery import UNHURRIED, Delivery, Pace
from bot.messages import MEDIA_KINDS, Inbound, Media, Style, Voice
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
    pace: Pace = UNHURRIED
    knows_repeats: bool = True

    async def send(self, delivery: Delivery) -> str:
        self.heard.append(delivery)
        return remote_id(delivery)


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
        self._said: dict[tuple[str, str], str] = {}
        """The id of a message by who said it and what; the last one by an empty string."""
        self._offered: dict[tuple[str, str], str] = {}
        """The id of the newest message that offered an option, by chat and option."""
        self._from_reporter: dict[str, str] = {}
        """The id of the person's last message, by thread."""
        self._count = 0
        self.refs: list[str] = []
        """The numbers of reports and chats, in the order in which they were first seen."""
        self.ref = ""
        """The number last seen."""

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
            names_one = each.chat or each.message.options or each.message.style is Style.CARD
            for ref in re.findall(r"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b", each.message.text) if names_one else ():
                self.ref = ref
                if ref not in self.refs:
                    self.refs.append(ref)
            if each.message.style is Style.FROM_REPORTER:
                self._from_reporter[each.message.thread] = remote_id(each)
            if not each.replaces:
                self._offered.update({(each.chat, option.id): remote_id(each) for option in each.message.options})
        return [each for each in self._ear.heard if not each.replaces or _is_relayed_edit(each)]

    async def _speak(self, line: Line) -> None:
        who, at, place = line.who.partition("@")
        chat = "" if at else who
        said = self._with_ref(line.said)
        thread = {"": "", "desk": "", "thread": self.ref}.get(place, self._with_ref(place))
        self._count += 1
        message_id = f"{who}{self._count}"
        edits = reply_to = ""
        if said.startswith("(edit) "):
            old, arrow, new = said.removeprefix("(edit) ").partition(" → ")
            said, edits = (new, self._said[who, old]) if arrow else (old, self._said[who, ""])
        elif said.startswith("(answer) "):
            said, reply_to = said.removeprefix("(answer) "), self._from_reporter.get(thread, "")
        if length := re.fullmatch(r"\((\d+) characters\)", said):
            said = ("Words " * int(length[1]))[: int(length[1]) - 1] + "."
        self._said[who, ""] = self._said[who, said] = edits or message_id
        media = re.fullmatch(rf"\(({'|'.join(MEDIA_KINDS)})\)\s*(.*)", said, re.DOTALL)
        press = re.fullmatch(r"\(press (.+)\)", said)
        inbound = Inbound(
            contact_point=self._contact_point,
            account=ACCOUNT,
            message_id=message_id,
            chat=chat,
            by=who if at else "",
            thread=thread,
            text=media[2] if media else "" if press else said,
            choice=press[1] if press else "",
            pressed=self._offered.get((chat, press[1]), "") if press else "",
            media=Media(media[1]) if media else None,
            edits=edits,
            reply_to=reply_to,
            language="" if at else self._language,
        )
        await self._app.receive(inbound)

    def _with_ref(self, said: str) -> str:
        if not self.ref:
            return said
        said = re.sub(r"\bREF(\d+)\b", lambda found: self.refs[int(found[1]) - 1], said)
        return re.sub(r"\bHALF\b", self.ref[:4], re.sub(r"\bREF\b", self.ref, said))


def remote_id(delivery: Delivery) -> str:
    """What a messenger would call this message."""
    return delivery.replaces or f"o{delivery.id}"


def _first(pending: list[Delivery], who: str, expected: str) -> Delivery | None:
    """The message a line is about: the next one to that person, or one at the desk that fits."""
    if who == "desk":
        at_desk = [each for each in pending if not each.chat]
        return next((each for each in at_desk if matches(expected, shown(each))), next(iter(at_desk), None))
    chat = who.partition("@")[2]
    return next((each for each in pending if each.chat and chat in ("", each.chat)), None)


def _is_relayed_edit(delivery: Delivery) -> bool:
    """An edit that changes what a human said, and not the bot marking what was pressed."""
    message = delivery.message
    return message.voice is Voice.DESK or (not delivery.chat and message.style not in (Style.CARD, Style.STATUS))


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
    text = await asyncio.to_thread(_read, path)
    time = await database.run(ManualTime, database)
    return await Player(database, contact_points, language, time).play(text)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as wrong:
        raise TranscriptError(f"{path} cannot be read: {wrong.strerror}.") from None
    except UnicodeDecodeError:
        raise TranscriptError(f"{path} is not UTF-8.") from None
