"""Whom of the pool the desk could ask, the best first, and why (R-52); a human decides.

Whoever does not meet a condition is left out. Who is left is ordered by, one after the other:

1. fewest conditions unmet among those the desk has let go;
2. knows a theme of the request, before who knows none;
3. asked least recently, whoever was never asked first;
4. fewest offers so far;
5. smallest share of places taken;
6. the id, so that the order is always the same.

How many places are free comes last: if it came before the turn, whoever declines would be asked again and again.
"""

from __future__ import annotations

import heapq
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter
from typing import Final

from bot.contact_point import Municipality
from bot.i18n import ZONE, Text, _, listing, ngettext
from bot.pool.languages import language_label
from bot.pool.profile import WEEK, Level, Profile, Weekday
from bot.pool.words import LEVELS, PROFESSIONS, THEMES, WEEKDAYS
from bot.taxonomy import Theme

SHOWN: Final = 10
"""How many are suggested at once."""


class Format(StrEnum):
    """How people are to meet."""

    IN_PERSON = "IN_PERSON"
    ONLINE = "ONLINE"
    EITHER = "EITHER"


class Condition(StrEnum):
    """What somebody has to meet in order to be suggested."""

    PROFESSION = "PROFESSION"
    LANGUAGE = "LANGUAGE"
    PLACE = "PLACE"
    WEEKDAY = "WEEKDAY"
    AWAY = "AWAY"
    FULL = "FULL"
    ASKED = "ASKED"
    DECLINED = "DECLINED"
    COMMITMENT = "COMMITMENT"
    CONFLICT_OF_INTEREST = "CONFLICT_OF_INTEREST"


