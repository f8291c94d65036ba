"""What a member of staff says at the desk, and the one rule on what goes out (idea 4).

Plain text is a note and stays. Out goes only what answers a message of the reporter or follows `/reply`, and after
`/talk` the plain text of whoever holds the chat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import literal, select

from bot.commands import Button
from bot.desk import case, people, search
from bot.desk.card import is_talking, renew_card
from bot.desk.invite import NotUnderstood, invite, read
from bot.desk.meetings import list_meetings, meeting_command
from bot.desk.pool import list_pool, profile_command
from bot.desk.relay import to_reporter
from bot.desk.room import open_or_take
from bot.i18n import Text, _, lines, listing, ngettext, verbatim
from bot.languages import LANGUAGES
from bot.meetings.overview import overview
from bot.messages import Style, Voice
from bot.references import read_reference
from bot.work import Work
from storage import accounts
from storage.accounts import UserAccount
from storage.models import ContactLink, OutboxMessage, Thread, ThreadEntry
from storage.threads import span_of

UNDELIVERED_FOR: Final = timedelta(days=30)
"""How far back the desk is shown what did not arrive."""


@dataclass(frozen=True)
class Spoken:
    """One message of a member of staff."""

    by: str = field(repr=False)
    message_id: str
    text: str = field(repr=False)
    source: str
    thread: str = ""
    """The number of the thread; empty in the room."""
    reply_to: str = ""
    """Keyed hash of the message answered, where the messenger tells."""
    edits: str = ""
    """Keyed hash of the earlier message replaced."""
    takes_back: str = ""
    """Keyed hash of the earlier message that its writer has deleted."""
    media: bool = False
    pressed: bool = False
    """The text is the id of a button: never words for anybody."""


def speak(work: Work, spoken: Spoken) -> None:
    """Works through one message of the desk."""
    thread = work.thread(spoken.thread) if spoken.thread else None
    if spoken.thread and thread is None:
        work.post(None, _("There is no thread {ref}.", ref=spoken.thread[:20]))
        return
    if spoken.takes_back:
        _taken_back(work, spoken)
        return
    if spoken.edits:
        _edited(work, thread, spoken)
        return
    if spoken.media:
        _status(work, thread, spoken, _("Files cannot be passed on. The file was not sent."))
        if thread is not None and spoken.text:
            work.entry(thread, Style.NOTE, _without_command(spoken.text), author=spoken.by, source=spoken.source)
        return
    if spoken.text.startswith("/"):
        _command(work, thread, spoken)
    elif thread is not None and spoken.text and not spoken.pressed:
        _plain_text(work, thread, spoken)


def _plain_text(work: Work, thread: Thread, spoken: Spoken) -> None:
    if spoken.reply_to and _answers_reporter(work, thread, spoken.reply_to):
        _reply(work, thread, spoken, spoken.text)
        return
    if is_talking(work, thread) and thread.taken_by == spoken.by and thread.closed_at is None:
        _reply(work, thread, spoken, spoken.text)
        thread.talk_until = work.in_minutes(work.contact_point.handoff.talk_minutes)
        work.remind("talk_idle", thread.id, thread.talk_until)
        return
    work.entry(thread, Style.NOTE, spoken.text, author=spoken.by, source=spoken.source)
    if thread.talk_until is not None and thread.taken_by == spoken.by:
        case.stop_talking(work, thread)
        ended = _("Not sent: the live chat had ended. Kept as a note. Write /talk or /reply.")
        _status(work, thread, spoken, ended, fate="kept")


def _answers_reporter(work: Work, thread: Thread, remote_key: str) -> bool:
    return (
        work.session.scalars(
            select(ThreadEntry)
            .join(OutboxMessage, OutboxMessage.id == ThreadEntry.outbox_id)
            .where(
                OutboxMessage.remote_key == remote_key,
                ThreadEntry.thread_id == thread.id,
                ThreadEntry.kind.in_((Style.FROM_REPORTER, "STORY")),
            )
        ).first()
        is not None
    )


def _reply(work: Work, thread: Thread, spoken: Spoken, text: str) -> None:
    """Sends words to the person, or says why they were not sent and keeps them as a note."""
    if not text:
        _status(work, thread, spoken, _("Please write the answer after the command: /reply Good morning …"))
        return
    refusal = case.why_not_reply(work, thread, spoken.by)
    person = work.person(thread)
    if refusal is not None or person is None:
        work.entry(thread, Style.NOTE, text, author=spoken.by, source=spoken.source)
        _status(work, thread, spoken, lines(refusal, _("Nothing was sent. Your text is kept as a note.")), fate="kept")
        return
    case.open_thread(work, thread, quietly=True)
    case.take_silently(work, thread, spoken.by)
    entry = to_reporter(work, thread, person, text, spoken.by, spoken.source)
    entry.message_id = spoken.message_id
    renew_card(work, thread)


def _edited(work: Work, thread: Thread | None, spoken: Spoken) -> None:
    """An edit changes what the message was: a reply at the person's end, a note only here."""
    entry = work.session.scalars(select(ThreadEntry).where(ThreadEntry.source_key == spoken.edits)).first()
    if entry is None or entry.author != spoken.by:
        return
    # Not every messenger tells where the message stands that was changed.
    thread = thread or work.session.get_one(Thread, entry.thread_id)
    if entry.thread_id != thread.id:
        return
    text = _without_command(spoken.text)
    if entry.kind == Style.NOTE:
        entry.text = text
        if _split(spoken.text)[0] == "/reply":
            _status(work, thread, spoken, _("An edited note stays a note. Nothing was sent."))
        return
    person = work.person(thread)
    if entry.kind != Style.TO_REPORTER or person is None or entry.outbox_id is None or not text:
        return
    if thread.taken_by not in (None, spoken.by):
        _status(work, thread, spoken, _("{who} has this. The change was not sent.", who=thread.taken_by))
        return
    refusal = case.why_not_reply(work, thread, spoken.by)
    if refusal is not None:
        _status(work, thread, spoken, refusal)
        return
    if text.startswith("/") or _split(spoken.text)[0] == "/note":
        _status(work, thread, spoken, _("A command does not change what was sent. Nothing was sent."))
        return
    entry.text = text
    work.tell(person, text, voice=Voice.DESK, entry=entry, edits=entry.outbox_id)


