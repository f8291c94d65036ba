"""What a homeserver answers when it does not do what was asked, put into the words of the outbox."""

from __future__ import annotations

from typing import Final

from nio import ErrorResponse

from bot.delivery import InDoubt, Refused, TryLater, Unreachable

TOKEN_WAIT: Final = 60.0
"""Seconds until something is sent again with a token that was refused."""
_LOST: Final = frozenset({"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED", "M_USER_LOCKED"})
_GONE: Final = frozenset({"M_FORBIDDEN", "M_NOT_FOUND", "M_GUEST_ACCESS_FORBIDDEN", "M_UNSUPPORTED_ROOM_VERSION"})
_NEVER: Final = frozenset({"M_TOO_LARGE", "M_BAD_JSON", "M_NOT_JSON", "M_INVALID_PARAM"})


SERVED_ELSEWHERE: Final = "ANLAUFSTELLE_SERVED_ELSEWHERE"
"""No answer of a homeserver: another process serves the account by now."""


class Failed(Exception):
    """The homeserver did not do it."""

    def __init__(self, code: str = "", after: float = 0) -> None:
        super().__init__(code or self.__doc__)
        self.code = code
        """The error code, like `M_FORBIDDEN`; empty where it answered nothing of that kind."""
        self.after = after
        """Seconds it wants to be left alone."""

    @classmethod
    def of(cls, answer: object) -> Failed:
        """From what nio returns instead of an answer."""
        if not isinstance(answer, ErrorResponse):
            return cls()
        return cls(answer.status_code or "", (answer.retry_after_ms or 0) / 1000)

    @property
    def is_logged_out(self) -> bool:
        """The token is worth nothing: nothing will work until somebody logs the bot in again."""
        return self.code in _LOST

    @property
    def is_gone(self) -> bool:
        """The bot may not do that, or there is no such room."""
        return self.code in _GONE


class NotThere(Exception):
    """The bot is not in the room."""


class Unencrypted(Exception):
    """The room is not encrypted, and has to be."""


def outcome(error: Failed) -> TryLater | InDoubt | Refused | Unreachable:
    """What the outbox makes of it."""
    if error.code == "M_LIMIT_EXCEEDED":
        return TryLater(error.after or None)
    if error.is_logged_out:
        return TryLater(TOKEN_WAIT, whole_account=True)
    if error.is_gone:
        return Unreachable()
    if error.code in _NEVER:
        return Refused()
    return InDoubt()
