"""What happens to a thread: opened, taken, released, transferred, talked in, closed, reopened."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select, update

from bot.commands import Button
from bot.desk.card import is_talking, renew_card, report_of, show_card
from bot.desk.deadlines import answered, wait_for_answer
from bot.desk.relay import BACK_TO_BOT, hold, introduction, let_go, watch_holder
from bot.desk.request import asked, end, request_of, resume
from bot.desk.room import open_or_take
from bot.desk.words import HOLD_LABELS, HOLD_REASONS, RESULT_LABELS, RESULTS
from bot.engine.inputs import one_line, readable_phone
from bot.holder import HUMAN
from bot.i18n import Phone, Text, _, lines
from bot.messages import Style
from bot.periods import deleted_by, kept_until
from bot.pool.request_words import words_of
from bot.taxonomy import CLOSED_STATES, HOLDS, ReportState, RequestState, Urgency, Wish
from bot.work import Work
from storage.models import Conversation, Report, Thread, ThreadEntry
from storage.scope import sorted_by

MENU: Final = Button("/menu", _("Menu"))
SOMEBODY_ELSE: Final = _("Somebody else from the contact point is to go on with you. Your messages are kept.")


def open_thread(work: Work, thread: Thread, *, quietly: bool = False) -> None:
    """Shows the case in its thread; the first time counts as reading it, and the person learns that."""
    first = thread.opened_at is None
    # After the desk has moved, nothing of it stands there yet.
    anew = first or thread.card_outbox_id is None
    if not anew and quietly:
        return
    report = report_of(work, thread)
    thread.opened_at = thread.opened_at or work.now
    if report is not None and report.state == ReportState.SUBMITTED:
        report.state = ReportState.ACKNOWLEDGED
    show_card(work, thread)
    if anew:
        _show_words(work, thread, report)
    if not first or report is None:
        return
    if (report.details or {}).get("wish") == Wish.TELL_ONLY or work.link(thread) is None:
        answered(work, thread)
    person = work.person(thread)
    if person is not None and not quietly:
        work.tell(
            person,
            lines(
                _("Your report {ref} has been read.", ref=thread.ref),
                _("You get an answer by {deadline}.", deadline=thread.deadline) if thread.deadline else None,
            ),
        )


def _show_words(work: Work, thread: Thread, report: Report | None) -> None:
    entries = work.session.scalars(
        select(ThreadEntry)
        .where(ThreadEntry.thread_id == thread.id, ThreadEntry.kind.in_(("STORY", Style.FROM_REPORTER)))
        .order_by(sorted_by(ThreadEntry.id))
    )
    for entry in entries:
        words = _story(work, thread, report) if entry.kind == "STORY" else entry.text
        if words:
            entry.outbox_id = work.post(thread, words, style=Style.FROM_REPORTER)


def _story(work: Work, thread: Thread, report: Report | None) -> Text | str | None:
    if report is not None:
        return report.story
    request = request_of(work, thread)
    answers = asked(request) if request is not None else None
    return words_of(answers) if answers is not None else None


def take(work: Work, thread: Thread, by: str) -> None:
    """Gives the thread to one member of staff; of fifty at once one wins, the others are told who (D-07)."""
    if thread.taken_by == by:
        work.post(thread, _("You have {ref} already.", ref=thread.ref), style=Style.STATUS)
        return
    if not _claim(work, thread, by):
        work.post(
            thread,
            _("{who} has {ref} already, since {when}.", who=thread.taken_by, ref=thread.ref, when=thread.taken_at)
            if thread.taken_by and thread.taken_at
            else _("{ref} cannot be taken.", ref=thread.ref),
            style=Style.STATUS,
        )
        return
    work.post(None, _("{who} has taken {ref}.", who=by, ref=thread.ref))
    _tell_taken(work, thread, by)
    renew_card(work, thread)


def take_silently(work: Work, thread: Thread, by: str) -> None:
    """Who answers has it: a reply takes what nobody has."""
    if thread.taken_by is None and _claim(work, thread, by):
        work.post(None, _("{who} has taken {ref}.", who=by, ref=thread.ref))
        waiting = work.held_for(thread)
        if waiting is not None:
            work.tell(waiting, introduction(work, by))


def _claim(work: Work, thread: Thread, by: str) -> bool:
    """One statement decides who was first, however many try at once."""
    won = work.session.execute(
        update(Thread)
        .where(Thread.id == thread.id, Thread.taken_by.is_(None), Thread.closed_at.is_(None))
        .values(taken_by=by, taken_at=work.now)
        .execution_options(synchronize_session=False)
    )
    work.session.refresh(thread)
    if won.rowcount != 1:  # type: ignore[attr-defined]  # the cursor's count, which the typed Result hides
        return False
    report = report_of(work, thread)
    if report is not None and ReportState(report.state) not in CLOSED_STATES:
        report.state = ReportState.IN_PROGRESS
    request = request_of(work, thread)
    if request is not None and request.state == RequestState.REQUESTED:
        request.state = RequestState.UNDER_REVIEW
    watch_holder(work, thread)
    return True


def _tell_taken(work: Work, thread: Thread, by: str) -> None:
    waiting = work.held_for(thread)
    person = waiting or work.person(thread)
    if person is None:
        return
    if waiting is not None:
        work.tell(person, introduction(work, by))
    elif request_of(work, thread) is not None:
        work.tell(person, _("A person from the contact point now has your request {ref}.", ref=thread.ref))
    elif work.contact_point.show_staff_names:
        work.tell(person, _("{display} is now taking care of your report {ref}.", display=by, ref=thread.ref))
    else:
        work.tell(person, _("A person from the contact point now has your report {ref}.", ref=thread.ref))


def release(work: Work, thread: Thread, by: str) -> None:
    """Gives the thread back to the team."""
    if thread.taken_by is None:
        work.post(thread, _("Nobody has {ref}.", ref=thread.ref), style=Style.STATUS)
    elif thread.taken_by != by:
        work.post(
            thread,
            _("{who} has {ref}. To take it over: /transfer {by}", who=thread.taken_by, ref=thread.ref, by=by),
            style=Style.STATUS,
        )
    else:
        _free(work, thread)
        work.post(None, _("{who} has released {ref}. Who takes it?", who=by, ref=thread.ref), open_or_take(thread))
        waiting = work.held_for(thread)
        if waiting is not None:
            work.tell(waiting, SOMEBODY_ELSE)
        renew_card(work, thread)


def holder_fell_silent(work: Work, thread: Thread) -> None:
    """The holder has not answered for too long: the thread is free again (J-4)."""
    if thread.taken_by is None or thread.waiting_since is None or thread.closed_at is not None:
        return
    who = thread.taken_by
    _free(work, thread)
    work.post(
        None,
        _("{ref} is free again: {who} has not answered. Who takes it?", ref=thread.ref, who=who),
        open_or_take(thread),
    )
    renew_card(work, thread)


def _free(work: Work, thread: Thread) -> None:
    thread.taken_by = None
    thread.taken_at = None
    thread.talk_until = None
    work.forget_reminder(thread.id, "take_idle", "talk_idle")


def transfer(work: Work, thread: Thread, by: str, to: str) -> None:
    """Hands the thread to somebody by name; who is ill cannot do it, so anybody may."""
    if not one_line(to).removeprefix("@"):
        work.post(thread, _("Please write the name too: /transfer NAME"), style=Style.STATUS)
        return
    to = one_line(to).removeprefix("@")
    holder = thread.taken_by or by
    _free(work, thread)
    thread.taken_by, thread.taken_at = to, work.now
    watch_holder(work, thread)
    work.post(None, _("{by} hands {ref} to {to}.", ref=thread.ref, by=holder, to=to), open_or_take(thread)[:1])
    waiting = work.held_for(thread)
    if waiting is not None and holder != to:
        work.tell(waiting, introduction(work, to) if work.contact_point.show_staff_names else SOMEBODY_ELSE)
    renew_card(work, thread)


def talk(work: Work, thread: Thread, by: str) -> None:
    """From now on the holder's plain text goes out."""
    refusal = why_not_reply(work, thread, by)
    if refusal is not None:
        work.post(thread, refusal, style=Style.STATUS)
        return
    open_thread(work, thread, quietly=True)
    take_silently(work, thread, by)
    person = work.person(thread)
    if person is not None and not (person.holder == HUMAN and person.thread_id == thread.id):
        hold(work, thread, person)
        work.tell(person, introduction(work, by), (BACK_TO_BOT,))
    thread.talk_until = work.in_minutes(work.contact_point.handoff.talk_minutes)
    work.remind("talk_idle", thread.id, thread.talk_until)
    work.post(
        thread,
        _(
            "Live: what {who} writes here now goes to the person. Until /quiet, or {n} minutes without a message.",
            who=by,
            n=work.contact_point.handoff.talk_minutes,
        ),
    )
    renew_card(work, thread)


