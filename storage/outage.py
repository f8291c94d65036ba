"""A database that does not answer is told to the log once, and once more when it answers again."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

_LOG: Final = logging.getLogger("anlaufstelle.database")


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database cannot work now, rather than that a statement is wrong."""
    return isinstance(error, OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


class Outage:
    """Knows whether the database answered last time."""

    def __init__(self) -> None:
        self._since: float | None = None

    def met(self, error: BaseException) -> None:
        """Somebody asked the database and got this error."""
        if self._since is None and is_away(error):
            self._since = monotonic()
            _LOG.error("the database does not answer (%s)", type(getattr(error, "orig", None) or error).__name__)

    def is_over(self) -> None:
        """Somebody asked the database and got an answer."""
        if self._since is not None:
            _LOG.warning("the database answers again after %s seconds", round(monotonic() - self._since, 1))
            self._since = None