WIDENABLE: Final = frozenset({Condition.LANGUAGE, Condition.PLACE, Condition.WEEKDAY})
"""What the desk may let go when nobody fits (F-03); another profession is another request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertRequest:
    """What of a request matters for whom to ask."""

    first_day: date
    last_day: date
    """The time in which help is wanted, both days among it."""
    professions: frozenset[str] = frozenset()
    """Any of them will do; none: please advise me."""
    languages: frozenset[str] = frozenset()
    """All of them are needed."""
    level: Level = Level.B2
    """How well at least."""
    format: Format = Format.EITHER
    municipality: Municipality | None = None
    """None: anywhere."""
    weekdays: frozenset[Weekday] = frozenset()
    """Any of them will do; none: any day."""
    themes: frozenset[Theme] = frozenset()
    party_organisations: frozenset[str] = frozenset()
    """The organisations that are parties, or whose people are (F-10)."""
    asked: frozenset[str] = frozenset()
    """The ids of those who have an offer of this request, or let it expire."""
    declined: frozenset[str] = frozenset()
    """The ids of those who declined it, for whatever reason, or cancelled."""
    widened: frozenset[Condition] = frozenset()
    """What the desk has let go; counts in the order only."""

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError("the last day is before the first")
        if not self.widened <= WIDENABLE:
            raise ValueError(f"not to be let go: {', '.join(sorted(self.widened - WIDENABLE))}")


@dataclass(frozen=True, slots=True)
class Standing:
    """What an expert has to do, and how often it was this one's turn: a summary, however long the history is."""

    running: int = 0
    """Cases accepted and not ended."""
    open_offers: int = 0
    """Offers of any request that wait for an answer; each may take a place."""
    last_asked: datetime | None = None
    offers: int = 0
    """How often asked, whatever the answer was."""

    @property
    def taken(self) -> int:
        return self.running + self.open_offers


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Somebody to ask, and what the desk reads about it."""

    profile: Profile
    reasons: tuple[Text, ...]
    lacks: tuple[Text, ...]
    """What is not as wished, of the conditions that were let go."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """How many a condition leaves out."""

    condition: Condition
    count: int
    alone: int
    """How many of them for no other reason: so many more it would be without this condition."""

    @property
    def widenable(self) -> bool:
        return self.condition in WIDENABLE

    def in_words(self, request: ExpertRequest) -> Text:
        what = _left_out(self.condition, self.count, request)
        return _("{what} ({alone} for this reason only)", what=what, alone=self.alone) if self.alone else what


@dataclass(frozen=True, slots=True)
class Ranking:
    """Whom to ask, the best first."""

    suggestions: tuple[Suggestion, ...]
    fitting: int
    """How many fit, shown or not."""
    excluded: tuple[Exclusion, ...]
    """Who is left out for several reasons counts in each."""


_NEVER_ASKED: Final = Standing()
_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_BIT: Final = {condition: 1 << n for n, condition in enumerate(Condition)}
"""So that what somebody fails is one number, which is quickly counted."""

_Order = tuple[int, bool, datetime, int, float, str]
_Candidate = tuple[_Order, Profile, Standing]


def rank(
    request: ExpertRequest,
    profiles: Sequence[Profile],
    standings: Mapping[str, Standing],
    today: date,
    professions: Mapping[str, Text] = PROFESSIONS,
    at_most: int | None = SHOWN,
) -> Ranking:
    """The best of the pool for a request; who has no standing was never asked. `at_most` None: all who fit."""
    unmet: dict[str, int] = {}
    for condition, failing in _failing(request, profiles, standings, today):
        bit = _BIT[condition]
        for profile in failing:
            unmet[profile.id] = unmet.get(profile.id, 0) | bit
    let_go = sum(_BIT[condition] for condition in request.widened)
    against = Counter(bits & ~let_go for bits in unmet.values() if bits & ~let_go)
    candidates = [
        _candidate(request, profile, standings.get(profile.id, _NEVER_ASKED), bits)
        for profile in profiles
        if not (bits := unmet.get(profile.id, 0)) & ~let_go
    ]
    first = itemgetter(0)
    best = sorted(candidates, key=first) if at_most is None else heapq.nsmallest(at_most, candidates, key=first)
    longest_ago = min((standing.last_asked or _NEVER for _, _, standing in candidates), default=_NEVER)
    return Ranking(
        tuple(
            Suggestion(
                profile,
                tuple(_reasons(request, profile, standing, longest_ago, professions)),
                tuple(_lacks(request, profile)),
            )
            for _, profile, standing in best
        ),
        len(candidates),
        tuple(_exclusions(against)),
    )


def _candidate(request: ExpertRequest, profile: Profile, standing: Standing, unmet: int) -> _Candidate:
    order = (
        unmet.bit_count(),
        bool(request.themes) and request.themes.isdisjoint(profile.themes),
        standing.last_asked or _NEVER,
        standing.offers,
        standing.taken / profile.most_cases,
        profile.id,
    )
    return order, profile, standing


def _failing(
    request: ExpertRequest, profiles: Sequence[Profile], standings: Mapping[str, Standing], today: date
) -> Iterator[tuple[Condition, Iterable[Profile]]]:
    """Who does not meet which condition; loops of their own, as a call for each expert would take longest."""
    if wanted := request.professions:
        yield Condition.PROFESSION, [each for each in profiles if wanted.isdisjoint(each.professions)]
    for language in request.languages:
        speak = {level for level in Level if level >= request.level}
        yield Condition.LANGUAGE, [each for each in profiles if each.level(language) not in speak]
    if request.format is Format.ONLINE:
        yield Condition.PLACE, [each for each in profiles if not each.online]
    elif request.municipality:
        place, online_too = request.municipality.slug, request.format is Format.EITHER
        yield (
            Condition.PLACE,
            [each for each in profiles if place not in each.municipalities and not (online_too and each.online)],
        )
    weekdays = _wanted_weekdays(request)
    yield Condition.WEEKDAY, [each for each in profiles if weekdays.isdisjoint(each.weekdays)]
    yield Condition.AWAY, [each for each in profiles if each.away and _is_away(request, each, today)]
    yield (
        Condition.FULL,
        [each for each in profiles if standings.get(each.id, _NEVER_ASKED).taken >= each.most_cases],
    )
    yield Condition.ASKED, [each for each in profiles if each.id in request.asked]
    yield Condition.DECLINED, [each for each in profiles if each.id in request.declined]
    yield (
        Condition.COMMITMENT,
        [each for each in profiles if each.committed_on is None or each.committed_on > today],
    )
    if parties := {_known_as(name) for name in request.party_organisations} - {""}:
        yield Condition.CONFLICT_OF_INTEREST, [each for each in profiles if _known_as(each.organisation) in parties]


def forbids(request: ExpertRequest, profile: Profile, today: date) -> bool:
    """Whether secrecy or neutrality, which are never let go, rule the expert out (R-57, F-10)."""
    never = (Condition.COMMITMENT, Condition.CONFLICT_OF_INTEREST)
    return any(condition in never and failing for condition, failing in _failing(request, [profile], {}, today))


def _is_away(request: ExpertRequest, profile: Profile, today: date) -> bool:
    """Away today, and so not to be asked, or in the wanted time."""
    return any(away.touches(today, today) or away.touches(request.first_day, request.last_day) for away in profile.away)


def _too_little(request: ExpertRequest, profile: Profile) -> Iterator[str]:
    """The languages of the request that somebody speaks not well enough, or not at all."""
    for language in request.languages:
        level = profile.level(language)
        if level is None or level < request.level:
            yield language


def _covers(request: ExpertRequest, profile: Profile) -> bool:
    place = request.municipality
    return request.format is not Format.ONLINE and (place is None or place.slug in profile.municipalities)


def _works_online(request: ExpertRequest, profile: Profile) -> bool:
    return profile.online and request.format is not Format.IN_PERSON


def _wanted_weekdays(request: ExpertRequest) -> frozenset[Weekday]:
    """Those that there are in the wanted time."""
    days = min((request.last_day - request.first_day).days + 1, len(WEEK))
    there = frozenset(WEEK[(request.first_day + timedelta(n)).weekday()] for n in range(days))
    return there & request.weekdays if request.weekdays else there


@lru_cache(maxsize=4096)
def _known_as(organisation: str) -> str:
    """The name without what people write now so and now so: capital letters, spaces, hyphens, dots."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", organisation).casefold() if sign.isalnum())


