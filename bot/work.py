"""One turn's transaction, as handlers and desk use it: read rows, change rows, queue messages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.commands import Button
from bot.contact_point import ContactPoint
from bot.desks import DeskAt
from bot.handover import Handover, Queued, Taken
from bot.holder import HUMAN
from bot.i18n import ZONE, Text, _, render
from bot.languages import LANGUAGES
from bot.messages import Media, Option, Outbound, Style, Voice, to_json
from bot.references import fresh_reference
from storage import due, outbox
from storage.erasures import Kind, erased
from storage.ids import Ids
from storage.keys import KeyRing
from storage.models import Base, ContactLink, Conversation, OutboxMessage, Setting, Thread, ThreadEntry
from storage.scope import sorted_by
from storage.threads import numbered


class Pending:
    """What a transaction will write all at once: messages to send, and moments to look at something again."""

    def __init__(self, session: Session, handover: Handover | None = None) -> None:
        """With a `handover`, messages that can be sent at once are claimed; who commits them gives them to it."""
        self._session = session
        self._handover = handover
        self.handed: list[Taken] = []
        """What is claimed."""
        self._ids: dict[type[Base], Ids] = {}
        self._messages: list[Queued] = []
        self._moments: dict[tuple[str, str, int], datetime | None] = {}

    def next_id(self, of: type[Base]) -> int:
        """The id for a new row of a table."""
        if of not in self._ids:
            self._ids[of] = Ids(self._session, of)
        return self._ids[of]()

    def message(self, row: dict[str, Any], message: Outbound, conversation: Conversation | None) -> int:
        """Adds a message; returns the id it will have."""
        row["id"] = self.next_id(OutboxMessage)
        self._messages.append(Queued(row, message, conversation))
        return int(row["id"])

    def moment(self, contact_point: str, kind: str, subject: int, at: datetime | None) -> None:
        """Sets the one moment at which `kind` is looked at for `subject`, or lifts it."""
        self._moments[contact_point, kind, subject] = at

    def write(self) -> None:
        """Writes it, after the rows that it refers to."""
        self._session.flush()
        if self._messages:
            if self._handover is not None:
                self.handed += self._handover.claim(self._session, self._messages)
            outbox.queue(self._session, [each.row for each in self._messages])
        lifted = [key for key, at in self._moments.items() if at is None]
        if lifted:
            due.forget(self._session, lifted)
        set_ = [
            {"contact_point": contact_point, "kind": kind, "subject": subject, "due_at": at}
            for (contact_point, kind, subject), at in self._moments.items()
            if at is not None
        ]
        if set_:
            due.remind(self._session, set_)
        self._messages, self._moments = [], {}


@dataclass
class Work:
    """Everything a handler needs; lives as long as the transaction."""

    session: Session
    contact_point: ContactPoint
    now: datetime
    ring: KeyRing
    desk: DeskAt
    """Where the desk of this contact point is."""
    pending: Pending
    cause: int | None = None
    """The inbox row that is being worked through."""
    chats: dict[str, Conversation] = field(default_factory=dict)
    """The chats at hand, by their keys."""
    offered: dict[int, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """What was offered last beside any question, by chat: ids and labels."""
    _language_of_desk: str | None = None
    _given: set[str] = field(default_factory=set)
    """The first letters of the numbers given to new threads."""

    def write(self) -> None:
        """Writes what was queued and what is to be looked at again, so that queries see it."""
        self.pending.write()

    def language_of(self, conversation: Conversation) -> str:
        """What the person reads."""
        return conversation.language or conversation.hinted_language or self.contact_point.languages.default

    @property
    def today(self) -> date:
        """The day at the contact point."""
        return self.now.astimezone(ZONE).date()

    @property
    def desk_language(self) -> str:
        """What staff read."""
        if self._language_of_desk is None:
            chosen = self.session.get(Setting, f"desk_language:{self.contact_point.id}")
            known = chosen is not None and chosen.value in LANGUAGES
            self._language_of_desk = chosen.value if chosen and known else self.contact_point.languages.desk
        return self._language_of_desk

    @desk_language.setter
    def desk_language(self, code: str) -> None:
        self.session.merge(Setting(name=f"desk_language:{self.contact_point.id}", value=code))
        self._language_of_desk = code

    def hear_desk(self, via: str | None) -> None:
        """Remembers the process that the desk was last heard by, where the answer must go out by the same one."""
        if via != self._desk_via:
            self.session.merge(Setting(name=f"desk_via:{self.contact_point.id}", value=via or ""))
            self._desk_via = via

    @cached_property
    def _desk_via(self) -> str | None:
        stored = self.session.get(Setting, f"desk_via:{self.contact_point.id}")
        return (stored.value or None) if stored else None

    def tell(
        self,
        conversation: Conversation,
        text: Text | str,
        buttons: tuple[Button, ...] = (),
        *,
        voice: Voice = Voice.NOTICE,
        entry: ThreadEntry | None = None,
        edits: int | None = None,
        file: Media | None = None,
        flow: str = "",
        ask: str = "",
        step: tuple[int, int] | None = None,
        columns: int = 1,
        vanishes: bool = False,
        broadcast: bool = False,
        about: str = "",
        not_after: datetime | None = None,
    ) -> int:
        """Queues a message to a person and returns its id; a str is what a human wrote and goes out as it is.

        A `broadcast`, the same for many people, lets everything else go first. What it is `about` names it, so that it
        can be taken back while it waits; `not_after` it is of no use any more, and not sent.
        """
        language = self.language_of(conversation)
        outbound = Outbound(
            text=text if isinstance(text, str) else render(text, language),
            options=options(buttons, language),
            voice=voice,
            edits=edits,
            file=file,
            flow=flow,
            ask=ask,
            step=step,
            language=language,
            columns=columns,
            vanishes=vanishes,
        )
        return self._queue(
            outbound,
            account=conversation.account,
            chat_key=conversation.chat_key,
            address=conversation.address,
            conversation=conversation,
            entry=entry,
            broadcast=broadcast,
            about=about,
            not_after=not_after,
        )

    def post(
        self,
        thread: Thread | None,
        text: Text | str,
        buttons: tuple[Button, ...] = (),
        *,
        style: Style = Style.NOTICE,
        edits: int | None = None,
        about: str = "",
        fate: str = "",
        file: Media | None = None,
    ) -> int:
        """Queues a message to the desk, into a thread or into the room, and returns its id."""
        language = self.desk_language
        outbound = Outbound(
            text=text if isinstance(text, str) else render(text, language),
            options=options(buttons, language),
            voice=Voice.NOTICE,
            style=style,
            thread=thread.ref if thread else "",
            edits=edits,
            about=about,
            fate=fate,
            file=file,
            language=language,
        )
        if thread is None and style is Style.NOTICE and not edits and file is None:
            self._ping(outbound)
        return self._queue(
            outbound,
            account=self.desk.account,
            chat_key=self.ring.lookup("desk", self.contact_point.id),
            address="",
        )

    def _ping(self, outbound: Outbound) -> None:
        """Tells those who are only to know that there is something, in a messenger that must not carry more."""
        hint = render(_("Please read it at the desk."), outbound.language)
        ping = replace(outbound, text=f"{outbound.text}\n{hint}", options=())
        for account in self.desk.pings:
            self._queue(
                ping, account=account, chat_key=self.ring.lookup("desk", self.contact_point.id, account), address=""
            )

    def _queue(
        self,
        outbound: Outbound,
        *,
        account: str,
        chat_key: str,
        address: str,
        conversation: Conversation | None = None,
        entry: ThreadEntry | None = None,
        broadcast: bool = False,
        about: str = "",
        not_after: datetime | None = None,
    ) -> int:
        return self.pending.message(
            {
                "contact_point": self.contact_point.id,
                "account": account,
                "chat_key": chat_key,
                "conversation_id": conversation.id if conversation else None,
                "address": address,
                "payload": to_json(outbound),
                "voice": outbound.voice.value,
                "broadcast": broadcast,
                "about": about or None,
                "not_after": not_after,
                "entry_id": entry.id if entry else None,
                "edits": outbound.edits,
                "cause": self.cause,
                "state": "QUEUED",
                "attempts": 0,
                "doubts": 0,
                "interrupted": 0,
                "not_before": self.now,
                "queued_at": self.now,
                "sender": None,
                "via": conversation.via if conversation else self._desk_via,
            },
            outbound,
            conversation,
        )

    def entry(
        self, thread: Thread, kind: str, text: str | None = None, *, author: str | None = None, source: str = ""
    ) -> ThreadEntry:
        """Puts one thing said or done into a thread."""
        entry = ThreadEntry(
            id=self.pending.next_id(ThreadEntry),
            thread_id=thread.id,
            kind=kind,
            text=text,
            author=author,
            source_key=source or None,
            at=self.now,
        )
        self.session.add(entry)
        return entry

    def thread(self, ref: str) -> Thread | None:
        """A thread by its number; what cannot be one is not looked for."""
        if not ref.isascii() or not ref.isprintable():
            return None
        found = self.session.scalars(select(Thread).where(Thread.ref == ref)).one_or_none()
        return self.alone_with(found) if found is not None else None

    def fresh_ref(self) -> str:
        """A number that no thread has, told apart by its first four letters already."""
        while True:
            ref = fresh_reference()
            if ref[:4] not in self._given and not numbered(self.session, self.contact_point.id, ref[:4]):
                self._given.add(ref[:4])
                return ref

    def alone_with(self, thread: Thread) -> Thread:
        """Keeps other processes away from a case until the commit: first from the chat of its person, then from it.

        Always in this order, so that two processes do not wait for each other.
        """
        if self.session.connection().dialect.name == "sqlite":
            return thread
        self.session.flush()
        chat = (
            select(Conversation)
            .join(ContactLink, ContactLink.conversation_id == Conversation.id)
            .where(ContactLink.thread_id == thread.id)
            .with_for_update(of=Conversation)
        )
        for each in (chat, select(Thread).where(Thread.id == thread.id).with_for_update()):
            self.session.scalars(each.execution_options(populate_existing=True)).all()
        return thread

    def link(self, thread: Thread) -> ContactLink | None:
        """The way back to the person, if it was left."""
        return self.session.scalars(select(ContactLink).where(ContactLink.thread_id == thread.id)).one_or_none()

    def person(self, thread: Thread) -> Conversation | None:
        """The chat of the person a thread is about, if the way back was left."""
        link = self.link(thread)
        return self.session.get(Conversation, link.conversation_id) if link else None

    def tell_person(self, thread: Thread, text: Text, buttons: tuple[Button, ...] = ()) -> None:
        """Tells the person a thread is about, if the way back was left."""
        person = self.person(thread)
        if person is not None:
            self.tell(person, text, buttons)

    def cases_of(self, person: Conversation) -> list[Thread]:
        """The open cases in which the person can be reached by this chat."""
        cases = select(Thread).join(ContactLink, ContactLink.thread_id == Thread.id)
        mine = cases.where(ContactLink.conversation_id == person.id, Thread.closed_at.is_(None))
        return list(self.session.scalars(mine.order_by(sorted_by(Thread.id))))

    def held_for(self, thread: Thread) -> Conversation | None:
        """The chat that a human holds for this thread now."""
        return self.session.scalars(
            select(Conversation).where(Conversation.thread_id == thread.id, Conversation.holder == HUMAN)
        ).one_or_none()

    def remind(self, kind: str, subject: int, at: datetime) -> None:
        """Sets the one moment at which `kind` is looked at for `subject`; an earlier setting is replaced."""
        self.pending.moment(self.contact_point.id, kind, subject, at)

    def forget_reminder(self, subject: int, *kinds: str) -> None:
        """Lifts the moments set for `subject`."""
        for kind in kinds:
            self.pending.moment(self.contact_point.id, kind, subject, None)

    def erased(self, kind: Kind, *identity: str) -> None:
        """Enters an erasure in the list, so that no backup brings it back."""
        erased(self.session, self.ring, self.contact_point.id, kind, *identity, at=self.now)

    def in_minutes(self, minutes: int) -> datetime:
        return self.now + timedelta(minutes=minutes)


def options(buttons: tuple[Button, ...], language: str) -> tuple[Option, ...]:
    """Buttons in the reader's language."""
    return tuple(Option(button.id, render(button.label, language), button.primary) for button in buttons)
