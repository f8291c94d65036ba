"""Accounts as rows become people as everything else sees them."""

from __future__ import annotations

from bot.people import Absence, Person
from bot.taxonomy import Role
from bot.work import Work
from storage import accounts
from storage.accounts import UserAccount
from storage.models import Conversation

_ROLES = frozenset(Role)


def person_of(account: UserAccount) -> Person:
    """The person with their roles; one that this release does not know gives nothing (D-14)."""
    away = None
    if account.away_from is not None and account.away_until is not None:
        away = Absence(account.away_from, account.away_until, account.deputy_id)
    return Person(
        id=account.id,
        roles={
            Role(each.role): frozenset(each.municipalities.split()) for each in account.grants if each.role in _ROLES
        },
        name=account.name or "",
        organisation=account.organisation or "",
        away=away,
    )


def person_in(work: Work, conversation: Conversation) -> Person | None:
    """Whose chat this is; None for everybody without a role."""
    account = accounts.of_chat(work.session, conversation)
    person = person_of(account) if account is not None else None
    return person if person is not None and person.roles else None


def everybody(work: Work) -> tuple[Person, ...]:
    """All who have roles at the contact point."""
    people = map(person_of, accounts.everybody(work.session))
    return tuple(each for each in people if each.roles)
