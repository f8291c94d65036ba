"""What members of staff are called in the room or group that is the desk: they say it themselves, with /name."""

from __future__ import annotations

import re
from typing import Final

from bot.i18n import _

NAMELESS: Final = _("Team")
"""Who does what nobody in particular has done; nobody may be called so."""
NAME_TAKEN: Final = _("Somebody here is called that already. Please write /name and another name.")
_NAME: Final = re.compile(r"/name(?:@\S+)?\s+(.{1,40})", re.DOTALL)


def wanted_name(text: str) -> str:
    """The name that somebody asks for; empty if that is not what they ask."""
    asked = _NAME.fullmatch(text)
    return asked[1] if asked else ""
