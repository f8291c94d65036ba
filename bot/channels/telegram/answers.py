"""What Telegram answers when it does not take a message, put into the words of the outbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.channels.telegram.requests import UNSENT
from bot.delivery import InDoubt, Refused, TryLater, Unreachable

TOKEN_WAIT: Final = 60.0
"""Seconds until a refused token is tried again: somebody may have put the right one there."""

_GONE: Final = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "have no rights to send a message",
    "not enough rights to send",
    "need administrator rights in the channel chat",
    "chat_write_forbidden",
)


def said(error: BadRequest | Forbidden, *words: str) -> bool:
    """Whether Telegram's sentence holds one of these words."""
    sentence = error.message.casefold()
    return any(each.casefold() in sentence for each in words)


def wanted_wait(error: RetryAfter) -> float:
    """Seconds for which Telegram wants nothing."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def outcome(error: TelegramError) -> TryLater | InDoubt | Refused | Unreachable:
    """What the outbox makes of it. BadRequest is looked at before NetworkError, whose subclass it is."""
    match error:
        case RetryAfter():
            return TryLater(wanted_wait(error))
        case ChatMigrated():
            return TryLater()
        case Forbidden():
            return Unreachable()
        case InvalidToken():
            return TryLater(TOKEN_WAIT, whole_account=True)
        case BadRequest():
            return Unreachable() if said(error, *_GONE) else Refused()
        case NetworkError() if isinstance(error.__cause__, UNSENT):
            return TryLater()
    return InDoubt()
