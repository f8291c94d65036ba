"""Who holds a chat: the bot, or a human, and then the bot is silent (architecture, idea 4)."""

from __future__ import annotations

from typing import Final

BOT: Final = "BOT"
HUMAN: Final = "HUMAN"
