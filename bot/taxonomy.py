"""The closed lists of the domain, by the names of taxonomy.yaml; released names are public."""

from __future__ import annotations

from enum import StrEnum


class Danger(StrEnum):
    """Is somebody in danger right now?"""

    YES = "YES"
    NO = "NO"
    UNSURE = "UNSURE"


class Setting(StrEnum):
    """The kind of place."""

    NEIGHBOURHOOD = "NEIGHBOURHOOD"
    ACCOMMODATION = "ACCOMMODATION"
    SCHOOL = "SCHOOL"
    DAYCARE = "DAYCARE"
    AUTHORITY = "AUTHORITY"
    WORK = "WORK"
    ASSOCIATION = "ASSOCIATION"
    RELIGIOUS_SITE = "RELIGIOUS_SITE"
    PUBLIC_SPACE = "PUBLIC_SPACE"
    HEALTH = "HEALTH"
    HOUSING_MARKET = "HOUSING_MARKET"
    ONLINE = "ONLINE"
    OTHER = "OTHER"


class When(StrEnum):
    """Since when, or how often."""

    TODAY = "TODAY"
    THIS_WEEK = "THIS_WEEK"
    LONGER = "LONGER"
    REPEATED = "REPEATED"


class Constellation(StrEnum):
    """Who has a problem with whom: the six constellations of KoKo II, and the one of intake."""

    CITIZENS_CITIZENS = "CITIZENS_CITIZENS"
    CITIZENS_KEY_ACTORS = "CITIZENS_KEY_ACTORS"
    CITIZENS_ORGANISATIONS = "CITIZENS_ORGANISATIONS"
    KEY_ACTORS_ORGANISATIONS = "KEY_ACTORS_ORGANISATIONS"
    KEY_ACTORS_AMONG_THEMSELVES = "KEY_ACTORS_AMONG_THEMSELVES"
    ORGANISATIONS_INTER_OR_INTRA = "ORGANISATIONS_INTER_OR_INTRA"
    UNCLEAR = "UNCLEAR"


class Heat(StrEnum):
    """How heated it is, in the four plain steps that reporters see; Glasl's nine stages are for staff only."""

    OPINIONS_CLASH = "1"
    ACTS_NOT_WORDS = "2"
    SHAME_OR_THREATS = "3"
    VIOLENCE_OR_DESTRUCTION = "4"


class Wish(StrEnum):
    """What the reporter hopes for."""

    TELL_ONLY = "TELL_ONLY"
    ADVICE = "ADVICE"
    TALK_TO_PERSON = "TALK_TO_PERSON"
    UNSURE = "UNSURE"


class Contact(StrEnum):
    """May the contact point ask back?"""

    CHAT = "CHAT"
    PHONE = "PHONE"
    NONE = "NONE"


class ExpertProfession(StrEnum):
    """What experts of the pool are asked for: the six of R-51, and the mediators of R-110 and R-120."""

    MEDIATOR = "MEDIATOR"
    SUPERVISOR = "SUPERVISOR"
    COACH = "COACH"
    MODERATOR = "MODERATOR"
    SPEAKER = "SPEAKER"
    ADVISOR = "ADVISOR"
    LANGUAGE_MEDIATOR = "LANGUAGE_MEDIATOR"
    EDUCATION_MEDIATOR = "EDUCATION_MEDIATOR"


class Theme(StrEnum):
    """The themes of KoKo II, without their parts."""

    PERSPECTIVES_ON_CONFLICT = "PERSPECTIVES_ON_CONFLICT"
    INTERESTS_VALUES_BEHAVIOUR = "INTERESTS_VALUES_BEHAVIOUR"
    DEMOCRACY_DIVERSITY_PARTICIPATION = "DEMOCRACY_DIVERSITY_PARTICIPATION"
    RACISM_DISCRIMINATION = "RACISM_DISCRIMINATION"
    RADICALISATION_RIGHT_EXTREMISM = "RADICALISATION_RIGHT_EXTREMISM"
    HOT_BUTTON_TOPICS = "HOT_BUTTON_TOPICS"
    WAR_IN_UKRAINE = "WAR_IN_UKRAINE"


class Urgency(StrEnum):
    """How soon a human answers; proposed by the bot, confirmed by staff."""

    URGENT = "URGENT"
    SOON = "SOON"
    NORMAL = "NORMAL"
    LOW = "LOW"


class Flag(StrEnum):
    """What must be seen at a case, never a classification: what the bot noticed, and why a human keeps it (D-18)."""

    DANGER = "DANGER"
    EMERGENCY_WORDS = "EMERGENCY_WORDS"
    SUICIDE = "SUICIDE"
    CHILD_PROTECTION = "CHILD_PROTECTION"
    MAYBE_OFF_TOPIC = "MAYBE_OFF_TOPIC"
    NEEDS_INTERPRETER = "NEEDS_INTERPRETER"
    HOLD_DISPUTE = "HOLD_DISPUTE"
    HOLD_DISCLOSURE = "HOLD_DISCLOSURE"
    HOLD_RESTRICTION = "HOLD_RESTRICTION"