def _reasons(
    request: ExpertRequest,
    profile: Profile,
    standing: Standing,
    longest_ago: datetime,
    professions: Mapping[str, Text],
) -> Iterator[Text]:
    of_use = request.professions & profile.professions if request.professions else profile.professions
    offered = [label for key, label in professions.items() if key in of_use]
    yield _("offers {professions}", professions=listing(offered))
    for language in sorted(request.languages):
        if level := profile.level(language):
            yield _("speaks {language} ({level})", language=language_label(language), level=LEVELS[level])
    if request.municipality and _covers(request, profile):
        yield _("covers {place}", place=request.municipality.name)
    if _works_online(request, profile):
        yield _("works online")
    if known := [label for theme, label in THEMES.items() if theme in request.themes & profile.themes]:
        yield ngettext("knows the theme: {themes}", "knows the themes: {themes}", len(known), themes=listing(known))
    free = _wanted_weekdays(request) & profile.weekdays
    if request.weekdays and free:
        yield _("works on {days}", days=listing([WEEKDAYS[day] for day in WEEK if day in free]))
    if standing.last_asked is None:
        yield _("not asked yet")
    else:
        day = standing.last_asked.astimezone(ZONE).date()
        if standing.last_asked == longest_ago:
            yield _("asked least recently: {day}", day=day)
        else:
            yield _("last asked: {day}", day=day)
        yield ngettext("{n} offer so far", "{n} offers so far", standing.offers)
    yield ngettext(
        "{taken} of {n} place taken", "{taken} of {n} places taken", profile.most_cases, taken=standing.running
    )
    if standing.open_offers:
        yield ngettext("{n} other offer still open", "{n} other offers still open", standing.open_offers)
    if profile.organisation:
        yield _("works for {organisation}", organisation=profile.organisation)
    if profile.fee_class:
        yield _("fee class {fee_class}", fee_class=profile.fee_class)


def _lacks(request: ExpertRequest, profile: Profile) -> Iterator[Text]:
    for language in sorted(_too_little(request, profile)):
        if level := profile.level(language):
            yield _("speaks {language} only at {level}", language=language_label(language), level=LEVELS[level])
        else:
            yield _("does not speak {language}", language=language_label(language))
    if not _covers(request, profile) and not _works_online(request, profile):
        yield _("does not cover {place}", place=_place(request)) if _place(request) else _("does not work online")
    if _wanted_weekdays(request).isdisjoint(profile.weekdays):
        yield _("does not work on these days")


def _place(request: ExpertRequest) -> str:
    """Where somebody has to come to; empty: nowhere."""
    return request.municipality.name if request.municipality and request.format is not Format.ONLINE else ""


def _exclusions(against: Counter[int]) -> Iterator[Exclusion]:
    for condition, bit in _BIT.items():
        if count := sum(n for unmet, n in against.items() if unmet & bit):
            yield Exclusion(condition, count, against[bit])


def _left_out(condition: Condition, n: int, request: ExpertRequest) -> Text:
    match condition:
        case Condition.PROFESSION:
            return ngettext("{n} does not offer what is asked for", "{n} do not offer what is asked for", n)
        case Condition.LANGUAGE:
            return ngettext(
                "{n} does not speak {languages} well enough",
                "{n} do not speak {languages} well enough",
                n,
                languages=listing([language_label(code) for code in sorted(request.languages)]),
            )
        case Condition.PLACE if place := _place(request):
            return ngettext("{n} does not cover {place}", "{n} do not cover {place}", n, place=place)
        case Condition.PLACE:
            return ngettext("{n} does not work online", "{n} do not work online", n)
        case Condition.WEEKDAY:
            return ngettext("{n} does not work on these days", "{n} do not work on these days", n)
        case Condition.AWAY:
            return ngettext("{n} is away today or in the wanted time", "{n} are away today or in the wanted time", n)
        case Condition.FULL:
            return ngettext("{n} has no place free", "{n} have no place free", n)
        case Condition.ASKED:
            return ngettext("{n} has been asked already", "{n} have been asked already", n)
        case Condition.DECLINED:
            return ngettext("{n} has declined", "{n} have declined", n)
        case Condition.COMMITMENT:
            return ngettext(
                "{n} has not signed the commitment to secrecy", "{n} have not signed the commitment to secrecy", n
            )
        case Condition.CONFLICT_OF_INTEREST:
            return ngettext(
                "{n} works for an organisation that is a party", "{n} work for an organisation that is a party", n
            )
