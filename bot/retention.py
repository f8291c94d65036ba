"""Deletes what has been kept long enough, once a day (D-18), and leaves numbers only (D-19).

Everything is done in small transactions, so that people are answered meanwhile. A run that is broken off, or that two
processes do at once, does no harm: the next does the rest.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf
from time import monotonic
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.bugs import log_bug
from bot.contact_point import ContactPoint
from bot.conversation import Memory
from bot.desk.deadlines import KINDS as DEADLINES
from bot.desk.people import AWAY_OVER, drop_drafts
from bot.desks import Desks
from bot.holder import HUMAN
from bot.i18n import ZONE, _, lines, listing, verbatim
from bot.messages import Style
from bot.periods import SHORTEST_MONTH, kept_until, month_of, months_after, span_of
from bot.pool.request import without_words
from bot.pool.week import WEEK
from bot.taxonomy import HOLDS, RUNNING, Constellation, OfferState, Setting, Urgency, Wish
from bot.work import Pending, Work
from storage import accounts, matrix, models, telegram, web_messages
from storage.accounts import UserAccount
from storage.backup import kept_aside, old_files, rehearsal
from storage.database import Database
from storage.erasures import ErasureFile, Kind, erased
from storage.leases import LostLease
from storage.meetings import Attendance, Measure, Meeting, MeetingDate, MeetingMember
from storage.models import (
    Consent,
    ContactLink,
    Conversation,
    DueRow,
    Erasure,
    InboxMessage,
    OutboxMessage,
    Report,
    SourceLink,
    Statistic,
    Thread,
    ThreadEntry,
)
from storage.outage import is_away
from storage.pool import ExpertRequest, Offer, PoolProfile
from storage.scope import scoped_to
from storage.types import ring_of
from storage.web_messages import WebMessage

WINDOW: Final = 200
"""How many rows one transaction looks at."""

FEWEST: Final = 5
"""From this many cases on, a place and month is named in the statistics (D-19)."""

NIGHT: Final = 3
"""The hour from which the day's run begins, by the clock at the contact point."""

RELAYED: Final = (Style.FROM_REPORTER, Style.TO_REPORTER)
OF_CASES: Final = ("take_idle", "talk_idle", *DEADLINES)
OF_CHATS: Final = ("draft_reminder", "draft_expiry", "chat_idle", AWAY_OVER, WEEK)
_LOG: Final = logging.getLogger("anlaufstelle.retention")


@dataclass(frozen=True)
class Counts:
    """How much was deleted, in numbers only; `on_hold` is what was left alone."""

    cases: int = 0
    contacts: int = 0
    transcripts: int = 0
    files: int = 0
    drafts: int = 0
    blocks: int = 0
    chats: int = 0
    pages: int = 0
    fault_words: int = 0
    inbox: int = 0
    outbox: int = 0
    reminders: int = 0
    consents: int = 0
    erasures: int = 0
    copies: int = 0
    accounts: int = 0
    invitations: int = 0
    profiles: int = 0
    meetings: int = 0
    on_hold: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Counts)))

    @property
    def deleted(self) -> int:
        """All of it, without what is on hold."""
        return sum(count for name, count in self if name != "on_hold")

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return ((each.name, getattr(self, each.name)) for each in fields(Counts))


LABELS: Final[Mapping[str, str]] = {
    "cases": "reports and cases",
    "contacts": "contact links and phone numbers",
    "transcripts": "messages of finished chats",
    "files": "files at the desk",
    "drafts": "drafts",
    "blocks": "blocks that are over",
    "chats": "chats that nobody uses any more",
    "pages": "messages on the web page",
    "fault_words": "messages kept because of a fault",
    "inbox": "marks of incoming messages",
    "outbox": "marks of outgoing messages",
    "reminders": "moments that are past",
    "consents": "proofs of consent",
    "erasures": "entries of the list of erasures",
    "copies": "old copies of the database",
    "accounts": "accounts of people with roles",
    "invitations": "codes of invitations",
    "profiles": "profiles of experts who have left the pool",
    "meetings": "dates of meetings, and meetings without any",
    "on_hold": "left alone, because on hold",
}
"""What an operator reads."""

Rule = Callable[[Session, ContactPoint, datetime, int], tuple[Counts, int | None]]
"""Deletes within the next rows after an id; returns the last id it looked at, None at the end."""


