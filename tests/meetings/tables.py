"""A bench with round tables on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.contact_point import ContactPoint
from bot.delivery import Delivery
from storage.database import Database
from storage.models import Conversation
from tests.bench import Bench, at_desk, to_person

BERLIN = ZoneInfo("Europe/Berlin")

FIRST_TUESDAY = """Kind: Round table
Municipality: Wiehl
Rule: FREQ=MONTHLY;BYDAY=1TU
First date: 2026-12-01 18:00
Leave out: nothing
Roles: Case management
Place: Town hall"""


class Tables:
    """Kim at the desk, and people who are invited."""

    def __init__(self, database: Database, point: ContactPoint) -> None:
        self.bench = Bench(database, {point.id: point})
        self.point = point.id
        self.bench.desk("kim", "/language en")

    def join(self, *chats: str, role: str = "case_manager wiehl") -> None:
        """People with a role, by the names of their chats."""
        for chat in chats:
            self.bench.join(chat, chat.title(), role)

    def plan(self, lines: str = FIRST_TUESDAY, *more: str) -> list[Delivery]:
        """A meeting, as the desk writes it."""
        return self.desk("/meeting new\n" + "\n".join((lines, *more)))

    def desk(self, text: str) -> list[Delivery]:
        return self.bench.desk("kim", text)

    def at(self, moment: str) -> list[Delivery]:
        """The clock is set, like `2026-11-28 09:00`."""
        return self.bench.at(datetime.fromisoformat(moment).replace(tzinfo=BERLIN))

    def press(self, chat: str, choice: str) -> str:
        """Somebody presses a button; what they hear."""
        return heard(self.bench.say(chat, choice=choice), chat)

    def within(self, act: Callable[..., Any]) -> Any:
        """Does something in the transaction of a turn."""
        turns = self.bench.app.turns
        with (
            self.bench.database.transaction(everywhere=True) as session,
            turns.working(session, self.point, self.bench.time()) as work,
        ):
            return act(work)

    def chat(self, name: str) -> int:
        """The id of a chat."""

        def find(work: Any) -> int:
            return int(next(each.id for each in work.session.scalars(select(Conversation)) if each.address == name))

        return int(self.within(find))


def heard(said: list[Delivery], chat: str) -> str:
    """What one person heard, as one text."""
    return "\n".join(to_person(said, chat))


def noted(said: list[Delivery]) -> str:
    """What the desk saw."""
    return "\n".join(at_desk(said))


def reminded(said: list[Delivery]) -> list[str]:
    """Who was reminded, sorted."""
    return sorted(each.chat for each in said if each.chat and "Reminder:" in each.message.text)