HOLDS = frozenset({Flag.HOLD_DISPUTE, Flag.HOLD_DISCLOSURE, Flag.HOLD_RESTRICTION})
"""Why a case is kept beyond its time."""


class ReportState(StrEnum):
    """The life of a report (taxonomy.md 2.9)."""

    SUBMITTED = "SUBMITTED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    IN_PROGRESS = "IN_PROGRESS"
    ANSWERED = "ANSWERED"
    REFERRED = "REFERRED"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    REJECTED_ABUSE = "REJECTED_ABUSE"
    WITHDRAWN = "WITHDRAWN"


CLOSED_STATES = frozenset(
    {
        ReportState.ANSWERED,
        ReportState.REFERRED,
        ReportState.OUT_OF_SCOPE,
        ReportState.REJECTED_ABUSE,
        ReportState.WITHDRAWN,
    }
)


class Role(StrEnum):
    """What somebody is for the contact point (glossary 1.2); one person may be several of them (R-25)."""

    VOLUNTEER = "VOLUNTEER"
    CASE_MANAGER = "CASE_MANAGER"
    CONFLICT_ADVISOR = "CONFLICT_ADVISOR"
    CONFLICT_MANAGER = "CONFLICT_MANAGER"
    EXPERT = "EXPERT"
    SCHOOL_SOCIAL_WORKER = "SCHOOL_SOCIAL_WORKER"
    LANGUAGE_MEDIATOR = "LANGUAGE_MEDIATOR"
    EDUCATION_MEDIATOR = "EDUCATION_MEDIATOR"
    CONTACT_POINT_STAFF = "CONTACT_POINT_STAFF"
    KI_LEAD = "KI_LEAD"
    COORDINATOR = "COORDINATOR"
    ADMIN_ASSISTANT = "ADMIN_ASSISTANT"
    STEERING_MEMBER = "STEERING_MEMBER"
    CONFLICT_GUIDE = "CONFLICT_GUIDE"


RESPONSIBLE = frozenset({Role.CASE_MANAGER, Role.CONFLICT_ADVISOR, Role.CONFLICT_MANAGER, Role.SCHOOL_SOCIAL_WORKER})
"""Roles that are responsible for municipalities, and so need a deputy (R-22, R-23)."""


POOL = frozenset({Role.EXPERT, Role.LANGUAGE_MEDIATOR, Role.EDUCATION_MEDIATOR})
"""Roles of people whom the pool asks."""

STAFF = frozenset({Role.CONTACT_POINT_STAFF, Role.KI_LEAD})
"""Roles of people at the contact point, who may ask on behalf of others."""

REQUESTERS = RESPONSIBLE | STAFF
"""Roles of people who may ask for somebody of the pool (R-50)."""


PLANNERS = frozenset({Role.COORDINATOR, Role.ADMIN_ASSISTANT, Role.CONTACT_POINT_STAFF, Role.KI_LEAD})
"""Roles of people who plan round tables and other meetings (G-11, G-12)."""


class MediationRule(StrEnum):
    """What language mediators of a pool do only so, or not at all (R-110)."""

    ORAL_ONLY = "ORAL_ONLY"
    NO_LEGAL_CONSEQUENCES = "NO_LEGAL_CONSEQUENCES"
    PROFESSIONAL_PRESENT = "PROFESSIONAL_PRESENT"
    NO_PERMANENT_ASSIGNMENTS = "NO_PERMANENT_ASSIGNMENTS"


class RequestState(StrEnum):
    """The life of a request for an expert (taxonomy.md 2.9)."""

    REQUESTED = "REQUESTED"
    UNDER_REVIEW = "UNDER_REVIEW"
    OFFERED = "OFFERED"
    DECLINED_ALL = "DECLINED_ALL"
    TIMED_OUT = "TIMED_OUT"
    ESCALATED_STATE_POOL = "ESCALATED_STATE_POOL"
    ACCEPTED = "ACCEPTED"
    CONFIRMED = "CONFIRMED"
    APPOINTED = "APPOINTED"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


RUNNING = frozenset({RequestState.ACCEPTED, RequestState.CONFIRMED, RequestState.APPOINTED, RequestState.IN_PROGRESS})
"""An expert has accepted, and it is not over."""

TO_DECIDE = frozenset(
    {RequestState.REQUESTED, RequestState.UNDER_REVIEW, RequestState.DECLINED_ALL, RequestState.TIMED_OUT}
)
"""The desk says how it goes on."""


OVER = frozenset({RequestState.DONE, RequestState.CANCELLED})
"""Nobody is looked for any more."""


class OfferState(StrEnum):
    """What became of an offer: OPEN waits for an answer, ACCEPTED is under way."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    NOT_NEUTRAL = "NOT_NEUTRAL"
    EXPIRED = "EXPIRED"
    TAKEN = "TAKEN"
    RECALLED = "RECALLED"
    CANCELLED = "CANCELLED"
    DONE = "DONE"


OFFER_OVER = frozenset(OfferState) - {OfferState.OPEN, OfferState.ACCEPTED, OfferState.DONE}
"""What an expert has no part in any more."""
