"""A whole bot on the bench: the real core and database, and a messenger that keeps what it is given."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from bot.app import App
from bot.contact_point import ContactPoint
from bot.delivery import UNHURRIED, Delivery, Pace
from bot.messages import Inbound, Media, Style
from bot.meter import Fate, Meter, TurnResult
from bot.now import ManualTime
from storage.database import Database

ACCOUNT = "bench"
START = datetime(2026, 11, 24, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
"""A Tuesday in service hours."""

_NUMBERS = count(1)


async def _nothing(_delivery: Delivery) -> None:
    pass


@dataclass
class Messenger:
    """The channel: what it was given, in order, and how it behaves."""

    heard: list[Delivery] = field(default_factory=list)
    behave: Callable[[Delivery], None] = lambda delivery: None
    """Called before a message is taken; raises what the messenger answers."""
    meanwhile: Callable[[Delivery], Awaitable[None]] = _nothing
    """What else happens while it is being sent."""
    pace: Pace = UNHURRIED
    knows_repeats: bool = False

    async def send(self, delivery: Delivery) -> str:
        await self.meanwhile(delivery)
        self.behave(delivery)
        self.heard.append(delivery)
        return delivery.replaces or f"o{delivery.id}"


class Counted(Meter):
    """Keeps what is counted, as words."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def received(self, account: str) -> None:
        self.heard.append(f"received {account}")

    def turn(self, seconds: float, result: TurnResult) -> None:
        assert 0 <= seconds < 60
        self.heard.append(f"turn {result}")

    def due(self, result: TurnResult) -> None:
        self.heard.append(f"due {result}")

    def sent(self, account: str, fate: Fate, seconds: float | None = None) -> None:
        assert seconds is None or 0 <= seconds < 60
        self.heard.append(f"{account} {fate}")


