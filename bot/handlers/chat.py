"""Commands that concern the chat itself: sentences, questions, files, language."""

from __future__ import annotations

from sqlalchemy import delete, select

from bot.commands import Ask, ForgetMe, RememberPrivacyRead, Say, SendFile, SetLanguage, ShowPick
from bot.desk.card import renew_card
from bot.desk.deadlines import answered
from bot.desk.people import end_account
from bot.desk.request import cancel, request_of
from bot.i18n import _
from bot.meetings import members
from bot.meetings.planning import retell
from bot.messages import Media, Voice
from bot.taxonomy import OVER, RequestState
from bot.work import Work
from storage import accounts
from storage.erasures import Kind
from storage.models import ContactLink, Conversation, SourceLink, Thread


def say(command: Say, work: Work, conversation: Conversation) -> None:
    """Queues a sentence; it goes out even when a human has taken the chat meanwhile."""
    work.tell(conversation, command.text, command.buttons, voice=Voice.NOTICE)


def ask(command: Ask, work: Work, conversation: Conversation) -> None:
    """Queues a question and remembers it as the open one."""
    conversation.prompt_outbox_id = work.tell(
        conversation,
        command.text,
        command.buttons,
        voice=Voice.BOT,
        flow=command.flow,
        ask=command.question,
        step=command.step,
        columns=command.columns,
    )


def show_pick(command: ShowPick, work: Work, conversation: Conversation) -> None:
    """Edits an answered question."""
    work.tell(conversation, command.text, voice=Voice.NOTICE, edits=command.prompt, vanishes=command.repeats_words)


def send_file(command: SendFile, work: Work, conversation: Conversation) -> None:
    """Queues a file."""
    file = Media("document", command.name, command.type, command.data)
    work.tell(conversation, command.text, voice=Voice.NOTICE, file=file)


def set_language(command: SetLanguage, work: Work, conversation: Conversation) -> None:
    """From here on everything is put into this language."""
    if conversation.language != command.language:
        conversation.language = command.language
        retell(work, conversation.id)


def remember_privacy_read(command: RememberPrivacyRead, work: Work, conversation: Conversation) -> None:
    """Keeps when the notice was passed."""
    conversation.privacy_read_at = work.now


def forget_me(command: ForgetMe, work: Work, conversation: Conversation) -> None:
    """Cuts every link between the chat and what was told, and says so in the language it is about to forget."""
    threads = list(
        work.session.scalars(select(Thread).join(ContactLink).where(ContactLink.conversation_id == conversation.id))
    )
    work.erased(Kind.FORGOTTEN, conversation.account, conversation.chat_key)
    for thread in threads:
        work.erased(Kind.CONTACT, thread.ref)
        work.session.execute(delete(SourceLink).where(SourceLink.thread_id == thread.id))
        answered(work, thread)
        request = request_of(work, thread)
        # Whom nobody can reach, nobody can be sent to.
        if request is not None and RequestState(request.state) not in OVER:
            work.erased(Kind.TAKEN_BACK, thread.ref)
            cancel(work, request)
    work.session.execute(delete(ContactLink).where(ContactLink.conversation_id == conversation.id))
    for thread in threads:
        if thread.opened_at is not None:
            work.post(thread, _("The person has taken back the way to reach them."))
            renew_card(work, thread)
    account = accounts.of_chat(work.session, conversation)
    if account is not None:
        end_account(work, account)
    members.forget(work, conversation.id)
    work.tell(conversation, _("Done. The links are deleted. If you write again, we begin anew."))
    conversation.language = None
    conversation.privacy_read_at = None
