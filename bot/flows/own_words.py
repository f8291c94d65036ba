"""Words that came unasked: before anything is done with them, the person says what they are for (R-06)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from bot.commands import AddToReport, Button, Command, HandOff, ResumeDraft, Say, StartFlow
from bot.engine.flow import Flow, Stop, Turn, ask, given
from bot.engine.inputs import Choice, Pick
from bot.engine.scope import Scope
from bot.flows.my_reports import one_of, own_reports
from bot.i18n import _


class Purpose(StrEnum):
    """What the words are for."""

    REPORT = "REPORT"
    ADD = "ADD"
    DRAFT = "DRAFT"
    HUMAN = "HUMAN"
    NOTHING = "NOTHING"


class PurposeInput(Choice[Purpose]):
    """The purposes; adding is offered to those who have a report."""

    def buttons(self, so_far: Any, scope: Scope, pieces: Any) -> tuple[Button, ...]:
        buttons = super().buttons(so_far, scope, pieces)
        absent = {
            *(() if scope.own_reports() else (Purpose.ADD,)),
            *(() if scope.has_draft else (Purpose.DRAFT,)),
        }
        return tuple(button for button in buttons if button.id not in absent)


def _after_purpose(flow: OwnWords, scope: Scope) -> Iterator[Command | Turn]:
    match flow.purpose:
        case Purpose.REPORT:
            yield StartFlow("report_tension", {"words": flow.words})
            yield Stop()
        case Purpose.DRAFT:
            yield ResumeDraft(tuple((text, source) for text, source in flow.words))
            yield Stop()
        case Purpose.HUMAN:
            yield HandOff(words="\n".join(text for text, source in flow.words))
            yield Stop()
        case Purpose.NOTHING:
            yield Say(_("All right. I have deleted it."), (Button("/menu", _("Menu")),))
            yield Stop()


class OwnWords(Flow, name="own_words"):
    """What to do with words that came unasked."""

    title = _("Your message")
    stray = "words"
    stray_from = 1
    keeps_draft = True

    words: list[tuple[str, str]] = given(())
    only: str = given("")
    purpose: Purpose = ask(
        _("I have your message. No person has read it yet. What shall I do with it?"),
        PurposeInput(
            {
                Purpose.REPORT: _("Make a report of it"),
                Purpose.ADD: _("Add it to my report"),
                Purpose.DRAFT: _("Add it to my draft and go on"),
                Purpose.HUMAN: _("Give it to a person"),
                Purpose.NOTHING: _("Nothing, delete it"),
            }
        ),
        then=_after_purpose,
        exits=("/help",),
    )
    report: str | None = ask(
        _("Which report is it about?"),
        Pick(own_reports),
        when=lambda so_far, scope: so_far.purpose is Purpose.ADD and not so_far.only,
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        report = one_of(self.report or self.only, scope)
        if report is None:
            yield Say(_("I cannot find this report here any more."), (Button("/menu", _("Menu")),))
            return
        text = "\n".join(text for text, source in self.words)
        yield AddToReport(report.ref, text, tuple(source for text, source in self.words))
        yield Say(_("Thank you. I have added it to report {ref}.", ref=report.ref), (Button("/menu", _("Menu")),))
