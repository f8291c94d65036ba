"""After a code: how somebody with a new role wants to be called, and what they can do now (J-2)."""

from __future__ import annotations

from collections.abc import Iterator

from bot.commands import Button, Command, Say, SetName
from bot.engine.flow import Flow, ask
from bot.engine.inputs import Name
from bot.engine.scope import Scope
from bot.i18n import Text, _, lines, listing, paragraphs, verbatim
from bot.people import Person
from bot.roles import ROLE
from bot.taxonomy import PLANNERS, POOL, REQUESTERS, RESPONSIBLE, Role


def roles_in_words(person: Person, scope: Scope) -> Text:
    """Each role with its places, one a line."""
    rows = []
    for role, label in ROLE.items():
        if role in person.roles:
            places = [place.name for place in scope.contact_point.municipalities if place.slug in person.roles[role]]
            rows.append(
                _("• {role}: {places}", role=label, places=listing(places)) if places else _("• {role}", role=label)
            )
    return lines(*rows)


def organisation_in_words(person: Person, scope: Scope) -> Text | None:
    """The employer, if there is one."""
    if not person.organisation:
        return None
    found = scope.contact_point.organisation(person.organisation)
    return _("• Organisation: {name}", name=found.name if found else person.organisation)


def what_you_have(scope: Scope) -> Text | None:
    """The roles of the person, with what they can do and how to leave."""
    person = scope.account()
    if person is None:
        return None
    return paragraphs(
        lines(
            _("Your roles at the contact point {place}:", place=scope.contact_point.name),
            roles_in_words(person, scope),
            organisation_in_words(person, scope),
        ),
        lines(
            _("This is what you can do now:"),
            _("/away – enter when you are away, and who stands in") if RESPONSIBLE & person.roles.keys() else None,
            _("/expert, /mediator – ask for an expert or for language mediation; /requests – how it is going")
            if REQUESTERS & person.roles.keys()
            else None,
            _("/assignments – what you have been asked and have accepted") if POOL & person.roles.keys() else None,
            _("/profile – your profile in the pool: see it, and change when and where you work")
            if POOL & person.roles.keys()
            else None,
            _("/plan – plan round tables and other meetings; /meetings – see, move or cancel dates")
            if PLANNERS & person.roles.keys()
            else None,
            _("/data – see, change or delete what is stored about you, or lay down your roles"),
            _("/menu – everything else"),
        ),
        _("Your roles belong to this chat only. If you change your account or phone number, ask for a new code."),
    )


class Join(Flow, name="join"):
    """A code was good: the person says how they want to be called."""

    title = _("Invitation")
    needs = frozenset(Role)

    called: str = ask(
        _("How would you like to be called here?"),
        Name(),
        note=_("The team of the contact point and colleagues can see this name. We store it encrypted."),
        exits=("/human", "/help"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        yield SetName(self.called)
        yield Say(_("Thank you, {name}.", name=verbatim(self.called)))
        have = what_you_have(scope)
        if have is not None:
            yield Say(have, (Button("/menu", _("Menu")),))
