"""Languages nobody speaks, which show what did not pass through translation.

Sentences read ⟦Ñúḿḅéŕ: ‹KA-1234›⟧: accented and in brackets, their values in angle quotes. The one that is written
from right to left has Hebrew letters instead of accents, so that its values have to be kept apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

CODE: Final = "xx-pseudo"
"""Renders like a language, is offered to nobody."""

RIGHT_TO_LEFT: Final = "xx-rtl"
"""The same, written from right to left."""

_ACCENTED: Final = str.maketrans(
    "ABCDEGHIKLMNOPRSTUVWYZabcdeghiklmnoprstuvwyz", "ÁḄĆḌÉǴḤÍḰĹḾŃÓṔŔŚṬÚṾẂÝŹáḅćḍéǵḥíḱĺḿńóṕŕśṭúṿẃýź"
)
_HEBREW: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 2 * "אבצדהפגחיקכלמנועקרסתוװשײיז")
_LETTERS: Final = {CODE: _ACCENTED, RIGHT_TO_LEFT: _HEBREW}
_MARKS: Final = str.maketrans("", "", "⟦⟧‹›")


def sentence(parts: Iterable[tuple[str, str]], code: str = CODE) -> str:
    """A translated sentence: words, then a value that is marked already, and so on."""
    return f"⟦{''.join(words.translate(_MARKS).translate(_LETTERS[code]) + value for words, value in parts)}⟧"


def value(content: str) -> str:
    """What is the same in every language."""
    return f"‹{content.translate(_MARKS)}›" if content else ""


def lacking(name: str) -> str:
    """A placeholder that got no value; `escaped` finds it."""
    return f"⟧{name}⟦" if name else ""


def escaped(rendered: str) -> list[str]:
    """The pieces with letters that are neither part of a sentence nor marked as a value."""
    depth = 0
    outside = []
    for piece in re.split("([⟦⟧‹›])", rendered):
        if piece in ("⟦", "‹"):
            depth += 1
        elif piece in ("⟧", "›"):
            depth -= 1
        elif depth == 0 and any(sign.isalpha() for sign in piece):
            outside.append(piece.strip())
    return outside


def inserted(rendered: str) -> list[str]:
    """The values, so that a test can tell a person's words from English that was passed off as such."""
    return re.findall("‹([^›]*)›", rendered)
