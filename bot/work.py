"""One turn's transaction, as handlers and desk use it: read rows, change rows, queue messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.commands import Button
from bot.contact_point import ContactPoint
from bot.i18n import ZONE, Text, render
from bot.languages import LANGUAGES
from bot.messages import Media, Option, Outbound, Style, Voice, to_json
from bot.references import fresh_reference
from storage.erasures import Kind, erased
from storage.keys import KeyRing
from storage.models import ContactLink, Conversation, DueRow, OutboxMessage, Setting, Thread, ThreadEntry

BOT: Final = "BOT"
HUMAN: Final = "HUMAN"


@dataclass
class Work:
    """Everything a handler needs; lives as long as the transaction."""

    session: Session
    contact_point: ContactPoint
    now: datetime
    ring: KeyRing
    desk_account: str
    """The messenger account that carries the desk of this contact point."""

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
        chosen = self.session.get(Setting, f"desk_language:{self.contact_point.id}")
        return chosen.value if chosen and chosen.value in LANGUAGES else self.contact_point.languages.desk

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
    ) -> OutboxMessage:
        """Queues a message to a person; a str is what a human wrote and goes out as it is."""
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
        )
        return self._queue(
            outbound,
            account=conversation.account,
            chat_key=conversation.chat_key,
            address=conversation.address,
            conversation=conversation,
            entry=entry,
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
    ) -> OutboxMessage:
        """Queues a message to the desk: into a thread, or into the room."""
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
        return self._queue(
            outbound,
            account=self.desk_account,
            chat_key=self.ring.lookup("desk", self.contact_point.id),
            address="",
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
    ) -> OutboxMessage:
        row = OutboxMessage(
            account=account,
            chat_key=chat_key,
            conversation_id=conversation.id if conversation else None,
            address=address,
            payload=to_json(outbound),
            voice=outbound.voice,
            entry_id=entry.id if entry else None,
            edits=outbound.edits,
            state="QUEUED",
            attempts=0,
            not_before=self.now,
            queued_at=self.now,
        )
        self.session.add(row)
        self.session.flush()
        return row

    def entry(
        self, thread: Thread, kind: str, text: str | None = None, *, author: str | None = None, source: str = ""
    ) -> ThreadEntry:
        """Puts one thing said or done into a thread."""
        entry = ThreadEntry(
            thread_id=thread.id, kind=kind, text=text, author=author, source_key=source or None, at=self.now
        )
        self.session.add(entry)
        self.session.flush()
        return entry

    def thread(self, ref: str) -> Thread | None:
        """A thread by its number; what cannot be one is not looked for."""
        if not ref.isascii() or not ref.isprintable():
            return None
        return self.session.scalars(select(Thread).where(Thread.ref == ref)).one_or_none()

    def fresh_ref(self) -> str:
        """A number that no thread has, told apart by its first four letters already."""
        while True:
            ref = fresh_reference()
            if not self.session.scalar(select(func.count()).select_from(Thread).where(Thread.ref.startswith(ref[:4]))):
                return ref

    def link(self, thread: Thread) -> ContactLink | None:
        """The way back to the person, if it was left."""
        return self.session.scalars(select(ContactLink).where(ContactLink.thread_id == thread.id)).one_or_none()

    def person(self, thread: Thread) -> Conversation | None:
        """The chat of the person a thread is about, if the way back was left."""
        link = self.link(thread)
        return self.session.get(Conversation, link.conversation_id) if link else None

    def held_for(self, thread: Thread) -> Conversation | None:
        """The chat that a human holds for this thread now."""
        return self.session.scalars(
            select(Conversation).where(Conversation.thread_id == thread.id, Conversation.holder == HUMAN)
        ).one_or_none()

    def remind(self, kind: str, subject: int, at: datetime) -> None:
        """Sets the one moment at which `kind` is looked at for `subject`; an earlier setting is replaced."""
        row = self.session.scalars(select(DueRow).where(DueRow.kind == kind, DueRow.subject == subject)).one_or_none()
        if row is None:
            row = DueRow(kind=kind, subject=subject, attempts=0)
            self.session.add(row)
        row.due_at, row.done_at, row.attempts = at, None, 0
        self.session.flush()

    def forget_reminder(self, subject: int, *kinds: str) -> None:
        self.session.execute(delete(DueRow).where(DueRow.subject == subject, DueRow.kind.in_(kinds)))

    def erased(self, kind: Kind, *identity: str) -> None:
        """Enters an erasure in the list, so that no backup brings it back."""
        erased(self.session, self.ring, self.contact_point.id, kind, *identity, at=self.now)

    def in_minutes(self, minutes: int) -> datetime:
        return self.now + timedelta(minutes=minutes)


def options(buttons: tuple[Button, ...], language: str) -> tuple[Option, ...]:
    """Buttons in the reader's language."""
    return tuple(Option(button.id, render(button.label, language), button.primary) for button in buttons)
