"""Profiles of the pool as rows, and as everything else sees them (R-51, D-04)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from bot.engine.scope import OwnProfile
from bot.pool.profile import Away, Level, Profile, Spoken, Weekday
from bot.taxonomy import Theme
from bot.work import Work
from storage import accounts
from storage.accounts import UserAccount
from storage.erasures import Kind
from storage.insert import insert_or_leave
from storage.models import Conversation, Setting
from storage.pool import PoolProfile, fresh_mark
from storage.scope import sorted_by

NUMBER: Final = re.compile("[Pp][1-9][0-9]{0,8}")
"""What people write for a number of the pool."""
_SETTINGS: Final = cast("Table", Setting.__table__)
_THEMES: Final = frozenset(Theme)


def to_json(profile: Profile) -> dict[str, Any]:
    """What is stored of a profile beside its number."""
    return {
        "name": profile.name,
        "professions": sorted(profile.professions),
        "languages": [[spoken.language, spoken.level] for spoken in profile.languages],
        "municipalities": sorted(profile.municipalities),
        "online": profile.online,
        "themes": sorted(profile.themes),
        "weekdays": sorted(profile.weekdays),
        "most_cases": profile.most_cases,
        "away": [[away.first.isoformat(), away.last.isoformat()] for away in profile.away],
        "committed_on": profile.committed_on.isoformat() if profile.committed_on else None,
        "organisation": profile.organisation,
        "fee_class": profile.fee_class,
    }


def from_json(number: str, data: Mapping[str, Any]) -> Profile:
    """Raises KeyError, TypeError or ValueError for what is none.

    Professions and places that the contact point does not have any more stay, so that they are there again when it has
    them again; a theme that this release does not know is left out.
    """
    return Profile(
        id=number,
        name=data["name"],
        professions=frozenset(data["professions"]),
        languages=tuple(Spoken(language, Level(level)) for language, level in data["languages"]),
        municipalities=frozenset(data["municipalities"]),
        online=data["online"],
        themes=frozenset(Theme(theme) for theme in data["themes"] if theme in _THEMES),
        weekdays=frozenset(map(Weekday, data["weekdays"])),
        most_cases=data["most_cases"],
        away=tuple(Away(date.fromisoformat(first), date.fromisoformat(last)) for first, last in data["away"]),
        committed_on=date.fromisoformat(data["committed_on"]) if data["committed_on"] else None,
        organisation=data["organisation"],
        fee_class=data["fee_class"],
    )


def profile_in(row: PoolProfile) -> Profile:
    """The profile as it was entered."""
    return from_json(row.number, row.details or {})


class Member(NamedTuple):
    """Somebody in the pool, as far as searching needs it."""

    id: int
    account_id: int | None
    profile: Profile


_READ: Final[dict[str, dict[str, Profile]]] = {}
"""The pools as they were last read, by the marks of their profiles: what has not changed is not decrypted again."""
_AT_ONCE: Final = 500


def members(work: Work) -> list[Member]:
    """Everybody in the pool, in the order in which they came; the days that somebody entered with `/away` count too."""
    rows = work.session.execute(
        select(PoolProfile.id, PoolProfile.mark, PoolProfile.account_id)
        .where(PoolProfile.left_at.is_(None))
        .order_by(sorted_by(PoolProfile.id))
    ).all()
    read = _read(work, {row.mark: row.id for row in rows})
    away = _away(work.session)
    found = []
    for row in rows:
        profile = read[row.mark]
        if row.account_id in away:
            profile = replace(profile, away=(*profile.away, away[row.account_id]))
        found.append(Member(row.id, row.account_id, profile))
    return found


def _read(work: Work, ids: Mapping[str, int]) -> Mapping[str, Profile]:
    """The profiles of these rows by their marks; nobody else is remembered."""
    before = _READ.get(work.contact_point.id, {})
    found = {mark: before[mark] for mark in ids if mark in before}
    new = [key for mark, key in ids.items() if mark not in before]
    for begin in range(0, len(new), _AT_ONCE):
        wanted = select(PoolProfile.mark, PoolProfile.number, PoolProfile.details).where(
            PoolProfile.id.in_(new[begin : begin + _AT_ONCE])
        )
        for mark, number, details in work.session.execute(wanted):
            found[mark] = from_json(number, details or {})
    _READ[work.contact_point.id] = found
    return found


def _away(session: Session) -> dict[int, Away]:
    rows = session.execute(
        select(UserAccount.id, UserAccount.away_from, UserAccount.away_until).where(UserAccount.away_from.is_not(None))
    )
    return {key: Away(first, last) for key, first, last in rows if first is not None and last is not None}


def all_profiles(work: Work) -> list[tuple[PoolProfile, Profile]]:
    """The same with their rows, for changing them."""
    rows = {row.id: row for row in in_pool(work.session)}
    return [(rows[each.id], each.profile) for each in members(work)]


def in_pool(session: Session, *, locked: bool = False) -> list[PoolProfile]:
    """The rows of those who have not left, in the order in which they came; `locked`: for changing them."""
    rows = select(PoolProfile).where(PoolProfile.left_at.is_(None)).order_by(sorted_by(PoolProfile.id))
    return list(session.scalars(rows.with_for_update() if locked else rows))


def left_pool(session: Session) -> list[PoolProfile]:
    """The rows of those who have left, in the order in which they came."""
    rows = select(PoolProfile).where(PoolProfile.left_at.is_not(None)).order_by(sorted_by(PoolProfile.id))
    return list(session.scalars(rows))


def profile_row_of(work: Work, conversation: Conversation) -> PoolProfile | None:
    """The profile that a chat is linked to; also of somebody who has left the pool (`left_at`)."""
    account = accounts.of_chat(work.session, conversation)
    return row_of_account(work.session, account) if account is not None else None


def row_of_account(session: Session, account: UserAccount) -> PoolProfile | None:
    """The profile that an account is linked to."""
    return session.scalars(select(PoolProfile).where(PoolProfile.account_id == account.id)).one_or_none()


def own_profile(work: Work, conversation: Conversation) -> OwnProfile | None:
    """The profile of whoever writes in this chat, as they may see it; also after leaving."""
    row = profile_row_of(work, conversation)
    return OwnProfile(profile_in(row), row.left_at) if row is not None else None


def row_numbered(session: Session, number: str) -> PoolProfile | None:
    """The profile of a number like `P3`, for changing it; also of somebody who has left."""
    if not NUMBER.fullmatch(number):
        return None
    wanted = select(PoolProfile).where(PoolProfile.number == number.upper())
    return session.scalars(wanted.with_for_update()).one_or_none()


COUNTED: Final = "pool_number:"
"""How the settings begin that count the numbers of a pool."""


def numbers(session: Session, contact_point: str) -> Callable[[], str]:
    """Gives numbers that nobody in this pool has or ever had; nobody else is given one until the commit."""
    name = f"{COUNTED}{contact_point}"
    insert_or_leave(session, _SETTINGS, [{"name": name, "value": "0"}])
    counted = session.get_one(Setting, name, with_for_update=True)

    def give() -> str:
        counted.value = str(int(counted.value) + 1)
        return f"P{counted.value}"

    return give


def add(session: Session, profile: Profile) -> PoolProfile:
    """A new profile; its id is a fresh number."""
    row = PoolProfile(number=profile.id, details=to_json(profile), offers=0, unanswered=0)
    session.add(row)
    return row


def save(row: PoolProfile, profile: Profile) -> None:
    """Keeps a changed profile."""
    row.details = to_json(profile)
    row.mark = fresh_mark()


def link(session: Session, row: PoolProfile, account: UserAccount) -> PoolProfile | None:
    """Gives a profile its chat, in place of another; returns the profile that this chat had before."""
    before = row_of_account(session, account)
    if before is row:
        return None
    if before is not None:
        before.account_id = None
        session.flush()
    row.account_id = account.id
    session.flush()
    return before


def leave(work: Work, row: PoolProfile) -> None:
    """From now on there are no offers; the profile is deleted later (J-3 step 8)."""
    if row.left_at is None:
        row.left_at = work.now
        work.erased(Kind.LEFT, row.number)
