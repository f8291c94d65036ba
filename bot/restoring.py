"""A backup takes the place of the database, without bringing back what was erased since (data-protection.md 5.2).

Everything is prepared in a copy. Only at the very end, in one step, it takes the place of the present database, which
is kept aside. Whatever goes wrong before leaves everything as it was.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, and_, delete, make_url, select, text, update
from sqlalchemy.orm import Session

from bot.contact_point import ContactPoint
from bot.desk.people import drop_drafts
from bot.holder import BOT
from bot.messages import Voice
from bot.pool import profiles
from bot.retention import (
    CASE,
    OF_CASES,
    RELAYED,
    cut_contacts,
    erase_cases,
    erase_chats,
    erase_request_words,
    erase_words,
    erasures_since,
    of_rows,
)
from bot.taxonomy import OVER, OfferState, ReportState, RequestState
from storage import accounts, dumps, matrix, meetings, telegram, web_messages
from storage.backup import BackupError, check, is_dump, made_at, remove, sqlite_file
from storage.database import Database, DatabaseError
from storage.erasures import OF_PROFILES, Erased, ErasureFile, Kind, ListUnreadable, enter, entries, subject_of
from storage.file_lock import FileLock
from storage.files import empty, synced
from storage.key_check import check_keys
from storage.keys import KeyRing, WrongKey
from storage.migrate import upgrade
from storage.models import (
    ContactLink,
    Conversation,
    DueRow,
    InboxMessage,
    OutboxMessage,
    Report,
    Setting,
    Thread,
    ThreadEntry,
)
from storage.pool import ExpertRequest, Offer, PoolProfile

NUMBERED: Final = ("inbox", "outbox")
"""Tables whose ids are names for messengers: none may come twice."""

LEAP: Final = 1_000_000
"""How far ids leap where it cannot be known which ones the lost database has used."""

NUMBERS_LEAP: Final = 1_000
"""The same for the numbers of a pool, which people read and say."""

_UNSENT: Final = ("QUEUED", "SENDING")


@dataclass(frozen=True)
class Restored:
    """What was done."""

    made_at: datetime
    """The moment whose state is there again."""
    erased_again: int
    silenced: int
    """Messages that stood unsent in the backup and had been sent since."""
    aside: str
    """Where the database is that was replaced; empty if there was none."""


@dataclass(frozen=True)
class Traces:
    """What the database that is replaced knows of the time after the backup."""

    erasures: frozenset[Erased]
    unsent: frozenset[int]
    """Ids of outgoing messages that still wait in it."""
    highest: Mapping[str, int]
    """The last id given, by table."""
    counted: Mapping[str, int]
    """The last numbers given in each pool, by the names of their settings."""


_COUNTED: Final = f"SELECT name, value FROM setting WHERE name LIKE '{profiles.COUNTED}%'"  # noqa: S608  # a name of ours

Query = Callable[[str], list[Any]]


def restore(
    url: str,
    backup: Path,
    ring: KeyRing,
    contact_points: Mapping[str, ContactPoint],
    erasure_file: ErasureFile,
    now: datetime,
    *,
    erasures_lost: bool = False,
) -> Restored:
    """Puts the state of a backup in the place of the database; raises BackupError, with everything as it was.

    `erasures_lost`: go on although what was erased since the backup cannot be known.
    """
    target = make_url(url)
    if not backup.is_file():
        raise BackupError(f"There is no backup {backup}.")
    if is_dump(backup) != (target.get_backend_name() != "sqlite"):
        raise BackupError(f"{backup.name} is of another kind of database than the one it is to replace.")
    check(backup, ring)
    place = _SqlitePlace(target, now) if sqlite_file(target) else _PostgresPlace(target, now)
    try:
        with place.present() as traces:
            listed = _listed(traces, erasure_file, backup, contact_points, now, erasures_lost=erasures_lost)
            with place.stage(backup, ring) as stage:
                restored = _prepare(stage, backup, contact_points, traces, listed, now)
                with stage.transaction(everywhere=True) as session:
                    everything = entries(session)
            # Before the swap: a list that names too much does no harm, one that names too little does.
            erasure_file.replace(everything | listed)
            place.swap()
    except (DatabaseError, WrongKey, dumps.ToolError) as wrong:
        raise BackupError(f"The backup cannot be restored: {wrong}") from None
    except OSError as wrong:
        raise BackupError(f"The backup cannot be restored: {wrong.strerror}.") from None
    finally:
        place.clean()
    return Restored(restored.made_at, restored.erased_again, restored.silenced, place.aside)


def _listed(
    traces: Traces | None,
    erasure_file: ErasureFile,
    backup: Path,
    contact_points: Mapping[str, ContactPoint],
    now: datetime,
    *,
    erasures_lost: bool,
) -> frozenset[Erased]:
    """What was erased, from the present database and from the file beside it."""
    told, beside = "", None
    try:
        beside = erasure_file.read()
    except ListUnreadable as wrong:
        told = str(wrong)
    if traces is None and beside is None and not told:
        told = f"Neither the database nor the list {erasure_file.path} is there."
    if made_at(backup) < erasures_since(contact_points, now):
        told = f"The list of erasures does not reach back to {made_at(backup):%Y-%m-%d}."
    if told and not erasures_lost:
        raise BackupError(
            f"{told} What people had deleted since the backup would come back. "
            "To restore all the same, and to delete it by hand: --erasures-lost"
        )
    return (traces.erasures if traces else frozenset()) | (beside or frozenset())


def _prepare(
    stage: Database,
    backup: Path,
    contact_points: Mapping[str, ContactPoint],
    traces: Traces | None,
    listed: frozenset[Erased],
    now: datetime,
) -> Restored:
    upgrade(stage)
    check_keys(stage)
    own = _highest(_on(stage))
    silenced = _settle_unsent(stage, traces, own)
    _leave_ids_behind(stage, traces, own)
    with stage.transaction(everywhere=True) as session:
        missing = listed - entries(session)
        enter(session, missing)
        _count_on(session, traces)
        matrix.grow_old(session)
        # A code may have been used since.
        accounts.forget_codes(session)
    erased_again = replay(stage, missing)
    for _counts in of_rows(stage, contact_points, now):
        pass
    stage.checkpoint()
    return Restored(made_at(backup), erased_again, silenced, "")


def _is_successor(traces: Traces | None, own: Mapping[str, int], table: str) -> bool:
    """Whether the present database went on from the backup, and is not one that was begun anew."""
    return traces is not None and traces.highest[table] >= own[table]


def _settle_unsent(stage: Database, traces: Traces | None, own: Mapping[str, int]) -> int:
    """Takes out what was sent after the backup was made.

    Where that cannot be known, words of a human go out again, for twice is better than never; what the program
    had to say has been overtaken by events.
    """
    waiting = OutboxMessage.state.in_(_UNSENT)
    with stage.transaction(everywhere=True) as session:
        rows = session.execute(select(OutboxMessage.id, OutboxMessage.voice).where(waiting)).all()
        if traces is not None and _is_successor(traces, own, "outbox"):
            sent = [row.id for row in rows if row.id not in traces.unsent]
        else:
            sent = [row.id for row in rows if row.voice != Voice.DESK]
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id.in_(sent))
            .values(state="SILENCED", settled_at=OutboxMessage.queued_at, payload=None, address="", sender=None)
            .execution_options(synchronize_session=False)
        )
    return len(sent)


def _leave_ids_behind(stage: Database, traces: Traces | None, own: Mapping[str, int]) -> None:
    with stage.connection() as connection, connection.begin():
        for table in NUMBERED:
            known = max(own[table], traces.highest[table] if traces else 0)
            last = known if _is_successor(traces, own, table) else known + LEAP
            if last == 0:
                continue
            if connection.dialect.name == "sqlite":
                connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table})
                connection.execute(
                    text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)"),
                    {"table": table, "last": last},
                )
            else:
                connection.execute(
                    text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)"), {"table": table, "last": last}
                )


def _count_on(session: Session, traces: Traces | None) -> None:
    """Numbers of the pool that were given after the backup are not given again."""
    for row in session.scalars(select(Setting).where(Setting.name.like(f"{profiles.COUNTED}%"))):
        given = traces.counted.get(row.name, -1) if traces is not None else -1
        # A database that was begun anew does not know which ones the lost one has given.
        row.value = str(given if given >= int(row.value) else int(row.value) + NUMBERS_LEAP)


def _traces(query: Query) -> Traces:
    try:
        listed = query("SELECT at, contact_point, kind, subject FROM erasure")
    except LookupError:
        listed = []
    return Traces(
        frozenset(Erased(_moment(at), point, Kind(kind), subject) for at, point, kind, subject in listed),
        frozenset(row[0] for row in query("SELECT id FROM outbox WHERE state IN ('QUEUED', 'SENDING')")),
        _highest(query),
        {name: int(value) for name, value in query(_COUNTED)},
    )


def _moment(raw: str | datetime) -> datetime:
    moment = datetime.fromisoformat(raw) if isinstance(raw, str) else raw
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _highest(query: Query) -> dict[str, int]:
    found = {}
    for table in NUMBERED:
        given = query(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0]  # noqa: S608  # a name of ours
        try:
            counted = query(f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'")  # noqa: S608
        except LookupError:
            counted = query(f"SELECT last_value FROM {table}_id_seq WHERE is_called")  # noqa: S608
        found[table] = max(given, counted[0][0] if counted else 0)
    return found


def _on(database: Database) -> Query:
    """Asks a database; LookupError for a table that is not there."""

    def query(sql: str) -> list[Any]:
        wanted = sql.split(" FROM ")[1].split()[0]
        with database.connection() as connection, connection.begin():
            if wanted == "sqlite_sequence" and connection.dialect.name != "sqlite":
                raise LookupError(wanted)
            if wanted == "erasure" and not connection.dialect.has_table(connection, wanted):
                raise LookupError(wanted)
            return list(connection.execute(text(sql)).all())

    return query


def replay(database: Database, missing: Collection[Erased]) -> int:
    """Erases again what the list names; returns how many entries met something."""
    by_point: dict[str, dict[str, set[Kind]]] = defaultdict(lambda: defaultdict(set))
    moments: dict[tuple[str, str, Kind], datetime] = {}
    for each in sorted(missing):
        by_point[each.contact_point][each.subject].add(each.kind)
        moments[each.contact_point, each.subject, each.kind] = each.at
    met = 0
    for point, subjects in by_point.items():
        with database.transaction(point) as session:
            met += _replay_cases(session, database.ring, point, subjects, moments)
            met += _replay_chats(session, database.ring, point, subjects)
            met += _replay_profiles(session, database.ring, point, subjects, moments)
    return met


def _replay_cases(
    session: Session,
    ring: KeyRing,
    point: str,
    subjects: Mapping[str, set[Kind]],
    moments: Mapping[tuple[str, str, Kind], datetime],
) -> int:
    gone, expired, met = [], [], 0
    for case in session.execute(select(*CASE)).all():
        subject = subject_of(ring, point, case.ref)
        kinds = subjects.get(subject, set())
        met += bool(kinds)
        if Kind.WITHDRAWN in kinds:
            gone.append(case)
        elif Kind.EXPIRED in kinds:
            expired.append(case)
        else:
            if Kind.TRANSCRIPT in kinds:
                _forget_talk(session, case.id, moments[point, subject, Kind.TRANSCRIPT])
            if Kind.WORDS in kinds:
                _take_words(session, case, moments[point, subject, Kind.WORDS])
            if Kind.TAKEN_BACK in kinds:
                _end_request(session, case.id, moments[point, subject, Kind.TAKEN_BACK])
            if kinds & {Kind.WORDS, Kind.CONTACT}:
                _cut(session, case.id, moments[point, subject, Kind.WORDS if Kind.WORDS in kinds else Kind.CONTACT])
    for case in (*gone, *expired):
        _let_go(session, case.id)
    now = max((each for each in moments.values()), default=datetime.now(UTC))
    erase_cases(session, gone, now, leave_statistics=False)
    erase_cases(session, expired, now)
    return met


def _forget_talk(session: Session, thread: int, at: datetime) -> None:
    erase_words(session, and_(ThreadEntry.thread_id == thread, ThreadEntry.kind.in_(RELAYED), ThreadEntry.at <= at))
    erase_request_words(session, [thread] if _is_closed_request(session, thread) else [])


def _is_closed_request(session: Session, thread: int) -> bool:
    """The words of a request to the pool go with its talk, but only once it is over."""
    closed = (
        select(Thread.id)
        .join(ExpertRequest, ExpertRequest.thread_id == Thread.id)
        .where(Thread.id == thread, Thread.closed_at.is_not(None))
    )
    return session.scalar(closed) is not None


def _take_words(session: Session, case: Any, at: datetime) -> None:
    """As taking a report back does it."""
    for statement in (
        update(Report)
        .where(Report.thread_id == case.id)
        .values(story=None, details=None, state=ReportState.WITHDRAWN, withdrawn_at=at),
        update(ThreadEntry).where(ThreadEntry.thread_id == case.id).values(text=None),
        update(Thread).where(Thread.id == case.id).values(closed_at=at, taken_by=None, talk_until=None),
    ):
        session.execute(statement.execution_options(synchronize_session=False))
    web_messages.forget_threads(session, [case.ref])
    telegram.forget_cases(session, [case.ref])
    matrix.forget_cases(session, [case.ref])


def _cut(session: Session, thread: int, at: datetime) -> None:
    """Nobody can be reached, so nobody waits."""
    _let_go(session, thread)
    cut_contacts(session, [thread], at)
    for statement in (
        update(Thread).where(Thread.id == thread).values(waiting_since=None, deadline=None),
        delete(DueRow).where(DueRow.subject == thread, DueRow.kind.in_(OF_CASES)),
    ):
        session.execute(statement.execution_options(synchronize_session=False))
    # Whom nobody can reach, nobody can be sent to.
    _end_request(session, thread, at)


def _end_request(session: Session, thread: int, at: datetime) -> None:
    """Nobody is looked for any more; who had been asked was told so then."""
    request = session.scalars(
        select(ExpertRequest).where(ExpertRequest.thread_id == thread, ExpertRequest.state.not_in(OVER))
    ).one_or_none()
    if request is None:
        return
    request.state, request.ended_at, request.due_at = RequestState.CANCELLED, at, None
    session.flush()
    for statement in (
        update(Offer)
        .where(Offer.request_id == request.id, Offer.state.in_((OfferState.OPEN, OfferState.ACCEPTED)))
        .values(state=OfferState.RECALLED, answered_at=at),
        update(Thread).where(Thread.id == thread).values(closed_at=at, taken_by=None, talk_until=None),
    ):
        session.execute(statement.execution_options(synchronize_session=False))


def _let_go(session: Session, thread: int) -> None:
    session.execute(
        update(Conversation)
        .where(Conversation.thread_id == thread)
        .values(holder=BOT, thread_id=None)
        .execution_options(synchronize_session=False)
    )


def _replay_profiles(
    session: Session,
    ring: KeyRing,
    point: str,
    subjects: Mapping[str, set[Kind]],
    moments: Mapping[tuple[str, str, Kind], datetime],
) -> int:
    met = 0
    for row in session.scalars(select(PoolProfile)).all():
        subject = subject_of(ring, point, row.number)
        kinds = subjects.get(subject, set()) & OF_PROFILES
        met += bool(kinds)
        if Kind.PROFILE in kinds:
            session.delete(row)
        elif Kind.LEFT in kinds and row.left_at is None:
            row.left_at = moments[point, subject, Kind.LEFT]
    return met


def _replay_chats(session: Session, ring: KeyRing, point: str, subjects: Mapping[str, set[Kind]]) -> int:
    unused, met = [], 0
    for key, account, chat_key in session.execute(
        select(Conversation.id, Conversation.account, Conversation.chat_key)
    ).all():
        kinds = subjects.get(subject_of(ring, point, account, chat_key), set())
        if not kinds:
            continue
        met += 1
        conversation = session.get_one(Conversation, key)
        if kinds - {Kind.ROLES}:
            session.execute(
                delete(InboxMessage)
                .where(InboxMessage.chat_key == chat_key, InboxMessage.state != "DONE")
                .execution_options(synchronize_session=False)
            )
        if kinds & {Kind.ROLES, Kind.FORGOTTEN}:
            requests = select(ExpertRequest.thread_id)
            session.execute(
                delete(ContactLink)
                .where(ContactLink.conversation_id == key, ContactLink.thread_id.in_(requests))
                .execution_options(synchronize_session=False)
            )
            accounts.forget_account(session, key)
        if Kind.FORGOTTEN in kinds:
            meetings.forget_chat(session, key)
        if Kind.CHAT in kinds:
            unused.append(conversation)
        elif Kind.FORGOTTEN not in kinds:
            drop_drafts(conversation, ())
        else:
            conversation.language = conversation.privacy_read_at = None
            conversation.memory = conversation.draft_until = None
    session.flush()
    erase_chats(session, unused)
    return met


class _SqlitePlace:
    """A file that is replaced by another one."""

    def __init__(self, url: URL, now: datetime) -> None:
        self.file = sqlite_file(url) or Path()
        self.aside = ""
        self._new = self.file.with_name(f"{self.file.name}.restoring")
        self._aside = self.file.with_name(f"{self.file.name}.before-restore-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")

    @contextmanager
    def present(self) -> Iterator[Traces | None]:
        """Keeps everybody else out of the file until it is replaced; None where it cannot be read."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(self.file)
        try:
            lock.take()
        except DatabaseError as used:
            raise BackupError(str(used)) from None
        try:
            with self._present() as traces:
                yield traces
        finally:
            lock.release()

    @contextmanager
    def _present(self) -> Iterator[Traces | None]:
        if not self.file.exists():
            yield None
            return
        connection = sqlite3.connect(f"{self.file.absolute().as_uri()}?mode=rw", uri=True, timeout=1)
        connection.isolation_level = None
        try:
            yield self._shut(connection)
        finally:
            connection.close()

    def _shut(self, connection: sqlite3.Connection) -> Traces | None:
        def query(sql: str) -> list[Any]:
            try:
                return connection.execute(sql).fetchall()
            except sqlite3.OperationalError as wrong:
                raise LookupError(str(wrong)) from None

        try:
            # Refused while anybody else has the file open; then nobody can open it, and it has no side files.
            (mode,) = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise BackupError(f"{self.file} is in use: stop the bot first.") from None
        except sqlite3.DatabaseError:
            return None
        if mode != "delete":
            raise BackupError(f"{self.file} is in use: stop the bot first.")
        try:
            return _traces(query)
        except (sqlite3.DatabaseError, LookupError, ValueError):
            return None

    @contextmanager
    def stage(self, backup: Path, ring: KeyRing) -> Iterator[Database]:
        """The backup in a file of its own, to be worked on."""
        self.clean()
        empty(self._new)
        shutil.copyfile(backup, self._new)
        database = Database.open(f"sqlite:///{self._new}", ring)
        try:
            yield database
        finally:
            database.close()
        synced(self._new)

    def swap(self) -> None:
        """At every moment there is one database at its place."""
        if self.file.exists():
            os.link(self.file, self._aside)
            self.aside = str(self._aside)
        for suffix in ("-wal", "-shm"):
            side = self.file.with_name(self.file.name + suffix)
            if side.exists():
                os.replace(side, self._aside.with_name(self._aside.name + suffix))
        os.replace(self._new, self.file)
        synced(self.file.parent)

    def clean(self) -> None:
        remove(self._new)
        remove(self._new.with_name(f"{self._new.name}.before-upgrade"))


