"""My reports: how it is going in neutral words, adding, correcting, withdrawing (J-1 step 16, R-151)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from bot.commands import AddToReport, Button, Command, Say, StartFlow
from bot.contact_point import ContactPoint
from bot.engine.flow import Flow, Stop, Turn, ask, given
from bot.engine.inputs import Choice, FreeText, Pick
from bot.engine.scope import OwnReport, Scope
from bot.flows.names import Names, names_question
from bot.flows.report_tension import ELSEWHERE
from bot.i18n import Text, _, lines, verbatim
from bot.taxonomy import CLOSED_STATES, ReportState

STATE_WORDS: Final = {
    ReportState.SUBMITTED: _("arrived"),
    ReportState.ACKNOWLEDGED: _("read"),
    ReportState.IN_PROGRESS: _("being worked on"),
    ReportState.ANSWERED: _("closed"),
    ReportState.REFERRED: _("closed"),
    ReportState.OUT_OF_SCOPE: _("closed"),
    ReportState.REJECTED_ABUSE: _("closed"),
    ReportState.WITHDRAWN: _("withdrawn"),
}


class Action(StrEnum):
    """What to do with a report."""

    ADD = "ADD"
    WITHDRAW = "WITHDRAW"
    NOTHING = "NOTHING"


def place_name(contact_point: ContactPoint, slug: str) -> Text:
    """The municipality in words."""
    if slug == ELSEWHERE:
        return _("Another place, or I don't know")
    place = contact_point.municipality(slug)
    return verbatim(place.name if place else slug)


def own_reports(scope: Scope) -> Mapping[str, Text]:
    """The person's reports, newest first."""
    return {
        report.ref: _("{ref} · {place}", ref=report.ref, place=place_name(scope.contact_point, report.municipality))
        for report in scope.own_reports()
    }


def one_of(ref: str | None, scope: Scope) -> OwnReport | None:
    """The report of this number, if it is still linked to the person."""
    return next((report for report in scope.own_reports() if report.ref == ref), None)


def _card(flow: MyReports, scope: Scope) -> Text:
    report = one_of(flow.report or flow.only, scope)
    if report is None:
        return _("What would you like to do?")
    waiting = report.deadline if report.state not in CLOSED_STATES else None
    return lines(
        _("Report {ref}", ref=report.ref),
        _("Place: {place}", place=place_name(scope.contact_point, report.municipality)),
        _("Sent: {when}", when=report.submitted_at),
        _("State: {state}", state=STATE_WORDS[report.state]),
        _("Answer by: {deadline}", deadline=waiting) if waiting else None,
        _("What would you like to do?"),
    )


def _after_action(flow: MyReports, scope: Scope) -> Iterator[Command | Turn]:
    report = one_of(flow.report or flow.only, scope)
    if report is None or flow.action is Action.NOTHING:
        yield Say(_("All right. I am here when you need me."), (Button("/menu", _("Menu")),))
        yield Stop()
    elif flow.action is Action.WITHDRAW:
        yield StartFlow("withdraw", {"only": report.ref})
        yield Stop()


class MyReports(Flow, name="my_reports"):
    """What has become of my reports."""

    title = _("My reports")
    stray = "story"

    only: str = given("")
    """The number of the person's only report when this began: nobody is asked which."""
    report: str | None = ask(
        _("Which report is it about?"),
        Pick(own_reports),
        when=lambda so_far, scope: not so_far.only,
        exits=("/back", "/human", "/menu"),
    )
    action: Action = ask(
        _card,
        Choice(
            {
                Action.ADD: _("Add or correct something"),
                Action.WITHDRAW: _("Take the report back"),
                Action.NOTHING: _("Nothing, thank you"),
            }
        ),
        then=_after_action,
        exits=("/back", "/human", "/menu"),
    )
    story: str | None = ask(
        _("What would you like to add or correct?"),
        FreeText(at_most=2000, several_messages=True),
        note=_("Please no names, addresses or numbers of other people."),
        when=lambda so_far, scope: so_far.action is Action.ADD,
    )
    names: Names | None = names_question()

    def finish(self, scope: Scope) -> Iterator[Command]:
        report = one_of(self.report or self.only, scope)
        if report is None or self.story is None:
            yield Say(_("I cannot find this report here any more."), (Button("/menu", _("Menu")),))
            return
        yield AddToReport(report.ref, self.story, self.sources)
        yield Say(_("Thank you. I have added it to report {ref}.", ref=report.ref), (Button("/menu", _("Menu")),))
