"""Commands become rows, in the transaction of the turn that yielded them (idea 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.commands import (
    AddToReport,
    AlertDesk,
    Ask,
    ChangeAvailability,
    ComeBack,
    Command,
    FileReport,
    ForgetMe,
    GoAway,
    HandOff,
    LayDownRoles,
    LeavePool,
    RememberPrivacyRead,
    Say,
    SendFile,
    SetLanguage,
    SetName,
    ShowPick,
    Withdraw,
)
from bot.handlers.chat import ask, forget_me, remember_privacy_read, say, send_file, set_language, show_pick
from bot.handlers.desk import alert_desk, hand_off
from bot.handlers.people import come_back, go_away, lay_down_roles, set_name
from bot.handlers.pool import change_availability, leave_pool
from bot.handlers.reports import add_to_report, file_report
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
    HandOff: hand_off,
    AlertDesk: alert_desk,
    SetName: set_name,
    GoAway: go_away,
    ComeBack: come_back,
    LayDownRoles: lay_down_roles,
    ChangeAvailability: change_availability,
    LeavePool: leave_pool,
}


def handle(command: Command, work: Work, conversation: Conversation) -> None:
    """Does what a flow asked for; raises KeyError for a command without a handler."""
    HANDLERS[type(command)](command, work, conversation)
