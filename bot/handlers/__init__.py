"""Commands become rows, in the transaction of the turn that yielded them (idea 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.commands import (
    AddToReport,
    AlertDesk,
    AnswerDate,
    AnswerOffer,
    Ask,
    AskAboutOffer,
    AskForExpert,
    CancelAssignment,
    CancelDate,
    CarryOver,
    ChangeAvailability,
    ComeBack,
    Command,
    DecideTopic,
    FileReport,
    FinishMeasure,
    ForgetMe,
    GiveFeedback,
    GoAway,
    HandOff,
    KeepDecision,
    LayDownRoles,
    LeaveMeeting,
    LeavePool,
    MoveDate,
    MuteMeeting,
    PassOn,
    PlaceTopic,
    PlanMeeting,
    RecordPulse,
    ReleaseMinutes,
    RememberPrivacyRead,
    RenewFeed,
    ReportProgress,
    Say,
    SendCalendar,
    SendFile,
    SetLanguage,
    SetName,
    SetReminders,
    ShowOverview,
    ShowPick,
    ShowWhoComes,
    SnoozeDate,
    Withdraw,
    WithdrawRequest,
)
from bot.handlers.assignments import (
    answer_offer,
    ask_about_offer,
    cancel_assignment,
    give_feedback,
    pass_on,
    report_progress,
)
from bot.handlers.chat import ask, forget_me, remember_privacy_read, say, send_file, set_language, show_pick
from bot.handlers.desk import alert_desk, hand_off
from bot.handlers.meetings import (
    answer_date,
    cancel_date,
    carry_over,
    decide_topic,
    finish_measure,
    keep_decision,
    leave_meeting,
    move_date,
    mute_meeting,
    place_topic,
    plan_meeting,
    record_pulse,
    release_minutes,
    renew_feed,
    send_calendar,
    set_reminders,
    show_overview,
    show_who_comes,
    snooze_date,
)
from bot.handlers.people import come_back, go_away, lay_down_roles, set_name
from bot.handlers.pool import change_availability, leave_pool
from bot.handlers.reports import add_to_report, file_report
from bot.handlers.requests import ask_for_expert, withdraw_request
from bot.handlers.withdraw import withdraw
from bot.work import Work
from storage.models import Conversation

Handler = Callable[[Any, Work, Conversation], None]

HANDLERS: Final[Mapping[type[Command], Handler]] = {
    Say: say,
    Ask: ask,
    ShowPick: show_pick,
    SendFile: send_file,
    SetLanguage: set_language,
    RememberPrivacyRead: remember_privacy_read,
    ForgetMe: forget_me,
    FileReport: file_report,
    AddToReport: add_to_report,
    Withdraw: withdraw,
    AskForExpert: ask_for_expert,
    WithdrawRequest: withdraw_request,
    HandOff: hand_off,
    AlertDesk: alert_desk,
    SetName: set_name,
    GoAway: go_away,
    ComeBack: come_back,
    LayDownRoles: lay_down_roles,
    AnswerOffer: answer_offer,
    AskAboutOffer: ask_about_offer,
    PassOn: pass_on,
    ReportProgress: report_progress,
    CancelAssignment: cancel_assignment,
    GiveFeedback: give_feedback,
    ChangeAvailability: change_availability,
    LeavePool: leave_pool,
    PlanMeeting: plan_meeting,
    AnswerDate: answer_date,
    SnoozeDate: snooze_date,
    MuteMeeting: mute_meeting,
    SetReminders: set_reminders,
    LeaveMeeting: leave_meeting,
    SendCalendar: send_calendar,
    RenewFeed: renew_feed,
    ShowWhoComes: show_who_comes,
    MoveDate: move_date,
    CancelDate: cancel_date,
    PlaceTopic: place_topic,
    CarryOver: carry_over,
    RecordPulse: record_pulse,
    KeepDecision: keep_decision,
    ReleaseMinutes: release_minutes,
    FinishMeasure: finish_measure,
    ShowOverview: show_overview,
    DecideTopic: decide_topic,
}


def handle(command: Command, work: Work, conversation: Conversation) -> None:
    """Does what a flow asked for; raises KeyError for a command without a handler."""
    HANDLERS[type(command)](command, work, conversation)