def run(database: Database, contact_points: Mapping[str, ContactPoint], now: datetime, dry_run: bool = False) -> Counts:
    """Deletes what is due; with `dry_run` only counts, on a copy or in a transaction that is taken back."""
    if dry_run:
        return _rehearsed(database, contact_points, now)
    return sum(steps(database, contact_points, now), Counts())


def steps(database: Database, contact_points: Mapping[str, ContactPoint], now: datetime) -> Iterator[Counts]:
    """The same, a short transaction at a time."""
    database.look_at_sizes()
    yield from of_rows(database, contact_points, now)
    yield _copies(database, contact_points, now, dry_run=False)
    # What was overwritten must not live on in the write-ahead log.
    database.checkpoint()


def of_rows(database: Database, contact_points: Mapping[str, ContactPoint], now: datetime) -> Iterator[Counts]:
    """The same without the files beside the database."""
    for point in contact_points.values():
        for rule in RULES:
            after: int | None = 0
            while after is not None:
                with database.transaction(point.id) as session:
                    counts, after = rule(session, point, now, after)
                yield counts


class _TakenBack(Exception):
    pass


def _rehearsed(database: Database, contact_points: Mapping[str, ContactPoint], now: datetime) -> Counts:
    """What a real run would delete, told by doing it where it does not count."""
    total = _copies(database, contact_points, now, dry_run=True)
    with rehearsal(database) as stage:
        try:
            with stage.transaction(everywhere=True) as session:
                for point in contact_points.values():
                    with scoped_to(session, point.id):
                        for rule in RULES:
                            after: int | None = 0
                            while after is not None:
                                counts, after = rule(session, point, now, after)
                                session.flush()
                                session.expunge_all()
                                total += counts
                raise _TakenBack
        except _TakenBack:
            return total


def backup_days(contact_points: Mapping[str, ContactPoint]) -> int:
    """How long a copy of the database may lie: as short as the strictest contact point says."""
    return min(point.retention.backup_days for point in contact_points.values())


def erasures_since(contact_points: Mapping[str, ContactPoint], now: datetime) -> datetime:
    """How far back the list of erasures reaches; never less than the backups it is for."""
    kept = max(point.retention.erasure_list_days for point in contact_points.values())
    return now - timedelta(days=max(kept, backup_days(contact_points) + 1))


def _copies(database: Database, contact_points: Mapping[str, ContactPoint], now: datetime, *, dry_run: bool) -> Counts:
    found = old_files(kept_aside(database), now - timedelta(days=backup_days(contact_points)))
    for each in found if not dry_run else ():
        each.unlink(missing_ok=True)
    return Counts(copies=len(found))


class Daily:
    """The day's run within the bot, a step at a time between the messages of people."""

    def __init__(
        self,
        database: Database,
        contact_points: Mapping[str, ContactPoint],
        desks: Desks,
        erasure_file: ErasureFile | None = None,
        alone: Callable[[], bool] = lambda: True,
        rest: float = 600,
    ) -> None:
        """`alone` says whether no other process does it now; `rest`: seconds until it is tried again after outages."""
        self._alone = alone
        self._database = database
        self._contact_points = contact_points
        self._desks = desks
        self._erasure_file = erasure_file
        self._day = ""
        self._kept_up_at = -inf
        self._running: Iterator[Counts] | None = None
        self._rest = rest
        self._rests_until = -inf
        self._counts = Counts()

    def keep_up(self) -> None:
        """Enters new erasures in the file beside the database, once a minute."""
        if self._erasure_file is not None and monotonic() >= self._kept_up_at + KEEP_UP_SECONDS:
            self._kept_up_at = monotonic()
            self._erasure_file.keep_up(self._database)

    def take_next(self, now: datetime) -> bool:
        """Does one short step of the day's run; False when it is done or not yet time."""
        local = now.astimezone(ZONE)
        day = local.date().isoformat()
        if self._running is None and (self._day == day or local.hour < NIGHT or monotonic() < self._rests_until):
            return False
        try:
            return self._step(day, now)
        except Exception as error:  # noqa: BLE001  # people must be answered, whatever is wrong with the deletion
            self._running = None
            if is_away(error) or isinstance(error, LostLease):
                # The day is begun once more, by whoever can.
                self._day, self._rests_until = "", monotonic() + self._rest
            else:
                self._day = day
                log_bug(error)
            return False

    def _step(self, day: str, now: datetime) -> bool:
        if self._running is None:
            self._day = day
            with self._database.transaction(everywhere=True) as session:
                done = session.get(models.Setting, DONE_ON)
            if done is not None and done.value >= day:
                return False
            if not self._alone():
                # Should the other one die, it is for the next start or the next day.
                return False
            self._running, self._counts = self._all(now), Counts()
        counts = next(self._running, None)
        if counts is not None:
            self._counts += counts
            return True
        self._running = None
        with self._database.transaction(everywhere=True) as session:
            session.merge(models.Setting(name=DONE_ON, value=day))
        _LOG.info("retention: %s", ", ".join(f"{name} {count}" for name, count in self._counts if count) or "nothing")
        return False

    def _all(self, now: datetime) -> Iterator[Counts]:
        yield from steps(self._database, self._contact_points, now)
        for point in self._contact_points.values():
            with self._database.transaction(point.id) as session:
                work = Work(session, point, now, self._database.ring, self._desks.of(point.id), Pending(session))
                list_holds(work)
                work.write()
            yield Counts()
        if self._erasure_file is not None:
            self._erasure_file.write(self._database, erasures_since(self._contact_points, now))
            yield Counts()


