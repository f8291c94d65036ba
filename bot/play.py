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
    CODE                the code of the last invitation
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
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.app import App
from bot.contact_point import ContactPoint
from bot.delivery import UNHURRIED, Delivery, Pace
from bot.messages import MEDIA_KINDS, Inbound, Media, Option, Style, Voice
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


@dataclass(frozen=True)
class Spoken:
    """What somebody does; ids of messages are the messenger's own."""

    who: str
    text: str = ""
    at_desk: bool = False
    thread: str = ""
    """The thread at the desk; empty for the room, or for a private chat."""
    press: str = ""
    """The id of the option that is pressed."""
    pressed: str = ""
    """The message that offered it; empty if none did."""
    media: str = ""
    """The kind of file that is sent, one of `MEDIA_KINDS`."""
    edits: str = ""
    """The message whose words are replaced by these."""
    answers: str = ""
    """The message that is answered."""


@dataclass(frozen=True)
class Heard:
    """One message as somebody reads it, or a change of one."""

    id: str
    chat: str
    """Who reads it; empty for the desk."""
    text: str
    options: tuple[Option, ...] = ()
    file: str = ""
    """The name of the file it brings."""
    thread: str = ""
    edited: bool = False
    aside: bool = False
    """Changed by the program itself, like a card or a question that was answered: no line of a transcript."""
    names_one: bool = True
    """Whether a number in it is what the conversation is about, and not one of a list."""
    from_reporter: bool = False
    """Whether it shows staff what a person wrote."""

    def __str__(self) -> str:
        """As a transcript writes it."""
        options = " ".join(f"[{option.label}]" for option in self.options)
        file = f"(file {self.file})" if self.file else ""
        return " ".join(filter(None, ("(edited)" if self.edited else "", self.text, file, options)))


class Stage(Protocol):
    """Where a transcript is played: a messenger, or what stands for one."""

    async def at(self, moment: datetime) -> None:
        """Sets the time."""
        ...

    async def speak(self, spoken: Spoken) -> str:
        """Does what a line says; returns the id of the message."""
        ...

    async def heard(self) -> list[Heard]:
        """Waits until everything has been answered and has arrived; returns what has come since the last time."""
        ...


@dataclass
class Ear:
    """The channel of a played conversation: keeps what was said, in order."""

    heard: list[Delivery] = field(default_factory=list)
    pace: Pace = UNHURRIED
    knows_repeats: bool = True

    async def send(self, delivery: Delivery) -> str:
        self.heard.append(delivery)
        return remote_id(delivery)


class Room:
    """The stage within the process: no messenger, every message word for word."""

    def __init__(
        self, database: Database, contact_points: Mapping[str, ContactPoint], language: str, time: ManualTime
    ) -> None:
        """`language` is what the people's messenger hints at."""
        self._contact_point = next(iter(contact_points))
        self._language = language
        self._time = time
        self._database = database
        self._ear = Ear()
        self._app = App(database, contact_points, {ACCOUNT: self._ear}, time, ACCOUNT)
        self._count = 0

    async def at(self, moment: datetime) -> None:
        await self._database.run(self._time.set, moment)

    async def speak(self, spoken: Spoken) -> str:
        self._count += 1
        message_id = f"{spoken.who}{self._count}"
        inbound = Inbound(
            contact_point=self._contact_point,
            account=ACCOUNT,
            message_id=message_id,
            chat="" if spoken.at_desk else spoken.who,
            by=spoken.who if spoken.at_desk else "",
            thread=spoken.thread,
            text=spoken.text,
            choice=spoken.press,
            pressed=spoken.pressed,
            media=Media(spoken.media) if spoken.media else None,
            edits=spoken.edits,
            reply_to=spoken.answers,
            language="" if spoken.at_desk else self._language,
        )
        await self._app.receive(inbound)
        return message_id

    async def heard(self) -> list[Heard]:
        self._ear.heard.clear()
        await self._app.patiently(self._app.settle)
        return [_heard(each) for each in self._ear.heard]


