"""The case card: what a thread is about and who has it, edited in place when that changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select

from bot.accounts import person_of
from bot.commands import Button
from bot.desk.request import asked, request_of
from bot.desk.words import FLAG, STATE, URGENCY
from bot.engine.scope import Side
from bot.flows.feedback import (
    AGAIN,
    COOPERATION,
    HELPED,
    OBSTACLES,
    SUCCESS_FACTORS,
    Degree,
    Obstacle,
    SuccessFactor,
)
from bot.flows.my_reports import place_name
from bot.flows.report_tension import CONTACT, DANGER, ELSEWHERE, HEAT, PARTIES, SETTINGS, WHEN, WISHES
from bot.i18n import Text, _, lines, listing, paragraphs, verbatim
from bot.languages import name_of
from bot.messages import Style
from bot.people import responsible
from bot.pool.request import PoolRequest
from bot.pool.request_words import STATE_AT_DESK, in_words
from bot.roles import ROLE
from bot.taxonomy import (
    TO_DECIDE,
    Constellation,
    Contact,
    Danger,
    ExpertProfession,
    Flag,
    Heat,
    ReportState,
    RequestState,
    Role,
    Setting,
    Urgency,
    When,
    Wish,
)
from bot.work import Work
from storage import accounts
from storage.models import Report, Thread
from storage.pool import ExpertRequest

SIDES: Final = {Side.REQUESTER: _("from who asked"), Side.EXPERT: _("from the expert")}


def report_of(work: Work, thread: Thread) -> Report | None:
    """The report a thread is about; None for a chat without one."""
    return work.session.scalars(select(Report).where(Report.thread_id == thread.id)).one_or_none()


def is_talking(work: Work, thread: Thread) -> bool:
    """Whether the holder's plain text goes out right now."""
    return thread.talk_until is not None and work.now < thread.talk_until and thread.taken_by is not None


def show_card(work: Work, thread: Thread) -> None:
    """Posts a new card into the thread."""
    thread.card_outbox_id = work.post(thread, _card(work, thread), _buttons(work, thread), style=Style.CARD)


def renew_card(work: Work, thread: Thread) -> None:
    """Edits the card that stands in the thread; does nothing while nobody has opened it."""
    if thread.card_outbox_id is not None:
        work.post(thread, _card(work, thread), _buttons(work, thread), style=Style.CARD, edits=thread.card_outbox_id)


def _card(work: Work, thread: Thread) -> Text:
    report = report_of(work, thread)
    request = request_of(work, thread) if report is None else None
    language = name_of(thread.language, work.desk_language)
    flags = [FLAG[Flag(name)] for name in thread.flags.split()]
    return paragraphs(
        lines(
            _("{ref} · {urgency}", ref=thread.ref, urgency=URGENCY[Urgency(thread.urgency)]),
            _("State: {state}", state=_state(work, thread, report, request)),
            _("In charge: {who}", who=thread.taken_by) if thread.taken_by else _("In charge: nobody yet"),
            _("What {who} writes here goes to the person", who=thread.taken_by)
            if is_talking(work, thread) and thread.taken_by
            else None,
            _("Answer by: {deadline}", deadline=thread.deadline) if thread.deadline else None,
            _("Attention: {flags}", flags=listing(flags)) if flags else None,
        ),
        _answers(work, thread, report) if report else None,
        _responsible(work, thread, report),
        _asked_for(work, request) if request else None,
        _feedback(request) if request else None,
        lines(
            _("Language: {language}", language=verbatim(language)),
            _unreachable(work, thread),
        ),
    )


def _unreachable(work: Work, thread: Thread) -> Text | None:
    person = work.person(thread)
    if person is None:
        return _("The person cannot be reached here.")
    if person.unreachable_since is not None:
        return _("The person has closed the chat since {when}: messages do not arrive.", when=person.unreachable_since)
    return None


def _state(work: Work, thread: Thread, report: Report | None, request: ExpertRequest | None) -> Text:
    if report is not None:
        return STATE[ReportState(report.state)]
    if request is not None:
        return STATE_AT_DESK[RequestState(request.state)]
    if thread.closed_at is not None:
        return _("closed")
    return _("chat with a person") if work.held_for(thread) else _("open")


