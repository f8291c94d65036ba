"""One code, one person: whoever comes first, in whatever process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from storage import accounts
from storage.accounts import Invitation, UserAccount, code_key
from storage.database import Database
from storage.keys import KeyRing
from storage.models import Conversation

POINT = "oberberg"
CODE = "7F3K-29QX-HB4M"
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
MANY = 8


@pytest.fixture
def several(url: str, ring: KeyRing) -> Iterator[list[Database]]:
    """As many processes have it open: on PostgreSQL several, on SQLite one."""
    first = Database.open(url, ring)
    databases = [first]
    if first.file is None:
        databases += [Database.open(url, ring) for _more in range(MANY - 1)]
    yield databases
    for each in databases:
        each.close()


def begin(database: Database) -> list[int]:
    """An invitation, and the chats of those who have heard of it."""
    with database.transaction(POINT) as session:
        session.add(
            Invitation(
                code_key=code_key(database.ring, CODE), roles="EXPERT", municipalities="", expires_at=NOW + timedelta(1)
            )
        )
        chats = [
            Conversation(account="web", chat_key=str(n), address=str(n), last_heard_at=NOW, created_at=NOW)
            for n in range(MANY)
        ]
        session.add_all(chats)
        session.flush()
        return [each.id for each in chats]


def redeem(database: Database, chat: int) -> bool:
    with database.transaction(POINT) as session:
        conversation = session.get_one(Conversation, chat, with_for_update=True)
        return accounts.redeem(session, database.ring, conversation, CODE, NOW) is not None


def test_of_many_at_once_one_gets_the_role(several: list[Database]) -> None:
    chats = begin(several[0])
    with ThreadPoolExecutor(len(several)) as threads:
        got = list(threads.map(redeem, [several[n % len(several)] for n in range(MANY)], chats))
    assert got.count(True) == 1
    with several[0].transaction(POINT) as session:
        assert len(session.scalars(select(UserAccount)).all()) == 1
        assert session.scalars(select(Invitation)).first() is None


def test_the_deputy_is_taken_back_with_the_account(several: list[Database]) -> None:
    database = several[0]
    ana, ben, *_others = begin(database)
    with database.transaction(POINT) as session:
        deputy = UserAccount(conversation_id=ben, created_at=NOW, grants=[])
        session.add(deputy)
        session.flush()
        session.add(UserAccount(conversation_id=ana, created_at=NOW, grants=[], deputy_id=deputy.id))
    with database.transaction(POINT) as session:
        accounts.forget_account(session, ben)
    with database.transaction(POINT) as session:
        (left,) = session.scalars(select(UserAccount))
        assert (left.conversation_id, left.deputy_id) == (ana, None)
