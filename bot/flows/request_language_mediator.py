"""Asking for language mediation: when, where, and within the rules of the pool (R-110, R-111, R-113)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from bot.commands import Button, Command, Say
from bot.engine.flow import Flow, Forget, Stop, Turn, ask
from bot.engine.inputs import Choice, Confirm, Day, DayTime, FreeText, PicksAndWords
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
from bot.flows.request_expert import send
from bot.i18n import ZONE, Phone, Text, _, lines, ngettext, paragraphs
from bot.pool.languages import language_label
from bot.pool.matching import Format
from bot.pool.request import AssignmentKind, PoolRequest, RequestKind
from bot.pool.request_words import ASSIGNMENTS
from bot.taxonomy import REQUESTERS, ExpertProfession, MediationRule, Urgency
from bot.working_time import service_day_after


class Appointment(StrEnum):
    """Whether the time is fixed."""

    FIXED = "FIXED"
    PERIOD = "PERIOD"


class TooSoon(StrEnum):
    """What to do when there is not enough time."""

    URGENT = "URGENT"
    OTHER_DAY = "OTHER_DAY"


class Rules(StrEnum):
    """The rules were read."""

    AGREED = "AGREED"


SAID: Final = {
    MediationRule.ORAL_ONLY: _("• Only spoken language. Texts are not translated."),
    MediationRule.NO_PERMANENT_ASSIGNMENTS: _("• Single appointments, no permanent work."),
}
"""The rules that are shown; about the others there is a question."""


def first_possible_day(scope: Scope) -> date:
    """The first day that leaves the pool its time."""
    return service_day_after(scope.contact_point, scope.today, scope.contact_point.pool.language_mediator_lead)


def _lead(flow: object, scope: Scope) -> Text | None:
    n = scope.contact_point.pool.language_mediator_lead
    if not n:
        return None
    return lines(
        ngettext(
            "Language mediation needs {n} working day of notice.",
            "Language mediation needs {n} working days of notice.",
            n,
        ),
        _("The first possible day is {day}.", day=first_possible_day(scope)),
    )


def _has(rule: MediationRule, scope: Scope) -> bool:
    return rule in scope.contact_point.pool.language_mediator_rules


def _after_legal(flow: RequestLanguageMediator, scope: Scope) -> Iterator[Command | Turn]:
    if flow.legal:
        yield Say(
            paragraphs(
                _(
                    "Then a sworn interpreter is needed. Language mediators may not do this: a mistake could do harm "
                    "to the people."
                ),
                _("Whoever invites to the talk has to provide the interpreter: the court, the police or the office."),
                _("We gladly help you find one: {phone}", phone=Phone(scope.contact_point.phone)),
                _("Nothing was sent. I have not kept your answers."),
            ),
            _WAYS_ON,
        )
        yield Stop()


def _after_professional(flow: RequestLanguageMediator, scope: Scope) -> Iterator[Command | Turn]:
    if not flow.professional:
        yield Say(
            lines(
                _("Language mediators only come when a professional is there all the time. They are not left alone."),
                _("Please ask again as soon as somebody can be there: /mediator"),
                _("Nothing was sent. I have not kept your answers."),
            ),
            _WAYS_ON,
        )
        yield Stop()


def _rules(flow: object, scope: Scope) -> Text:
    return lines(_("These rules hold:"), *(text for rule, text in SAID.items() if _has(rule, scope)))


def _last_possible(flow: RequestLanguageMediator) -> date | None:
    """The last day on which it could be; None as long as that is not said."""
    if flow.appointment is Appointment.FIXED:
        return flow.starts_at.astimezone(ZONE).date() if flow.starts_at else None
    return flow.last_day


def _is_too_soon(flow: RequestLanguageMediator, scope: Scope) -> bool:
    last = _last_possible(flow)
    return last is not None and last < first_possible_day(scope)


def _too_soon(flow: RequestLanguageMediator, scope: Scope) -> Text:
    return lines(
        _("That is very soon. We cannot promise that somebody has time."),
        _lead(flow, scope),
        _("Would you like to ask all the same?"),
    )


def _after_too_soon(flow: RequestLanguageMediator, scope: Scope) -> Iterator[Command | Turn]:
    if flow.too_soon is TooSoon.OTHER_DAY:
        yield Forget("appointment")
        yield Forget("starts_at")
        yield Forget("first_day")
        yield Forget("too_soon")


def _first_day(flow: RequestLanguageMediator, scope: Scope) -> date:
    return flow.first_day or scope.today


_WAYS_ON: Final = (Button("/human", _("Talk to a person")), Button("/menu", _("Menu")))


class RequestLanguageMediator(Flow, name="request_language_mediator"):
    """Asks the pool for language mediation."""

    title = _("Language mediation")
    needs = REQUESTERS
    review = _("Let me sum up your request. Is this right? Once somebody accepts, you learn each other's names.")
    stray = "outline"
    stray_reopens = ("free_text", FreeTextWish.BUTTONS)
    keeps_draft = True

    language: tuple[str, ...] = ask(
        _("Which language is needed? Choose, or write the name of the language."),
        PicksAndWords(common_languages, written=read_language, called=language_label, several=False, columns=2),
        label=_("Language"),
        exits=("/human", "/help", "/menu"),
    )
    assignment: AssignmentKind = ask(_("Where is somebody to mediate?"), Choice(ASSIGNMENTS), label=_("How"))
    municipality: str | None = place_question(lambda so_far, scope: so_far.assignment is not AssignmentKind.PHONE)
    legal: bool | None = ask(
        _("Can the talk have legal consequences? For example with police or court, or about a contract."),
        Confirm(_("Yes"), _("No")),
        when=lambda so_far, scope: _has(MediationRule.NO_LEGAL_CONSEQUENCES, scope),
        then=_after_legal,
    )
    professional: bool | None = ask(
        _("Are you, or is another professional, there during the whole talk?"),
        Confirm(_("Yes"), _("No")),
        when=lambda so_far, scope: _has(MediationRule.PROFESSIONAL_PRESENT, scope),
        then=_after_professional,
    )
    rules: Rules | None = ask(
        _rules,
        Choice({Rules.AGREED: _("Understood, go on")}),
        when=lambda so_far, scope: any(_has(rule, scope) for rule in SAID),
    )
    appointment: Appointment = ask(
        _("When is it?"),
        Choice({Appointment.FIXED: _("At a fixed time"), Appointment.PERIOD: _("Within some days, still open")}),
        note=_lead,
    )
    starts_at: datetime | None = ask(
        _("On which day, and at what time?"),
        DayTime(),
        label=_("When"),
        note=_("Please write it like this: 24.12.2026 14:00"),
        when=lambda so_far, scope: so_far.appointment is Appointment.FIXED,
    )
    first_day: date | None = ask(
        _("From which day on?"),
        Day(),
        label=_("First day"),
        note=_("Choose a day or write it like this: 24.12.2026."),
        when=lambda so_far, scope: so_far.appointment is Appointment.PERIOD,
    )
    last_day: date | None = ask(
        _("Until which day?"),
        Day(not_before=_first_day),
        label=_("Last day"),
        when=lambda so_far, scope: so_far.appointment is Appointment.PERIOD,
        forgotten_with="first_day",
    )
    too_soon: TooSoon | None = ask(
        _too_soon,
        Choice({TooSoon.URGENT: _("Yes, as an urgent request"), TooSoon.OTHER_DAY: _("Choose another day")}),
        label=_("At short notice"),
        when=_is_too_soon,
        then=_after_too_soon,
    )
    free_text: FreeTextWish | None = free_text_question(
        "asker", "parties", "outline", again=Button("/mediator", _("Language mediation"))
    )
    asker: Asker | None = asker_question()
    on_behalf_of: str | None = on_behalf_question()
    parties: str | None = parties_question()
    parties_names: Names | None = names_question("parties", "parties_names")
    organisations: tuple[str, ...] | None = organisations_question()
    outline: str | None = ask(
        _("What is the talk about? A few words are enough."),
        FreeText(at_most=LONGEST_OUTLINE, several_messages=True),
        label=_("What it is about"),
        note=_("No names, no address, no case number. Only the contact point reads it; it goes into no offer."),
        optional=True,
        when=lambda so_far, scope: tells_in_words(so_far),
    )
    names: Names | None = names_question("outline", "names")
    checked: Checked | None = checked_question()

    def finish(self, scope: Scope) -> Iterator[Command]:
        urgency = Urgency.URGENT if self.too_soon is TooSoon.URGENT else Urgency.NORMAL
        day = self.starts_at.astimezone(ZONE).date() if self.starts_at else scope.today
        request = PoolRequest(
            kind=RequestKind.LANGUAGE_MEDIATOR,
            professions=frozenset({ExpertProfession.LANGUAGE_MEDIATOR}),
            languages=frozenset(self.language),
            format=Format.ONLINE if self.assignment is AssignmentKind.PHONE else Format.IN_PERSON,
            municipality=slug(self.municipality),
            first_day=self.first_day or day,
            last_day=self.last_day or day,
            assignment=self.assignment,
            starts_at=self.starts_at,
            outline=self.outline or "",
            on_behalf_of=self.on_behalf_of or "",
            parties=self.parties or "",
            organisations=names_of(self.organisations, scope),
        )
        yield from send(request, urgency, self.sources, scope)
