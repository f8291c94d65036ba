"""The same conversation on python-telegram-bot: a ConversationHandler with PicklePersistence, written on every update.

What it does not do, and ours does: no inbox, no outbox, no encryption, no reminders, no report with its thread. The pickle
is written before the next update is taken, but not synced, so a power cut may take it: this package offers no more.
It holds the conversations of everybody in one file, so that the time for a turn grows with the people.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    CommandHandler,
    ConversationHandler,
    ExtBot,
    MessageHandler,
    PicklePersistence,
    filters,
)
from telegram.request import BaseRequest

from tests.benchmarks.contestant import Contestant
from tests.benchmarks.crowd import STEPS
from tests.benchmarks.questions import OPTIONS, QUESTIONS, THANKS, text_of


class Offline(BaseRequest):
    """Answers as the server would."""

    sent = 0

    @property
    def read_timeout(self) -> float | None:
        return 5.0

    async def initialize(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass

    async def do_request(self, url: str, method: str, request_data: Any = None, **_: Any) -> tuple[int, bytes]:
        if url.endswith("/getMe"):
            result: dict[str, Any] = {"id": 42, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}
        else:
            self.sent += 1
            values = request_data.parameters
            result = {
                "message_id": self.sent,
                "date": int(datetime.now(UTC).timestamp()),
                "chat": {"id": values["chat_id"], "type": "private"},
                "text": values["text"],
            }
        return 200, json.dumps({"ok": True, "result": result}).encode()


def keyboard() -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=label)] for label in OPTIONS])


def conversation() -> ConversationHandler[Any]:
    """One handler a question, as a bot's author writes them."""
    keyboards = [keyboard() for _ in QUESTIONS]

    async def start(update: Update, context: Any) -> int:
        assert update.message is not None
        await update.message.reply_text(QUESTIONS[0], reply_markup=keyboards[0])
        return 0

    def asking(n: int) -> Any:
        async def answered(update: Update, context: Any) -> int:
            assert update.message is not None
            if n + 1 == len(QUESTIONS):
                context.user_data.clear()
                await update.message.reply_text(THANKS)
                return ConversationHandler.END
            context.user_data[f"answer{n}"] = update.message.text
            await update.message.reply_text(QUESTIONS[n + 1], reply_markup=keyboards[n + 1])
            return n + 1

        return answered

    return ConversationHandler(
        entry_points=[CommandHandler("start", start)],
        states={n: [MessageHandler(filters.TEXT, asking(n))] for n in range(len(QUESTIONS))},
        fallbacks=[],
        name="report",
        persistent=True,
    )


class WithTelegram(Contestant):
    """`process_update`, then one write of the pickle, which is faster than one for each kind of data."""

    async def open(self) -> None:
        self.request = Offline()
        bot: Any = ExtBot("42:" + "A" * 35, request=self.request, get_updates_request=Offline())
        self.persistence: Any = PicklePersistence(self.race.database, on_flush=True, update_interval=3600)
        self.application: Any = Application.builder().bot(bot).persistence(self.persistence).build()
        self.application.add_handler(conversation())
        await self.application.initialize()

    async def answer(self, messages: list[tuple[int, int]]) -> None:
        for chat, step in messages:
            await self.application.process_update(Update.de_json(self.update(chat, step), self.application.bot))
            await self.application.update_persistence()
            await self.persistence.flush()

    def update(self, chat: int, step: int) -> dict[str, Any]:
        number = chat * STEPS + step + 1
        text = text_of(step)
        command = {"entities": [{"type": "bot_command", "offset": 0, "length": len(text)}]} if step == 0 else {}
        return {
            "update_id": number,
            "message": {
                "message_id": number,
                "date": 1_700_000_000,
                "chat": {"id": chat + 1, "type": "private"},
                "from": {"id": chat + 1, "is_bot": False, "first_name": "A", "language_code": "en"},
                "text": text,
                **command,
            },
        }

    def answered(self) -> int:
        return self.request.sent

    async def close(self) -> None:
        await self.application.shutdown()


CONTESTANT = WithTelegram

if __name__ == "__main__":
    CONTESTANT.main()
