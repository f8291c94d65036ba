"""The staff room: pings without a word of anybody (W-23)."""

from __future__ import annotations

from bot.commands import Button
from bot.desk.words import FLAG, URGENCY
from bot.i18n import Text, _, lines
from bot.taxonomy import Flag, Urgency
from bot.work import Work
from storage.models import Thread


def announce_report(work: Work, thread: Thread) -> None:
    """A report has come in."""
    work.post(
        None,
        lines(
            _("New report {ref}. Urgency: {urgency}.", ref=thread.ref, urgency=URGENCY[Urgency(thread.urgency)]),
            _area(work, thread),
        ),
        open_or_take(thread),
    )


def announce_request(work: Work, thread: Thread) -> None:
    """Somebody asks for an expert of the pool."""
    work.post(
        None,
        lines(
            _(
                "New request to the pool {ref}. Urgency: {urgency}.",
                ref=thread.ref,
                urgency=URGENCY[Urgency(thread.urgency)],
            ),
            _area(work, thread),
        ),
        open_or_take(thread),
    )


def announce_chat(work: Work, thread: Thread) -> None:
    """Somebody waits for a human."""
    work.post(
        None,
        lines(_("Somebody would like to talk to a person: {ref}.", ref=thread.ref), _area(work, thread)),
        open_or_take(thread),
    )


def announce_message(work: Work, thread: Thread) -> None:
    """Something new in a thread that nobody has open."""
    work.post(None, _("New message for {ref}.", ref=thread.ref), open_or_take(thread))


def alert(work: Work, flag: Flag, thread: Thread | None = None) -> None:
    """The bot noticed something that needs eyes at once (F-05, F-11, F-12).

    Without a thread nobody can be told apart by it; `thread` is the talk that the words fell in.
    """
    if thread is not None:
        work.post(None, _("Attention, {ref}: {flag}.", ref=thread.ref, flag=FLAG[flag]), open_or_take(thread))
        return
    work.post(
        None,
        lines(
            _("Attention: {flag}.", flag=FLAG[flag]),
            _("The person has seen the emergency numbers and can get a human. There is no report yet."),
        ),
    )


def open_or_take(thread: Thread) -> tuple[Button, ...]:
    """The two things to do with a thread from the room."""
    return (
        Button(f"/open {thread.ref}", _("Open")),
        Button(f"/take {thread.ref}", _("Take"), primary=True),
    )


def _area(work: Work, thread: Thread) -> Text | None:
    place = work.contact_point.municipality(thread.municipality) if thread.municipality else None
    return _("Area: {area}.", area=place.area) if place and place.area else None
