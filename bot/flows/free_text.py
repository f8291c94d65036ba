"""Whether a person tells in words what happened, where the messenger can read along (data-protection.md 5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

from bot.commands import Button, Command, Say
from bot.engine.flow import Forget, Stop, Turn, ask
from bot.engine.inputs import Choice
from bot.engine.scope import Scope
from bot.flows.call import call_us
from bot.i18n import Phone, Text, _, lines, paragraphs


class FreeTextWish(StrEnum):
    """What a person does after the notice."""

    CALL = "CALL"
    BUTTONS = "BUTTONS"
    WRITE = "WRITE"


class Telling(Protocol):
    """What a flow with this question has."""

    free_text: FreeTextWish | None


def _notice(flow: object, scope: Scope) -> Text:
    return paragraphs(
        lines(
            _("Telegram can read what you write here, and keeps it outside our control."),
            _("For what happened it is better to call us: {phone}", phone=Phone(scope.contact_point.phone)),
        ),
        _("You can also answer with buttons only, without a text. How would you like to go on?"),
    )


def free_text_question(*told: str, again: Button | None = None) -> FreeTextWish | None:
    """The question `free_text`, only in Telegram, and only where the contact point keeps it poor in data.

    `told` are the questions that are answered in words; none named: `story`. `again` begins anew.
    """

    def after(flow: Telling, scope: Scope) -> Iterator[Command | Turn]:
        match flow.free_text:
            case FreeTextWish.CALL:
                yield Say(
                    lines(call_us(scope), _("Nothing was sent. I have not kept your answers.")),
                    (again or Button("/report", _("Report after all")), Button("/menu", _("Menu"))),
                )
                yield Stop()
            case FreeTextWish.BUTTONS:
                for each in told or ("story",):
                    yield Forget(each)

    return ask(
        _notice,
        Choice(
            {
                FreeTextWish.CALL: _("I would rather call"),
                FreeTextWish.BUTTONS: _("Buttons only"),
                FreeTextWish.WRITE: _("Write it here all the same"),
            }
        ),
        when=lambda so_far, scope: is_read_along(scope),
        then=after,
    )


def is_read_along(scope: Scope) -> bool:
    """Whether the messenger can read along, and the contact point keeps it poor in data."""
    return scope.transport == "telegram" and scope.contact_point.telegram.data_poor


def tells_in_words(so_far: Telling) -> bool:
    """Whether the story is asked for."""
    return so_far.free_text is not FreeTextWish.BUTTONS
