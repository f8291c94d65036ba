"""The seam between the outbox and the channels: what is handed over, and what a channel may answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.messages import Outbound


@dataclass(frozen=True)
class Delivery:
    """One outgoing message with its address."""

    id: int
    """The outbox row; a channel may use it as idempotency key."""
    contact_point: str
    account: str
    chat: str
    """The private chat; empty for the desk of the contact point."""
    message: Outbound
    replaces: str = ""
    """The messenger's own id of the message that this one edits."""


class Channel(Protocol):
    """Moves text, options and media; knows nothing of conflicts."""

    async def send(self, delivery: Delivery) -> str:
        """Hands one message to the messenger and returns the messenger's id of it.

        Raises TryLater, Unreachable or Refused; anything else counts as TryLater.
        """
        ...


class TryLater(Exception):
    """The messenger did not take the message now."""

    def __init__(self, after: float | None = None) -> None:
        super().__init__(self.__doc__)
        self.after = after
        """Seconds the messenger asked for."""


class Unreachable(Exception):
    """The person has blocked the bot or the chat is gone."""


class Refused(Exception):
    """The messenger will never take this message."""
