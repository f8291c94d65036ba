"""What the web page remembers, in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from storage import web_messages
from storage.database import Database

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def test_a_message_keeps_its_place_and_gets_a_new_version(database: Database) -> None:
    with database.transaction("oberberg") as session:
        first = web_messages.keep(session, "oberberg", "ana", "o1", {"text": "a"}, NOW)
        order, version = first.id, first.version
        web_messages.keep(session, "oberberg", "ana", "o2", {"text": "b"}, NOW)
        again = web_messages.keep(session, "oberberg", "ana", "o1", {"text": "c"}, NOW + timedelta(hours=1))
        assert (again.id, again.created_at, again.payload) == (order, NOW, {"text": "c"})
        assert again.version > version
        changes = web_messages.after(session, ["ana"], version, 10)
        assert [(chat, row.message_id) for chat, row in changes] == [("ana", "o2"), ("ana", "o1")]


def test_contact_points_and_chats_do_not_see_each_other(database: Database) -> None:
    with database.transaction("oberberg") as session:
        web_messages.keep(session, "oberberg", "ana", "o1", {}, NOW)
        web_messages.keep(session, "oberberg", "", "o1", {}, NOW)
    with database.transaction("hagen") as session:
        assert web_messages.after(session, ["ana", ""], 0, 10) == []
        assert web_messages.newest(session) == 0
        web_messages.keep(session, "hagen", "ana", "o1", {}, NOW)
    with database.transaction("oberberg") as session:
        assert [chat for chat, _ in web_messages.after(session, ["ana"], 0, 10)] == ["ana"]
        assert web_messages.find(session, "ben", "o1") is None


def test_neither_words_nor_chats_can_be_read_in_the_database(database: Database) -> None:
    with database.transaction("oberberg") as session:
        web_messages.keep(session, "oberberg", "ana-chat", "o1", {"text": "private sentence"}, NOW)
        raw = str(session.execute(text("SELECT * FROM web_message")).all())
        assert "private" not in raw and "ana-chat" not in raw


def test_forgetting_gives_no_version_twice(database: Database) -> None:
    with database.transaction("oberberg") as session:
        web_messages.keep(session, "oberberg", "ben", "o1", {}, NOW - timedelta(days=9))
        last = web_messages.keep(session, "oberberg", "ana", "o2", {}, NOW).version
        assert web_messages.forget_chat(session, "ana") == 1
        assert web_messages.after(session, ["ana"], 0, 10) == []
        assert web_messages.keep(session, "oberberg", "ana", "o3", {}, NOW + timedelta(seconds=1)).version > last
        assert web_messages.forget_before(session, NOW - timedelta(days=1)) == 1
        assert [row.message_id for _, row in web_messages.after(session, ["ana", "ben"], 0, 10)] == ["o3"]