KEEP_UP_SECONDS: Final = 60.0

DONE_ON: Final = "retention_done_on"
"""The setting with the day of the last whole run."""


def list_holds(work: Work) -> None:
    """Reminds the desk once a month of what is kept beyond its time, by numbers only (D-18)."""
    month = month_of(work.now)
    name = f"holds_listed:{work.contact_point.id}"
    listed = work.session.get(models.Setting, name, with_for_update=True)
    held = work.session.scalars(select(Thread.ref).where(_on_hold()).order_by(Thread.id)).all()
    if not held or (listed is not None and listed.value >= month):
        return
    work.session.merge(models.Setting(name=name, value=month))
    refs = listing([verbatim(ref) for ref in held])
    work.post(
        None,
        lines(
            _("On hold, and so kept beyond its time: {refs}.", refs=refs),
            _("Is that still needed? If not: /unhold"),
        ),
    )


def _on_hold() -> ColumnElement[bool]:
    return or_(*(Thread.flags.contains(flag, autoescape=True) for flag in sorted(HOLDS)))


def _next_ids(session: Session, key: InstrumentedAttribute[int], after: int) -> Sequence[int]:
    """The rows to look at in this step; they are named, so that nothing has to be searched for."""
    return session.scalars(select(key).where(key > after).order_by(key).limit(WINDOW)).all()


