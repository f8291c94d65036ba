"""A request to the pool in words: for an offer as poor as possible, for the desk in full (J-3 step 2, D-33)."""

from __future__ import annotations

from collections.abc import Iterator

from bot.contact_point import ContactPoint
from bot.i18n import Text, _, lines, listing
from bot.pool.languages import language_label
from bot.pool.profile import WEEK
from bot.pool.request import PoolRequest
from bot.pool.request_words import ASSIGNMENTS, FORMATS
from bot.pool.words import THEMES, WEEKDAYS, professions_of


def professions_in_words(wish: PoolRequest, point: ContactPoint) -> Text:
    """What somebody is to be, or that advice is wanted on that."""
    labels = [label for key, label in professions_of(point).items() if key in wish.professions]
    return listing(labels) if labels else _("whatever fits")


def what_is_wanted(wish: PoolRequest, point: ContactPoint) -> Iterator[Text]:
    """Profession, theme, languages."""
    yield _("Wanted: {professions}", professions=professions_in_words(wish, point))
    themes = [label for theme, label in THEMES.items() if theme in wish.themes]
    if themes:
        yield _("Theme: {themes}", themes=listing(themes))
    if wish.languages:
        yield _("Languages: {languages}", languages=listing([language_label(code) for code in sorted(wish.languages)]))


def when_and_where(wish: PoolRequest, point: ContactPoint, *, in_full: bool) -> Iterator[Text]:
    """Time, place and how; not `in_full`: only the area, where places are grouped into some."""
    place = point.municipality(wish.municipality) if wish.municipality else None
    if place is not None and (in_full or not place.area):
        yield _("Place: {place}", place=place.name)
    elif place is not None:
        yield _("Area: {area}.", area=place.area)
    if wish.assignment is not None:
        yield _("How: {how}", how=ASSIGNMENTS[wish.assignment])
    else:
        yield _("How: {how}", how=FORMATS[wish.format])
    if wish.starts_at is not None:
        yield _("When: {when}", when=wish.starts_at)
    elif wish.first_day == wish.last_day:
        yield _("When: {day}", day=wish.first_day)
    else:
        yield _("When: {first} to {last}", first=wish.first_day, last=wish.last_day)
    if wish.weekdays:
        yield _("Days: {days}", days=listing([WEEKDAYS[day] for day in WEEK if day in wish.weekdays]))


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
