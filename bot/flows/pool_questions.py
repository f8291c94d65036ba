"""What both kinds of requests to the pool ask: where, who has a part in it, and what it is about without names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from bot.commands import Command
from bot.engine.flow import Forget, Turn, ask
from bot.engine.inputs import LONGEST_NAME, Choice, FreeText, NotUnderstood, Pick, PicksAndWords
from bot.engine.scope import Scope
from bot.flows.free_text import tells_in_words
from bot.flows.report_tension import ELSEWHERE
from bot.i18n import Text, _, lines, verbatim
from bot.languages import LANGUAGES
from bot.pool.languages import language_codes, language_label
from bot.pool.table import language_meant, language_named
from bot.reading.third_parties import find
from bot.taxonomy import STAFF

LONGEST_OUTLINE: Final = 800
"""Characters that are enough (J-2 step 5)."""


class Asker(StrEnum):
    """For whom staff of the contact point ask."""

    SELF = "SELF"
    OTHER = "OTHER"


class Checked(StrEnum):
    """What the checklist of an outline leads to."""

    YES = "YES"
    REWRITE = "REWRITE"


def places(scope: Scope) -> Mapping[str, Text]:
    """The places of the contact point, those that the person works for first."""
    person = scope.account()
    own = {slug for slugs in person.roles.values() for slug in slugs} if person is not None else set()
    ordered = sorted(scope.contact_point.municipalities, key=lambda place: place.slug not in own)
    return {**{place.slug: verbatim(place.name) for place in ordered}, ELSEWHERE: _("Another place, or I don't know")}


def place_question(when: Callable[[Any, Scope], bool]) -> str | None:
    """Where somebody is needed."""
    return ask(_("Where is it?"), Pick(places, columns=2), label=_("Where"), when=when)


def slug(chosen: str | None) -> str:
    """A place as a request keeps it."""
    return chosen if chosen and chosen != ELSEWHERE else ""


def common_languages(scope: Scope) -> Mapping[str, Text]:
    """The languages that can be read here, as far as experts can have them."""
    return {code: language_label(code) for code in LANGUAGES if code in language_codes()}


def read_language(words: str, scope: Scope) -> str:
    """A language by any of its names; raises NotUnderstood."""
    code = language_named(words)
    if code is not None:
        return code
    meant = language_meant(words)
    raise NotUnderstood(
        lines(
            _("I do not know a language of this name. Please write it in German or English, like “Tigrinya”."),
            _("Perhaps you mean: {language}", language=meant) if meant else None,
        )
    )


def _organisations(scope: Scope) -> Mapping[str, Text]:
    return {each.slug: verbatim(each.name) for each in scope.contact_point.organisations}


def _read_organisation(words: str, scope: Scope) -> str:
    known = {each.name.casefold(): each.slug for each in scope.contact_point.organisations}
    name = " ".join(words.split())
    if name.casefold() in known:
        return known[name.casefold()]
    if find(name):
        raise NotUnderstood(_("That looks like a person or a number. Please write only the name of the organisation."))
    if len(name) > LONGEST_NAME:
        raise NotUnderstood(_("Please write the name of one organisation, in at most {n} characters.", n=LONGEST_NAME))
    return name


def organisations_question() -> tuple[str, ...] | None:
    """The organisations that are parties, so that nobody is asked who works there (F-10, R-113)."""
    return ask(
        _("Which organisations have a part in it? Choose, or write the name. You can name several."),
        PicksAndWords(_organisations, written=_read_organisation, keeps_words=True),
        label=_("Organisations"),
        note=_("We ask this so that nobody is asked who works there. Please no names of people."),
        optional=True,
    )


def names_of(organisations: tuple[str, ...] | None, scope: Scope) -> tuple[str, ...]:
    """The organisations by their names."""
    known = {each.slug: each.name for each in scope.contact_point.organisations}
    return tuple(known.get(each, each) for each in organisations or ())


def parties_question() -> str | None:
    """Who has a part in it, by role."""
    return ask(
        _("Who has a part in it? Please only roles, like “tenants, housing company”."),
        FreeText(at_most=200),
        label=_("Who has a part in it"),
        note=_("No names. Those who are asked read it, and say whether they can be neutral."),
        optional=True,
        when=lambda so_far, scope: tells_in_words(so_far),
    )


def asker_question() -> Asker | None:
    """Whether staff of the contact point ask on behalf of somebody (R-50)."""
    return ask(
        _("For whom do you ask?"),
        Choice({Asker.SELF: _("For myself"), Asker.OTHER: _("For somebody else")}),
        label=_("For whom"),
        when=lambda so_far, scope: tells_in_words(so_far) and not STAFF.isdisjoint(scope.roles),
    )


def on_behalf_question() -> str | None:
    """Who has asked the contact point, so that the expert knows whom they will meet."""
    return ask(
        _("Who needs somebody? Please write the name and the organisation."),
        FreeText(at_most=LONGEST_NAME),
        label=_("Asked on behalf of"),
        note=_("Whoever accepts learns it. Messages about it come to you, and you pass them on."),
        when=lambda so_far, scope: so_far.asker is Asker.OTHER,
        forgotten_with="asker",
    )


def checked_question() -> Checked | None:
    """The checklist, once there is an outline."""

    def after(flow: Any, scope: Scope) -> Iterator[Command | Turn]:
        if flow.checked is Checked.REWRITE:
            yield Forget("outline")

    return ask(
        _("Please look at your text once more: no names, no address, no case number?"),
        Choice({Checked.YES: _("That is right"), Checked.REWRITE: _("Write the text again")}),
        when=lambda so_far, scope: bool(so_far.outline),
        then=after,
        forgotten_with="outline",
    )
