"""Commands that bring the desk in."""

from __future__ import annotations

from bot.commands import AlertDesk, HandOff
from bot.desk import handoff, room
from bot.desk.card import renew_card
from bot.desk.deadlines import wait_for_answer
from bot.taxonomy import Urgency
from bot.work import Work
from storage.models import Conversation, Thread


def hand_off(command: HandOff, work: Work, conversation: Conversation) -> None:
    """Queues the chat for a human."""
    about = work.thread(command.about) if command.about else None
    handoff.hand_off(work, conversation, about, command.urgency, command.words, command.flags)


def alert_desk(command: AlertDesk, work: Work, conversation: Conversation) -> None:
    """Tells the room, and marks the talk in which it was said."""
    thread = work.session.get(Thread, conversation.thread_id) if conversation.thread_id else None
    room.alert(work, command.flag, thread)
    if thread is not None:
        thread.flags = " ".join(sorted({*thread.flags.split(), command.flag}))
        thread.urgency = Urgency.URGENT
        thread.deadline = None
        wait_for_answer(work, thread, Urgency.URGENT)
        renew_card(work, thread)
