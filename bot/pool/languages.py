"""The languages that experts speak: many more than can be read here, as the CLDR of Unicode names them.

Codes are those of the CLDR, and `prs` for Dari, which it only has as a Persian of Afghanistan.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from babel import Locale

from bot.i18n import Text, _, language_name

_CALLED: Final = {
    "fa": _("Farsi"),
    "prs": _("Dari"),
    "ku": _("Kurmanji"),
    "ckb": _("Sorani"),
    "rom": _("Romanes"),
}
"""What they are called by those who look for an interpreter."""

_NO_LANGUAGES: Final = frozenset({"mul", "und", "zxx", "root"})


@cache
def language_codes() -> frozenset[str]:
    """Every language an expert can have."""
    of_cldr = {str(code) for code in Locale.parse("en").languages if "_" not in str(code)}
    return frozenset((of_cldr - _NO_LANGUAGES) | _CALLED.keys())


@cache
def language_label(code: str) -> Text:
    """What the language is called."""
    return _CALLED.get(code) or language_name(code)
