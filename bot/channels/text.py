"""Texts as messengers take them: cut where a reader would pause; Telegram takes 4,096 UTF-16 code units a message."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

LONGEST: Final = 4096
"""UTF-16 code units of a message."""
LONGEST_CAPTION: Final = 1024
"""The same under a file."""

_PAUSES: Final = tuple(
    re.compile(pattern) for pattern in (r"\n\s*\n", r"(?<=[.!?…。؟।])[\"“”»«)\]]*\s+", r"\n+", r"\s+")
)
"""Where to cut, best first: between paragraphs, sentences, lines, words."""
_FEWEST: Final = LONGEST // 4
"""A part is not made shorter than this for the sake of a better pause."""
_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f\u20e3")
_SKIN_TONES: Final = ("\U0001f3fb", "\U0001f3ff")
_OPENING: Final = frozenset("\u2066\u2067\u2068")
_CLOSING: Final = "\u2069"
_DEEPEST: Final = 4
"""Isolates within one another that are closed and opened again where a text is cut."""
_FLAG_LETTERS: Final = ("\U0001f1e6", "\U0001f1ff")


def length(text: str) -> int:
    """In UTF-16 code units, as Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def sendable(text: str) -> str:
    """The text without half surrogate pairs, which Telegram refuses."""
    return text.encode("utf-8", "replace").decode()


def parts(text: str, at_most: int = LONGEST) -> list[str]:
    """The text in messages that are short enough; nothing but blanks between two of them is lost.

    What is set apart by direction (Unicode isolates) and goes on in the next message is set apart there as well.
    """
    whole = sendable(text).strip()
    if length(whole) <= at_most:
        return [whole]
    kept = 2 * _DEEPEST if any(each in _OPENING for each in whole) else 0
    pieces = []
    still_open: list[str] = []
    for each in _parts(whole, at_most - kept):
        before = "".join(still_open[-_DEEPEST:])
        for character in each:
            if character in _OPENING:
                still_open.append(character)
            elif character == _CLOSING and still_open:
                still_open.pop()
        pieces.append(f"{before}{each}{_CLOSING * min(len(still_open), _DEEPEST)}")
    return pieces


def _parts(rest: str, at_most: int) -> Iterator[str]:
    while length(rest) > at_most:
        end, begin = _cut(rest, at_most)
        yield rest[:end]
        rest = rest[begin:]
    yield rest


def _cut(text: str, at_most: int) -> tuple[int, int]:
    """Where the first part ends and the next one begins."""
    most = _within(text, at_most)
    fewest = min(_FEWEST, at_most // 4)
    for pause in _PAUSES:
        found = [(each.start(), each.end()) for each in pause.finditer(text, fewest, most + 1) if each.start() <= most]
        # What stands before a sentence's end belongs to it.
        whole = [(start + len(text[start:end].rstrip()), end) for start, end in found]
        if whole := [each for each in whole if each[0] <= most]:
            return whole[-1]
    while most > 1 and _clings(text, most):
        most -= 1
    return most, most


def _within(text: str, at_most: int) -> int:
    """How many characters fit."""
    units = 0
    for index, character in enumerate(text):
        units += 2 if character > "\uffff" else 1
        if units > at_most:
            return index
    return len(text)


def _clings(text: str, at: int) -> bool:
    """Whether the character there is one sign together with the one before it."""
    here, before = text[at], text[at - 1]
    return bool(
        unicodedata.combining(here)
        or unicodedata.category(here) in ("Mn", "Mc", "Me")
        or here in _JOINERS
        or before == "\u200d"
        or _SKIN_TONES[0] <= here <= _SKIN_TONES[1]
        or (_FLAG_LETTERS[0] <= here <= _FLAG_LETTERS[1] and _FLAG_LETTERS[0] <= before <= _FLAG_LETTERS[1])
    )
