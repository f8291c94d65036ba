"""Asking the pool for an expert: what is wished for, when and where, and an outline without names (R-50, J-2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from bot.commands import AskForExpert, Button, Command, Say
from bot.engine.flow import Flow, ask
from bot.engine.inputs import Choice, Choices, Day, FreeText, PicksAndWords
from bot.engine.scope import Scope
from bot.flows.free_text import FreeTextWish, free_text_question, tells_in_words
from bot.flows.names import Names, names_question
from bot.flows.pool_questions import (
    LONGEST_OUTLINE,
    Asker,
    Checked,
    asker_question,
    checked_question,
    common_languages,
    names_of,
    on_behalf_question,
    organisations_question,
    parties_question,
    place_question,
    read_language,
    slug,
)
from bot.i18n import Phone, Text, _, paragraphs
from bot.pool.languages import language_label
from bot.pool.matching import Format
from bot.pool.profile import Weekday
from bot.pool.request import CostApproval, PoolRequest, RequestKind, SchoolConsent
from bot.pool.request_words import COSTS, FORMATS, SCHOOLS
from bot.pool.words import THEMES, WEEKDAYS, professions_of
from bot.taxonomy import REQUESTERS, ExpertProfession, Theme, Urgency

ADVISE: Final = "ADVISE"
"""Whom to ask is for the contact point to say."""

URGENCIES: Final = {
    Urgency.NORMAL: _("It has time"),
    Urgency.SOON: _("Soon, within two weeks"),
    Urgency.URGENT: _("Urgent, within a few days"),
}


def _professions(scope: Scope) -> Mapping[str, Text]:
    wanted = professions_of(scope.contact_point)
    return {
        **{key: label for key, label in wanted.items() if key != ExpertProfession.LANGUAGE_MEDIATOR},
        ADVISE: _("I don't know, please advise me"),
    }


def _first_day(flow: RequestExpert, scope: Scope) -> date:
    return flow.first_day or scope.today


def send(request: PoolRequest, urgency: Urgency, sources: tuple[str, ...], scope: Scope) -> Iterator[Command]:
    """Sends the request, and tells its number and by when somebody is suggested (J-2 step 6)."""
    ref = scope.fresh_ref()
    promise = scope.promised(request, urgency)
    yield AskForExpert(ref, request, urgency, scope.language, sources)
    yield Say(
        paragraphs(
            _("Thank you. Your request has arrived. Number: {ref}.", ref=ref),
            _("You get a suggestion by {deadline}, here in this chat.", deadline=promise.by)
            if promise.suggestion
            else _(
                "There is little time. You get an answer by {deadline}, or call us: {phone}",
                deadline=promise.by,
                phone=Phone(scope.contact_point.phone),
            ),
            _("See how it is going, or take it back: /requests"),
        ),
        (Button("/requests", _("My requests")), Button("/menu", _("Menu"))),
    )


class RequestExpert(Flow, name="request_expert"):
    """Asks the pool for an expert."""

    title = _("Ask for an expert")
    needs = REQUESTERS
    review = _("Let me sum up your request. Is this right? Once somebody accepts, you learn each other's names.")
    stray = "outline"
    stray_reopens = ("free_text", FreeTextWish.BUTTONS)
    keeps_draft = True

    professions: tuple[str, ...] = ask(
        _("Whom do you need? Choose all that could help. We look for one person."),
        PicksAndWords(_professions, any_of_them=True, columns=2),
        label=_("Wanted"),
        exits=("/human", "/help", "/menu"),
    )
    school: SchoolConsent | None = ask(
        _("Does the school take part?"),
        Choice(SCHOOLS),
        label=_("The school takes part"),
        note=_("Education mediators work at a school only together with its teachers."),
        when=lambda so_far, scope: ExpertProfession.EDUCATION_MEDIATOR in (so_far.professions or ()),
        forgotten_with="professions",
    )
    free_text: FreeTextWish | None = free_text_question(
        "aim", "asker", "parties", "outline", again=Button("/expert", _("Ask for an expert"))
    )
    aim: str | None = ask(
        _("What is it to lead to? A few words are enough."),
        FreeText(at_most=200),
        label=_("Aim"),
        note=_("For example: “The two groups in the house agree on rules for the yard.”"),
        optional=True,
        when=lambda so_far, scope: tells_in_words(so_far),
    )
    aim_names: Names | None = names_question("aim", "aim_names")
    themes: frozenset[Theme] | None = ask(
        _("Which themes does it touch? You can choose several."), Choices(THEMES), label=_("Themes"), optional=True
    )
    languages: tuple[str, ...] | None = ask(
        _("Which languages are needed? Choose, or write the name of a language."),
        PicksAndWords(common_languages, written=read_language, called=language_label, columns=2),
        label=_("Languages"),
        optional=True,
    )
    format: Format = ask(_("How shall it take place?"), Choice(FORMATS), label=_("How"))
    municipality: str | None = place_question(lambda so_far, scope: so_far.format is not Format.ONLINE)
    first_day: date = ask(
        _("From which day on?"),
        Day(),
        label=_("First day"),
        note=_("Choose a day or write it like this: 24.12.2026."),
    )
    last_day: date = ask(
        _("Until which day?"), Day(not_before=_first_day), label=_("Last day"), forgotten_with="first_day"
    )
    weekdays: frozenset[Weekday] | None = ask(
        _("On which days of the week?"), Choices(WEEKDAYS, columns=2), label=_("Days"), optional=True
    )
    urgency: Urgency = ask(_("How urgent is it?"), Choice(URGENCIES), label=_("Urgency"))
    cost: CostApproval = ask(_("Are the costs approved?"), Choice(COSTS), label=_("Costs approved"))
    asker: Asker | None = asker_question()
    on_behalf_of: str | None = on_behalf_question()
    parties: str | None = parties_question()
    parties_names: Names | None = names_question("parties", "parties_names")
    organisations: tuple[str, ...] | None = organisations_question()
    outline: str | None = ask(
        _("What is it about? Please write at most {n} characters.", n=LONGEST_OUTLINE),
        FreeText(at_most=LONGEST_OUTLINE, several_messages=True),
        label=_("What it is about"),
        note=_("No names, no address, no case number. Only the contact point reads it; it goes into no offer."),
        when=lambda so_far, scope: tells_in_words(so_far),
    )
    names: Names | None = names_question("outline", "names")
    checked: Checked | None = checked_question()

    def finish(self, scope: Scope) -> Iterator[Command]:
        request = PoolRequest(
            kind=RequestKind.EXPERT,
            professions=frozenset(self.professions) - {ADVISE},
            languages=frozenset(self.languages or ()),
            format=self.format,
            municipality=slug(self.municipality),
            first_day=self.first_day,
            last_day=self.last_day,
            weekdays=self.weekdays or frozenset(),
            themes=self.themes or frozenset(),
            cost=self.cost,
            school=self.school,
            aim=self.aim or "",
            outline=self.outline or "",
            on_behalf_of=self.on_behalf_of or "",
            parties=self.parties or "",
            organisations=names_of(self.organisations, scope),
        )
        yield from send(request, self.urgency, self.sources, scope)