def _cases(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """Reports, cases, and what hangs on them."""
    ids = _next_ids(session, Thread.id, after)
    if not ids:
        return Counts(), None
    window = Thread.id.in_(ids)
    free = and_(window, ~_on_hold())
    over = [*_closed_long_ago(session, point, now, free), *_told_only(session, point, now, free)]
    ring = ring_of(session.get_bind().dialect)
    for case in over:
        erased(session, ring, point.id, Kind.EXPIRED, case.ref, at=now)
    erase_cases(session, over, now)
    counts = Counts(
        cases=len(over),
        contacts=_contacts(session, point, now, free),
        transcripts=_transcripts(session, point, now, free) + _words_of_requests(session, point, now, free),
        files=_files(session, point, now, and_(free, ThreadEntry.thread_id.in_(ids))),
        on_hold=session.scalar(select(func.count()).select_from(Thread).where(window, _on_hold())) or 0,
    )
    return counts, ids[-1]


CASE: Final = (
    Thread.id,
    Thread.ref,
    Thread.municipality,
    Thread.urgency,
    Thread.result,
    Thread.created_at,
    Thread.closed_at,
)
"""What is looked at of a case that goes: nothing that anybody wrote."""


def _closed_long_ago(session: Session, point: ContactPoint, now: datetime, free: ColumnElement[bool]) -> list[Any]:
    retention = point.retention
    months = min(retention.report_months, retention.case_months, retention.expert_request_months)
    shortest = min(timedelta(days=retention.abuse_content_days), months * SHORTEST_MONTH)
    rows = session.execute(
        select(*CASE, _is_request().label("is_request"))
        .where(free, Thread.closed_at <= now - shortest)
        .with_for_update(skip_locked=True)
    )
    return [row for row in rows if kept_until(retention, row.result, row.closed_at, is_request=row.is_request) <= now]


def _is_request() -> ColumnElement[bool]:
    """Somebody asks the pool in it: no report."""
    return exists().where(ExpertRequest.thread_id == Thread.id)


def _told_only(session: Session, point: ContactPoint, now: datetime, free: ColumnElement[bool]) -> list[Any]:
    """Who wanted nothing but to tell: nobody closes that, so the time runs from the last word in it."""
    months = point.retention.report_months
    rows = session.execute(
        select(*CASE, Report.details)
        .join(Report, Report.thread_id == Thread.id)
        .where(
            free,
            Thread.closed_at.is_(None),
            Thread.waiting_since.is_(None),
            Thread.created_at <= now - months * SHORTEST_MONTH,
            ~_held(),
        )
        .with_for_update(skip_locked=True, of=Thread)
    ).all()
    told = [row for row in rows if (row.details or {}).get("wish") == Wish.TELL_ONLY]
    if not told:
        return []
    last_word = dict(
        session.execute(
            select(ThreadEntry.thread_id, func.max(ThreadEntry.at))
            .where(ThreadEntry.thread_id.in_([row.id for row in told]))
            .group_by(ThreadEntry.thread_id)
        ).all()
    )
    return [
        row for row in told if months_after(max(row.created_at, last_word.get(row.id, row.created_at)), months) <= now
    ]


def _held() -> ColumnElement[bool]:
    """A human holds a chat for it."""
    return exists().where(Conversation.thread_id == Thread.id, Conversation.holder == HUMAN)


def erase_cases(session: Session, cases: Sequence[Any], now: datetime, *, leave_statistics: bool = True) -> None:
    """Deletes cases with all that belongs to them; a row of statistics stays of each but requests to the pool."""
    if not cases:
        return
    ids = [case.id for case in cases]
    reports = {
        row.thread_id: row
        for row in session.execute(
            select(Report.thread_id, Report.details, Report.state).where(Report.thread_id.in_(ids))
        )
    }
    requests = set(session.scalars(select(ExpertRequest.thread_id).where(ExpertRequest.thread_id.in_(ids))))
    refs = [case.ref for case in cases]
    web_messages.forget_threads(session, refs)
    telegram.forget_cases(session, refs)
    matrix.forget_cases(session, refs)
    session.execute(
        delete(DueRow)
        .where(DueRow.subject.in_(ids), DueRow.kind.in_(OF_CASES))
        .execution_options(synchronize_session=False)
    )
    cut_contacts(session, ids, now)
    # Report and entries go with their thread.
    session.execute(delete(Thread).where(Thread.id.in_(ids)).execution_options(synchronize_session=False))
    if leave_statistics:
        _leave_statistics(session, [case for case in cases if case.id not in requests], reports)


def _leave_statistics(session: Session, cases: Sequence[Any], reports: Mapping[int, Any]) -> None:
    """One row for each, of closed choices only; what is no choice of ours is left out (D-28)."""
    for case in cases:
        report = reports.get(case.id)
        details = (report.details if report else None) or {}
        session.add(
            Statistic(
                id=secrets.token_hex(16),
                month=month_of(case.created_at),
                place=case.municipality,
                urgency=_choice(Urgency, case.urgency) or Urgency.NORMAL,
                setting=_choice(Setting, details.get("setting")),
                parties=_choice(Constellation, details.get("parties")),
                wish=_choice(Wish, details.get("wish")),
                result=case.result or (report.state if report else None),
            )
        )
    session.flush()
    for month, place in {(month_of(case.created_at), case.municipality) for case in cases if case.municipality}:
        _blur(session, month, place)


def _choice(kind: type[StrEnum], value: object) -> str | None:
    return str(value) if value in [str(each) for each in kind] else None


def _blur(session: Session, month: str, place: str) -> None:
    """Where too few came from a place, only the whole area is told."""
    begin, end = span_of(month)
    here = and_(Statistic.month == month, Statistic.place == place)
    living = select(func.count()).select_from(Thread).where(
        Thread.municipality == place, Thread.created_at >= begin, Thread.created_at < end, ~_is_request()
    )  # fmt: skip
    counted = session.scalar(living) or 0
    counted += session.scalar(select(func.count()).select_from(Statistic).where(here)) or 0
    if counted < FEWEST:
        session.execute(update(Statistic).where(here).values(place=None).execution_options(synchronize_session=False))


def _contacts(session: Session, point: ContactPoint, now: datetime, free: ColumnElement[bool]) -> int:
    """The way back to the person, and the number to call; the consent to call has served its purpose."""
    rows = session.execute(
        select(ContactLink.id, Thread.id.label("thread_id"), Thread.ref)
        .join(Thread, Thread.id == ContactLink.thread_id)
        .where(free, Thread.closed_at <= now - timedelta(days=point.retention.contact_days))
        .with_for_update(skip_locked=True)
    ).all()
    ring = ring_of(session.get_bind().dialect)
    for row in rows:
        erased(session, ring, point.id, Kind.CONTACT, row.ref, at=now)
    cut_contacts(session, [row.thread_id for row in rows], now)
    return len(rows)


def cut_contacts(session: Session, threads: Sequence[int], now: datetime) -> None:
    """Deletes the links between cases and people."""
    if not threads:
        return
    for statement in (
        delete(ContactLink).where(ContactLink.thread_id.in_(threads)),
        delete(SourceLink).where(SourceLink.thread_id.in_(threads)),
        update(Consent).where(Consent.thread_id.in_(threads), Consent.withdrawn_at.is_(None)).values(withdrawn_at=now),
    ):
        session.execute(statement.execution_options(synchronize_session=False))


def _transcripts(session: Session, point: ContactPoint, now: datetime, free: ColumnElement[bool]) -> int:
    """What person and desk said to each other, so many days after the last word; notes stay with the case."""
    until = now - timedelta(days=point.retention.transcript_days)
    words = ThreadEntry.kind.in_(RELAYED)
    threads = session.execute(
        select(Thread.id, Thread.ref)
        .where(
            free,
            Thread.created_at <= until,
            or_(Thread.waiting_since.is_(None), Thread.closed_at.is_not(None)),
            ~_held(),
            exists().where(ThreadEntry.thread_id == Thread.id, words),
            ~exists().where(ThreadEntry.thread_id == Thread.id, words, ThreadEntry.at > until),
        )
        .with_for_update(skip_locked=True)
    ).all()
    if not threads:
        return 0
    ring = ring_of(session.get_bind().dialect)
    for thread in threads:
        erased(session, ring, point.id, Kind.TRANSCRIPT, thread.ref, at=now)
    return erase_words(session, and_(ThreadEntry.thread_id.in_([thread.id for thread in threads]), words))


def _words_of_requests(session: Session, point: ContactPoint, now: datetime, free: ColumnElement[bool]) -> int:
    """What was written about a request to the pool, so many days after it was closed; the choices stay."""
    until = now - timedelta(days=point.retention.transcript_days)
    told = exists().where(ThreadEntry.thread_id == Thread.id, ThreadEntry.kind == "STORY")
    threads = session.execute(
        select(Thread.id, Thread.ref)
        .where(free, Thread.closed_at <= until, _is_request(), told)
        .with_for_update(skip_locked=True)
    ).all()
    ring = ring_of(session.get_bind().dialect)
    for thread in threads:
        erased(session, ring, point.id, Kind.TRANSCRIPT, thread.ref, at=now)
    return erase_request_words(session, [thread.id for thread in threads])


def erase_request_words(session: Session, threads: Sequence[int]) -> int:
    """Deletes what the requesters wrote, and what the desk's page shows of it."""
    for request in session.scalars(select(ExpertRequest).where(ExpertRequest.thread_id.in_(threads))):
        request.details = without_words(request.details)
    session.flush()
    return erase_words(session, and_(ThreadEntry.thread_id.in_(threads), ThreadEntry.kind == "STORY"))


def erase_words(session: Session, which: ColumnElement[bool]) -> int:
    """Deletes entries of cases, and what the desk's page shows of them."""
    rows = session.execute(
        select(ThreadEntry.id, ThreadEntry.message_id, OutboxMessage.remote_id)
        .outerjoin(OutboxMessage, OutboxMessage.id == ThreadEntry.outbox_id)
        .where(which)
    ).all()
    shown = {each for row in rows for each in (row.message_id, row.remote_id) if each}
    web_messages.forget_messages(session, "", shown)
    session.execute(
        delete(ThreadEntry)
        .where(ThreadEntry.id.in_([row.id for row in rows]))
        .execution_options(synchronize_session=False)
    )
    return len(rows)


def _files(session: Session, point: ContactPoint, now: datetime, free: ColumnElement[bool]) -> int:
    """Files that were allowed into a case; the mark that there was one stays (D-09)."""
    rows = session.execute(
        select(ThreadEntry.id, OutboxMessage.remote_id)
        .join(Thread, Thread.id == ThreadEntry.thread_id)
        .outerjoin(OutboxMessage, OutboxMessage.id == ThreadEntry.outbox_id)
        .where(
            free,
            ThreadEntry.kind == "EVENT",
            ThreadEntry.outbox_id.is_not(None),
            ThreadEntry.at <= now - timedelta(days=point.media.keep_days),
        )
    ).all()
    web_messages.forget_messages(session, "", {row.remote_id for row in rows if row.remote_id})
    session.execute(
        update(ThreadEntry)
        .where(ThreadEntry.id.in_([row.id for row in rows]))
        .values(outbox_id=None)
        .execution_options(synchronize_session=False)
    )
    return len(rows)


def _chats(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """Drafts, blocks, and chats that nobody uses any more."""
    ids = _next_ids(session, Conversation.id, after)
    if not ids:
        return Counts(), None
    idle = now - timedelta(days=point.retention.chat_days)
    found = session.scalars(
        select(Conversation)
        .where(
            Conversation.id.in_(ids),
            or_(
                Conversation.draft_until <= now,
                Conversation.blocked_until <= now,
                Conversation.last_heard_at <= idle,
            ),
        )
        .with_for_update(skip_locked=True)
    ).all()
    if not found:
        return Counts(), ids[-1]
    drafts = [each for each in found if each.draft_until is not None and each.draft_until <= now]
    for each in drafts:
        forget_draft(each)
    blocks = [each for each in found if each.blocked_until is not None and each.blocked_until <= now]
    for each in blocks:
        each.blocked_until = None
    session.flush()
    linked = set(
        session.scalars(
            select(ContactLink.conversation_id).where(ContactLink.conversation_id.in_([each.id for each in found]))
        )
    )
    linked |= set(
        session.scalars(
            select(UserAccount.conversation_id).where(UserAccount.conversation_id.in_([each.id for each in found]))
        )
    )
    linked |= set(
        session.scalars(
            select(MeetingMember.conversation_id).where(
                MeetingMember.conversation_id.in_([each.id for each in found]),
                MeetingMember.left_at.is_(None),
                MeetingMember.only_date_id.is_(None),
            )
        )
    )
    unused = [
        each
        for each in found
        if each.last_heard_at <= idle
        and each.id not in linked
        and each.holder != HUMAN
        and each.draft_until is None
        and each.blocked_until is None
    ]
    ring = ring_of(session.get_bind().dialect)
    for each in unused:
        erased(session, ring, point.id, Kind.CHAT, each.account, each.chat_key, at=now)
    erase_chats(session, unused)
    return Counts(drafts=len(drafts), blocks=len(blocks), chats=len(unused)), ids[-1]


def _accounts(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """Roles of people who have not written for so long, and codes that are too old."""
    months = point.retention.account_months
    rows = session.execute(
        select(UserAccount.id, Conversation)
        .join(Conversation, Conversation.id == UserAccount.conversation_id)
        .where(UserAccount.id > after, Conversation.last_heard_at <= now - months * SHORTEST_MONTH)
        .order_by(UserAccount.id)
        .limit(WINDOW)
        .with_for_update(skip_locked=True, of=Conversation)
    ).all()
    ring = ring_of(session.get_bind().dialect)
    gone = [chat for _key, chat in rows if months_after(chat.last_heard_at, months) <= now]
    for chat in gone:
        erased(session, ring, point.id, Kind.ROLES, chat.account, chat.chat_key, at=now)
        drop_drafts(chat, ())
        accounts.forget_account(session, chat.id)
    _delete_moments(session, [chat.id for chat in gone])
    codes = accounts.forget_codes(session, now) if not after else 0
    return Counts(accounts=len(gone), invitations=codes), rows[-1][0] if rows else None


def _profiles(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """Profiles of experts who left the pool so long ago; first what they have accepted comes to its end."""
    months = point.retention.expert_profile_months
    under_way = (
        exists()
        .where(Offer.profile_id == PoolProfile.id, Offer.state == OfferState.ACCEPTED)
        .where(ExpertRequest.id == Offer.request_id, ExpertRequest.state.in_(sorted(RUNNING)))
    )
    rows = session.execute(
        select(PoolProfile.id, PoolProfile.number, PoolProfile.left_at)
        .where(PoolProfile.left_at <= now - months * SHORTEST_MONTH, PoolProfile.id > after, ~under_way)
        .order_by(PoolProfile.id)
        .limit(WINDOW)
        .with_for_update(skip_locked=True)
    ).all()
    ring = ring_of(session.get_bind().dialect)
    gone = [row for row in rows if row.left_at and months_after(row.left_at, months) <= now]
    for row in gone:
        erased(session, ring, point.id, Kind.PROFILE, row.number, at=now)
    _delete_rows(session, PoolProfile, [row.id for row in gone])
    return Counts(profiles=len(gone)), rows[-1].id if rows else None


def _meetings(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """Dates so long ago with answers, topics and minutes, but not while a measure is open; then meetings without any.

    What was said of the mood goes as early as a talk.
    """
    mood = update(Attendance).where(
        Attendance.pulse.is_not(None),
        Attendance.date_id.in_(
            select(MeetingDate.id).where(MeetingDate.starts_at <= _days_ago(now, point.retention.transcript_days))
        ),
    )
    session.execute(mood.values(pulse=None).execution_options(synchronize_session=False))
    months = point.retention.meeting_months
    is_open = exists().where(Measure.date_id == MeetingDate.id, Measure.done_at.is_(None), Measure.due_on.is_not(None))
    rows = session.execute(
        select(MeetingDate.id, MeetingDate.starts_at)
        .where(MeetingDate.starts_at <= now - months * SHORTEST_MONTH, MeetingDate.id > after, ~is_open)
        .order_by(MeetingDate.id)
        .limit(WINDOW)
    ).all()
    gone = [row.id for row in rows if months_after(row.starts_at, months) <= now]
    _delete_rows(session, MeetingDate, gone)
    empty = session.scalars(
        select(Meeting.id).where(
            or_(Meeting.ended_at <= now - months * SHORTEST_MONTH, Meeting.rule == ""),
            Meeting.created_at <= now - months * SHORTEST_MONTH,
            ~exists().where(MeetingDate.meeting_id == Meeting.id),
        )
    ).all()
    _delete_rows(session, Meeting, empty)
    return Counts(meetings=len(gone) + len(empty)), rows[-1].id if rows else None


def _delete_moments(session: Session, chats: Sequence[int]) -> None:
    statement = delete(DueRow).where(DueRow.subject.in_(chats), DueRow.kind == AWAY_OVER)
    session.execute(statement.execution_options(synchronize_session=False))


def forget_draft(conversation: Conversation) -> None:
    """Forgets what was begun and not sent, and words that came before anything."""
    memory = Memory.from_json(conversation.memory)
    conversation.memory = replace(memory, state=None, draft=None, pending=(), reminded=False).to_json()
    conversation.draft_until = None


def erase_chats(session: Session, chats: Sequence[Conversation]) -> None:
    """Deletes chats with their address, their page and their reminders."""
    for each in chats:
        web_messages.forget_chat(session, each.address)
    ids = [each.id for each in chats]
    if not ids:
        return
    session.flush()
    for statement in (
        delete(DueRow).where(DueRow.subject.in_(ids), DueRow.kind.in_(OF_CHATS)),
        delete(Conversation).where(Conversation.id.in_(ids)),
    ):
        session.execute(statement.execution_options(synchronize_session=False))


def _pages(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """What the web page shows: chats as long as a transcript; at the desk, cases stay until the case goes."""
    until = now - timedelta(days=point.retention.transcript_days)
    rows = session.execute(
        select(WebMessage.id, WebMessage.place_key)
        .where(WebMessage.id > after, WebMessage.created_at <= until, WebMessage.thread_key.is_(None))
        .order_by(WebMessage.id)
        .limit(WINDOW)
    ).all()
    if not rows:
        return Counts(), None
    kept = _places_on_hold(session)
    gone = [row.id for row in rows if row.place_key not in kept]
    session.execute(delete(WebMessage).where(WebMessage.id.in_(gone)).execution_options(synchronize_session=False))
    return Counts(pages=len(gone)), rows[-1].id


def _places_on_hold(session: Session) -> set[str]:
    addresses = session.scalars(
        select(Conversation.address)
        .join(ContactLink, ContactLink.conversation_id == Conversation.id)
        .join(Thread, Thread.id == ContactLink.thread_id)
        .where(_on_hold())
    )
    return {web_messages.place_key(session, address) for address in addresses}


def _inbox(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """Marks by which a repeated message is known."""
    old = _days_ago(now, point.retention.delivery_days)
    rows = _window(session, InboxMessage.id, InboxMessage.state, InboxMessage.received_at, after)
    gone = [key for key, state, at in rows if state in ("DONE", "FAILED") and at <= old]
    _delete_rows(session, InboxMessage, gone)
    return Counts(inbox=len(gone)), _go_on(rows, old)


def _outbox(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """Marks of what was sent, unless it stands for something that can still change at its place."""
    old = _days_ago(now, point.retention.delivery_days)
    rows = _window(session, OutboxMessage.id, OutboxMessage.state, OutboxMessage.queued_at, after)
    gone = {key for key, state, at in rows if state in ("SENT", "SILENCED", "LATE", "DEAD") and at <= old}
    for used in (Thread.card_outbox_id, ThreadEntry.outbox_id, ThreadEntry.status_outbox_id):
        gone.difference_update(session.scalars(select(used).where(used.in_(gone))))
    _delete_rows(session, OutboxMessage, gone)
    return Counts(outbox=len(gone)), _go_on(rows, old)


def _window(session: Session, key: Any, state: Any, at: Any, after: int) -> Sequence[Any]:
    return session.execute(select(key, state, at).where(key > after).order_by(key).limit(WINDOW)).all()


def _go_on(rows: Sequence[Any], old: datetime) -> int | None:
    """Ids grow with time: once everything in sight is young, so is the rest."""
    return rows[-1][0] if len(rows) == WINDOW and any(at <= old for _key, _state, at in rows) else None


def _faults(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """The words of what failed; that it failed stays known as long as any other mark."""
    old = _days_ago(now, point.retention.fault_days)
    failed = session.scalars(
        select(InboxMessage.id)
        .where(InboxMessage.state == "FAILED", InboxMessage.payload.is_not(None), InboxMessage.received_at <= old)
        .limit(WINDOW)
    ).all()
    dead = session.scalars(
        select(OutboxMessage.id)
        .where(OutboxMessage.state == "DEAD", OutboxMessage.payload.is_not(None), OutboxMessage.queued_at <= old)
        .limit(WINDOW)
    ).all()
    for statement in (
        update(InboxMessage).where(InboxMessage.id.in_(failed)).values(payload=None),
        update(OutboxMessage).where(OutboxMessage.id.in_(dead)).values(payload=None, address=""),
    ):
        session.execute(statement.execution_options(synchronize_session=False))
    full = WINDOW in (len(failed), len(dead))
    return Counts(fault_words=len(failed) + len(dead)), after + 1 if full else None


def _days_ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


def _delete_rows(session: Session, model: Any, ids: Iterable[int]) -> None:
    statement = delete(model).where(model.id.in_(list(ids)))
    session.execute(statement.execution_options(synchronize_session=False))


def _reminders(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """Moments that have come and are dealt with."""
    ids = session.scalars(
        select(DueRow.id)
        .where(DueRow.done_at <= _days_ago(now, point.retention.delivery_days), DueRow.id > after)
        .order_by(DueRow.id)
        .limit(WINDOW)
    ).all()
    _delete_rows(session, DueRow, ids)
    return Counts(reminders=len(ids)), ids[-1] if ids else None


def _consents(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """Proofs, so many years after the consent has ended."""
    months = 12 * point.retention.consent_proof_years
    rows = session.execute(
        select(Consent.id, Consent.withdrawn_at)
        .where(Consent.withdrawn_at.is_not(None), Consent.id > after)
        .order_by(Consent.id)
        .limit(WINDOW)
    ).all()  # fmt: skip
    gone = [key for key, withdrawn_at in rows if withdrawn_at and months_after(withdrawn_at, months) <= now]
    _delete_rows(session, Consent, gone)
    return Counts(consents=len(gone)), rows[-1][0] if rows else None


def _erasures(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """The list of erasures itself, once no backup can be that old."""
    ids = session.scalars(
        select(Erasure.id)
        .where(Erasure.at < erasures_since({point.id: point}, now), Erasure.id > after)
        .order_by(Erasure.id)
        .limit(WINDOW)
    ).all()
    _delete_rows(session, Erasure, ids)
    return Counts(erasures=len(ids)), ids[-1] if ids else None


def _parts(session: Session, point: ContactPoint, now: datetime, after: int) -> tuple[Counts, int | None]:
    """Of what parts a message of a messenger consisted, and what reactions to it mean."""
    moment = _days_ago(now, point.retention.delivery_days)
    return Counts(outbox=telegram.forget_before(session, moment) + matrix.forget_before(session, moment)), None


RULES: Final[tuple[Rule, ...]] = (
    _cases,
    _accounts,
    _profiles,
    _meetings,
    _chats,
    _pages,
    _inbox,
    _outbox,
    _parts,
    _faults,
    _reminders,
    _consents,
    _erasures,
)
"""In this order: nothing that a rule sets free is left for the next day."""
