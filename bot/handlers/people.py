"""Codes and what people with roles say about themselves become rows (D-05)."""

from __future__ import annotations

from enum import StrEnum

from bot.accounts import person_of
from bot.commands import ComeBack, GoAway, LayDownRoles, SetName
from bot.desk import people, pool
from bot.i18n import Text, _, lines, listing
from bot.meetings import answers
from bot.meetings.planning import renew_members
from bot.messages import Style
from bot.people import possible_deputies
from bot.roles import ROLE
from bot.taxonomy import RESPONSIBLE
from bot.work import Work
from storage import accounts
from storage.models import Conversation


class Invited(StrEnum):
    """What a code gave."""

    ROLE = "ROLE"
    MEETING = "MEETING"
    """A place at one date, for somebody else."""


def redeem(work: Work, conversation: Conversation, code: str) -> Invited | None:
    """Gives a chat what a code stands for; None for one that is unknown, used or too old."""
    redeemed = accounts.redeem(work.session, work.ring, conversation, code, work.now)
    if redeemed is None:
        return None
    if redeemed.meeting_date is not None:
        came = answers.take_place(work, conversation, redeemed.meeting_date, redeemed.in_place_of)
        return Invited.MEETING if came else None
    account = redeemed.account
    if account is None:
        return None
    labels: list[Text | str] = [label for role, label in ROLE.items() if role in person_of(account).roles]
    told = _(
        "An invitation was accepted. Number {n}: {roles}. To end it: {command}",
        n=account.id,
        roles=listing(labels),
        command=f"/revoke {account.id}",
    )
    work.post(None, lines(told, pool.redeemed(work, account, redeemed.profile)), style=Style.STATUS)
    renew_members(work)
    return Invited.ROLE


def set_name(command: SetName, work: Work, conversation: Conversation) -> None:
    """Keeps how the person wants to be called."""
    account = accounts.of_chat(work.session, conversation)
    if account is not None:
        account.name = command.name


def go_away(command: GoAway, work: Work, conversation: Conversation) -> None:
    """Enters the days away; a deputy who cannot stand in any more counts as none."""
    account = accounts.of_chat(work.session, conversation)
    person = person_of(account) if account is not None else None
    if account is None or person is None or RESPONSIBLE.isdisjoint(person.roles):
        return
    others = map(person_of, accounts.everybody(work.session))
    possible = {each.id for each in possible_deputies(person, others, command.first, command.last)}
    deputy = command.deputy if command.deputy in possible else None
    people.enter_absence(work, account, command.first, command.last, deputy)


def come_back(command: ComeBack, work: Work, conversation: Conversation) -> None:
    """The person is not away after all."""
    account = accounts.of_chat(work.session, conversation)
    if account is not None:
        people.end_absence(work, account)


def lay_down_roles(command: LayDownRoles, work: Work, conversation: Conversation) -> None:
    """Ends all roles at the person's own wish."""
    account = accounts.of_chat(work.session, conversation)
    if account is not None:
        people.end_account(work, account)
        work.tell(conversation, _("Done. Your roles have ended, and what was stored for them is deleted. Thank you."))
