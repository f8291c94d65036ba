"""A bot that answers by heart, for tests of the web page: no core, the real page, the real memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp.test_utils import TestServer

from bot.channels.web.access import Public
from bot.channels.web.server import Demo, WebChannel
from bot.delivery import Delivery
from bot.messages import Inbound, Media, Option, Outbound, Style, Voice
from bot.web_memory import StoredMemory
from storage.database import Database
from storage.keys import KeyRing
from storage.models import Base
from tests.ports import free_port

POINT = "oberberg"
NAME = "Konfliktanlaufstelle Oberbergischer Kreis"
KEY = "a long key for the desk"
START = datetime(2026, 11, 24, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))

CONTROLS = (Option("/back", "Back"), Option("/later", "Continue later"), Option("/human", "Talk to a person"))


def question(
    text: str, *options: Option, step: tuple[int, int] | None = None, columns: int = 1, controls: bool = True
) -> Outbound:
    return Outbound(
        text,
        options=(*options, *(CONTROLS if controls else ())),
        flow="report_tension",
        ask="x",
        step=step,
        columns=columns,
    )


DANGER = question(
    "Is somebody in danger right now?\n\nIn danger? 110 police · 112 ambulance. This chat is not an emergency service.",
    Option("YES", "Yes"),
    Option("NO", "No"),
    Option("UNSURE", "I don't know"),
    step=(1, 11),
)
STORY = question(
    "What happened, or what worries you? Write only what you want to. You can use your own language.\n\n"
    "Please no names, addresses or numbers of other people. “A neighbour” or “a teacher” is enough.",
    step=(2, 11),
)
PLACES = (
    "Bergneustadt",
    "Engelskirchen",
    "Gummersbach",
    "Hückeswagen",
    "Lindlar",
    "Marienheide",
    "Morsbach",
    "Nümbrecht",
    "Radevormwald",
    "Reichshof",
    "Waldbröl",
    "Wiehl",
    "Wipperfürth",
)
PLACE = question(
    "Where is it?",
    *(Option(name.lower(), name) for name in PLACES),
    Option("other", "Another place, or I don't know"),
    step=(3, 11),
    columns=2,
)
RECEIPT = (
    "Thank you. Your report has arrived.\nNumber: KA-7F3K-29\n\n"
    "A person will read it by Thursday, 26 November 2026, 16:00. You do not have to carry this alone.\n\n"
    "To see, change or delete your data: /data"
)


class ManualTime:
    """Time that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    async def advance(self, minutes: int) -> None:
        self.moment += timedelta(minutes=minutes)

    async def to_next_service(self) -> None:
        self.moment = self.moment.replace(hour=8, minute=0) + timedelta(days=1)


