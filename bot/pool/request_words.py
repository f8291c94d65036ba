"""A request to the pool in words: in full for whoever made it and for the desk, in an offer as poor as possible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bot.contact_point import ContactPoint
from bot.i18n import Text, _, alternatives, lines, listing
from bot.pool.languages import language_label
from bot.pool.matching import Format
from bot.pool.profile import WEEK
from bot.pool.request import AssignmentKind, CostApproval, PoolRequest, RequestKind, SchoolConsent
from bot.pool.words import THEMES, WEEKDAYS, professions_of
from bot.taxonomy import OfferState, RequestState

FORMATS: Final[Mapping[Format, Text]] = {
    Format.IN_PERSON: _("In person"),
    Format.ONLINE: _("Online"),
    Format.EITHER: _("In person or online"),
}

COSTS: Final[Mapping[CostApproval, Text]] = {
    CostApproval.YES: _("Yes, they are approved"),
    CostApproval.NO: _("No"),
    CostApproval.CONTACT_POINT: _("The contact point clarifies it"),
}

SCHOOLS: Final[Mapping[SchoolConsent, Text]] = {
    SchoolConsent.YES: _("Yes, it has agreed"),
    SchoolConsent.NOT_YET: _("Not yet"),
    SchoolConsent.UNKNOWN: _("I don't know"),
}

ASSIGNMENTS: Final[Mapping[AssignmentKind, Text]] = {
    AssignmentKind.OUTREACH: _("Where people live or meet"),
    AssignmentKind.MEETING: _("At a meeting or an appointment"),
    AssignmentKind.PHONE: _("By telephone or video"),
}

STATE_AT_DESK: Final[Mapping[RequestState, Text]] = {
    RequestState.REQUESTED: _("request to the pool: new"),
    RequestState.UNDER_REVIEW: _("request to the pool: being looked at"),
    RequestState.OFFERED: _("request to the pool: experts are asked"),
    RequestState.DECLINED_ALL: _("request to the pool: all have declined"),
    RequestState.TIMED_OUT: _("request to the pool: nobody has answered in time"),
    RequestState.ESCALATED_STATE_POOL: _("request to the pool: passed on to the pool of the Land"),
    RequestState.ACCEPTED: _("request to the pool: somebody has accepted"),
    RequestState.CONFIRMED: _("request to the pool: confirmed, both know of each other"),
    RequestState.APPOINTED: _("request to the pool: there is an appointment"),
    RequestState.IN_PROGRESS: _("request to the pool: the work has begun"),
    RequestState.DONE: _("request to the pool: done"),
    RequestState.CANCELLED: _("request to the pool: ended, nobody is looked for"),
}

STATE_WORDS: Final[Mapping[RequestState, Text]] = {
    RequestState.REQUESTED: _("has arrived"),
    RequestState.UNDER_REVIEW: _("the contact point is looking for somebody"),
    RequestState.OFFERED: _("experts are being asked"),
    RequestState.DECLINED_ALL: _("nobody has accepted so far; we keep looking"),
    RequestState.TIMED_OUT: _("nobody has accepted so far; we keep looking"),
    RequestState.ESCALATED_STATE_POOL: _("we are asking the pool of the Land"),
    RequestState.ACCEPTED: _("somebody has accepted"),
    RequestState.CONFIRMED: _("both sides are in contact"),
    RequestState.APPOINTED: _("there is an appointment"),
    RequestState.IN_PROGRESS: _("the work has begun"),
    RequestState.DONE: _("done"),
    RequestState.CANCELLED: _("ended: nobody is looked for any more"),
}
"""The same for whoever asked: plain, and never who declined."""


OFFER_WORDS: Final[Mapping[OfferState, Text]] = {
    OfferState.OPEN: _("waits for your answer"),
    OfferState.ACCEPTED: _("accepted"),
    OfferState.DECLINED: _("declined"),
    OfferState.NOT_NEUTRAL: _("released, because you are not neutral"),
    OfferState.EXPIRED: _("not answered in time"),
    OfferState.TAKEN: _("somebody else was quicker"),
    OfferState.RECALLED: _("no longer needed"),
    OfferState.CANCELLED: _("handed back"),
    OfferState.DONE: _("done"),
}
"""What became of an offer, for the expert who got it."""


def what_in_words(request: PoolRequest, point: ContactPoint) -> Text:
    """What is asked for, in a few words; one of several professions will do."""
    if request.kind is RequestKind.LANGUAGE_MEDIATOR:
        return _("language mediation, {languages}", languages=languages_in_words(request))
    return alternatives(labels) if (labels := _professions(request, point)) else _("advice on who could help")


def _professions(request: PoolRequest, point: ContactPoint) -> list[Text | str]:
    return [label for key, label in professions_of(point).items() if key in request.professions]


def _themes(request: PoolRequest) -> Text:
    return listing([label for key, label in THEMES.items() if key in request.themes])


def _how(request: PoolRequest) -> Text:
    how = ASSIGNMENTS[request.assignment] if request.assignment is not None else FORMATS[request.format]
    return _("How: {how}", how=how)


def _days(request: PoolRequest) -> Iterator[Text]:
    if request.weekdays:
        yield _("Days: {days}", days=listing([WEEKDAYS[day] for day in WEEK if day in request.weekdays]))


def languages_in_words(request: PoolRequest) -> Text:
    """The languages that are needed."""
    return listing([language_label(code) for code in sorted(request.languages)])


def in_words(request: PoolRequest, point: ContactPoint) -> Iterator[Text]:
    """The choices of the requester, one a line; not their words."""
    place = point.municipality(request.municipality) if request.municipality else None
    yield _("Wanted: {what}", what=what_in_words(request, point))
    if request.languages and request.kind is RequestKind.EXPERT:
        yield _("Languages: {languages}", languages=languages_in_words(request))
    if request.themes:
        yield _("Themes: {themes}", themes=_themes(request))
    yield _how(request)
    if place is not None:
        yield _("Place: {place}", place=place.name)
    if request.starts_at is not None:
        yield _("When: {when}", when=request.starts_at)
    else:
        yield _("When: from {first} to {last}", first=request.first_day, last=request.last_day)
    yield from _days(request)
    if request.school is not None:
        yield _("The school takes part: {answer}", answer=SCHOOLS[request.school])
    if request.cost is not None:
        yield _("Costs approved: {answer}", answer=COSTS[request.cost])


def words_of(request: PoolRequest) -> Text | None:
    """What the requester wrote; None when it is deleted, or nothing was written."""
    told = [
        _("Aim: {words}", words=request.aim) if request.aim else None,
        _("Who has a part in it: {words}", words=request.parties) if request.parties else None,
        _("What it is about: {words}", words=request.outline) if request.outline else None,
    ]
    return lines(*told) if any(told) else None


def professions_in_words(wish: PoolRequest, point: ContactPoint) -> Text:
    """What somebody is to be, or that advice is wanted on that."""
    return alternatives(labels) if (labels := _professions(wish, point)) else _("whatever fits")


def what_is_wanted(wish: PoolRequest, point: ContactPoint) -> Iterator[Text]:
    """Profession, theme, languages."""
    yield _("Wanted: {professions}", professions=professions_in_words(wish, point))
    if wish.themes:
        yield _("Theme: {themes}", themes=_themes(wish))
    if wish.languages:
        yield _("Languages: {languages}", languages=languages_in_words(wish))


def when_and_where(wish: PoolRequest, point: ContactPoint, *, in_full: bool) -> Iterator[Text]:
    """Time, place and how; not `in_full`: only the area, where places are grouped into some."""
    place = point.municipality(wish.municipality) if wish.municipality else None
    if place is not None and (in_full or not place.area):
        yield _("Place: {place}", place=place.name)
    elif place is not None:
        yield _("Area: {area}", area=place.area)
    yield _how(wish)
    if wish.starts_at is not None:
        yield _("When: {when}", when=wish.starts_at)
    elif wish.first_day == wish.last_day:
        yield _("When: {day}", day=wish.first_day)
    else:
        yield _("When: {first} to {last}", first=wish.first_day, last=wish.last_day)
    yield from _days(wish)


def parties_in_words(wish: PoolRequest) -> Text | None:
    """Who has a part in it, by role and organisation: all that neutrality is asked about; None for nobody named."""
    if not wish.parties and not wish.organisations:
        return None
    return lines(
        _("Involved: {parties}", parties=wish.parties) if wish.parties else None,
        _("Organisations: {organisations}", organisations=listing(list(wish.organisations)))
        if wish.organisations
        else None,
    )
