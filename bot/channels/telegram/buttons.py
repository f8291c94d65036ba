"""What a button carries: sealed, so that it reveals nothing and nobody can make one up."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.channels.text import sendable
from bot.messages import Option

LONGEST_ID: Final = 35
"""Bytes of an option's id: with the seal and in base85 they fill the 64 bytes that Telegram allows."""
MOST_A_ROW: Final = 8
MOST: Final = 100
"""Buttons of one message."""
_LONGEST_LABEL: Final = 200
_BUTTON: Final = "▸ "


class Buttons:
    """Seals the ids of options for one chat, and opens them again (AES-SIV, RFC 5297)."""

    def __init__(self, key: bytes, account: str) -> None:
        """`key` has 64 bytes and stays the same, so that old buttons can still be answered."""
        self._cipher = AESSIV(key)
        self._account = account.encode()

    def seal(self, option: str, chat: int) -> str:
        """Raises ValueError for an id that is too long."""
        plain = option.encode()
        if not 0 < len(plain) <= LONGEST_ID:
            raise ValueError(f"The id of an option has 1 to {LONGEST_ID} bytes.")
        sealed = self._cipher.encrypt(plain.ljust(LONGEST_ID, b"\0"), self._place(chat))
        return base64.b85encode(sealed).decode("ascii")

    def open(self, data: str, chat: int) -> str | None:
        """The id; None for what was not sealed for this chat."""
        try:
            sealed = base64.b85decode(data.encode("ascii"))
            return self._cipher.decrypt(sealed, self._place(chat)).rstrip(b"\0").decode()
        except (InvalidTag, ValueError):
            return None

    def _place(self, chat: int) -> list[bytes]:
        return [self._account, str(chat).encode()]

    def keyboard(self, options: Sequence[Option], columns: int, chat: int) -> InlineKeyboardMarkup | None:
        """Answers in as many columns as the message asks for; controls like "Back" two in a row below them."""
        answers = [each for each in options if not each.id.startswith("/")]
        controls = [each for each in options if each.id.startswith("/")]
        rows = [*_rows(answers, min(columns, MOST_A_ROW)), *_rows(controls, 2)]
        keys = [
            [InlineKeyboardButton(_label(each), callback_data=self.seal(each.id, chat)) for each in row] for row in rows
        ]
        return InlineKeyboardMarkup(keys) if keys else None


def _rows(options: Sequence[Option], columns: int) -> list[Sequence[Option]]:
    return [options[n : n + columns] for n in range(0, len(options), columns)]


def _label(option: Option) -> str:
    return sendable(option.label)[:_LONGEST_LABEL].strip() or _BUTTON