def quiet(work: Work, thread: Thread, by: str) -> None:
    """Plain text is a note again. Anybody may stop it."""
    if thread.talk_until is None:
        work.post(thread, _("There is no live chat here."), style=Style.STATUS)
        return
    stop_talking(work, thread)
    work.post(thread, _("What you write here is a note again."))


def stop_talking(work: Work, thread: Thread) -> None:
    """Ends live talk without a word."""
    thread.talk_until = None
    work.forget_reminder(thread.id, "talk_idle")
    renew_card(work, thread)


def talk_fell_silent(work: Work, thread: Thread) -> None:
    """Ten minutes without a message: nothing goes out by accident any more."""
    if thread.talk_until is not None and not is_talking(work, thread):
        stop_talking(work, thread)
        work.post(thread, _("The live chat has ended: nobody wrote. What you write here is a note again."))


def why_not_reply(work: Work, thread: Thread, by: str) -> Text | None:
    """Why this member of staff cannot write to the person now; None when they can."""
    if thread.taken_by not in (None, by):
        return _("{who} has {ref}. To take it over: /transfer {by}", who=thread.taken_by, ref=thread.ref, by=by)
    person = work.person(thread)
    if person is None:
        return _("The person cannot be reached: they wanted no contact, or took it back.")
    if thread.closed_at is not None:
        return _("{ref} is closed. To answer, first: /reopen", ref=thread.ref)
    if person.blocked_until is not None and person.blocked_until > work.now:
        return _("This person is blocked.")
    return None


