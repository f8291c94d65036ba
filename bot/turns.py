"""Messages in: received in one transaction, worked through in another, each whole or not at all (idea 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot.accounts import everybody, person_in
from bot.backoff import wait
from bot.bugs import log_bug
from bot.codes import read_code
from bot.commands import Ask, Command, FileReport, Say
from bot.contact_point import ContactPoint
from bot.conversation import FLOW_OF, Heard, Listener, Memory, Outcome
from bot.desk import desk as at_desk
from bot.desk import files
from bot.desk.handoff import end_by_person
from bot.desk.move import note_where_it_is
from bot.desk.relay import edited_by_person, from_reporter, is_back_to_bot, taken_back_by_person, watch_idle
from bot.desk.request import asked
from bot.desks import Desks
from bot.engine.inputs import one_line, readable
from bot.engine.scope import OwnReport, OwnRequest, Scope
from bot.fates import Fate
from bot.flows.emergency import emergency_line
from bot.handlers import handle
from bot.handlers.people import Invited, redeem
from bot.handover import Handover, Taken
from bot.holder import HUMAN
from bot.i18n import Phone, Text, _, lines, render
from bot.languages import language_of, resolve
from bot.meetings.own import has_dates, minutes_of, own_dates, topics_of
from bot.messages import Inbound, Media, inbound_from_json, to_json
from bot.meter import UNWATCHED, Meter, TurnResult
from bot.pool.assignment import own_assignments
from bot.pool.profiles import own_profile
from bot.reading.words import command as slash_command
from bot.taxonomy import ReportState, RequestState
from bot.work import Pending, Work
from bot.working_time import after_quiet_hours
from storage import due, inbox, outbox
from storage.database import Database
from storage.inbox import Waiting
from storage.models import ContactLink, Conversation, InboxMessage, OutboxMessage, Report, Thread
from storage.pool import ExpertRequest
from storage.scope import scoped_to, sorted_by

BATCH: Final = 64
"""How many chats' turns are committed together at most; a lone message waits for nobody."""

TRANSIENT_ATTEMPTS: Final = 8
"""How often a turn is tried again when the database was in the way."""

OPEN_TO_THE_BLOCKED = frozenset({"my_data", "withdraw", "/privacy", "/help"})
"""What somebody may do whose chat was closed after misuse."""

CODES_PER_DAY: Final = 5
"""How many codes that are no good a chat may try on a day; then none is looked up."""

ANSWERED_WHILE_HELD = frozenset({"/help", "/privacy", "/language", "/human"})
"""Commands that the bot answers although a human holds the chat; every other one ends the talk."""