class Player:
    """Plays transcripts on a stage, and compares."""

    def __init__(self, stage: Stage, database: Database, contact_point: str, language: str) -> None:
        """The desk speaks `language`."""
        self._stage = stage
        self._database = database
        self._contact_point = contact_point
        self._language = language
        self._said: dict[tuple[str, str], str] = {}
        """The id of a message by who said it and what; the last one by an empty string."""
        self._offered: dict[tuple[str, str], str] = {}
        """The id of the newest message that offered an option, by chat and option."""
        self._from_reporter: dict[str, str] = {}
        """The id of the person's last message, by thread."""
        self.refs: list[str] = []
        """The numbers of reports and chats, in the order in which they were first seen."""
        self.ref = ""
        """The number last seen."""
        self._code = ""
        """The code last seen."""

    async def play(self, text: str) -> list[Difference]:
        """Every place where the bot says something else."""
        await self._database.run(self._set_desk_language)
        differences: list[Difference] = []
        pending: list[Heard] = []
        for line in read_transcript(text):
            if line.who == "desk" or line.who == "bot" or line.who.startswith("bot@"):
                found = _first(pending, line.who, self._with_ref(line.said))
                if found is None or not matches(self._with_ref(line.said), str(found)):
                    differences.append(Difference(line.number, line.said, str(found or "(nothing)")))
                if found is not None:
                    pending.remove(found)
            else:
                differences += _unexpected(pending, line)
                pending = await self.after(line)
        return [*differences, *_unexpected(pending, Line(0, "end", ""))]

    async def after(self, line: Line) -> list[Heard]:
        """Does what a line says; returns what is said to that."""
        if line.who == "at":
            await self._stage.at(datetime.fromisoformat(line.said).replace(tzinfo=ZONE))
        else:
            await self._speak(line)
        heard = await self._stage.heard()
        for each in heard:
            self._note(each)
        return [each for each in heard if not each.aside]

    def _set_desk_language(self) -> None:
        with self._database.transaction() as session:
            session.merge(Setting(name=f"desk_language:{self._contact_point}", value=self._language))

    def _note(self, heard: Heard) -> None:
        if code := re.search(r"\b[2-9A-Z]{4}(-[2-9A-Z]{4}){2}\b", heard.text):
            self._code = code[0]
        for ref in re.findall(r"\b(?<!-)[2-9A-Z]{4}-[2-9A-Z]{4}\b(?!-)", heard.text) if heard.names_one else ():
            self.ref = ref
            if ref not in self.refs:
                self.refs.append(ref)
        if heard.from_reporter:
            self._from_reporter[heard.thread] = heard.id
        if not heard.edited:
            self._offered.update({(heard.chat, option.id): heard.id for option in heard.options})

    async def _speak(self, line: Line) -> None:
        who, at, place = line.who.partition("@")
        said = self._with_ref(line.said)
        thread = {"": "", "desk": "", "thread": self.ref}.get(place, self._with_ref(place))
        edits = answers = ""
        if said.startswith("(edit) "):
            old, arrow, new = said.removeprefix("(edit) ").partition(" → ")
            said, edits = (new, self._said[who, old]) if arrow else (old, self._said[who, ""])
        elif said.startswith("(answer) "):
            said, answers = said.removeprefix("(answer) "), self._from_reporter.get(thread, "")
        if length := re.fullmatch(r"\((\d+) characters\)", said):
            said = ("Words " * int(length[1]))[: int(length[1]) - 1] + "."
        media = re.fullmatch(rf"\(({'|'.join(MEDIA_KINDS)})\)\s*(.*)", said, re.DOTALL)
        press = re.fullmatch(r"\(press (.+)\)", said)
        spoken = Spoken(
            who,
            media[2] if media else "" if press else said,
            at_desk=bool(at),
            thread=thread,
            press=press[1] if press else "",
            pressed=self._offered.get(("" if at else who, press[1]), "") if press else "",
            media=media[1] if media else "",
            edits=edits,
            answers=answers,
        )
        message = await self._stage.speak(spoken)
        self._said[who, ""] = self._said[who, said] = edits or message

    def _with_ref(self, said: str) -> str:
        said = re.sub(r"\bCODE\b", self._code, said) if self._code else said
        if not self.ref:
            return said
        said = re.sub(r"\bREF(\d+)\b", lambda found: self.refs[int(found[1]) - 1], said)
        return re.sub(r"\bHALF\b", self.ref[:4], re.sub(r"\bREF\b", self.ref, said))


def in_process(
    database: Database, contact_points: Mapping[str, ContactPoint], language: str, time: ManualTime
) -> Player:
    """A bot of its own for one transcript, without a messenger."""
    stage = Room(database, contact_points, language, time)
    return Player(stage, database, next(iter(contact_points)), language)


def remote_id(delivery: Delivery) -> str:
    """What a messenger would call this message."""
    return delivery.replaces or f"o{delivery.id}"


def _heard(delivery: Delivery) -> Heard:
    message = delivery.message
    edited = bool(delivery.replaces)
    # An edit that changes what a human said, and not the bot marking what was pressed.
    relayed = message.voice is Voice.DESK or (not delivery.chat and message.style not in (Style.CARD, Style.STATUS))
    return Heard(
        remote_id(delivery),
        delivery.chat,
        message.text,
        message.options,
        message.file.name if message.file else "",
        message.thread,
        edited=edited,
        aside=edited and not relayed,
        names_one=bool(delivery.chat or message.options) or message.style is Style.CARD,
        from_reporter=message.style is Style.FROM_REPORTER,
    )


def _first(pending: list[Heard], who: str, expected: str) -> Heard | None:
    """The message a line is about: the next one to that person, or one at the desk that fits."""
    if who == "desk":
        at_desk = [each for each in pending if not each.chat]
        return next((each for each in at_desk if matches(expected, str(each))), next(iter(at_desk), None))
    chat = who.partition("@")[2]
    return next((each for each in pending if each.chat and chat in ("", each.chat)), None)


def _unexpected(pending: list[Heard], line: Line) -> list[Difference]:
    """The bot said more to the person than the transcript; the desk may be left out of it."""
    return [Difference(line.number, "(nothing more)", str(each)) for each in pending if each.chat]


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
    return await in_process(database, contact_points, language, time).play(text)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as wrong:
        raise TranscriptError(f"{path} cannot be read: {wrong.strerror}.") from None
    except UnicodeDecodeError:
        raise TranscriptError(f"{path} is not UTF-8.") from None