def _answers(work: Work, thread: Thread, report: Report) -> Text | None:
    details: dict[str, Any] = report.details or {}
    if not details:
        return None
    setting, when, parties, heat = (details.get(name) for name in ("setting", "when", "parties", "heat"))
    return lines(
        _("Danger: {answer}", answer=DANGER[Danger(details["danger"])]),
        _("Where: {answer}", answer=place_name(work.contact_point, thread.municipality or ELSEWHERE)),
        _("Kind of place: {answer}", answer=SETTINGS[Setting(setting)]) if setting else None,
        _("When: {answer}", answer=WHEN[When(when)]) if when else None,
        _("Who with whom: {answer}", answer=PARTIES[Constellation(parties)]) if parties else None,
        _("How heated: {answer}", answer=HEAT[Heat(heat)]) if heat else None,
        _("Wish: {answer}", answer=WISHES[Wish(details["wish"])]),
        _("Questions back: {answer}", answer=CONTACT[Contact(details["contact"])]),
        _("Sent: {when}", when=report.submitted_at),
    )


def _asked_for(work: Work, request: ExpertRequest) -> Text | None:
    """The choices of the requester; their words stand in the thread, as those of a report do."""
    answers = asked(request)
    if answers is None:
        return None
    return lines(
        *in_words(answers, work.contact_point),
        _("Organisations with a part in it: {organisations}", organisations=listing(answers.organisations))
        if answers.organisations
        else None,
        _("Asked on behalf of: {who}", who=answers.on_behalf_of) if answers.on_behalf_of else None,
        _education_desk(work, answers),
        _("Sent: {when}", when=request.created_at),
    )


def _responsible(work: Work, thread: Thread, report: Report | None) -> Text | None:
    """Who is responsible for the place today, so that the desk knows whom to turn to (R-22, R-23)."""
    if report is None or not thread.municipality:
        return None
    at_school = (report.details or {}).get("setting") == Setting.SCHOOL
    roles = (*((Role.SCHOOL_SOCIAL_WORKER,) if at_school else ()), Role.CONFLICT_ADVISOR, Role.CASE_MANAGER)
    known = [person_of(each) for each in accounts.with_roles(work.session, roles)]
    for role in roles:
        found = responsible(known, thread.municipality, role, work.today)
        if found is not None and found.name:
            return _("Responsible there: {name} ({role})", name=verbatim(found.name), role=ROLE[role])
    return None


def _education_desk(work: Work, wish: PoolRequest) -> Text | None:
    """Who at the contact point's side decides about education mediators (R-120)."""
    desk = work.contact_point.pool.education_desk
    if desk is None or ExpertProfession.EDUCATION_MEDIATOR not in wish.professions:
        return None
    reached = [each for each in (desk.name, desk.email, desk.phone) if each]
    return _("In charge of education mediation: {desk}", desk=listing(reached))


def _feedback(request: ExpertRequest) -> Text | None:
    """What both said at the end, by choices (R-56)."""
    given: Mapping[str, Any] = request.feedback or {}
    if not given and request.hours is None:
        return None
    return lines(
        *(_said(side, given[side]) for side in SIDES if side in given),
        _("Hours: {n}", n=request.hours) if request.hours is not None else None,
    )


def _said(side: Side, choices: Mapping[str, Any]) -> Text:
    obstacles, factors = choices.get("obstacles", ()), choices.get("success_factors", ())
    return lines(
        _("Feedback {side}:", side=SIDES[side]),
        _("• Has it helped: {answer}", answer=HELPED[Degree(choices["helped"])]),
        _("• Working together: {answer}", answer=COOPERATION[Degree(choices["cooperation"])]),
        _("• Together again: {answer}", answer=AGAIN[Degree(choices["again"])]),
        _("• What helped: {answer}", answer=listing([SUCCESS_FACTORS[SuccessFactor(each)] for each in factors]))
        if factors
        else None,
        _("• What was hard: {answer}", answer=listing([OBSTACLES[Obstacle(each)] for each in obstacles]))
        if obstacles
        else None,
    )


def _buttons(work: Work, thread: Thread) -> tuple[Button, ...]:
    if thread.closed_at is not None:
        return (Button("/reopen", _("Reopen")),)
    take = Button("/take", _("Take"), primary=True) if thread.taken_by is None else Button("/release", _("Release"))
    talk = Button("/quiet", _("End live chat")) if is_talking(work, thread) else Button("/talk", _("Live chat"))
    reachable = work.link(thread) is not None
    request = request_of(work, thread)
    suggest = Button("/suggest", _("Suggest experts"))
    return (
        take,
        *((suggest,) if request is not None and request.state in TO_DECIDE else ()),
        *((talk,) if reachable else ()),
        Button("/close", _("Close")),
        Button("/help", _("Help")),
    )
