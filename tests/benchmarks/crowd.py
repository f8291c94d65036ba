"""Who says what, and in which order: everybody in the same conversation, many at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

TEXTS = (
    {"text": "/start"},
    {"choice": "en"},
    {"choice": "NO"},
    {"choice": "READ_ON"},
    {"text": "In the yard they shout at night, and nobody dares to say a word any more."},
    {"text": "/done"},
    {"choice": "wiehl"},
    {"choice": "SCHOOL"},
    {"choice": "TODAY"},
    {"choice": "UNCLEAR"},
    {"choice": "2"},
    {"choice": "ADVICE"},
    {"choice": "CHAT"},
    {"choice": "/send"},
)
"""One report, from the first word to the number: thirteen questions."""

STEPS = len(TEXTS)


def line(chat: str, step: int) -> dict[str, Any]:
    """What one person says at one step, as the lines channel takes it."""
    return {"id": f"{chat}-{step}", "chat": chat, "language": "en", **TEXTS[step]}


def groups(chats: int, at_once: int, seed: int = 1) -> Iterator[list[tuple[int, int]]]:
    """Everybody's messages as (chat, step): groups that arrive together, each of different chats, each in their order."""
    random_ = random.Random(seed)
    steps = [0] * chats
    talking = list(range(chats))
    while talking:
        group = random_.sample(talking, min(at_once, len(talking)))
        yield [(chat, steps[chat]) for chat in group]
        for chat in group:
            steps[chat] += 1
        talking = [chat for chat in talking if steps[chat] < STEPS]
