"""The seam between the outbox and the channels: what is handed over, and what a channel may answer."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final, Protocol, runtime_checkable

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


@dataclass(frozen=True)
class Pace:
    """How fast a messenger takes messages. Faster, and it answers with errors."""

    at_once: int = 16
    """Messages under way at the same time, each in another chat."""
    per_second: float = inf
    """Messages of the whole account."""
    per_chat_second: float = inf
    """Messages in one private chat."""
    chat_burst: int = 1
    """How many of them may follow one another at once, if it was quiet before."""
    per_desk_minute: float = inf
    """Messages in the group that is a desk, in any sixty seconds."""
    seconds: float = 30
    """How long one message may take before nobody knows what became of it."""


UNHURRIED: Final = Pace(at_once=64)


class Channel(Protocol):
    """Moves text, options and media; knows nothing of conflicts."""

    @property
    def pace(self) -> Pace:
        """How fast it may be given messages."""
        ...

    @property
    def knows_repeats(self) -> bool:
        """Whether the same `Delivery.id` given twice arrives once."""
        ...

    async def send(self, delivery: Delivery) -> str:
        """Hands one message to the messenger and returns the messenger's id of it.

        Raises TryLater, InDoubt, Unreachable or Refused; anything else is a bug and counts as InDoubt.
        """
        ...


@runtime_checkable
class WrittenOut(Protocol):
    """A channel that writes messages one after the other at once, as on standard output, instead of sending them.

    What was written when the process was killed is known up to the very last message.
    """

    def write_out(self, delivery: Delivery) -> None:
        """Writes one message, whole."""
        ...

    def name_of(self, delivery: Delivery) -> str:
        """The name of the message in this channel."""
        ...


class TryLater(Exception):
    """The messenger did not take the message now."""

    def __init__(self, after: float | None = None, *, whole_account: bool = False) -> None:
        super().__init__(self.__doc__)
        self.after = after
        """Seconds the messenger asked for."""
        self.whole_account = whole_account
        """Whether it asked so for every chat."""


class InDoubt(Exception):
    """The messenger may have taken the message or not: it did not answer in time, or broke off."""


class Unreachable(Exception):
    """The person has blocked the bot or the chat is gone."""


class Refused(Exception):
    """The messenger will never take this message."""