def _taken_back(work: Work, spoken: Spoken) -> None:
    """What staff delete goes: a note here, a reply also at the person's end, where the messenger can do that."""
    entry = work.session.scalars(select(ThreadEntry).where(ThreadEntry.source_key == spoken.takes_back)).first()
    if entry is None or entry.author != spoken.by or entry.text is None:
        return
    entry.text = None
    thread = work.session.get_one(Thread, entry.thread_id)
    person = work.person(thread)
    if entry.kind == Style.TO_REPORTER and person is not None and entry.outbox_id is not None:
        gone = _("The contact point has taken this message back.")
        work.tell(person, gone, voice=Voice.DESK, edits=entry.outbox_id, vanishes=True)


def _without_command(text: str) -> str:
    word, rest = _split(text)
    return rest if word in ("/reply", "/note") else text


def _split(text: str) -> tuple[str, str]:
    """The first word, as commands are compared, and the rest."""
    word, *rest = text.split(maxsplit=1) or [""]
    return word.casefold().partition("@")[0], rest[0].strip() if rest else ""


def _status(work: Work, thread: Thread | None, spoken: Spoken, text: Text, *, fate: str = "") -> None:
    work.post(thread, text, style=Style.STATUS, about=spoken.message_id, fate=fate)


def _command(work: Work, thread: Thread | None, spoken: Spoken) -> None:
    name, argument = _split(spoken.text)
    if name in EVERYWHERE:
        EVERYWHERE[name](work, thread, spoken, argument)
        return
    if name not in IN_A_THREAD:
        work.post(thread, _("I do not know {command}. /help shows what I can do.", command=name), style=Style.STATUS)
        return
    if thread is None:
        number, _space, argument = argument.partition(" ")
        thread = _find(work, number, name)
        if thread is None:
            return
    IN_A_THREAD[name](work, thread, spoken, argument.strip())


def _find(work: Work, number: str, command: str) -> Thread | None:
    ref = read_reference(number)
    numbered = select(Thread).where(Thread.ref.between(*span_of(ref or "")))
    found = list(work.session.scalars(numbered)) if ref else []
    if len(found) == 1:
        return work.alone_with(found[0])
    if not number:
        work.post(None, _("Please write the number too: {command}", command=f"{command} 7F3K-29QX"))
    elif not found:
        work.post(None, _("There is no thread {ref}.", ref=number[:20]))
    else:
        work.post(None, _("Several threads begin with {ref}. Please write the whole number.", ref=number[:20]))
    return None


