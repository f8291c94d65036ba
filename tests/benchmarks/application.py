"""The first three questions as a bot of python-telegram-bot: an Application that fetches updates itself.

A ConversationHandler whose PicklePersistence is written on every update: the most this package offers against a crash.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    ConversationHandler,
    PicklePersistence,
)

QUESTIONS = (
    ("Which language would you like to use?", ("English", "Deutsch")),
    ("Is somebody in danger right now?", ("Yes", "No")),
    ("Your data – in short: we only need what you write to us.", ("Understood, go on", "Read in full first")),
)


class Written(PicklePersistence):
    """Writes with every change, not every minute."""

    async def update_conversation(self, name: str, key: Any, new_state: object | None) -> None:
        await super().update_conversation(name, key, new_state)
        await self.flush()


def keyboard(number: int) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(each, callback_data=each)] for each in QUESTIONS[number][1]])


async def begin(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> int:
    assert update.message is not None
    await update.message.reply_text(QUESTIONS[0][0], reply_markup=keyboard(0))
    return 0


async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    query = update.callback_query
    assert query is not None and query.message is not None and context.user_data is not None
    context.user_data[str(len(context.user_data))] = query.data
    number = len(context.user_data) % 4
    await query.answer()
    await query.edit_message_text(f"{query.message.text}\n\n✓ {query.data}")  # type: ignore[union-attr]
    if number < len(QUESTIONS):
        await query.message.reply_text(QUESTIONS[number][0], reply_markup=keyboard(number))  # type: ignore[union-attr]
        return 0
    await query.message.reply_text("What happened, or what worries you?")  # type: ignore[union-attr]
    return 0


def main() -> None:
    token, api, file = sys.argv[1:4]
    persistence = Written(file, update_interval=0.01)
    application = (
        Application.builder()
        .token(token)
        .base_url(f"{api}/bot")
        .persistence(persistence)
        .concurrent_updates(False)
        .build()
    )
    application.add_handler(
        ConversationHandler(
            [CommandHandler("start", begin)], {0: [CallbackQueryHandler(answer)]}, [], persistent=True, name="report"
        )
    )
    asyncio.set_event_loop(asyncio.new_event_loop())
    application.run_polling(allowed_updates=["message", "callback_query"])


if __name__ == "__main__":
    main()
