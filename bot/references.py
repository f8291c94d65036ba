"""Reference numbers: random, short, without letters and digits that look alike (D-06)."""

from __future__ import annotations

import re
import secrets
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0 and O, no 1, I and L, no U: nobody misreads a number over the phone."""

_READ: Final = str.maketrans("", "", " -–_")


def fresh_reference() -> str:
    """A number like `7F3K-29QX`, derived from nothing."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def read_reference(text: str) -> str | None:
    """A number as a person typed it, in its proper form; its first four letters will do. None: no number."""
    letters = text.translate(_READ).upper().removeprefix("KA")
    if not re.fullmatch(f"[{ALPHABET}]{{4}}([{ALPHABET}]{{4}})?", letters):
        letters = text.translate(_READ).upper()
    if re.fullmatch(f"[{ALPHABET}]{{8}}", letters):
        return f"{letters[:4]}-{letters[4:]}"
    return letters if re.fullmatch(f"[{ALPHABET}]{{4}}", letters) else None
