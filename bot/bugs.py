"""Bugs in the log: where, never what somebody wrote (D-13)."""

from __future__ import annotations

import logging
import secrets
import traceback
from pathlib import Path
from typing import Final

_LOG: Final = logging.getLogger("anlaufstelle.bugs")
_ROOT: Final = Path(__file__).parents[1]


def log_bug(error: BaseException) -> str:
    """Writes the kind and the place of an error, without its message, and returns its reference number."""
    reference = secrets.token_hex(3).upper()
    places = []
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        shown = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else Path(*path.parts[-2:])
        places.append(f"{shown}:{frame.lineno} {frame.name}")
    _LOG.error("bug %s: %s at %s", reference, type(error).__name__, " < ".join(places[:12]))
    return reference
