"""Withdrawing: only the way to reach me, or the whole report (F-07)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.commands import Button, Command, Say, Withdraw, WithdrawScope
from bot.engine.flow import Flow, Stop, Turn, ask, given
from bot.engine.inputs import Choice, Confirm, Pick
from bot.engine.scope import Scope
from bot.flows.my_reports import one_of, own_reports
from bot.i18n import Text, _

SCOPES: Final = {
    WithdrawScope.REPORT: _("The whole report"),
    WithdrawScope.CONTACT: _("Only the way to reach me"),
}


def _sure(flow: WithdrawReport, scope: Scope) -> Text:
    report = one_of(flow.report or flow.only, scope)
    ref = report.ref if report else ""
    if flow.scope is WithdrawScope.CONTACT:
        return _(
            "I delete the link between report {ref} and this chat, and your phone number. The report stays. Then "
            "nobody can answer you. Shall I do that?",
            ref=ref,
        )
    if report is not None and report.opened:
        return _(
            "Somebody has already read report {ref}. I delete your text and the link to this chat. That there was a "
            "report, its place and date stay stored without your words. Shall I do that?",
            ref=ref,
        )
    return _("Nobody has read report {ref} yet. I delete it completely. Shall I do that?", ref=ref)


def _after_sure(flow: WithdrawReport, scope: Scope) -> Iterator[Command | Turn]:
    if not flow.sure:
        yield Say(_("All right. Nothing was changed."), (Button("/menu", _("Menu")),))
        yield Stop()


class WithdrawReport(Flow, name="withdraw"):
    """Takes back what was told."""

    title = _("Take a report back")

    only: str = given("")
    report: str | None = ask(
        _("Which report do you want to take back?"),
        Pick(own_reports),
        when=lambda so_far, scope: not so_far.only,
        exits=("/back", "/human", "/menu"),
    )
    scope: WithdrawScope = ask(_("What do you want to take back?"), Choice(SCOPES), exits=("/back", "/human", "/menu"))
    sure: bool = ask(
        _sure,
        Confirm(_("Yes, delete"), _("No, keep it")),
        then=_after_sure,
        exits=("/back", "/human", "/menu"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        report = one_of(self.report or self.only, scope)
        if report is None:
            yield Say(_("I cannot find this report here any more."), (Button("/menu", _("Menu")),))
            return
        yield Withdraw(report.ref, self.scope)
