"""When somebody is there, and how to reach them by telephone: always a way that needs no chat (F-02, F-24)."""

from __future__ import annotations

from datetime import datetime

from bot.contact_point import ContactPoint
from bot.engine.scope import Scope
from bot.flows.emergency import POLICE, RESCUE
from bot.i18n import Phone, Text, _, lines
from bot.working_time import is_open, next_service


def out_of_hours(contact_point: ContactPoint, now: datetime) -> Text:
    """Nobody reads now, and when somebody does (F-02)."""
    return _(
        "Nobody is reading right now. We read again on {next_service}. Your message will not be lost. In danger? "
        "{police} or {rescue}.",
        next_service=next_service(contact_point, now),
        police=POLICE,
        rescue=RESCUE,
    )


def call_us(scope: Scope) -> Text:
    """The phone number and when somebody answers it."""
    point = scope.contact_point
    return lines(
        _("You can call us: {phone}", phone=Phone(point.phone)),
        _("Somebody is there now.")
        if is_open(point, scope.now)
        else _("Somebody is there again on {when}.", when=next_service(point, scope.now)),
    )
