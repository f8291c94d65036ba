"""People with roles, as the desk sees them: who there is, who is away, and how a role ends (F-14, R-23)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from bot.accounts import everybody, person_of
from bot.conversation import Memory
from bot.desk import pool
from bot.flows import FLOWS
from bot.i18n import ZONE, Phone, Text, _, lines, listing, ngettext, verbatim
from bot.meetings.planning import renew_members
from bot.people import Absence, Person
from bot.pool import requester
from bot.roles import ROLE
from bot.taxonomy import POOL, REQUESTERS, Role
from bot.work import Work
from bot.working_time import next_service
from storage import accounts
from storage.accounts import UserAccount
from storage.erasures import Kind
from storage.models import Conversation

AWAY_OVER = "away_over"
"""The moment at which somebody is told that they are back; its subject is their chat."""


def roles_of(roles: Collection[Role]) -> Text:
    """Roles in a list."""
    labels: list[Text | str] = [label for role, label in ROLE.items() if role in roles]
    return listing(labels)


def name_of(person: Person) -> Text:
    """How the desk calls somebody."""
    return verbatim(person.name) if person.name else _("number {n}", n=person.id)


def list_people(work: Work) -> Text:
    """Everybody with a role, with the number to end it by."""
    people = everybody(work)
    if not people:
        return _("Nobody has a role yet. To invite somebody: {command}", command="/invite")
    return lines(
        _("People with roles:"),
        *(_person_in_words(work, each) for each in people),
        _("To end all roles of somebody: {command}", command=f"/revoke {people[0].id}"),
    )


def _person_in_words(work: Work, person: Person) -> Text:
    parts: list[Text] = [verbatim(person.name) if person.name else _("no name yet")]
    for role, label in ROLE.items():
        if role in person.roles:
            places = places_of(work, person.roles[role])
            parts.append(_("{role} ({places})", role=label, places=places) if places else label)
    if person.organisation:
        found = work.contact_point.organisation(person.organisation)
        parts.append(verbatim(found.name if found else person.organisation))
    if person.away is not None and person.away.last >= work.today:
        parts.append(_absence(work, person.away))
    text = parts[0]
    for each in parts[1:]:
        text = _("{one} · {other}", one=text, other=each)
    return _("{n}: {person}", n=person.id, person=text)


def places_of(work: Work, slugs: Collection[str]) -> Text | None:
    """The names of municipalities; None for the whole area."""
    names = [place.name for place in work.contact_point.municipalities if place.slug in slugs]
    return listing(names) if names else None


def _absence(work: Work, away: Absence) -> Text:
    deputy = next((each for each in everybody(work) if each.id == away.deputy), None)
    return _(
        "away from {first} to {last}, deputy: {deputy}",
        first=away.first,
        last=away.last,
        deputy=name_of(deputy) if deputy else _("the contact point"),
    )


def who_is_away(work: Work) -> Text | None:
    """Who is away today or has entered days to come; None for nobody."""
    rows = [
        _("{name}: {absence}", name=name_of(each), absence=_absence(work, each.away))
        for each in everybody(work)
        if each.away is not None and each.away.last >= work.today
    ]
    return lines(_("Away:"), *rows) if rows else None


def enter_absence(work: Work, account: UserAccount, first: date, last: date, deputy: int | None) -> None:
    """Keeps the days, tells the deputies, and sets the moment of return; the desk looks it up (D-33)."""
    before = person_of(account).away
    account.away_from, account.away_until, account.deputy_id = first, last, deputy
    work.session.flush()
    person = person_of(account)
    if before is not None and before.deputy not in (None, deputy):
        _tell(work, before.deputy, _("You no longer stand in for {name}.", name=name_of(person)))
    standing_in = _(
        "You stand in for {name} from {first} to {last}. If that does not suit you, please tell the contact point.",
        name=name_of(person),
        first=first,
        last=last,
    )
    _tell(work, deputy, standing_in)
    after = datetime.combine(last + timedelta(days=1), time(), ZONE)
    work.remind(AWAY_OVER, account.conversation_id, next_service(work.contact_point, after))


def end_absence(work: Work, account: UserAccount) -> None:
    """Forgets the days, and tells whoever stood in."""
    person = person_of(account)
    if person.away is None:
        return
    account.away_from = account.away_until = account.deputy_id = None
    work.forget_reminder(account.conversation_id, AWAY_OVER)
    _tell(work, person.away.deputy, _("You no longer stand in for {name}.", name=name_of(person)))


def came_back(work: Work, conversation: Conversation) -> None:
    """The days away are over: the person is told, on the first day of service (F-08)."""
    account = accounts.of_chat(work.session, conversation)
    if account is None or account.away_until is None or account.away_until >= work.today:
        return
    account.away_from = account.away_until = account.deputy_id = None
    work.tell(conversation, _("Welcome back. Your days away are over, and nobody stands in for you any more."))


def _tell(work: Work, person: int | None, text: Text) -> None:
    """Tells somebody in their own chat."""
    account = work.session.get(UserAccount, person) if person is not None else None
    conversation = work.session.get(Conversation, account.conversation_id) if account is not None else None
    if conversation is not None:
        work.tell(conversation, text)


def revoke(work: Work, account: UserAccount, roles: Collection[Role]) -> Text:
    """Ends roles, none named: all; the person is told kindly. Returns what the desk is told."""
    person = person_of(account)
    ended = [role for role in ROLE if role in person.roles and (not roles or role in roles)]
    if not ended:
        return _("{name} does not have this role.", name=name_of(person))
    # In its own turn the chat may be writing what it remembers at this moment.
    conversation = work.session.get(Conversation, account.conversation_id, with_for_update=True)
    left = [grant for grant in account.grants if grant.role not in ended]
    if left:
        if conversation is not None:
            work.erased(Kind.ROLES, conversation.account, conversation.chat_key)
        account.grants = left
        work.session.flush()
        if POOL.isdisjoint(grant.role for grant in left):
            pool.role_ended(work, account)
        renew_members(work)
        if conversation is not None and REQUESTERS.isdisjoint(grant.role for grant in left):
            requester.gone(work, conversation)
    else:
        end_account(work, account)
    if conversation is not None:
        drop_drafts(conversation, {Role(grant.role) for grant in left})
        work.tell(
            conversation,
            lines(
                ngettext(
                    "The contact point has ended your role: {roles}.",
                    "The contact point has ended your roles: {roles}.",
                    len(ended),
                    roles=roles_of(ended),
                ),
                _("Thank you for your work. You can still report here and talk to a person."),
                _("Is that a mistake? Call us: {phone}.", phone=Phone(work.contact_point.phone)),
            ),
        )
    return _("{name} no longer has: {roles}.", name=name_of(person), roles=roles_of(ended))


def end_account(work: Work, account: UserAccount) -> None:
    """Deletes an account with all its roles; for whom it stood in, the contact point does."""
    name = name_of(person_of(account))
    conversation = work.session.get(Conversation, account.conversation_id)
    if conversation is not None:
        work.erased(Kind.ROLES, conversation.account, conversation.chat_key)
        requester.gone(work, conversation)
    end_absence(work, account)
    pool.role_ended(work, account)
    for each in accounts.everybody(work.session):
        if each.deputy_id == account.id:
            each.deputy_id = None
            gone = _("{name} no longer stands in for you. While you are away, the contact point does.", name=name)
            _tell(work, each.id, gone)
    work.session.flush()
    work.session.delete(account)
    work.session.flush()
    renew_members(work)


def drop_drafts(conversation: Conversation, roles: Collection[Role]) -> None:
    """Forgets conversations under way that need another role than these (D-14)."""
    closed = {flow.name for flow in FLOWS if not flow.is_open_to(roles)}
    conversation.memory = Memory.from_json(conversation.memory).without_flows(closed).to_json()
