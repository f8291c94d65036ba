"""Bugs in the log: where, never what somebody wrote (D-13)."""

from __future__ import annotations

import logging
import secrets
from typing import Final

from bot.logs import kinds, places

_LOG: Final = logging.getLogger("anlaufstelle.bugs")


def log_bug(error: BaseException) -> str:
    """Writes the kind and the place of an error, without its message, and returns its reference number."""
    reference = secrets.token_hex(3).upper()
    kind, *causes = kinds(error)
    where = places(error)
    _LOG.error(
        "bug %s: %s at %s",
        reference,
        kind,
        " < ".join(where),
        extra={"event": "bug", "reference": reference, "error": kind, "causes": causes, "places": where},
    )
    return reference
