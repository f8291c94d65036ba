"""My data: what is stored, as words and as a file, and deleting it (D-21)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

from bot.commands import Button, Command, ForgetMe, LayDownRoles, Say, SendFile, StartFlow
from bot.engine.flow import AskAgain, Flow, Stop, Turn, ask
from bot.engine.inputs import Choice, Confirm
from bot.engine.scope import Scope, Side
from bot.flows.away import absence_in_words, deputy_name
from bot.flows.join import organisation_in_words, roles_in_words
from bot.flows.my_meetings import date_in_words
from bot.flows.my_profile import profile_in_words
from bot.flows.my_reports import STATE_WORDS
from bot.flows.my_requests import request_in_words
from bot.i18n import Text, _, lines, ngettext, render, verbatim
from bot.languages import language_of
from bot.pool.request_words import OFFER_WORDS
from bot.pool.table import Vocabulary, cells_of

LONGEST_LIST: Final = 10
"""How many offers are told; the file has all."""


class Wanted(StrEnum):
    """What a person may do with the data about them."""

    EXPORT = "EXPORT"
    WITHDRAW = "WITHDRAW"
    NAME = "NAME"
    LAY_DOWN = "LAY_DOWN"
    FORGET_ME = "FORGET_ME"
    NOTHING = "NOTHING"


def _stored(flow: MyData, scope: Scope) -> Text:
    reports = scope.own_reports()
    language = language_of(scope.wanted_language or scope.language)
    return lines(
        _("This is stored about you:"),
        _("• Your language: {language}", language=verbatim(language.own_name)),
        _("• The address of this chat, so that we can answer"),
        _("• A draft that was not sent") if scope.has_draft else None,
        ngettext("• {n} report linked to this chat", "• {n} reports linked to this chat", len(reports)),
        *(
            _(
                "  {ref}: {state}, sent {when}",
                ref=report.ref,
                state=STATE_WORDS[report.state],
                when=report.submitted_at,
            )
            for report in reports
        ),
        *_requests(scope),
        *_offers(scope),
        *_dates(scope),
        *_account(scope),
        _("A report sent without a link to this chat cannot be shown here."),
    )


def _requests(scope: Scope) -> Iterator[Text]:
    """What was asked of the pool."""
    requests = scope.own_requests()
    if requests:
        yield ngettext(
            "• {n} request to the pool linked to this chat",
            "• {n} requests to the pool linked to this chat",
            len(requests),
        )
    for request in requests:
        yield _("  {request}", request=request_in_words(request, scope))


def _dates(scope: Scope) -> Iterator[Text]:
    """The coming dates that somebody is invited to, with their answers."""
    dates = [each for each in scope.dates() if each.invited]
    if dates:
        yield ngettext("• {n} date that you are invited to", "• {n} dates that you are invited to", len(dates))
    for each in dates:
        yield _("  {date}", date=date_in_words(each))


def _offers(scope: Scope) -> Iterator[Text]:
    """What the expert was asked for, the newest first; all of it is in the file."""
    offers = [each for each in scope.assignments() if each.side is Side.EXPERT]
    if offers:
        yield ngettext(
            "• {n} request that the pool asked you for", "• {n} requests that the pool asked you for", len(offers)
        )
    for each in offers[:LONGEST_LIST]:
        yield _("  {ref} · {what} · {answer}", ref=each.ref, what=each.what, answer=OFFER_WORDS[each.offer])


def _account(scope: Scope) -> Iterator[Text]:
    """What is stored of somebody with roles (D-05)."""
    person = scope.account()
    if person is None:
        return
    if person.name:
        yield _("• Your name here: {name}", name=verbatim(person.name))
    yield _("• Your roles, with their places:")
    yield roles_in_words(person, scope)
    organisation = organisation_in_words(person, scope)
    if organisation is not None:
        yield organisation
    own = scope.pool_profile()
    if own is not None:
        yield _("• Your profile in the pool:")
        yield profile_in_words(own, scope)
    if person.away is not None:
        yield _("• You are entered as {absence}", absence=absence_in_words(person.away, scope))


def _account_data(scope: Scope) -> dict[str, Any] | None:
    person = scope.account()
    if person is None:
        return None
    return {
        "name": person.name,
        "roles": {str(role): sorted(places) for role, places in sorted(person.roles.items())},
        "organisation": person.organisation,
        "pool_profile": _profile_data(scope),
        "away_from": person.away.first.isoformat() if person.away else None,
        "away_until": person.away.last.isoformat() if person.away else None,
        "deputy": render(deputy_name(person.away, scope), scope.language) if person.away else None,
    }


def _profile_data(scope: Scope) -> dict[str, Any] | None:
    own = scope.pool_profile()
    if own is None:
        return None
    cells = cells_of(own.profile, Vocabulary.at(scope.contact_point), scope.language)
    return {
        **{column.lower(): cell for column, cell in cells.items()},
        "left_at": own.left_at.isoformat() if own.left_at else None,
    }


def export_file(scope: Scope) -> bytes:
    """Everything linked to the chat, as JSON (Art. 15 and 20 GDPR)."""
    return json.dumps(
        {
            "contact_point": scope.contact_point.name,
            "exported_at": scope.now.isoformat(),
            "language": scope.wanted_language or scope.language,
            "draft": scope.has_draft,
            "account": _account_data(scope),
            "reports": [
                {
                    "ref": report.ref,
                    "submitted_at": report.submitted_at.isoformat(),
                    "state": str(report.state),
                    "municipality": report.municipality,
                    "contact": report.contact,
                    "story": report.story,
                }
                for report in scope.own_reports()
            ],
            "dates": [
                {
                    "meeting": render(each.title, scope.language),
                    "starts_at": each.starts_at.isoformat(),
                    "answer": str(each.answer),
                    "reminders": list(each.steps) if each.steps is not None else None,
                    "topics": [topic.text for topic in scope.topics(each.id) if topic.own],
                }
                for each in scope.dates()
                if each.invited
            ],
            "requests": [
                {
                    "ref": request.ref,
                    "requested_at": request.requested_at.isoformat(),
                    "state": str(request.state),
                    **request.request.to_json(),
                }
                for request in scope.own_requests()
            ],
            "offers": [
                {
                    "ref": each.ref,
                    "asked_at": each.asked_at.isoformat() if each.asked_at else None,
                    "answer_by": each.due_at.isoformat() if each.due_at else None,
                    "answer": str(each.offer),
                    "hours": each.hours,
                }
                for each in scope.assignments()
                if each.side is Side.EXPERT
            ],
        },
        ensure_ascii=False,
        indent=2,
    ).encode()


def _after_wanted(flow: MyData, scope: Scope) -> Iterator[Command | Turn]:
    match flow.wanted:
        case Wanted.EXPORT:
            yield SendFile(
                "my-data.json",
                "application/json",
                export_file(scope),
                _("This file holds your reports and what else is linked to this chat."),
            )
            yield AskAgain()
        case Wanted.WITHDRAW:
            yield StartFlow("/withdraw")
            yield Stop()
        case Wanted.NAME:
            yield StartFlow("join")
            yield Stop()
        case Wanted.NOTHING:
            yield Say(_("All right. Nothing was changed."), (Button("/menu", _("Menu")),))
            yield Stop()


def _after_sure(flow: MyData, scope: Scope) -> Iterator[Command | Turn]:
    if not flow.sure:
        yield Say(_("All right. Nothing was changed."), (Button("/menu", _("Menu")),))
        yield Stop()


def _sure(flow: MyData, scope: Scope) -> Text:
    if flow.wanted is Wanted.LAY_DOWN:
        return _(
            "Your roles end at once, and I delete your name, your organisation and your days away. To come back you "
            "need a new code. Shall I do that?"
        )
    return lines(
        _(
            "I delete the link between your reports and this chat, your phone number, your draft and your language. "
            "Your reports stay, but nobody can answer you. What you see in this chat, you must delete yourself. "
            "Shall I do that?"
        ),
        _("Your roles end too. To come back you need a new code.") if scope.roles else None,
        _("What you asked the pool for ends, and whoever was asked is told.") if scope.own_requests() else None,
    )


def _is_offered(wanted: Wanted, scope: Scope) -> bool:
    return wanted not in (Wanted.NAME, Wanted.LAY_DOWN) or bool(scope.roles)


class MyData(Flow, name="my_data"):
    """What is stored about me."""

    title = _("My data")

    wanted: Wanted = ask(
        _stored,
        Choice(
            {
                Wanted.EXPORT: _("Get it as a file"),
                Wanted.WITHDRAW: _("Take a report back"),
                Wanted.NAME: _("Change my name"),
                Wanted.LAY_DOWN: _("Lay down my roles"),
                Wanted.FORGET_ME: _("Forget this chat"),
                Wanted.NOTHING: _("Nothing, thank you"),
            },
            offered=_is_offered,
        ),
        then=_after_wanted,
        exits=("/human", "/menu"),
    )
    sure: bool | None = ask(
        _sure,
        Confirm(_("Yes, delete"), _("No, keep it")),
        when=lambda so_far, scope: so_far.wanted in (Wanted.FORGET_ME, Wanted.LAY_DOWN),
        then=_after_sure,
        exits=("/back", "/human", "/menu"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        yield LayDownRoles() if self.wanted is Wanted.LAY_DOWN else ForgetMe()
