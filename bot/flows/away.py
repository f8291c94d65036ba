"""Away from – to, and who stands in; nobody is ever asked or told why (R-23, F-08)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from bot.commands import Button, ComeBack, Command, GoAway, Say
from bot.engine.flow import AskAgain, Flow, Stop, Turn, ask
from bot.engine.inputs import Choice, Day, Pick
from bot.engine.scope import Scope
from bot.i18n import Text, _, lines, verbatim
from bot.people import Absence, Person, possible_deputies
from bot.taxonomy import RESPONSIBLE

CONTACT_POINT: Final = "CONTACT_POINT"
"""Stands in where no person does."""
_PERSON: Final = "PERSON-"


class Entered(StrEnum):
    """What to do with the days that are entered already."""

    CHANGE = "CHANGE"
    END = "END"
    NOTHING = "NOTHING"


def absence(scope: Scope) -> Absence | None:
    """The days that are entered and not over."""
    person = scope.account()
    return person.away if person is not None and person.away and person.away.last >= scope.today else None


def deputy_name(away: Absence, scope: Scope) -> Text:
    """Who stands in."""
    found = next((each for each in scope.people() if each.id == away.deputy and each.name), None)
    return verbatim(found.name) if found else _("the contact point")


def absence_in_words(away: Absence, scope: Scope) -> Text:
    """From, to, and who stands in."""
    return _(
        "away from {first} to {last}, deputy: {deputy}",
        first=away.first,
        last=away.last,
        deputy=deputy_name(away, scope),
    )


def _entered(flow: Away, scope: Scope) -> Text:
    away = absence(scope)
    return lines(
        _("You have entered: {absence}.", absence=absence_in_words(away, scope)) if away else None,
        _("What would you like to do?"),
    )


def _after_entered(flow: Away, scope: Scope) -> Iterator[Command | Turn]:
    if flow.entered is Entered.END:
        yield ComeBack()
        yield Say(_("All right. You are no longer entered as away."), (Button("/menu", _("Menu")),))
        yield Stop()
    elif flow.entered is Entered.NOTHING:
        yield Say(_("All right. Nothing was changed."), (Button("/menu", _("Menu")),))
        yield Stop()


def _first_day(flow: Away, scope: Scope) -> date:
    return flow.first or scope.today


def _deputies(scope: Scope) -> Mapping[str, Text]:
    person = scope.account()
    people = possible_deputies(person, scope.people(), scope.today, scope.today) if person else ()
    return {
        CONTACT_POINT: _("The contact point"),
        **{f"{_PERSON}{each.id}": _label(each, scope) for each in people},
    }


def _label(person: Person, scope: Scope) -> Text:
    organisation = scope.contact_point.organisation(person.organisation) if person.organisation else None
    return verbatim(f"{person.name} ({organisation.name})" if organisation is not None else person.name)


def _is_away_then(flow: Away, scope: Scope) -> Iterator[Command | Turn]:
    """Somebody chosen who is away in these days cannot stand in."""
    found = next((each for each in scope.people() if f"{_PERSON}{each.id}" == flow.deputy), None)
    if found is not None and found.away is not None and found.away.overlaps(flow.first, flow.last):
        yield Say(_("{name} is away in these days too. Please choose somebody else.", name=verbatim(found.name)))
        yield AskAgain()


class Away(Flow, name="away"):
    """When somebody is away, and who stands in."""

    title = _("Away")
    needs = RESPONSIBLE
    review = _("Shall I enter this?")

    entered: Entered | None = ask(
        _entered,
        Choice(
            {
                Entered.CHANGE: _("Enter other days"),
                Entered.END: _("I am not away after all"),
                Entered.NOTHING: _("Leave it as it is"),
            }
        ),
        when=lambda so_far, scope: absence(scope) is not None,
        then=_after_entered,
        exits=("/menu",),
    )
    first: date = ask(
        _("From which day are you away?"),
        Day(),
        label=_("First day"),
        note=_("Choose a day or write it like this: 24.12.2026. You do not have to say why."),
        exits=("/back", "/menu"),
    )
    last: date = ask(
        _("Which is the last day you are away?"),
        Day(not_before=_first_day),
        label=_("Last day"),
        forgotten_with="first",
        exits=("/back", "/menu"),
    )
    deputy: str = ask(
        _("Who stands in for you?"),
        Pick(_deputies),
        label=_("Deputy"),
        note=_("Where the deputy has not the same role and place as you, the contact point stands in."),
        then=_is_away_then,
        exits=("/back", "/menu"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        deputy = int(self.deputy.removeprefix(_PERSON)) if self.deputy.startswith(_PERSON) else None
        yield GoAway(self.first, self.last, deputy)
        yield Say(
            _(
                "Entered: {absence}. On your return I will write to you. To change or end it: /away",
                absence=absence_in_words(Absence(self.first, self.last, deputy), scope),
            ),
            (Button("/menu", _("Menu")),),
        )
