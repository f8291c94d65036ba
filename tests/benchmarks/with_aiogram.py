"""The same conversation on aiogram 3: a Dispatcher, a Router, and an FSM whose storage commits to SQLite with FULL.

What it does not do, and ours does: no inbox (an update lost in a crash is lost), no outbox (an answer lost on the way is
lost), no encryption, no reminders, no report with its thread; answers are keyboards on a message, without an edit of the
question before. Each turn is two commits, one for the data and one for the state, as aiogram's contexts do them.

Two variants: `plain` uses sqlite3 in the coroutine and takes one update after the other; `aiosqlite` uses that package and
takes the updates that arrive together as tasks, as polling does.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import aiosqlite
from aiogram import Bot, Dispatcher, Router
from aiogram.client.session.base import BaseSession
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import BaseStorage, StorageKey
from aiogram.types import Chat, InlineKeyboardButton, InlineKeyboardMarkup, Message

from tests.benchmarks.contestant import Contestant
from tests.benchmarks.crowd import STEPS, TEXTS
from tests.benchmarks.questions import OPTIONS, QUESTIONS, THANKS, text_of

TABLES = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "CREATE TABLE IF NOT EXISTS fsm (key TEXT PRIMARY KEY, state TEXT, data TEXT)",
)
GET = "SELECT state, data FROM fsm WHERE key = ?"
SET_STATE = "INSERT INTO fsm (key, state) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state"
SET_DATA = "INSERT INTO fsm (key, data) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET data = excluded.data"


class Offline(BaseSession):
    """Makes the message that the server would have made."""

    sent = 0

    async def close(self) -> None:
        pass

    async def make_request(self, bot: Bot, method: Any, timeout: int | None = None) -> Any:
        self.sent += 1
        chat = Chat(id=method.chat_id, type="private")
        return Message(message_id=self.sent, date=datetime.now(UTC), chat=chat, text=method.text)

    async def stream_content(self, *args: Any, **kwargs: Any) -> Any:
        yield b""


class Stored(BaseStorage):
    """States in SQLite; each change is committed when it returns."""

    async def read(self, statement: str, values: Sequence[Any]) -> Any:
        raise NotImplementedError

    async def write(self, statement: str, values: Sequence[Any]) -> None:
        raise NotImplementedError

    async def set_state(self, key: StorageKey, state: Any = None) -> None:
        await self.write(SET_STATE, (_key(key), state.state if isinstance(state, State) else state))

    async def get_state(self, key: StorageKey) -> str | None:
        row = await self.read(GET, (_key(key),))
        return row[0] if row else None

    async def set_data(self, key: StorageKey, data: Any) -> None:
        await self.write(SET_DATA, (_key(key), json.dumps(data)))

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        row = await self.read(GET, (_key(key),))
        return json.loads(row[1]) if row and row[1] else {}


class Plain(Stored):
    """By sqlite3, in the coroutine."""

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for statement in TABLES:
            self.connection.execute(statement)

    async def read(self, statement: str, values: Sequence[Any]) -> Any:
        return self.connection.execute(statement, values).fetchone()

    async def write(self, statement: str, values: Sequence[Any]) -> None:
        self.connection.execute(statement, values)

    async def close(self) -> None:
        self.connection.close()


class Aiosqlite(Stored):
    """By aiosqlite, on its thread."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection

    async def read(self, statement: str, values: Sequence[Any]) -> Any:
        async with self.connection.execute(statement, values) as cursor:
            return await cursor.fetchone()

    async def write(self, statement: str, values: Sequence[Any]) -> None:
        async with self.connection.execute(statement, values):
            pass

    async def close(self) -> None:
        await self.connection.close()


def _key(key: StorageKey) -> str:
    return f"{key.bot_id}:{key.chat_id}:{key.user_id}"


class Report(StatesGroup):
    """The questions, one state each."""


STATES = [State(f"question{n}", "Report") for n in range(len(QUESTIONS))]


def dispatcher(storage: BaseStorage) -> Dispatcher:
    """One handler a question, as a bot's author writes them."""
    router = Router()
    keyboards = [
        InlineKeyboardMarkup(
            inline_keyboard=[[InlineKeyboardButton(text=label, callback_data=label)] for label in OPTIONS]
        )
        for _ in QUESTIONS
    ]

    def asking(n: int) -> Any:
        async def answered(message: Message, state: FSMContext) -> None:
            await state.update_data({f"answer{n}": message.text})
            if n + 1 == len(QUESTIONS):
                await state.clear()
                await message.answer(THANKS)
                return
            await state.set_state(STATES[n + 1])
            await message.answer(QUESTIONS[n + 1], reply_markup=keyboards[n + 1])

        return answered

    for n, each in enumerate(STATES):
        router.message.register(asking(n), each)

    async def start(message: Message, state: FSMContext) -> None:
        await state.set_state(STATES[0])
        await message.answer(QUESTIONS[0], reply_markup=keyboards[0])

    router.message.register(start)
    result = Dispatcher(storage=storage)
    result.include_router(router)
    return result


class WithAiogram(Contestant):
    """`feed_raw_update`, as polling and webhooks call it."""

    async def open(self) -> None:
        if self.race.name == "aiosqlite":
            connection = await aiosqlite.connect(self.race.database, isolation_level=None)
            for statement in TABLES:
                await connection.execute(statement)
            self.storage: Stored = Aiosqlite(connection)
        else:
            self.storage = Plain(self.race.database)
        self.session = Offline()
        self.bot = Bot("42:" + "A" * 35, session=self.session)
        self.dispatcher = dispatcher(self.storage)
        assert len(TEXTS) == STEPS == len(QUESTIONS) + 1

    async def answer(self, messages: list[tuple[int, int]]) -> None:
        updates = [self.update(chat, step) for chat, step in messages]
        if self.race.name == "aiosqlite":
            await asyncio.gather(*(self.dispatcher.feed_raw_update(self.bot, update) for update in updates))
        else:
            for update in updates:
                await self.dispatcher.feed_raw_update(self.bot, update)

    def update(self, chat: int, step: int) -> dict[str, Any]:
        number = chat * STEPS + step + 1
        return {
            "update_id": number,
            "message": {
                "message_id": number,
                "date": 1_700_000_000,
                "chat": {"id": chat + 1, "type": "private"},
                "from": {"id": chat + 1, "is_bot": False, "first_name": "A", "language_code": "en"},
                "text": text_of(step),
            },
        }

    def answered(self) -> int:
        return self.session.sent

    async def close(self) -> None:
        await self.storage.close()


CONTESTANT = WithAiogram

if __name__ == "__main__":
    CONTESTANT.main()
