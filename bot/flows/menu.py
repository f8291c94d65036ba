"""The menu: everything a person can do, a press away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from bot.commands import Command, StartFlow
from bot.engine.flow import Flow, ask
from bot.engine.inputs import Choice
from bot.engine.scope import Scope
from bot.flows.emergency import emergency_line
from bot.i18n import _
from bot.taxonomy import PLANNERS, POOL, REQUESTERS, RESPONSIBLE, Role


class Entry(StrEnum):
    """The entries, named by their commands."""

    REPORT = "/report"
    MINE = "/mine"
    ASSIGNMENTS = "/assignments"
    EXPERT = "/expert"
    MEDIATOR = "/mediator"
    REQUESTS = "/requests"
    MEETINGS = "/meetings"
    PLAN = "/plan"
    AWAY = "/away"
    PROFILE = "/profile"
    HUMAN = "/human"
    HELP = "/help"
    LANGUAGE = "/language"
    PRIVACY = "/privacy"
    DATA = "/data"


NEEDS: Final[Mapping[Entry, frozenset[Role]]] = {
    Entry.ASSIGNMENTS: POOL,
    Entry.EXPERT: REQUESTERS,
    Entry.MEDIATOR: REQUESTERS,
    Entry.REQUESTS: REQUESTERS,
    Entry.PROFILE: POOL,
    Entry.AWAY: RESPONSIBLE,
    Entry.PLAN: PLANNERS,
}
"""Entries that not everybody sees, with the roles that do."""


def _is_open(entry: Entry, scope: Scope) -> bool:
    if entry is Entry.MEETINGS:
        return scope.has_dates()
    return entry not in NEEDS or not NEEDS[entry].isdisjoint(scope.roles)


class Menu(Flow, name="menu"):
    """What a person can do here."""

    title = _("Menu")

    menu: Entry = ask(
        _("What would you like to do?"),
        Choice(
            {
                Entry.REPORT: _("Report a tension"),
                Entry.MINE: _("My reports"),
                Entry.ASSIGNMENTS: _("My assignments"),
                Entry.EXPERT: _("Ask for an expert"),
                Entry.MEDIATOR: _("Language mediation"),
                Entry.REQUESTS: _("My requests"),
                Entry.MEETINGS: _("Round tables and meetings"),
                Entry.PLAN: _("Plan a meeting"),
                Entry.AWAY: _("Away"),
                Entry.PROFILE: _("My profile in the pool"),
                Entry.HUMAN: _("Talk to a person"),
                Entry.HELP: _("Help and help numbers"),
                Entry.LANGUAGE: _("Language"),
                Entry.PRIVACY: _("Privacy"),
                Entry.DATA: _("My data"),
            },
            offered=_is_open,
        ),
        note=lambda so_far, scope: emergency_line(),
        exits=(),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        yield StartFlow(self.menu)
