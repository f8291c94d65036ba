"""What the desk reads for the lists of the pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.contact_point import ContactPoint
from bot.i18n import Text, _, verbatim
from bot.pool.profile import Level, Weekday
from bot.taxonomy import ExpertProfession, Theme

PROFESSIONS: Final[Mapping[str, Text]] = {
    ExpertProfession.MEDIATOR: _("mediation"),
    ExpertProfession.SUPERVISOR: _("supervision"),
    ExpertProfession.COACH: _("coaching"),
    ExpertProfession.MODERATOR: _("moderation"),
    ExpertProfession.SPEAKER: _("talks and training"),
    ExpertProfession.ADVISOR: _("advice"),
    ExpertProfession.LANGUAGE_MEDIATOR: _("language and culture mediation"),
    ExpertProfession.EDUCATION_MEDIATOR: _("education mediation"),
}
"""What every contact point may look for."""


def professions_of(contact_point: ContactPoint) -> Mapping[str, Text]:
    """All that a contact point may look for, its own last; those are called as its desk speaks."""
    desk = contact_point.languages.desk
    return {**PROFESSIONS, **{key: verbatim(name.in_language(desk)) for key, name in contact_point.professions}}


LEVELS: Final = {level: verbatim(level) for level in Level if level is not Level.NATIVE} | {Level.NATIVE: _("native")}

THEMES: Final = {
    Theme.PERSPECTIVES_ON_CONFLICT: _("perspectives on conflict"),
    Theme.INTERESTS_VALUES_BEHAVIOUR: _("interests, values and behaviour"),
    Theme.DEMOCRACY_DIVERSITY_PARTICIPATION: _("democracy, diversity and participation"),
    Theme.RACISM_DISCRIMINATION: _("racism and discrimination"),
    Theme.RADICALISATION_RIGHT_EXTREMISM: _("radicalisation and right-wing extremism"),
    Theme.HOT_BUTTON_TOPICS: _("everyday points of friction"),
    Theme.WAR_IN_UKRAINE: _("effects of the war in Ukraine"),
}

WEEKDAYS: Final = {
    Weekday.MONDAY: _("Monday"),
    Weekday.TUESDAY: _("Tuesday"),
    Weekday.WEDNESDAY: _("Wednesday"),
    Weekday.THURSDAY: _("Thursday"),
    Weekday.FRIDAY: _("Friday"),
    Weekday.SATURDAY: _("Saturday"),
    Weekday.SUNDAY: _("Sunday"),
}