class Bench:
    """One bot, driven message by message; every message is worked through before the next."""

    def __init__(
        self, database: Database, contact_points: Mapping[str, ContactPoint], *, deleting: bool = False
    ) -> None:
        self.database = database
        self.time = ManualTime(database)
        self.time.set(START)
        self.messenger = Messenger()
        self.counted = Counted()
        channels = {ACCOUNT: self.messenger}
        self.app = App(database, contact_points, channels, self.time, ACCOUNT, deleting=deleting, meter=self.counted)
        self.point = next(iter(contact_points))

    @property
    def heard(self) -> list[Delivery]:
        return self.messenger.heard

    def settle(self) -> list[Delivery]:
        """Works everything through; what was said meanwhile."""
        before = len(self.heard)
        asyncio.run(self.app.settle())
        return self.heard[before:]

    def receive(self, **fields: object) -> str:
        """Takes a message in, without working on it; returns its id."""
        message_id = str(fields.pop("message_id", f"m{next(_NUMBERS)}"))
        inbound = Inbound(**{"contact_point": self.point, "account": ACCOUNT, "message_id": message_id, **fields})  # type: ignore[arg-type]
        self.app.turns.receive(inbound, self.time())
        return message_id

    def say(self, chat: str, text: str = "", **fields: object) -> list[Delivery]:
        """A person writes."""
        self.receive(chat=chat, text=text, language="en", **fields)
        return self.settle()

    def desk(self, by: str, text: str = "", thread: str = "", **fields: object) -> list[Delivery]:
        """A member of staff writes."""
        self.receive(by=by, text=text, thread=thread, **fields)
        return self.settle()

    def photo(self, chat: str) -> list[Delivery]:
        return self.say(chat, media=Media("photo"))

    def after(self, **period: float) -> list[Delivery]:
        """Time passes."""
        self.time.set(self.time() + timedelta(**period))
        return self.settle()

    def at(self, moment: datetime) -> list[Delivery]:
        self.time.set(moment)
        return self.settle()

    def report(
        self,
        chat: str,
        story: str,
        contact: str = "CHAT",
        wish: str = "ADVICE",
        phone: str = "",
        heat: str = "1",
        story_id: str = "",
    ) -> str:
        """A whole report, question by question; returns its number."""
        answers = {
            "language": "en",
            "danger": "NO",
            "privacy": "READ_ON",
            "names": "KEEP",
            "municipality": "waldbroel",
            "setting": "NEIGHBOURHOOD",
            "when": "LONGER",
            "parties": "CITIZENS_CITIZENS",
            "heat": heat,
            "wish": wish,
            "contact": contact,
            "review": "/send",
        }
        told = False
        said = self.say(chat, "/report")
        for _ in range(20):
            if number := next(filter(None, (arrived(each) for each in said if each.chat == chat)), None):
                return number
            asked = [each.message.ask for each in said if each.chat == chat and each.message.ask]
            if not asked:
                raise AssertionError(f"no question, but {[each.message.text for each in said]}")
            match asked[-1]:
                case "story" if not told:
                    told = True
                    said = self.say(chat, story, **({"message_id": story_id} if story_id else {}))
                case "story":
                    said = self.say(chat, "/done")
                case "phone":
                    said = self.say(chat, phone)
                case question:
                    said = self.say(chat, choice=answers[question])
        raise AssertionError("the report does not come to an end")

    def join(self, chat: str, name: str, roles: str = "case_manager wiehl") -> None:
        """Somebody gets a role by a code."""
        (code,) = {
            found[0]
            for each in self.desk("kim", f"/invite {roles}")
            if (found := re.search(r"\b[2-9A-Z]{4}(-[2-9A-Z]{4}){2}\b", each.message.text))
        }
        for text in (f"/start {code}", "English", name):
            self.say(chat, text)

    def request(self, chat: str, outline: str, **differing: str) -> str:
        """Somebody with a role asks the pool for an expert, question by question; returns the number."""
        told = {
            "aim": "Rules for the yard",
            "parties": "tenants, landlord",
            "outline": outline,
            "organisations": "GeWoBau",
        }
        answers = {
            "professions": "MEDIATOR",
            "themes": "HOT_BUTTON_TOPICS",
            "languages": "de",
            "format": "IN_PERSON",
            "municipality": "wiehl",
            "first_day": "TODAY",
            "weekdays": "TUESDAY",
            "urgency": "NORMAL",
            "cost": "YES",
            "checked": "YES",
            **dict.fromkeys(("aim_names", "parties_names", "names"), "KEEP"),
            "review": "/send",
            **differing,
        }
        said = self.say(chat, "/expert")
        for _ in range(30):
            if number := next(filter(None, (arrived(each) for each in said if each.chat == chat)), None):
                return number
            (question,) = [each.message for each in said if each.chat == chat and each.message.ask]
            if any(option.id == "/done" for option in question.options):
                said = self.say(chat, "/done")
            elif question.ask in told:
                said = self.say(chat, {**told, **differing}[question.ask], message_id=f"{chat} {question.ask}")
            elif question.ask == "last_day":
                said = self.say(chat, "18.12.2026")
            else:
                said = self.say(chat, choice=answers[question.ask])
        raise AssertionError("the request does not come to an end")


def arrived(delivery: Delivery) -> str | None:
    """The number in the receipt."""
    found = re.search(r"Your (?:report|request) has arrived\. Number: ([2-9A-Z-]{9})", plain(delivery))
    return found[1] if found else None


def plain(delivery: Delivery) -> str:
    """The text without the marks that keep directions apart."""
    return re.sub("[\u2066-\u2069]", "", delivery.message.text)


def to_person(said: list[Delivery], chat: str) -> list[str]:
    """What one person heard."""
    return [plain(each) for each in said if each.chat == chat]


def at_desk(said: list[Delivery], thread: str | None = None, style: Style | None = None) -> list[str]:
    """What the desk saw, all of it or in one place."""
    return [
        plain(each)
        for each in said
        if not each.chat and thread in (None, each.message.thread) and style in (None, each.message.style)
    ]
