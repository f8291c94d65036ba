"""What staff read: the desk's names for the answers of a report."""

from __future__ import annotations

from typing import Final

from bot.i18n import _
from bot.taxonomy import Flag, ReportState, Urgency

URGENCY: Final = {
    Urgency.URGENT: _("urgent"),
    Urgency.SOON: _("soon"),
    Urgency.NORMAL: _("normal"),
    Urgency.LOW: _("no hurry"),
}

STATE: Final = {
    ReportState.SUBMITTED: _("new"),
    ReportState.ACKNOWLEDGED: _("read"),
    ReportState.IN_PROGRESS: _("being worked on"),
    ReportState.ANSWERED: _("closed: answered"),
    ReportState.REFERRED: _("closed: referred"),
    ReportState.OUT_OF_SCOPE: _("closed: not a matter of the contact point"),
    ReportState.REJECTED_ABUSE: _("closed: misuse of this service"),
    ReportState.WITHDRAWN: _("withdrawn"),
}

FLAG: Final = {
    Flag.DANGER: _("somebody is in danger now, as the person says"),
    Flag.EMERGENCY_WORDS: _("the text sounds like danger"),
    Flag.SUICIDE: _("may want to die: please act at once"),
    Flag.CHILD_PROTECTION: _("a child may be in danger"),
    Flag.MAYBE_OFF_TOPIC: _("may not be about a conflict"),
    Flag.NEEDS_INTERPRETER: _("needs an interpreter"),
    Flag.HOLD_DISPUTE: _("on hold: legal dispute"),
    Flag.HOLD_DISCLOSURE: _("on hold: somebody has asked for information about it"),
    Flag.HOLD_RESTRICTION: _("on hold: use is restricted (Art. 18 GDPR)"),
}

RESULTS: Final = {
    "ANSWERED": ReportState.ANSWERED,
    "REFERRED": ReportState.REFERRED,
    "OUT_OF_SCOPE": ReportState.OUT_OF_SCOPE,
    "ABUSE": ReportState.REJECTED_ABUSE,
}
"""What `/close` takes."""

RESULT_LABELS: Final = {
    "ANSWERED": _("Answered"),
    "REFERRED": _("Referred to somebody else"),
    "OUT_OF_SCOPE": _("Not our matter"),
    "ABUSE": _("Misuse of this service"),
}

HOLD_REASONS: Final = {
    "DISPUTE": Flag.HOLD_DISPUTE,
    "DISCLOSURE": Flag.HOLD_DISCLOSURE,
    "RESTRICTION": Flag.HOLD_RESTRICTION,
}
"""What `/hold` takes."""

HOLD_LABELS: Final = {
    "DISPUTE": _("Legal dispute"),
    "DISCLOSURE": _("Somebody has asked for information about it"),
    "RESTRICTION": _("Use is restricted (Art. 18 GDPR)"),
}
