"""Roles in words: how they are called, and how they are typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.i18n import Text, _
from bot.taxonomy import Role

ROLE: Final[Mapping[Role, Text]] = {
    Role.VOLUNTEER: _("Volunteer"),
    Role.CASE_MANAGER: _("Case management"),
    Role.CONFLICT_ADVISOR: _("Conflict advice"),
    Role.CONFLICT_MANAGER: _("Conflict management"),
    Role.EXPERT: _("Expert of the pool"),
    Role.SCHOOL_SOCIAL_WORKER: _("School social work"),
    Role.LANGUAGE_MEDIATOR: _("Language mediation"),
    Role.EDUCATION_MEDIATOR: _("Education mediation"),
    Role.CONTACT_POINT_STAFF: _("Contact point staff"),
    Role.KI_LEAD: _("Head of the integration centre"),
    Role.COORDINATOR: _("Coordination"),
    Role.ADMIN_ASSISTANT: _("Assistance of the coordination"),
    Role.STEERING_MEMBER: _("Steering group"),
    Role.CONFLICT_GUIDE: _("Conflict guide"),
}

TYPED: Final[Mapping[Role, str]] = {
    Role.VOLUNTEER: "ehrenamtliche, ehrenamtlicher, freiwillige",
    Role.CASE_MANAGER: "case manager, case managerin, fallmanagement",
    Role.CONFLICT_ADVISOR: "conflict advisor, konfliktberater, konfliktberaterin",
    Role.CONFLICT_MANAGER: "conflict manager, konfliktmanager, konfliktmanagerin",
    Role.EXPERT: "expert, fachkraft, expertin, experte",
    Role.SCHOOL_SOCIAL_WORKER: "school social worker, schulsozialarbeiter, schulsozialarbeiterin",
    Role.LANGUAGE_MEDIATOR: "language mediator, sprachmittlung, sprachmittler, sprachmittlerin, sprachmittelnde",
    Role.EDUCATION_MEDIATOR: "education mediator, bildungsmediator, bildungsmediatorin",
    Role.CONTACT_POINT_STAFF: "staff, anlaufstelle, mitarbeitende",
    Role.KI_LEAD: "lead, leitung, ki leitung",
    Role.COORDINATOR: "coordinator, koordinatorin, koordinator, koordination",
    Role.ADMIN_ASSISTANT: "assistant, assistenz, verwaltungsassistenz",
    Role.STEERING_MEMBER: "steering, steuerungsgruppe, lenkungsgruppe",
    Role.CONFLICT_GUIDE: "konfliktlotse, konfliktlotsin",
}
"""Other words for them (glossary 1.2), besides their identifiers and labels."""
