"""What the bot tells whoever counts. No name, no chat, no number of a report, no contact point is ever counted by."""

from __future__ import annotations

from typing import Final, Literal

TurnResult = Literal["done", "retried", "failed"]
"""Worked through; to be tried again because the database was in the way; a bug, told to the person."""
Fate = Literal["sent", "later", "unreachable", "refused", "in_doubt", "dead", "silenced", "fault"]
"""What became of one try to send, or of a message that was not tried any more."""


class Meter:
    """Counts nothing: for a bot that nobody watches. Of an account, like `telegram:123`, only the channel counts."""

    def received(self, account: str) -> None:
        """A message was kept for good."""

    def turn(self, seconds: float, result: TurnResult) -> None:
        """A message was worked through, or could not be."""

    def due(self, result: TurnResult) -> None:
        """Something that had come due was worked through, or could not be."""

    def sent(self, account: str, fate: Fate, seconds: float | None = None) -> None:
        """A message met its fate, after so many seconds if the channel was asked."""


UNWATCHED: Final = Meter()
"""It counts nothing and knows nothing, so that one is enough for all."""
