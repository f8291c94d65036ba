"""Ten thousand reminders due at once, three processes, one killed and one asleep: all are sent, none twice but in doubt."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.channels.lines import ACCOUNT
from bot.contact_point import ContactPoint
from bot.desks import DeskAt
from bot.meetings import planning
from bot.meetings.meeting import Plan, Why
from bot.meetings.rule import Series, local_of
from bot.taxonomy import Role
from bot.work import Pending, Work
from storage.accounts import RoleGrant, UserAccount
from storage.database import Database
from storage.keys import KeyRing, load_ring
from storage.meetings import Meeting, MeetingMember
from storage.models import Conversation, DueRow, OutboxMessage
from tests.bench import START
from tests.databases import Postgres
from tests.pipe import Pipe
from tests.postgres import Server

LATER = START + timedelta(days=20)
"""When the meetings take place, at the same time of day."""


def fill(session: Session, ring: KeyRing, point: ContactPoint, tables: int, members: int) -> None:
    """Meetings whose members know of them, and are to be reminded three days before."""
    work = Work(session, point, START, ring, DeskAt(ACCOUNT), Pending(session))
    session.add_all(
        Conversation(
            account=ACCOUNT, chat_key=ring.lookup("chat", ACCOUNT, f"p{n}"), address=f"p{n}", holder="BOT",
            language="en", last_heard_at=START, created_at=START,
        )
        for n in range(tables * members)
    )  # fmt: skip
    session.flush()
    chats = list(session.scalars(select(Conversation.id).order_by(Conversation.id)))
    for n in range(tables):
        meeting = planning.plan(
            work,
            Plan(
                kind="ROUND_TABLE",
                title=f"Table {n}",
                series=Series(starts=local_of(LATER)),
                roles=frozenset({Role.KI_LEAD}),
                steps=(3,),
            ),
        )
        session.add_all(
            MeetingMember(
                meeting_id=meeting.id, conversation_id=chat, why=Why.NAMED, invited_at=START, told_sequence=0,
                excluded=False,
            )
            for chat in chats[n * members : (n + 1) * members]
        )  # fmt: skip
    session.add(UserAccount(conversation_id=chats[0], name="x", created_at=START, grants=[RoleGrant(role="VOLUNTEER")]))
    work.write()


class Listening:
    """A process, and all that it says."""

    def __init__(self, url: str, folder: Path) -> None:
        self.pipe = Pipe(url, folder)
        self.said: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while (line := self.pipe.read(600)) is not None:
            self.said.append(line)

    def end(self) -> str:
        log = self.pipe.end()
        self._thread.join(30)
        return log


def waiting(database: Database) -> int:
    """Reminders not settled, and moments that have come and are not dealt with."""
    with database.transaction(everywhere=True) as session:
        unsent = session.scalar(select(func.count()).where(OutboxMessage.settled_at.is_(None))) or 0
        due = select(func.count()).where(DueRow.done_at.is_(None), DueRow.due_at <= LATER - timedelta(days=3))
        return unsent + (session.scalar(due) or 0)


@pytest.mark.parametrize(
    ("tables", "members"), [pytest.param(50, 200, marks=pytest.mark.long), pytest.param(4, 10, marks=pytest.mark.long)]
)
def test_every_reminder_is_sent_once(
    server: Server, oberberg: ContactPoint, tmp_path: Path, tables: int, members: int
) -> None:
    databases = Postgres(server)
    url = databases.new()
    first = Pipe(url, tmp_path)
    first.write({"id": "begin", "now": START.isoformat()})
    while first.read(60) != {"done": "begin"}:
        pass
    first.end()
    ring = load_ring(tmp_path / "anlaufstelle.keys", {})
    with closing(Database.open(url, ring)) as database:
        with database.transaction(oberberg.id) as session:
            fill(session, ring, oberberg, tables, members)
        processes = [Listening(url, tmp_path) for _n in range(3)]
        time.sleep(3)
        processes[0].pipe.write({"id": "later", "now": (LATER - timedelta(days=3)).isoformat()})
        time.sleep(2)
        processes[1].pipe.kill()
        processes[2].pipe.process.send_signal(signal.SIGSTOP)
        time.sleep(20)
        processes[2].pipe.process.send_signal(signal.SIGCONT)
        until = time.monotonic() + 900
        while waiting(database):
            assert time.monotonic() < until, f"{waiting(database)} are left"
            time.sleep(1)
        logs = [each.end() for each in processes]
        for log in logs:
            assert "Traceback" not in log, log
        with database.transaction(everywhere=True) as session:
            assert session.scalar(select(func.count()).select_from(Meeting)) == tables
    heard = Counter(
        line["to"]
        for each in processes
        for line in each.said
        if "to" in line and "Reminder: Table" in line.get("text", "")
    )
    assert set(heard) == {f"p{n}" for n in range(tables * members)}
    twice = [chat for chat, times in heard.items() if times > 1]
    assert len(twice) <= 2, "one in doubt for each process that went away"
    assert max(heard.values()) <= 2
    databases.drop(url)
