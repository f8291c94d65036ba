"""One-time codes of invitations: random, readable over the phone, never mistaken for a word."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Final

from bot.references import ALPHABET

VALID_FOR: Final = timedelta(hours=24)
"""How long a code can be used (J-2)."""

LENGTH: Final = 12
"""Letters and digits: 58 bits, in a day not to be found by trying."""

_READ: Final = str.maketrans("", "", " -–_")
_CODE: Final = re.compile(f"(?=.*[0-9])(?=.*[A-Z])[{ALPHABET}]{{{LENGTH}}}")


def fresh_code() -> str:
    """A code like `7F3K-29QX-HB4M`, derived from nothing."""
    while True:
        letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if _CODE.fullmatch(letters):
            return "-".join(letters[at : at + 4] for at in range(0, LENGTH, 4))


def read_code(text: str) -> str | None:
    """A code as a person typed it, in its proper form; None for anything else, such as a word or a number."""
    if len(text) > 3 * LENGTH:
        return None
    letters = text.strip().translate(_READ).upper()
    return "-".join(letters[at : at + 4] for at in range(0, LENGTH, 4)) if _CODE.fullmatch(letters) else None
