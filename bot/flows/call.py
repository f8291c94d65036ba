"""How to reach the contact point by telephone: always a way that needs no chat (F-24)."""

from __future__ import annotations

from bot.engine.scope import Scope
from bot.i18n import Phone, Text, _, lines
from bot.working_time import is_open, next_service


def call_us(scope: Scope) -> Text:
    """The phone number and when somebody answers it."""
    point = scope.contact_point
    return lines(
        _("You can call us: {phone}", phone=Phone(point.phone)),
        _("Somebody is there now.")
        if is_open(point, scope.now)
        else _("Somebody is there again on {when}.", when=next_service(point, scope.now)),
    )