def close(work: Work, thread: Thread, by: str, argument: str) -> None:
    """Ends the matter with a result; abuse takes a second person (F-06)."""
    result = argument.upper().replace(" ", "_")
    if thread.closed_at is not None:
        work.post(thread, _("{ref} is closed already.", ref=thread.ref), style=Style.STATUS)
        return
    if result not in RESULTS:
        work.post(
            thread,
            _("With which result?"),
            tuple(Button(f"/close {name}", label) for name, label in RESULT_LABELS.items()),
        )
        return
    if result == "ABUSE" and not _confirmed_abuse(work, thread, by):
        return
    _end(work, thread, by, result)


def _confirmed_abuse(work: Work, thread: Thread, by: str) -> bool:
    if thread.abuse_marked_by not in (None, by):
        return True
    thread.abuse_marked_by = by
    work.post(
        thread,
        _("{who} chose “misuse of this service”. Somebody else on the team must confirm it.", who=by),
        (Button("/close ABUSE", _("Confirm: misuse")),),
    )
    return False


def _end(work: Work, thread: Thread, by: str, result: str) -> None:
    thread.closed_at = work.now
    thread.result = result
    _free_quietly(work, thread)
    answered(work, thread)
    report = report_of(work, thread)
    if report is not None:
        report.state = RESULTS[result]
    request = request_of(work, thread)
    if request is not None:
        end(work, request)
    person = work.person(thread)
    held = work.held_for(thread)
    if held is not None:
        let_go(work, held)
    if person is not None:
        _tell_closed(work, thread, person, result, held is not None)
    work.post(
        thread,
        lines(
            _("Closed by {who}: {result}.", who=by, result=RESULT_LABELS[result]),
            _deletion(work, thread),
        ),
    )
    renew_card(work, thread)


def _deletion(work: Work, thread: Thread) -> Text | None:
    """What becomes of the texts; the daily job keeps the promise (D-18)."""
    if is_on_hold(thread):
        return _("It is on hold: nothing is deleted until /unhold.")
    if thread.closed_at is None:
        return None
    retention, closed = work.contact_point.retention, thread.closed_at
    is_request = request_of(work, thread) is not None
    until = kept_until(retention, thread.result, closed, is_request=is_request)
    if is_request:
        words = min(until, closed + timedelta(days=retention.transcript_days))
        return _(
            "The texts are deleted by {date}, the request by {later}.", date=deleted_by(words), later=deleted_by(until)
        )
    return _("The texts are deleted by {date}.", date=deleted_by(until))


