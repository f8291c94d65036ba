"""Reporting a tension: the conversation the contact point exists for (journey J-1, R-01 to R-11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from bot.commands import AlertDesk, Button, Command, FileReport, HandOff, Say
from bot.engine.flow import Flow, Forget, Stop, Turn, ask
from bot.engine.inputs import Choice, FreeText, Phone, Pick
from bot.engine.scope import Scope
from bot.flows.call import out_of_hours
from bot.flows.emergency import emergency_full, emergency_line, emergency_short
from bot.flows.free_text import FreeTextWish, free_text_question, tells_in_words
from bot.flows.help import help_lines
from bot.flows.names import Names, names_question
from bot.flows.privacy import Privacy, PrivacyAsked, privacy_question
from bot.i18n import Phone as PhoneNumber
from bot.i18n import Text, _, lines, paragraphs, verbatim
from bot.reading.keywords import Notice, notices
from bot.taxonomy import (
    Constellation,
    Contact,
    Danger,
    Flag,
    Heat,
    Setting,
    Urgency,
    When,
    Wish,
)
from bot.working_time import is_open

ELSEWHERE: Final = "OTHER"
"""The id offered beside the municipalities."""


class DangerOver(StrEnum):
    """What a person does after the emergency notice."""

    CONTINUE = "CONTINUE"
    HELP_LINES = "HELP_LINES"
    END = "END"


DANGER: Final = {Danger.YES: _("Yes"), Danger.NO: _("No"), Danger.UNSURE: _("I don't know")}

SETTINGS: Final = {
    Setting.NEIGHBOURHOOD: _("House or neighbourhood"),
    Setting.ACCOMMODATION: _("Shared accommodation"),
    Setting.SCHOOL: _("School"),
    Setting.DAYCARE: _("Daycare"),
    Setting.AUTHORITY: _("Public office"),
    Setting.WORK: _("Work"),
    Setting.ASSOCIATION: _("Club or association"),
    Setting.RELIGIOUS_SITE: _("Mosque, church or other place of worship"),
    Setting.PUBLIC_SPACE: _("Street or public place"),
    Setting.HEALTH: _("Doctor or hospital"),
    Setting.HOUSING_MARKET: _("Looking for a flat"),
    Setting.ONLINE: _("Internet"),
    Setting.OTHER: _("Somewhere else"),
}

WHEN: Final = {
    When.TODAY: _("Today"),
    When.THIS_WEEK: _("This week"),
    When.LONGER: _("For some time"),
    When.REPEATED: _("Again and again"),
}

PARTIES: Final = {
    Constellation.CITIZENS_CITIZENS: _("People who live or meet in the same place"),
    Constellation.CITIZENS_ORGANISATIONS: _("People and a school, office, landlord or company"),
    Constellation.CITIZENS_KEY_ACTORS: _("People and the town or a service provider"),
    Constellation.KEY_ACTORS_ORGANISATIONS: _("Associations or groups and a larger body"),
    Constellation.KEY_ACTORS_AMONG_THEMSELVES: _("Helping bodies among themselves"),
    Constellation.ORGANISATIONS_INTER_OR_INTRA: _("Organisations, or departments in one house"),
    Constellation.UNCLEAR: _("I don't know"),
}

HEAT: Final = {
    Heat.OPINIONS_CLASH: _("▁ Opinions clash"),
    Heat.ACTS_NOT_WORDS: _("▃ People act instead of talking"),
    Heat.SHAME_OR_THREATS: _("▅ Somebody is shamed or threatened"),
    Heat.VIOLENCE_OR_DESTRUCTION: _("▇ Violence or destruction"),
}

WISHES: Final = {
    Wish.TELL_ONLY: _("I only want to tell you"),
    Wish.ADVICE: _("Advice"),
    Wish.TALK_TO_PERSON: _("Talk to somebody"),
    Wish.UNSURE: _("I don't know"),
}

CONTACT: Final = {
    Contact.CHAT: _("Yes, here in the chat"),
    Contact.PHONE: _("Yes, by phone"),
    Contact.NONE: _("No"),
}


def municipalities(scope: Scope) -> Mapping[str, Text]:
    """The places of the contact point, the one of the link first."""
    places = {place.slug: verbatim(place.name) for place in scope.contact_point.municipalities}
    hinted = scope.hinted_municipality
    first = {hinted: places[hinted]} if hinted in places else {}
    return {**first, **places, ELSEWHERE: _("Another place, or I don't know")}


def _after_danger(flow: ReportTension, scope: Scope) -> Iterator[Command | Turn]:
    if flow.danger is Danger.YES:
        yield AlertDesk(Flag.DANGER)
    elif flow.danger is Danger.UNSURE:
        yield Say(emergency_short())


def _after_danger_over(flow: ReportTension, scope: Scope) -> Iterator[Command | Turn]:
    match flow.danger_over:
        case DangerOver.HELP_LINES:
            yield Say(help_lines(scope))
            yield Forget("danger_over")
        case DangerOver.END:
            yield Say(
                lines(_("All right. Take care of yourself."), emergency_line()),
                (Button("/report", _("Report after all")), Button("/menu", _("Menu"))),
            )
            yield Stop()


class ReportTension(Flow, PrivacyAsked, name="report_tension"):
    """Tells the contact point about a tension, before it is a conflict."""

    title = _("Report a tension")
    review = _("Let me sum up. Have I understood you correctly?")
    stray = "story"
    stray_reopens = ("free_text", FreeTextWish.BUTTONS)
    keeps_draft = True

    danger: Danger = ask(
        _("Is somebody in danger right now?"),
        Choice(DANGER),
        note=lambda so_far, scope: emergency_line(),
        then=_after_danger,
        exits=("/human", "/help", "/menu"),
    )
    danger_over: DangerOver | None = ask(
        lambda so_far, scope: emergency_full(),
        Choice(
            {
                DangerOver.CONTINUE: _("Danger is over – continue"),
                DangerOver.HELP_LINES: _("More help numbers"),
                DangerOver.END: _("End"),
            }
        ),
        when=lambda so_far, scope: so_far.danger is Danger.YES,
        then=_after_danger_over,
        exits=("/back",),
        forgotten_with="danger",
    )
    privacy: Privacy | None = privacy_question()
    free_text: FreeTextWish | None = free_text_question()
    story: str | None = ask(
        _("What happened, or what worries you? Write only what you want to. You can use your own language."),
        FreeText(at_most=2000, several_messages=True),
        label=_("What happened"),
        note=_(
            "Please no names, addresses or numbers of other people. “A neighbour” or “a teacher” is enough. "
            "You can send several messages."
        ),
        when=lambda so_far, scope: tells_in_words(so_far),
    )
    names: Names | None = names_question()
    municipality: str = ask(_("Where is it?"), Pick(municipalities, columns=2), label=_("Where"))
    setting: Setting | None = ask(
        _("What kind of place is it?"), Choice(SETTINGS, columns=2), label=_("Kind of place"), optional=True
    )
    when: When | None = ask(_("Since when?"), Choice(WHEN, columns=2), label=_("When"), optional=True)
    parties: Constellation | None = ask(
        _("Who has a problem with whom?"), Choice(PARTIES), label=_("Who with whom"), optional=True
    )
    heat: Heat | None = ask(_("How heated is it?"), Choice(HEAT), label=_("How tense"), optional=True)
    wish: Wish = ask(_("What do you wish from us?"), Choice(WISHES), label=_("Your wish"))
    contact: Contact = ask(
        _("May we ask you questions?"),
        Choice(CONTACT),
        label=_("Questions back"),
        note=_(
            "If you choose “No”, we delete the link between the report and this chat. Then nobody can answer you, "
            "and you cannot change the report later."
        ),
    )
    phone: str | None = ask(
        _("Which number may we call?"),
        Phone(),
        label=_("Phone"),
        note=_("We only use the number to call you back. You can take it back at any time: /withdraw"),
        when=lambda so_far, scope: so_far.contact is Contact.PHONE,
        forgotten_with="contact",
    )

    def urgency(self, flags: frozenset[Flag]) -> Urgency:
        """How soon a human should answer; a proposal that staff may change (R-20)."""
        if self.danger is Danger.YES or self.heat is Heat.VIOLENCE_OR_DESTRUCTION:
            return Urgency.URGENT
        if flags & URGENT_FLAGS:
            return Urgency.URGENT
        if self.danger is Danger.UNSURE or self.heat is Heat.SHAME_OR_THREATS:
            return Urgency.SOON
        if self.wish is Wish.TALK_TO_PERSON:
            return Urgency.SOON
        return Urgency.LOW if self.wish is Wish.TELL_ONLY else Urgency.NORMAL

    def flags(self) -> frozenset[Flag]:
        """What a human must look at."""
        noticed = notices(self.story or "")
        found = {flag for notice, flag in FLAG_OF.items() if notice in noticed}
        return frozenset(found | ({Flag.DANGER} if self.danger is Danger.YES else set()))

    def finish(self, scope: Scope) -> Iterator[Command]:
        ref = scope.fresh_ref()
        flags = self.flags()
        urgency = self.urgency(flags)
        yield FileReport(
            ref=ref,
            story=self.story or "",
            municipality=self.municipality,
            danger=self.danger,
            setting=self.setting,
            when=self.when,
            parties=self.parties,
            heat=self.heat,
            wish=self.wish,
            contact=self.contact,
            phone=self.phone,
            urgency=urgency,
            flags=flags | ({Flag.NEEDS_INTERPRETER} if scope.wanted_language else set()),
            language=scope.wanted_language or scope.language,
            sources=self.sources,
        )
        yield Say(self._receipt(scope, ref, urgency))
        wants_a_human = self.danger is Danger.YES or self.wish is Wish.TALK_TO_PERSON
        if wants_a_human and self.contact is Contact.CHAT:
            yield HandOff(about=ref, urgency=urgency)
        else:
            if not is_open(scope.contact_point, scope.now):
                yield Say(out_of_hours(scope.contact_point, scope.now))
            yield Say(
                _("And how are you? If this weighs on you, there are people to talk to."),
                (Button("/help", _("Help numbers")), Button("/menu", _("I am fine"))),
            )

    def _receipt(self, scope: Scope, ref: str, urgency: Urgency) -> Text:
        deadline = scope.deadline(urgency)
        phone = PhoneNumber(scope.contact_point.phone)
        if self.contact is Contact.NONE:
            return paragraphs(
                _("Thank you. Your report has arrived. Number: {ref}.", ref=ref),
                _("A person at the contact point will read it by {deadline}.", deadline=deadline),
                _(
                    "This chat is no longer linked to the report, so nobody can answer you here. If you want to add "
                    "something, call us and give the number: {phone}",
                    phone=phone,
                ),
            )
        return paragraphs(
            _("Thank you. Your report has arrived. Number: {ref}.", ref=ref),
            _(
                "A person at the contact point will read it by {deadline}. You do not have to carry this alone.",
                deadline=deadline,
            ),
            lines(
                _("Add something or see how it is going: /mine"),
                _("Take the report back: /withdraw"),
            ),
        )


URGENT_FLAGS: Final = frozenset({Flag.SUICIDE, Flag.CHILD_PROTECTION, Flag.EMERGENCY_WORDS})

FLAG_OF: Final = {
    Notice.EMERGENCY: Flag.EMERGENCY_WORDS,
    Notice.SUICIDE: Flag.SUICIDE,
    Notice.CHILD: Flag.CHILD_PROTECTION,
    Notice.OFF_TOPIC_RESIDENCE: Flag.MAYBE_OFF_TOPIC,
    Notice.OFF_TOPIC_BENEFITS: Flag.MAYBE_OFF_TOPIC,
    Notice.OFF_TOPIC_ENROLMENT: Flag.MAYBE_OFF_TOPIC,
}