class _PostgresPlace:
    """A database on a server that another one is renamed to."""

    def __init__(self, url: URL, now: datetime) -> None:
        self.url = url
        self.aside = ""
        self._new = f"{url.database}_restoring"
        self._aside = f"{url.database}_before_restore_{now.astimezone(UTC):%Y%m%dt%H%M%Sz}"
        self._present = False
        self._created = False

    @contextmanager
    def present(self) -> Iterator[Traces | None]:
        self._present = dumps.exists(self.url)
        if not self._present:
            yield None
            return
        if dumps.users_of(self.url):
            raise BackupError(f"Somebody is connected to the database {self.url.database}: stop the bot first.")
        yield self._read()

    def _read(self) -> Traces | None:
        # Only its tables are read; no key is needed for what is looked at.
        database = Database.open(self.url.render_as_string(hide_password=False), KeyRing.new())
        try:
            with database.connection() as connection, connection.begin():
                if not connection.dialect.has_table(connection, "outbox"):
                    return None
            return _traces(_on(database))
        finally:
            database.close()

    @contextmanager
    def stage(self, backup: Path, ring: KeyRing) -> Iterator[Database]:
        dumps.create(self.url, self._new)
        self._created = True
        new = self.url.set(database=self._new)
        dumps.load(backup, new)
        database = Database.open(new.render_as_string(hide_password=False), ring)
        try:
            yield database
        finally:
            database.close()

    def swap(self) -> None:
        dumps.swap(self.url, self._new, self._aside, present=self._present)
        self._created = False
        self.aside = self._aside if self._present else ""

    def clean(self) -> None:
        if self._created:
            dumps.drop(self.url, self._new)