def is_on_hold(thread: Thread) -> bool:
    """Whether the daily job must leave this case alone."""
    return not HOLDS.isdisjoint(thread.flags.split())


def put_on_hold(work: Work, thread: Thread, by: str, argument: str) -> None:
    """Keeps a case beyond its time, for one of three reasons (D-18)."""
    reason = HOLD_REASONS.get(argument.upper())
    if reason is None:
        work.post(
            thread,
            _("Why must this be kept beyond its time?"),
            tuple(Button(f"/hold {name}", label) for name, label in HOLD_LABELS.items()),
        )
        return
    thread.flags = " ".join(sorted({*thread.flags.split()} - HOLDS | {reason}))
    work.entry(thread, "EVENT", reason, author=by)
    work.post(
        thread,
        lines(
            _("{who} has put {ref} on hold: {reason}.", who=by, ref=thread.ref, reason=HOLD_LABELS[argument.upper()]),
            _("Nothing is deleted by itself until /unhold. The person can still take back what they told."),
        ),
    )
    renew_card(work, thread)


def take_off_hold(work: Work, thread: Thread, by: str) -> None:
    """Lets the case go its way again."""
    if not is_on_hold(thread):
        work.post(thread, _("{ref} is not on hold.", ref=thread.ref), style=Style.STATUS)
        return
    thread.flags = " ".join(sorted({*thread.flags.split()} - HOLDS))
    work.entry(thread, "EVENT", "OFF_HOLD", author=by)
    work.post(
        thread,
        lines(_("{who} has taken {ref} off hold.", who=by, ref=thread.ref), _deletion(work, thread)),
    )
    renew_card(work, thread)


def _free_quietly(work: Work, thread: Thread) -> None:
    thread.talk_until = None
    work.forget_reminder(thread.id, "take_idle", "talk_idle")


def _tell_closed(work: Work, thread: Thread, person: Conversation, result: str, was_held: bool) -> None:
    if result == "ABUSE":
        block_days = work.contact_point.retention.abuse_block_days
        person.blocked_until = work.now + timedelta(days=block_days)
        work.tell(
            person,
            _(
                "We cannot work on this message as it is. If you need help, please call us: {phone}.",
                phone=Phone(work.contact_point.phone),
            ),
        )
        return
    work.tell(
        person,
        lines(
            _("The conversation has ended. The program answers again.") if was_held else None,
            _("Your matter {ref} is closed.", ref=thread.ref),
            _("If something is missing or begins again: /mine") if request_of(work, thread) is None else None,
        ),
        (MENU,),
    )


def reopen(work: Work, thread: Thread, by: str) -> None:
    """Goes on with a closed matter."""
    if thread.closed_at is None:
        work.post(thread, _("{ref} is open already.", ref=thread.ref), style=Style.STATUS)
        return
    report = report_of(work, thread)
    if report is not None and report.state == ReportState.WITHDRAWN:
        work.post(thread, _("The person has taken this report back. It stays closed."), style=Style.STATUS)
        return
    was_abuse = thread.result == "ABUSE"
    thread.closed_at = None
    thread.result = None
    thread.abuse_marked_by = None
    if report is not None:
        report.state = ReportState.IN_PROGRESS if thread.taken_by else ReportState.ACKNOWLEDGED
    request = request_of(work, thread)
    if request is not None:
        resume(request)
    person = work.person(thread)
    if person is not None:
        if was_abuse:
            person.blocked_until = None
        wait_for_answer(work, thread, Urgency.NORMAL)
        work.tell(
            person,
            lines(
                _("We have opened your matter {ref} again.", ref=thread.ref),
                _("You get an answer by {deadline}.", deadline=thread.deadline) if thread.deadline else None,
            ),
        )
    work.post(thread, _("{who} has reopened {ref}.", who=by, ref=thread.ref))
    renew_card(work, thread)


def show_phone(work: Work, thread: Thread, by: str) -> None:
    """Shows the number left for a call-back; who looked is recorded (visibility matrix 3.7)."""
    link = work.link(thread)
    if link is None or link.phone is None:
        work.post(thread, _("No phone number was left."), style=Style.STATUS)
        return
    work.entry(thread, "EVENT", "PHONE_SHOWN", author=by)
    work.post(
        thread,
        _("{who} looked up the number: {phone}", who=by, phone=Phone(readable_phone(link.phone))),
        style=Style.STATUS,
    )
