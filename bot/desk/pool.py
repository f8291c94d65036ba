"""The pool at the desk: who is in it, what is known of somebody, and changing that (R-51, R-57, J-3 step 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from bot.contact_point import ContactPoint
from bot.i18n import ZONE, Text, _, lines, listing, ngettext, render, verbatim
from bot.messages import Style
from bot.periods import deleted_by, months_after
from bot.pool import assignment, profiles
from bot.pool.profile import Profile
from bot.pool.search import chat_of, standings
from bot.pool.table import HEADINGS, Imported, Vocabulary, read_lines, write_lines
from bot.pool.words import professions_of
from bot.taxonomy import POOL, Role
from bot.work import Work
from storage.accounts import UserAccount
from storage.models import Thread
from storage.pool import PoolProfile

_NEW: Final = frozenset({"new", "neu"})
_OUT: Final = frozenset({"out", "raus"})
_BACK: Final = frozenset({"back", "zurück"})


def list_pool(work: Work) -> Text:
    """Everybody in the pool, and the numbers of those who have left and are not deleted yet."""
    here = standings(work)
    names = professions_of(work.contact_point)
    rows = [_in_words(work, row, profile, names, here[row.id].taken) for row, profile in profiles.all_profiles(work)]
    left = [verbatim(row.number) for row in profiles.left_pool(work.session)]
    return lines(
        _("In the pool:") if rows else _("Nobody is in the pool yet."),
        *rows,
        _("Left, and not deleted yet: {numbers}", numbers=listing(left)) if left else None,
        _("One profile: {command}", command="/profile P1") if rows else None,
        _("Somebody new: {command}", command="/profile new"),
    )


def _in_words(work: Work, row: PoolProfile, profile: Profile, names: Mapping[str, Text], taken: int) -> Text:
    professions = [label for key, label in names.items() if key in profile.professions]
    parts: list[Text | None] = [
        verbatim(profile.name),
        listing(professions) if professions else None,
        ngettext("{taken} of {n} place taken", "{taken} of {n} places taken", profile.most_cases, taken=taken),
        _("no chat yet") if row.account_id is None else None,
        None if is_committed(profile, work.today) else _("no commitment yet"),
    ]
    return _("{number}: {profile}", number=row.number, profile=_dotted(parts))


def _dotted(parts: list[Text | None]) -> Text:
    text, *others = filter(None, parts)
    for each in others:
        text = _("{one} · {other}", one=text, other=each)
    return text


def is_committed(profile: Profile, today: date) -> bool:
    """Whether the commitment to secrecy is signed; without it there is no offer (R-57)."""
    return profile.committed_on is not None and profile.committed_on <= today


def deleted_on(point: ContactPoint, left_at: datetime) -> date:
    """By when the profile of somebody who left is deleted."""
    return deleted_by(months_after(left_at, point.retention.expert_profile_months))


def profile_command(work: Work, thread: Thread | None, argument: str) -> None:
    """Shows, begins, changes or ends a profile, as what follows its number says."""
    number, *more = argument.split(maxsplit=1) or [""]
    rest = more[0] if more else ""
    if number.casefold() in _NEW:
        _post(work, thread, _begin(work, rest))
        return
    row = profiles.row_numbered(work.session, number) if number else None
    if row is None:
        missing = _("There is no profile {number}.", number=verbatim(number[:20])) if number else None
        _post(work, thread, lines(missing, list_pool(work)))
        return
    word, *more = rest.casefold().split() or [""]
    match word, more:
        case "", _:
            _show(work, thread, row)
        case out, [] if out in _OUT:
            _post(work, thread, _end(work, row))
        case back, [] if back in _BACK:
            _post(work, thread, _take_back(work, row))
        case "person", [person]:
            _post(work, thread, _link(work, row, person))
        case _:
            _post(work, thread, _change(work, row, rest))


def _post(work: Work, thread: Thread | None, text: Text | str) -> None:
    work.post(thread, text, style=Style.STATUS)


def _show(work: Work, thread: Thread | None, row: PoolProfile) -> None:
    """First what only the program knows, then the profile as it can be copied, changed and sent back."""
    account = work.session.get(UserAccount, row.account_id) if row.account_id is not None else None
    about = [
        verbatim(row.number),
        _("its chat is number {n} of /people", n=account.id) if account is not None else _("no chat yet"),
        ngettext("{n} offer so far", "{n} offers so far", row.offers),
        _("last asked: {day}", day=row.last_asked_at.astimezone(ZONE).date()) if row.last_asked_at else None,
    ]
    left = None
    if row.left_at is not None:
        left = _(
            "Left the pool on {day}. Deleted by {until}.",
            day=row.left_at.astimezone(ZONE).date(),
            until=deleted_on(work.contact_point, row.left_at),
        )
    change = _("To change something: copy this, change it and send it. Lines may be left out.")
    _post(work, thread, lines(_dotted(about), left, change))
    language = work.desk_language
    cells = write_lines(profiles.profile_in(row), Vocabulary.at(work.contact_point), language)
    written = [f"{render(heading, language)}: {cell}".rstrip() for heading, cell in cells]
    _post(work, thread, "\n".join((f"/profile {row.number}", *written)))


def _begin(work: Work, text: str) -> Text:
    read = read_lines(text, Vocabulary.at(work.contact_point), "P")
    if read.faults:
        return _faults(read)
    number = profiles.numbers(work.session, work.contact_point.id)()
    (profile,) = read.profiles
    row = profiles.add(work.session, replace(profile, id=number))
    return lines(
        _("{number} is in the pool.", number=row.number),
        _no_commitment(work, profile),
        _("A code for the chat: {command}", command=f"/invite {role_for(profile)} {row.number}"),
    )


def _change(work: Work, row: PoolProfile, text: str) -> Text:
    before = profiles.profile_in(row)
    read = read_lines(text, Vocabulary.at(work.contact_point), row.number, before)
    if read.faults:
        return _faults(read)
    (after,) = read.profiles
    profiles.save(row, after)
    changed: list[Text | str] = [
        label for column, label in HEADINGS.items() if getattr(before, column.lower()) != getattr(after, column.lower())
    ]
    done = _("{number} is changed: {what}.", number=row.number, what=listing(changed)) if changed else None
    return lines(done or _("{number} is as it was.", number=row.number), _no_commitment(work, after))


def _faults(read: Imported) -> Text:
    return lines(
        _("Nothing was changed:"),
        *(
            _("{column}: {reason}", column=verbatim(fault.column), reason=fault.reason)
            if fault.column
            else fault.reason
            for fault in read.faults
        ),
    )


def _no_commitment(work: Work, profile: Profile) -> Text | None:
    if is_committed(profile, work.today):
        return None
    return _("There is no signed commitment to secrecy yet, and so there are no offers.")


def role_for(profile: Profile) -> Role:
    """The role with which somebody is invited."""
    of_the_pool = [role for role in POOL if profile.professions == {role}]
    return of_the_pool[0] if of_the_pool else Role.EXPERT


def _end(work: Work, row: PoolProfile) -> Text:
    if row.left_at is None:
        assignment.gone(work, row, finishes=True)
        profiles.leave(work, row)
        gone = _("The contact point has taken you out of its pool. There are no more offers. Thank you for your work.")
        _tell(work, row, gone)
    return has_left(work, row)


def has_left(work: Work, row: PoolProfile) -> Text:
    """That somebody is not in the pool any more, and how long the profile is kept."""
    return _(
        "{number} is not in the pool any more. Deleted by {until}. To take back in: {command}",
        number=row.number,
        until=deleted_on(work.contact_point, row.left_at or work.now),
        command=f"/profile {row.number} back",
    )


def _take_back(work: Work, row: PoolProfile) -> Text:
    if row.left_at is not None:
        row.left_at = None
        row.unanswered = 0
        _tell(work, row, _("You are in the pool of the contact point again."))
    return lines(_("{number} is in the pool.", number=row.number), _no_commitment(work, profiles.profile_in(row)))


def _tell(work: Work, row: PoolProfile, text: Text) -> None:
    """Tells the expert in the own chat, if there is one."""
    chat = chat_of(work, row)
    if chat is not None:
        work.tell(chat, text)


def _link(work: Work, row: PoolProfile, person: str) -> Text:
    account = work.session.get(UserAccount, int(person[:18])) if person.isascii() and person.isdigit() else None
    if account is None:
        return _("There is no number {n} in /people.", n=verbatim(person[:20]))
    if POOL.isdisjoint(grant.role for grant in account.grants):
        return _("Number {n} has no role of the pool. /invite gives one.", n=account.id)
    return link(work, row, account)


def link(work: Work, row: PoolProfile, account: UserAccount) -> Text:
    """Gives a profile a chat, in place of the one it had; returns what the desk is told."""
    if row.left_at is not None:
        return has_left(work, row)
    old = row.account_id
    before = profiles.link(work.session, row, account)
    under_way = standings(work)[row.id]
    return lines(
        _("{number} has the chat of number {n} now.", number=row.number, n=account.id),
        ngettext(
            "{n} offer or assignment goes with it.",
            "{n} offers or assignments go with it.",
            under_way.running + under_way.open_offers,
        )
        if under_way.running + under_way.open_offers
        else None,
        _("The chat of number {n} still has its role. To end it: {command}", n=old, command=f"/revoke {old}")
        if old not in (None, account.id)
        else None,
        _("{number} has no chat any more.", number=before.number) if before is not None else None,
    )


def redeemed(work: Work, account: UserAccount, number: str | None) -> Text | None:
    """Links a chat that came by a code to the profile it was made for; returns what the desk is told."""
    row = profiles.row_numbered(work.session, number) if number else None
    if row is not None:
        return link(work, row, account)
    if number:
        return _("There is no profile {number}.", number=number)
    if POOL.isdisjoint(grant.role for grant in account.grants) or profiles.row_of_account(work.session, account):
        return None
    return _("To link a profile of the pool: {command}", command=f"/profile P1 person {account.id}")


def role_ended(work: Work, account: UserAccount) -> None:
    """Whoever has no role of the pool any more leaves it, and the profile loses its chat."""
    row = profiles.row_of_account(work.session, account)
    if row is None:
        return
    assignment.gone(work, row)
    row.account_id = None
    if row.left_at is None:
        profiles.leave(work, row)
        work.post(None, has_left(work, row), style=Style.STATUS)
    work.session.flush()