def _open(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    found = _find(work, argument, "/open") if argument or thread is None else thread
    if found is not None:
        case.open_thread(work, found)


def _take(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.open_thread(work, thread, quietly=True)
    case.take(work, thread, spoken.by)


def _release(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.release(work, thread, spoken.by)


def _transfer(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.transfer(work, thread, spoken.by, argument)


def _reply_command(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    _reply(work, thread, spoken, argument)


def _note(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    if argument:
        work.entry(thread, Style.NOTE, argument, author=spoken.by, source=spoken.source)


def _talk(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.talk(work, thread, spoken.by)


def _quiet(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.quiet(work, thread, spoken.by)


def _close(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.close(work, thread, spoken.by, argument)


def _reopen(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.reopen(work, thread, spoken.by)


def _hold(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.put_on_hold(work, thread, spoken.by, argument)


def _unhold(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.take_off_hold(work, thread, spoken.by)


def _phone(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.show_phone(work, thread, spoken.by)


def _who(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    held = list(work.session.scalars(select(Thread).where(Thread.closed_at.is_(None)).order_by(Thread.id)))
    away = people.who_is_away(work)
    if not held:
        work.post(thread, _("Nothing is open. Nobody is waiting."))
    else:
        _open_now(work, thread, held)
    if away is not None:
        work.post(thread, away, style=Style.STATUS)


def _open_now(work: Work, thread: Thread | None, held: list[Thread]) -> None:
    rows = [
        _("{ref} · {who}", ref=each.ref, who=each.taken_by) if each.taken_by else _("{ref} · nobody yet", ref=each.ref)
        for each in held
    ]
    waiting = [each for each in held if each.taken_by is None]
    buttons = open_or_take(waiting[0]) if waiting else ()
    work.post(thread, lines(_("Open now:"), *rows), buttons)


def _invite(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    invite(work, thread, argument)


def _people(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    work.post(thread, people.list_people(work), style=Style.STATUS)


def _pool(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    work.post(thread, list_pool(work), style=Style.STATUS)


def _profile(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    profile_command(work, thread, argument)


def _meetings(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    list_meetings(work, thread)


def _tables(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    work.post(thread, overview(work), style=Style.STATUS)


def _meeting(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    meeting_command(work, thread, argument)


def _revoke(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    """By number, or by a name that one person has; roles may follow a number."""
    who, _space, rest = argument.partition(" ")
    if who.isascii() and who.isdigit():
        account = work.session.get(UserAccount, int(who[:18]))
        found = [account] if account is not None else []
    else:
        everybody = accounts.everybody(work.session) if argument else []
        found = [each for each in everybody if each.name and each.name.casefold() == argument.casefold()]
        rest = ""
    if len(found) != 1:
        work.post(
            thread,
            lines(_("Please write the number of the person: {command}", command="/revoke 1"), people.list_people(work)),
            style=Style.STATUS,
        )
        return
    try:
        roles = read(rest, work.contact_point).roles if rest else set()
    except NotUnderstood as wrong:
        work.post(thread, wrong.text, style=Style.STATUS)
        return
    work.post(thread, people.revoke(work, found[0], roles), style=Style.STATUS)


def _undelivered(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    """The dead letters, by the cases they belong to; what was in them is gone."""
    since = work.now - UNDELIVERED_FOR
    dead = list(
        work.session.execute(
            select(OutboxMessage.id, Thread.ref)
            .outerjoin(ContactLink, ContactLink.conversation_id == OutboxMessage.conversation_id)
            .outerjoin(Thread, (Thread.id == ContactLink.thread_id) & Thread.closed_at.is_(None))
            .where(OutboxMessage.state == literal("DEAD", literal_execute=True), OutboxMessage.settled_at >= since)
            .order_by(OutboxMessage.id)
        )
    )
    if not dead:
        work.post(thread, _("Everything of the last {n} days has arrived.", n=UNDELIVERED_FOR.days))
        return
    refs = dict.fromkeys(row.ref for row in dead if row.ref)
    count = len({row.id for row in dead})
    work.post(
        thread,
        lines(
            ngettext("{n} message did not arrive.", "{n} messages did not arrive.", count),
            _("It concerns: {cases}", cases=listing([verbatim(ref) for ref in refs])) if refs else None,
            _("Who left a phone number can be called: /phone in the thread.") if refs else None,
        ),
    )


def _language(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    code = argument.casefold()
    complete = [language for language in LANGUAGES.values() if language.complete]
    if code not in {language.code for language in complete}:
        work.post(
            thread,
            _("Please choose the language of the team:"),
            tuple(Button(f"/language {language.code}", verbatim(language.own_name)) for language in complete),
        )
        return
    work.desk_language = code
    work.post(thread, _("The team now reads {language}.", language=LANGUAGES[code].own_name))


def _help(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    work.post(
        thread,
        lines(
            _("In the room:"),
            _("/open 7F3K – read a report or a chat"),
            _("/take 7F3K – take it, so that nobody else answers"),
            _("/who – what is open, and who has it"),
            _("/people – who has a role with us, and who is away"),
            _("/invite ROLES ORGANISATION PLACES – a code for somebody who works with us"),
            _("/revoke NUMBER – end the roles of somebody"),
            _("/requests – requests to the pool: to decide, asked, under way"),
            _("/pool – who is in the pool"),
            _("/profile P1 – what is known of somebody in the pool, and changing it; /profile new – somebody new"),
            _("/meetings – round tables and other meetings; /meeting new – plan one; /meeting T1 – see and change it"),
            _("/tables – which municipalities have a round table, and which are silent"),
            _("/undelivered – messages that did not arrive"),
            _("/language de – language of the team"),
            _("In a thread:"),
            _("What you write is a note. It stays here."),
            _("/reply TEXT – answer the person. So does answering one of their messages."),
            _("/talk – from now on what you write goes out, until /quiet"),
            _("/take, /release, /transfer NAME – who has it"),
            _("/phone – show the number for a call-back (this is recorded)"),
            _("/suggest – whom of the pool to ask; /offer 2 – ask two at once"),
            _("/widen, /profession, /state_pool, /postpone DAY – when nobody accepts"),
            _("/requester – somebody else goes on with a request"),
            _("/close – close with a result; /reopen – open again"),
            _("/hold – keep beyond its time, as in a legal dispute; /unhold – no longer"),
        ),
    )


Everywhere = Callable[[Work, Thread | None, Spoken, str], None]
InAThread = Callable[[Work, Thread, Spoken, str], None]


def _suggest(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.open_thread(work, thread, quietly=True)
    search.suggestions(work, thread)


def _offer(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    if search.offer(work, thread, spoken.by, argument):
        case.take_silently(work, thread, spoken.by)
        renew_card(work, thread)


def _widen(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    search.widen(work, thread, spoken.by, argument)


def _profession(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    search.other_profession(work, thread, spoken.by, argument)


def _postpone(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    search.postpone(work, thread, spoken.by, argument)


def _state_pool(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    search.state_pool(work, thread, spoken.by, argument)


def _requester(work: Work, thread: Thread, spoken: Spoken, argument: str) -> None:
    case.open_thread(work, thread, quietly=True)
    search.requester(work, thread, spoken.by, argument)


def _requests(work: Work, thread: Thread | None, spoken: Spoken, argument: str) -> None:
    search.overview(work, thread)
    search.show_load(work, thread)


EVERYWHERE: dict[str, Everywhere] = {
    "/requests": _requests,
    "/open": _open,
    "/who": _who,
    "/undelivered": _undelivered,
    "/invite": _invite,
    "/people": _people,
    "/revoke": _revoke,
    "/pool": _pool,
    "/profile": _profile,
    "/tables": _tables,
    "/meetings": _meetings,
    "/meeting": _meeting,
    "/help": _help,
    "/start": _help,
    "/menu": _help,
    "/language": _language,
}

IN_A_THREAD: dict[str, InAThread] = {
    "/suggest": _suggest,
    "/offer": _offer,
    "/widen": _widen,
    "/profession": _profession,
    "/postpone": _postpone,
    "/state_pool": _state_pool,
    "/requester": _requester,
    "/take": _take,
    "/release": _release,
    "/transfer": _transfer,
    "/reply": _reply_command,
    "/note": _note,
    "/talk": _talk,
    "/quiet": _quiet,
    "/close": _close,
    "/reopen": _reopen,
    "/phone": _phone,
    "/hold": _hold,
    "/unhold": _unhold,
}
