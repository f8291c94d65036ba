"""Somebody asks the pool, or no longer needs anybody."""

from __future__ import annotations

from bot.commands import AskForExpert, WithdrawRequest
from bot.conversation import MENU
from bot.desk.card import renew_card
from bot.desk.deadlines import answered, wait_until
from bot.desk.relay import let_go
from bot.desk.request import cancel, request_of
from bot.desk.room import announce_request
from bot.i18n import _
from bot.taxonomy import OVER, RequestState
from bot.work import Work
from bot.working_time import promised
from storage.erasures import Kind
from storage.models import ContactLink, Conversation, SourceLink, Thread
from storage.pool import ExpertRequest


def ask_for_expert(command: AskForExpert, work: Work, conversation: Conversation) -> None:
    """Files the request with its thread at the desk; who asks can always be reached."""
    request = command.request
    answer = work.contact_point.pool.answer_for(command.urgency)
    thread = Thread(
        id=work.pending.next_id(Thread),
        ref=command.ref,
        language=command.language,
        municipality=request.municipality or None,
        urgency=command.urgency,
        flags="",
        lapses=0,
        created_at=work.now,
    )
    work.session.add(thread)
    work.session.add(
        ExpertRequest(
            thread_id=thread.id,
            state=RequestState.REQUESTED,
            details=request.to_json(),
            answer_minutes=answer.minutes,
            answer_days=answer.days,
            created_at=work.now,
        )
    )
    work.entry(thread, "STORY")
    work.session.add(ContactLink(thread_id=thread.id, conversation_id=conversation.id))
    work.session.add_all(SourceLink(source_key=source, thread_id=thread.id) for source in command.sources)
    wait_until(work, thread, promised(work.contact_point, command.urgency, work.now, request.needed_at).by)
    announce_request(work, thread)


def withdraw_request(command: WithdrawRequest, work: Work, conversation: Conversation) -> None:
    """Only whoever asked can take a request back."""
    thread = work.thread(command.ref)
    person = work.person(thread) if thread is not None else None
    request = request_of(work, thread) if thread is not None else None
    if thread is None or request is None or person is None or person.id != conversation.id:
        work.tell(conversation, _("I cannot find this request here any more."), (MENU,))
        return
    if RequestState(request.state) in OVER:
        work.tell(conversation, _("Request {ref} is over already.", ref=thread.ref), (MENU,))
        return
    if conversation.thread_id == thread.id:
        let_go(work, conversation)
    work.erased(Kind.TAKEN_BACK, thread.ref)
    cancel(work, request)
    answered(work, thread)
    thread.closed_at = work.now
    thread.taken_by = None
    thread.talk_until = None
    work.forget_reminder(thread.id, "take_idle", "talk_idle")
    work.tell(conversation, _("Done. Request {ref} is taken back. Thank you for telling us.", ref=thread.ref), (MENU,))
    work.post(None, _("Request {ref} was taken back: nobody is needed any more.", ref=thread.ref))
    renew_card(work, thread)
