"""A report reaches the contact point, and grows."""

from __future__ import annotations

from bot.commands import AddToReport, FileReport
from bot.desk.deadlines import wait_for_answer
from bot.desk.relay import from_reporter
from bot.desk.room import announce_report
from bot.taxonomy import Contact
from bot.work import Work
from storage.models import Consent, ContactLink, Conversation, Report, SourceLink, Thread

CALL_BACK_TEXT: str = "2026-11"
"""Version of the sentence under the question for a phone number."""


def file_report(command: FileReport, work: Work, conversation: Conversation) -> None:
    """Files the report with its thread at the desk; without contact no link to the person is written (D-08)."""
    thread = Thread(
        id=work.pending.next_id(Thread),
        ref=command.ref,
        language=command.language,
        municipality=command.municipality,
        urgency=command.urgency,
        flags=" ".join(sorted(command.flags)),
        lapses=0,
        created_at=work.now,
    )
    work.session.add(thread)
    work.session.add(
        Report(
            thread_id=thread.id,
            state="SUBMITTED",
            story=command.story,
            details={
                "danger": command.danger,
                "setting": command.setting,
                "when": command.when,
                "parties": command.parties,
                "heat": command.heat,
                "wish": command.wish,
                "contact": command.contact,
            },
            submitted_at=work.now,
        )
    )
    work.entry(thread, "STORY")
    if command.contact is not Contact.NONE:
        _link(command, work, conversation, thread)
    wait_for_answer(work, thread, command.urgency)
    announce_report(work, thread)


def _link(command: FileReport, work: Work, conversation: Conversation, thread: Thread) -> None:
    work.session.add(ContactLink(thread_id=thread.id, conversation_id=conversation.id, phone=command.phone))
    work.session.add_all(SourceLink(source_key=source, thread_id=thread.id) for source in command.sources)
    if command.phone is not None:
        work.session.add(
            Consent(
                thread_id=thread.id,
                purpose="CALL_BACK",
                text_version=CALL_BACK_TEXT,
                language=command.language,
                given_at=work.now,
            )
        )


def add_to_report(command: AddToReport, work: Work, conversation: Conversation) -> None:
    """Puts a person's further words into the thread of their report."""
    thread = work.thread(command.ref)
    person = work.person(thread) if thread is not None else None
    if thread is None or person is None or person.id != conversation.id:
        return
    from_reporter(work, thread, command.text)
    work.session.add_all(SourceLink(source_key=source, thread_id=thread.id) for source in command.sources)
