"""What has come due becomes a turn; every row is looked at again when its moment has come (idea 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.bugs import log_bug
from bot.commands import Button
from bot.conversation import GO_ON, Memory
from bot.desk import case, search
from bot.desk.deadlines import STAGES, deadline_came
from bot.desk.people import AWAY_OVER, came_back
from bot.desk.relay import let_go
from bot.engine.engine import REVIEW
from bot.holder import HUMAN
from bot.i18n import _, render
from bot.meetings import answers, minutes, planning, pulse, reminding, telling, topics
from bot.meter import UNWATCHED, Meter, TurnResult
from bot.pool.assignment import ask_whether_it_lasts
from bot.pool.cascade import look_after
from bot.pool.offers import tell_experts
from bot.pool.search import FOLLOW, SEARCH, TELL
from bot.pool.week import WEEK, week_begins
from bot.taxonomy import Urgency
from bot.turns import Turns, draft_reminder
from bot.work import Work
from bot.working_time import after_quiet_hours, deadline
from storage import due
from storage.database import Database
from storage.models import Conversation, DueRow, Thread

NOBODY_CAME: Final = timedelta(hours=24)
"""How long a chat waits for a human in silence before the bot speaks again; never less than was promised."""

ATTEMPTS: Final = 3
"""How often a due row that fails is tried."""


class Due:
    """Works through what has come due."""

    def __init__(self, database: Database, turns: Turns, meter: Meter = UNWATCHED) -> None:
        self._database = database
        self._meter = meter
        self._turns = turns
        self._kinds: Mapping[str, Callable[[Work, int], None]] = {
            "draft_reminder": self._draft_reminder,
            "draft_expiry": self._draft_expiry,
            "chat_idle": self._chat_idle,
            AWAY_OVER: _away_over,
            SEARCH: look_after,
            TELL: tell_experts,
            FOLLOW: ask_whether_it_lasts,
            WEEK: week_begins,
            search.AGAIN: search.look_again,
            planning.LOOK: planning.look_after,
            planning.TELL: telling.tell_members,
            planning.REMIND: reminding.remind,
            planning.AGENDA: topics.close_agenda,
            planning.AFTER: topics.ask_after,
            planning.PULSE: pulse.ask_members,
            minutes.MINUTES: minutes.send_minutes,
            minutes.MEASURE: minutes.ask_whether_done,
            answers.SEATS: answers.fill_seats,
            "take_idle": _take_idle,
            "talk_idle": _talk_idle,
            **{f"deadline_{stage}": _deadline(stage) for stage in STAGES},
        }

    def take_next(self, now: datetime) -> bool:
        """Works through the row that came due first; False when nothing is due."""
        row_id: int | None = None
        try:
            with self._database.transaction(everywhere=True) as session:
                row_id = due.came(session, now)
                if row_id is None:
                    return False
                row = session.get_one(DueRow, row_id)
                row.done_at = now
                session.flush()
                with self._turns.working(session, row.contact_point, now) as work:
                    self._kinds[row.kind](work, row.subject)
        except Exception as error:  # one row that fails must not stop the others
            if row_id is None:
                raise
            self._meter.due(self._failed(row_id, error, now))
        else:
            self._meter.due("done")
        return True

    def _failed(self, row_id: int, error: Exception, now: datetime) -> TurnResult:
        with self._database.transaction(everywhere=True) as session:
            row = session.get(DueRow, row_id)
            if row is None:
                return "retried"
            row.attempts += 1
            if row.attempts < ATTEMPTS:
                row.due_at = now + timedelta(minutes=row.attempts)
                return "retried"
            row.done_at = now
            log_bug(error)
            return "failed"

    def _draft_reminder(self, work: Work, subject: int) -> None:
        """Asks once whether the person would like to go on (F-13)."""
        conversation = _person(work, subject)
        if conversation is None or conversation.draft_until is None or conversation.holder == HUMAN:
            return
        memory = Memory.from_json(conversation.memory)
        if memory.reminded or conversation.draft_until <= work.now:
            return
        at = max(
            draft_reminder(work.contact_point, conversation.draft_until),
            after_quiet_hours(work.contact_point, work.now),
        )
        if at > work.now:
            if at < conversation.draft_until:
                work.remind("draft_reminder", subject, at)
            return
        buttons = (GO_ON, Button("/discard", _("Delete it")))
        work.tell(
            conversation,
            _(
                "You began something here and have not sent it. Would you like to go on? I keep it until {until}.",
                until=conversation.draft_until,
            ),
            buttons,
        )
        offered = tuple((button.id, render(button.label, work.language_of(conversation))) for button in buttons)
        conversation.memory = replace(memory, reminded=True, buttons=offered).to_json()

    def _draft_expiry(self, work: Work, subject: int) -> None:
        """Deletes what was not sent."""
        conversation = _person(work, subject)
        if conversation is None or conversation.draft_until is None:
            return
        if conversation.draft_until > work.now:
            work.remind("draft_expiry", subject, conversation.draft_until)
            return
        memory = Memory.from_json(conversation.memory)
        if memory.state is not None and memory.state.asked == REVIEW and memory.state.prompt is not None:
            work.tell(conversation, _("Not sent, and deleted."), edits=memory.state.prompt, vanishes=True)
        conversation.memory = replace(memory, state=None, draft=None, pending=(), reminded=False).to_json()
        conversation.draft_until = None

    def _chat_idle(self, work: Work, subject: int) -> None:
        """Brings the bot back when everybody has left."""
        conversation = _person(work, subject)
        if conversation is None or conversation.holder != HUMAN:
            return
        thread = work.session.get(Thread, conversation.thread_id) if conversation.thread_id else None
        silence = timedelta(minutes=work.contact_point.handoff.return_minutes)
        waits = thread is not None and thread.waiting_since is not None
        last = max(filter(None, (conversation.last_heard_at, thread.last_reply_at if thread else None)))
        if thread is not None and thread.waiting_since is not None:
            promised = deadline(work.contact_point, Urgency(thread.urgency), thread.waiting_since)
            over = after_quiet_hours(work.contact_point, max(last + NOBODY_CAME, promised + silence))
        else:
            over = last + silence
        if work.now < over:
            work.remind("chat_idle", conversation.id, over)
            return
        let_go(work, conversation)
        if waits:
            work.tell(
                conversation,
                _(
                    "Nobody has come yet. We are sorry. Your messages are with the contact point, and somebody "
                    "answers you here. Meanwhile the program answers again."
                ),
            )
        else:
            work.tell(conversation, _("The conversation has ended. The program answers again."))
        memory = Memory.from_json(conversation.memory)
        scope = self._turns.scope(work, conversation, memory)
        self._turns.carry_out(work, conversation, self._turns.listener.resume(memory, scope))


def _person(work: Work, subject: int) -> Conversation | None:
    return work.session.get(Conversation, subject, with_for_update=True)


def _thread(work: Work, subject: int) -> Thread | None:
    thread = work.session.get(Thread, subject)
    return work.alone_with(thread) if thread is not None else None


def _away_over(work: Work, subject: int) -> None:
    conversation = _person(work, subject)
    if conversation is not None:
        came_back(work, conversation)


def _take_idle(work: Work, subject: int) -> None:
    thread = _thread(work, subject)
    if thread is not None:
        case.holder_fell_silent(work, thread)


def _talk_idle(work: Work, subject: int) -> None:
    thread = _thread(work, subject)
    if thread is not None:
        case.talk_fell_silent(work, thread)


def _deadline(stage: int) -> Callable[[Work, int], None]:
    def came(work: Work, subject: int) -> None:
        thread = _thread(work, subject)
        if thread is not None:
            deadline_came(work, thread, stage)

    return came
