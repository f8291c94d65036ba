"""What experts and requesters say about offers and assignments becomes rows."""

from __future__ import annotations

from bot.commands import AnswerOffer, AskAboutOffer, Button, CancelAssignment, GiveFeedback, PassOn, ReportProgress
from bot.conversation import MENU
from bot.desk import handoff
from bot.i18n import _
from bot.pool import assignment, offers
from bot.taxonomy import Urgency
from bot.work import Work
from storage.models import Conversation, Thread


def answer_offer(command: AnswerOffer, work: Work, conversation: Conversation) -> None:
    """Takes the answer; what follows from it comes in a turn of its own."""
    offers.answer(work, conversation, command.ref, command.answer)


def ask_about_offer(command: AskAboutOffer, work: Work, conversation: Conversation) -> None:
    """Brings a human; the offer stays open meanwhile."""
    if not offers.keep_open(work, conversation, command.ref, Urgency.SOON):
        work.tell(conversation, _("I cannot find this request any more."), (MENU,))
        return
    handoff.hand_off(work, conversation, None, Urgency.SOON)
    thread = work.session.get(Thread, conversation.thread_id) if conversation.thread_id else None
    if thread is not None:
        work.post(thread, _("An expert has a question about request {ref}.", ref=command.ref))


def pass_on(command: PassOn, work: Work, conversation: Conversation) -> None:
    """Brings words from one to the other."""
    if assignment.pass_on(work, conversation, command.ref, command.text):
        again = Button(f"/write {command.ref}", _("Write another message"))
        work.tell(conversation, _("Passed on."), (again, MENU))


def report_progress(command: ReportProgress, work: Work, conversation: Conversation) -> None:
    """Notes how it goes."""
    assignment.report_progress(work, conversation, command.ref, command.state)


def cancel_assignment(command: CancelAssignment, work: Work, conversation: Conversation) -> None:
    """Gives it back to the desk."""
    assignment.cancel(work, conversation, command.ref)


def give_feedback(command: GiveFeedback, work: Work, conversation: Conversation) -> None:
    """Keeps the choices of one of the two."""
    assignment.keep_feedback(work, conversation, command)