@dataclass
class Scripted:
    """Takes everything in and answers what is written here."""

    received: list[Inbound] = field(default_factory=list)
    answers: bool = True
    failing: bool = False
    pause: float = 0.0
    _number: int = 0
    _asked: dict[str, tuple[int, Outbound]] = field(default_factory=dict)
    channel: WebChannel = field(init=False)
    time: ManualTime = field(default_factory=ManualTime)

    async def receive(self, inbound: Inbound) -> None:
        if self.failing:
            raise RuntimeError("The database is away.")
        if any(before.message_id == inbound.message_id for before in self.received):
            return
        self.received.append(inbound)
        if self.answers:
            self._turn = asyncio.get_running_loop().create_task(self._answer(inbound))

    async def say(self, message: Outbound, chat: str = "", *, replaces: str = "") -> str:
        self._number += 1
        return await self.channel.send(Delivery(self._number, POINT, "web", chat, message, replaces))

    async def _ask(self, chat: str, message: Outbound) -> None:
        sent = await self.say(message, chat)
        self._asked[chat] = (int(sent[1:]), message)

    async def _close(self, chat: str, label: str) -> None:
        number, message = self._asked.pop(chat, (0, None))
        if message is not None:
            text = f"{message.text}\n\n✓ {label}"
            await self.say(
                Outbound(text, flow=message.flow, step=message.step, edits=number),
                chat,
                replaces=f"o{number}",
            )

    async def _answer(self, inbound: Inbound) -> None:
        await asyncio.sleep(self.pause)
        if inbound.from_desk:
            await self._at_desk(inbound)
            return
        chat = inbound.chat
        _, asked = self._asked.get(chat, (0, None))
        chosen = next((o.label for o in asked.options if o.id == inbound.choice), "") if asked else ""
        await self.channel.handled(inbound)
        if inbound.edits:
            return
        if chosen:
            await self._close(chat, chosen)
        if inbound.text == "/start":
            await self._ask(chat, DANGER)
        elif asked is DANGER and inbound.choice:
            await self._ask(chat, STORY)
        elif asked is STORY and inbound.text:
            await self._close(chat, "…")
            await self._ask(chat, PLACE)
        elif asked is PLACE and inbound.choice:
            await self.say(Outbound(RECEIPT, voice=Voice.NOTICE), chat)
            await self.report()

    async def report(self) -> None:
        """The desk learns of a report, without a word of what is in it."""
        await self.say(
            Outbound(
                "New report, urgency: soon, place: South.",
                options=(Option("/open 7F3K-29QX", "Open", True), Option("/take 7F3K-29QX", "Take")),
            )
        )

    async def card(self, *, talk: bool = False, edits: str = "") -> str:
        options = (
            Option("/quiet", "End live chat") if talk else Option("/talk", "Live chat"),
            Option("/release", "Release"),
            Option("/close", "Close"),
        )
        text = (
            "KA-7F3K-29 · being worked on\nTaken by: Staff member A · read by Thursday, 26 November, 16:00\n"
            "Place: Gummersbach · Neighbours · heated: 2 of 4\nWish: advice · Language: English"
        )
        number = int(edits[1:]) if edits else None
        message = Outbound(text, options=options, style=Style.CARD, thread="7F3K-29QX", edits=number)
        return await self.say(message, replaces=edits)

    async def _at_desk(self, inbound: Inbound) -> None:
        thread = inbound.thread
        if inbound.choice.startswith("/open") or inbound.text.startswith("/open"):
            self.shown = await self.card()
            await self.say(
                Outbound(
                    "For four weeks there has been bulky waste in front of the house. Every day there is shouting.",
                    style=Style.FROM_REPORTER,
                    thread="7F3K-29QX",
                )
            )
        elif inbound.choice in ("/talk", "/quiet"):
            await self.card(talk=inbound.choice == "/talk", edits=self.shown)
        elif inbound.text.startswith("/reply ") or inbound.reply_to:
            status = Outbound("Sent 09:00", style=Style.STATUS, thread=thread, about=inbound.message_id, fate="sent")
            sent = await self.say(status)
            text = inbound.text.removeprefix("/reply ")
            await self.say(Outbound(text, voice=Voice.DESK), "volunteer")
            await self.say(
                Outbound(
                    "Delivered 09:01",
                    style=Style.STATUS,
                    thread=thread,
                    about=inbound.message_id,
                    fate="delivered",
                    edits=int(sent[1:]),
                ),
                replaces=sent,
            )


@asynccontextmanager
async def scripted_server(
    *,
    public: bool = False,
    database: Database | None = None,
    bot: Scripted | None = None,
    heartbeat: float = 15.0,
) -> AsyncIterator[tuple[Scripted, TestServer]]:
    """The page with the scripted bot behind it, at an address of this computer."""
    bot = bot or Scripted()
    opened = database or new_database()
    port = free_port()
    bot.channel = WebChannel(
        memory=StoredMemory(opened),
        receive=bot.receive,
        now=bot.time.now,
        contact_points={POINT: NAME},
        mode=Public(f"http://127.0.0.1:{port}", {POINT: KEY}) if public else Demo(time=bot.time),
        heartbeat=heartbeat,
    )
    server = TestServer(bot.channel.application(), host="127.0.0.1", port=port)
    await server.start_server()
    try:
        yield bot, server
    finally:
        await server.close()
        if database is None:
            opened.close()


def new_database() -> Database:
    """In memory, with every table."""
    database = Database.open("sqlite://", KeyRing.new())
    Base.metadata.create_all(database.engine)
    return database


SAMPLE_FILE = Media("document", "round-table.ics", "text/calendar", b"BEGIN:VCALENDAR\nEND:VCALENDAR\n")