class Turns:
    """Takes messages in and works through them, in order within each chat."""

    def __init__(
        self,
        database: Database,
        contact_points: Mapping[str, ContactPoint],
        listener: Listener,
        desks: Desks,
        meter: Meter = UNWATCHED,
        handover: Handover | None = None,
    ) -> None:
        """Without a `handover`, all messages wait in the outbox until they are found there."""
        self._database = database
        self._handover = handover
        self._meter = meter
        self._contact_points = contact_points
        self.listener = listener
        self._desks = desks
        self._resting = _Resting()
        self.idle = False
        """Whether nothing else waited or had come due when the last messages were taken."""

    def receive(self, inbound: Inbound, now: datetime, via: str | None = None) -> bool:
        """Keeps a message; False when it is here already. After this returns, it cannot be lost."""
        return self.receive_all([inbound], now, via) == 1

    def receive_all(
        self,
        messages: Sequence[Inbound],
        now: datetime,
        via: str | None = None,
        beside: Callable[[Session], None] | None = None,
    ) -> int:
        """Keeps messages in one commit, and does what is to be done `beside`; returns how many were not here yet."""
        with self._database.transaction(everywhere=True) as session:
            new = inbox.keep(session, [self._row(each, now, via) for each in messages]) if messages else 0
            if beside is not None:
                beside(session)
            return new

    def _row(self, inbound: Inbound, now: datetime, via: str | None) -> dict[str, Any]:
        ring = self._database.ring
        place = ("desk", inbound.contact_point) if inbound.from_desk else ("chat", inbound.account, inbound.chat)
        return {
            "contact_point": inbound.contact_point,
            "account": inbound.account,
            "message_key": self.key_of(inbound.account, inbound.message_id),
            "chat_key": ring.lookup(*place),
            "payload": to_json(inbound),
            "state": "NEW",
            "attempts": 0,
            "received_at": now,
            "via": via,
        }

    def set_aside(
        self, contact_point: str, account: str, message_id: str, raw: Mapping[str, Any], now: datetime
    ) -> None:
        """Keeps what could not be read, once, encrypted, for whoever repairs the fault."""
        key = self.key_of(account, message_id)
        with self._database.transaction(everywhere=True) as session:
            inbox.keep(
                session,
                [
                    {
                        "contact_point": contact_point, "account": account, "message_key": key, "chat_key": "",
                        "payload": {"raw": raw}, "state": "FAILED", "attempts": 0, "received_at": now, "done_at": now,
                        "via": None,
                    }
                ],
            )  # fmt: skip

    def key_of(self, account: str, message_id: str) -> str:
        """By which a message is known again."""
        return self._database.ring.lookup("message", account, message_id)

    def once(self, account: str, message_id: str, now: datetime, act: Callable[[Session], None]) -> None:
        """Does what a line without words asks for, unless it was here before: both or neither."""
        key = self.key_of(account, message_id)
        with self._database.transaction(everywhere=True) as session:
            if session.scalars(
                select(InboxMessage).where(InboxMessage.account == account, InboxMessage.message_key == key)
            ).first():
                return
            act(session)
            session.add(
                InboxMessage(
                    contact_point=next(iter(self._contact_points)), account=account, message_key=key, chat_key="",
                    state="DONE", attempts=0, received_at=now, done_at=now,
                )
            )  # fmt: skip

    def take(self, now: datetime, at_most: int = BATCH) -> list[Inbound]:
        """Works through the oldest message of each chat, several chats in one commit; empty when none waits.

        If one of them fails, each is taken by itself, so that it fails alone.
        """
        taken: list[Waiting] = []
        began = monotonic()
        try:
            messages = self._together(now, at_most, taken)
        except Exception as error:  # whatever goes wrong in a turn must not stop the next one
            if not taken:
                raise
            if len(taken) == 1:
                self._meter.turn(monotonic() - began, self._failed(taken[0].id, error, now))
                return self.take(now, at_most)
            return [inbound for _each in taken for inbound in self.take(now, 1)]
        for _each in messages:
            self._meter.turn((monotonic() - began) / len(messages), "done")
        return messages

    def take_next(self, now: datetime) -> Inbound | None:
        """Works through one message and returns it; None when none waits."""
        return next(iter(self.take(now, 1)), None)

    def _together(self, now: datetime, at_most: int, taken: list[Waiting]) -> list[Inbound]:
        handed: list[Taken] = []
        noted: list[list[Fate]] = []
        with self._database.transaction(everywhere=True) as session:
            if self._handover is not None:
                noted = self._handover.note(session, now)
            taken += inbox.next_of_each_chat(session, at_most, self._resting.now())
            messages = [inbound_from_json(row.payload or {}) for row in taken]
            for contact_point in dict.fromkeys(row.contact_point for row in taken):
                with self.working(session, contact_point, now, self._handover) as work:
                    pairs = zip(taken, messages, strict=True)
                    ours = [(row, inbound) for row, inbound in pairs if row.contact_point == contact_point]
                    self._meet(work, ours)
                    for row, inbound in ours:
                        work.cause = row.id
                        self._turn(work, inbound, row)
                handed += work.pending.handed
            if taken:
                inbox.done(session, [row.id for row in taken], now)
            self.idle = inbox.is_empty(session) and due.is_empty(session, now)
            is_all = self.idle and self._handover is not None and self._handover.nothing_else_waits(session)
        for each in noted:
            each.clear()
        if self._handover is not None:
            self._handover.give(handed, is_all=is_all)
        return messages

    def _meet(self, work: Work, messages: Sequence[tuple[Waiting | InboxMessage, Inbound]]) -> None:
        """Loads the chats of several messages at once, and begins those that are new."""
        heard = {row.chat_key: (row, inbound) for row, inbound in messages if not inbound.from_desk}
        if not heard:
            return
        accounts = {row.account for row, _inbound in heard.values()}
        found = work.session.scalars(_CHATS, {"accounts": accounts, "chats": list(heard)})
        work.chats = {each.chat_key: each for each in found}
        new = [_new_conversation(work, *heard[key]) for key in heard.keys() - work.chats.keys()]
        if new:
            work.session.add_all(new)
            work.session.flush()
            work.chats |= {each.chat_key: each for each in new}

    @contextmanager
    def working(
        self, session: Session, contact_point: str, now: datetime, handover: Handover | None = None
    ) -> Iterator[Work]:
        """What handlers need, limited to a contact point; at the end all that they queued is written."""
        point = self._contact_points[contact_point]
        with scoped_to(session, contact_point):
            desk = self._desks.of(contact_point)
            work = Work(session, point, now, self._database.ring, desk, Pending(session, handover))
            yield work
            work.write()

    def note_desks(self, now: datetime) -> None:
        """At the start: where the desks are now."""
        with self._database.transaction(everywhere=True) as session:
            for contact_point in self._contact_points:
                with self.working(session, contact_point, now) as work:
                    note_where_it_is(work)

    def waiting(self) -> int:
        """Messages received and not yet worked through."""
        with self._database.transaction(everywhere=True) as session:
            return inbox.waiting(session)

    @property
    def is_held_up(self) -> bool:
        """Whether a message waits because the database was in the way of it."""
        return bool(self._resting.now())

    def is_open(self, messages: Sequence[Inbound], now: datetime) -> bool:
        """Whether one of these messages is not worked through, or something that it led to is not sent."""
        keys = [(each.account, self.key_of(each.account, each.message_id)) for each in messages]
        with self._database.transaction(everywhere=True) as session:
            ids, all_done = inbox.known(session, keys)
            return not all_done or outbox.unsent(session, ids, now)

    def _failed(self, row_id: int, error: Exception, now: datetime) -> TurnResult:
        with self._database.transaction(everywhere=True) as session:
            row = session.get_one(InboxMessage, row_id, with_for_update=True)
            if row.done_at is not None:
                # Another process has done it meanwhile.
                return "retried"
            row.attempts += 1
            if isinstance(error, OperationalError) and row.attempts < TRANSIENT_ATTEMPTS:
                self._resting.rest(row_id, wait(row.attempts, first=0.2, longest=30))
                return "retried"
            row.state, row.done_at, row.error_ref = "FAILED", now, log_bug(error)
            session.flush()
            try:
                with session.begin_nested(), self.working(session, row.contact_point, now) as work:
                    work.cause = row.id
                    self._apologise(work, row, row.error_ref)
            except Exception as again:  # noqa: BLE001  # a message that cannot even be answered must not come again
                log_bug(again)
        return "failed"

    def _apologise(self, work: Work, row: InboxMessage, reference: str) -> None:
        inbound = inbound_from_json(row.payload or {})
        sentence = lines(
            _("Something went wrong on our side. We are sorry. Please try once more."),
            _("If it happens again, call us: {phone}. Number of the fault: {reference}",
              phone=Phone(work.contact_point.phone), reference=reference),
        )  # fmt: skip
        if inbound.from_desk:
            work.post(work.thread(inbound.thread) if inbound.thread else None, sentence)
        else:
            work.tell(self.conversation(work, inbound, row), sentence)

    def _turn(self, work: Work, inbound: Inbound, row: Waiting) -> None:
        if inbound.from_desk:
            work.hear_desk(row.via)
            at_desk.speak(work, self._spoken(work, inbound, row))
        else:
            self._person(work, inbound, row)

    def _spoken(self, work: Work, inbound: Inbound, row: Waiting) -> at_desk.Spoken:
        def key(message_id: str) -> str:
            return work.ring.lookup("remote", inbound.account, message_id) if message_id else ""

        return at_desk.Spoken(
            by=one_line(inbound.by),
            message_id=inbound.message_id,
            text=readable(inbound.choice or inbound.text),
            source=row.message_key,
            thread=inbound.thread,
            reply_to=key(inbound.reply_to),
            edits=work.ring.lookup("message", inbound.account, inbound.edits) if inbound.edits else "",
            takes_back=self.key_of(inbound.account, inbound.takes_back) if inbound.takes_back else "",
            media=inbound.media is not None,
            pressed=bool(inbound.choice),
        )

    def conversation(self, work: Work, inbound: Inbound, row: Waiting | InboxMessage) -> Conversation:
        """The chat a message belongs to, new if it is the first."""
        if row.chat_key not in work.chats:
            self._meet(work, [(row, inbound)])
        found = work.chats[row.chat_key]
        found.last_heard_at = work.now
        if found.unreachable_since is not None:
            found.unreachable_since = None
        if found.via != row.via:
            found.via = row.via
        hint = resolve(inbound.language) if inbound.language else None
        if hint is not None:
            found.hinted_language = hint
        return found

    def _person(self, work: Work, inbound: Inbound, row: Waiting) -> None:
        conversation = self.conversation(work, inbound, row)
        if self._is_blocked(work, conversation, inbound):
            work.tell(conversation, _blocked(work))
            return
        heard = Heard(
            text=inbound.text,
            choice=inbound.choice,
            media=inbound.media.kind if inbound.media else "",
            source=row.message_key,
            edits=work.ring.lookup("message", inbound.account, inbound.edits) if inbound.edits else "",
        )
        memory = Memory.from_json(conversation.memory)
        heard = replace(heard, stale=self._is_stale(work, conversation, memory, inbound))
        memory, heard = _with_code(work, conversation, memory, heard)
        memory, heard = _with_link(work, memory, heard)
        if inbound.album:
            heard = replace(heard, more_of_album=inbound.album == memory.album)
            memory = replace(memory, album=inbound.album)
            conversation.memory = memory.to_json()
        if inbound.takes_back:
            self._taken_back(work, conversation, memory, self.key_of(inbound.account, inbound.takes_back))
            return
        if heard.edits and edited_by_person(work, conversation, heard.edits, heard.text):
            return
        if conversation.holder == HUMAN and is_back_to_bot(heard.text, work.language_of(conversation)):
            heard = replace(heard, text="/menu")
        if conversation.holder == HUMAN and self._while_held(work, conversation, memory, heard, inbound.media):
            return
        scope = _as_open(self.scope(work, conversation, memory), inbound)
        outcome = self.listener.hear(memory, heard, scope, language_known=conversation.language is not None)
        self.carry_out(work, conversation, outcome)

    def _taken_back(self, work: Work, conversation: Conversation, memory: Memory, source: str) -> None:
        """A message was deleted in the messenger: its words go, wherever they are."""
        if taken_back_by_person(work, conversation, source):
            return
        outcome = self.listener.taken_back(memory, source, self.scope(work, conversation, memory))
        if outcome.commands:
            self.carry_out(work, conversation, outcome)

    def _is_blocked(self, work: Work, conversation: Conversation, inbound: Inbound) -> bool:
        """Whether the chat is closed after misuse; a person's own data stay within reach (F-06, D-21)."""
        if conversation.blocked_until is None or conversation.blocked_until <= work.now:
            return False
        parsed = slash_command(inbound.choice or inbound.text)
        state = Memory.from_json(conversation.memory).state
        rights = state is not None and state.flow in OPEN_TO_THE_BLOCKED
        return not rights and (parsed is None or FLOW_OF.get(parsed[0], parsed[0]) not in OPEN_TO_THE_BLOCKED)

    def _while_held(
        self, work: Work, conversation: Conversation, memory: Memory, heard: Heard, media: Media | None
    ) -> bool:
        """A human holds the chat: words are relayed. False when the person went back to the bot."""
        thread = work.session.get(Thread, conversation.thread_id) if conversation.thread_id else None
        parsed = slash_command(heard.choice or heard.text)
        command = parsed[0] if parsed else ""
        if thread is None or (command and command not in ANSWERED_WHILE_HELD):
            end_by_person(work, conversation)
            return False
        if media is not None and files.is_welcome(work, thread, media):
            files.pass_on(work, thread, conversation, media, quietly=heard.more_of_album)
            heard = replace(heard, media="")
        if command or heard.choice or heard.media or heard.edits:
            quiet = replace(memory, state=None)
            scope = self.scope(work, conversation, memory)
            asked = replace(heard, text="") if heard.media else heard
            outcome = self.listener.hear(quiet, asked, scope, language_known=True)
            _only_sentences(outcome)
            for each in outcome.commands:
                handle(each, work, conversation)
            if heard.media and not heard.more_of_album and thread.opened_at is not None:
                work.post(thread, _("The person tried to send a file. It was not kept."))
            if not (heard.media and heard.text):
                return True
        outcome = Outcome(memory, self.scope(work, conversation, memory))
        self.listener.notice(outcome, heard.text)
        for each in outcome.commands:
            handle(each, work, conversation)
        conversation.memory = outcome.memory.to_json()
        if heard.text.strip():
            from_reporter(work, thread, heard.text, heard.source)
            watch_idle(work, conversation, thread)
        return True

    def carry_out(self, work: Work, conversation: Conversation, outcome: Outcome) -> None:
        """Turns commands into rows and keeps what the conversation has become."""
        conversation.prompt_outbox_id = None
        memory = outcome.memory
        buttons: tuple[tuple[str, str], ...] = ()
        for command in outcome.commands:
            handle(command, work, conversation)
            buttons = self._labels(work, conversation, command) or buttons
            if isinstance(command, FileReport):
                memory = _count_report(memory, work)
        if memory.state is not None:
            memory = replace(memory, state=replace(memory.state, prompt=conversation.prompt_outbox_id))
        else:
            memory = replace(memory, buttons=work.offered.pop(conversation.id, ()) or buttons or memory.buttons)
        self.keep(work, conversation, memory)

    def keep(self, work: Work, conversation: Conversation, memory: Memory) -> None:
        """Stores the memory of a chat, and sets or lifts the moments that concern a draft (F-13)."""
        if self.listener.unfinished(memory) is None:
            memory = replace(memory, reminded=False)
            if conversation.draft_until is not None:
                conversation.draft_until = None
                work.forget_reminder(conversation.id, "draft_reminder", "draft_expiry")
        else:
            point = work.contact_point
            begins = conversation.draft_until is None
            conversation.draft_until = work.now + timedelta(hours=point.retention.draft_hours)
            if begins:
                # When these come due, they are set again for as long as the draft has grown since.
                work.remind("draft_expiry", conversation.id, conversation.draft_until)
                work.remind("draft_reminder", conversation.id, draft_reminder(point, conversation.draft_until))
        conversation.memory = memory.to_json()

    def _labels(self, work: Work, conversation: Conversation, command: Command) -> tuple[tuple[str, str], ...]:
        if not isinstance(command, Say) or not command.buttons:
            return ()
        language = work.language_of(conversation)
        return tuple((button.id, render(button.label, language)) for button in command.buttons)

    def _is_stale(self, work: Work, conversation: Conversation, memory: Memory, inbound: Inbound) -> bool:
        if not inbound.pressed:
            return False
        key = work.ring.lookup("remote", inbound.account, inbound.pressed)
        row_id = work.session.scalar(select(OutboxMessage.id).where(OutboxMessage.remote_key == key))
        prompt = conversation.prompt_outbox_id
        if row_id is None:
            # Whoever is quick presses a question before it is written down that it was sent.
            sent = select(OutboxMessage.remote_key).where(OutboxMessage.id == prompt)
            return prompt is None or work.session.scalar(sent) is not None
        repeats = memory.state.repeats if memory.state is not None else ()
        return row_id != prompt and row_id not in repeats

    def scope(self, work: Work, conversation: Conversation, memory: Memory) -> Scope:
        """What flows may look at for this person now."""
        language = work.language_of(conversation)
        day, count = memory.reports
        return Scope(
            contact_point=work.contact_point,
            now=work.now,
            language=language,
            fresh_ref=work.fresh_ref,
            own_reports=lambda: _own_reports(work, conversation),
            own_requests=cache(lambda: _own_requests(work, conversation)),
            account=cache(lambda: person_in(work, conversation)),
            pool_profile=cache(lambda: own_profile(work, conversation)),
            people=cache(lambda: everybody(work)),
            assignments=cache(lambda: own_assignments(work, conversation)),
            dates=cache(lambda: own_dates(work, conversation)),
            has_dates=cache(lambda: has_dates(work, conversation)),
            minutes=cache(lambda date: minutes_of(work, conversation, date)),
            topics=cache(lambda date: topics_of(work, conversation, date)),
            privacy_read=conversation.privacy_read_at is not None,
            wanted_language="" if language_of(language).complete else language,
            hinted_language=conversation.hinted_language or "",
            hinted_municipality=memory.municipality,
            reports_today=count if day == work.today.isoformat() else 0,
            transport=conversation.account.partition(":")[0],
            has_draft=memory.draft is not None,
            human_holds=conversation.holder == HUMAN,
        )


