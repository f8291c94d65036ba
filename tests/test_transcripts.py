"""Every conversation of `tests/transcripts/`, played word for word. Each message is a turn of its own that loads the
conversation from the database, so each transcript is also a test of restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.play import Player

FOLDER = Path(__file__).parent / "transcripts"


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.txt")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_conversation(path: Path, player: Callable[[str], Player]) -> None:
    made = player(path.parent.name)
    differences = asyncio.run(made.play(path.read_text("utf-8")))
    assert not differences, "\n" + "\n".join(map(str, differences))