def draft_reminder(point: ContactPoint, draft_until: datetime) -> datetime:
    """When somebody is asked about a draft that goes at `draft_until` (F-13)."""
    grown_at = draft_until - timedelta(hours=point.retention.draft_hours)
    return after_quiet_hours(point, grown_at + timedelta(hours=point.reminders.draft_after_hours))


def _new_conversation(work: Work, row: Waiting | InboxMessage, inbound: Inbound) -> Conversation:
    return Conversation(
        account=row.account,
        chat_key=row.chat_key,
        address=inbound.chat,
        holder="BOT",
        last_heard_at=work.now,
        created_at=work.now,
    )


_CHATS: Final = (
    select(Conversation)
    .where(
        Conversation.account.in_(bindparam("accounts", expanding=True)),
        Conversation.chat_key.in_(bindparam("chats", expanding=True)),
    )
    # In one order, so that two processes do not wait for each other.
    .order_by(sorted_by(Conversation.id))
    .with_for_update()
)


class _Resting:
    """Messages whose turn the database was in the way of; they are left alone for a moment of real time."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}

    def rest(self, row_id: int, seconds: float) -> None:
        self._until[row_id] = monotonic() + seconds

    def now(self) -> list[int]:
        moment = monotonic()
        self._until = {row_id: until for row_id, until in self._until.items() if until > moment}
        return list(self._until)


def _as_open(scope: Scope, inbound: Inbound) -> Scope:
    """Where a messenger could encrypt and does not, the person is told so."""
    return replace(scope, transport=f"{scope.transport}_open") if inbound.open else scope


def _own_reports(work: Work, conversation: Conversation) -> tuple[OwnReport, ...]:
    rows = work.session.execute(
        select(Thread, Report)
        .join(ContactLink, ContactLink.thread_id == Thread.id)
        .join(Report, Report.thread_id == Thread.id)
        .where(ContactLink.conversation_id == conversation.id)
        .order_by(sorted_by(Thread.id).desc())
    )
    return tuple(
        OwnReport(
            ref=thread.ref,
            municipality=thread.municipality or "OTHER",
            state=ReportState(report.state),
            submitted_at=report.submitted_at,
            deadline=thread.deadline,
            contact=(report.details or {}).get("contact", ""),
            story=report.story or "",
            opened=thread.opened_at is not None,
        )
        for thread, report in rows
    )


def _own_requests(work: Work, conversation: Conversation) -> tuple[OwnRequest, ...]:
    """The requests to the pool that can be read, newest first."""
    rows = work.session.execute(
        select(Thread, ExpertRequest)
        .join(ContactLink, ContactLink.thread_id == Thread.id)
        .join(ExpertRequest, ExpertRequest.thread_id == Thread.id)
        .where(ContactLink.conversation_id == conversation.id)
        .order_by(sorted_by(Thread.id).desc())
    )
    return tuple(
        OwnRequest(
            ref=thread.ref,
            request=request,
            state=RequestState(row.state),
            requested_at=row.created_at,
            due_at=thread.deadline or (row.due_at if row.state == RequestState.OFFERED else None),
        )
        for thread, row in rows
        if (request := asked(row)) is not None
    )


def _with_link(work: Work, memory: Memory, heard: Heard) -> tuple[Memory, Heard]:
    """The place of a link like `/start waldbroel`, kept; a link never names a person (J-1)."""
    if not heard.text.startswith("/start"):
        return memory, heard
    parsed = slash_command(heard.text)
    place = parsed[1].strip().casefold() if parsed else ""
    if place and work.contact_point.municipality(place):
        memory = replace(memory, municipality=place)
    return memory, replace(heard, text="/start")


def _with_code(work: Work, conversation: Conversation, memory: Memory, heard: Heard) -> tuple[Memory, Heard]:
    """A code gives its roles here, behind `/start` or alone where no words are expected (J-2)."""
    typed = _code_in(work, conversation, memory, heard)
    if not typed:
        return memory, heard
    day, count = memory.codes
    today = work.today.isoformat()
    count = count if day == today else 0
    code = read_code(typed) if count < CODES_PER_DAY else None
    given = redeem(work, conversation, code) if code is not None else None
    if given is None:
        memory = replace(memory, codes=(today, count + 1))
    joined = given is not None
    return memory, replace(heard, text="/start", invited=joined, guest=given is Invited.MEETING)


def _code_in(work: Work, conversation: Conversation, memory: Memory, heard: Heard) -> str:
    """What may be meant as a code; empty for none."""
    if heard.choice or heard.edits or heard.media:
        return ""
    parsed = slash_command(heard.text) if heard.text.startswith("/") else None
    if parsed is not None:
        typed = parsed[1] if parsed[0] == "/start" else ""
        # Whoever types a code wrongly is told so; the place of a link that is no longer there is passed over.
        is_place = typed.casefold() == work.contact_point.id or work.contact_point.municipality(typed.casefold())
        meant = bool(read_code(typed)) or any(each.isdigit() for each in typed) or typed.isupper()
        return typed if meant and not is_place else ""
    expects_words = memory.state is not None and memory.state.flow not in ("language", "menu")
    return heard.text if conversation.holder != HUMAN and not expects_words and read_code(heard.text) else ""


def _only_sentences(outcome: Outcome) -> None:
    """While a human holds the chat, flows are silent (idea 4)."""
    outcome.commands = [command for command in outcome.commands if not isinstance(command, Ask)]


def _count_report(memory: Memory, work: Work) -> Memory:
    day, count = memory.reports
    today = work.today.isoformat()
    return replace(memory, reports=(today, count + 1 if day == today else 1))


def _blocked(work: Work) -> Text:
    return lines(
        _(
            "We cannot work on this message as it is. If you need help, please call us: {phone}.",
            phone=Phone(work.contact_point.phone),
        ),
        emergency_line(),
    )
