"""Inviting somebody: a code for once, with links and a picture of it (J-2)."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import segno

from bot.codes import VALID_FOR, fresh_code
from bot.contact_point import ContactPoint
from bot.desk.people import places_of, roles_of
from bot.i18n import Text, _, lines, listing, render, verbatim
from bot.languages import LANGUAGES
from bot.messages import Media, Style
from bot.pool.profiles import NUMBER, row_numbered
from bot.roles import ROLE, TYPED
from bot.taxonomy import POOL, Role
from bot.work import Work
from storage.accounts import Invitation, code_key
from storage.entrances import entrances
from storage.models import Thread

_JOINING: Final = frozenset({"and", "und", "with", "mit", "for", "fur", "in"})
"""Words between the parts that mean nothing by themselves."""


@dataclass
class Invited:
    """What an invitation gives."""

    roles: set[Role] = field(default_factory=set)
    organisation: str = ""
    municipalities: set[str] = field(default_factory=set)
    profile: str = ""
    """The number in the pool of whom it is for."""


class NotUnderstood(Exception):
    """What was asked for cannot be given; `text` says what is possible."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self.text = text


def read(argument: str, point: ContactPoint) -> Invited:
    """Roles, an organisation and municipalities, by short name or name, in any order; raises NotUnderstood."""
    invited = Invited()
    known = dict(_known(point))
    words = folded(argument.replace(",", " ").replace("+", " ")).split()
    longest = max(len(name.split()) for name in known)
    while words:
        if words[0] in _JOINING:
            words.pop(0)
            continue
        for length in range(min(longest, len(words)), 0, -1):
            meant = known.get(" ".join(words[:length]))
            if meant is not None:
                break
        else:
            if NUMBER.fullmatch(words[0]):
                invited.profile = words.pop(0).upper()
                continue
            raise NotUnderstood(lines(_("I do not know “{word}”.", word=verbatim(words[0][:40])), possible(point)))
        del words[:length]
        match meant:
            case ("role", name):
                invited.roles.add(Role(name))
            case ("organisation", name):
                if invited.organisation not in ("", name):
                    raise NotUnderstood(_("Please name one organisation only."))
                invited.organisation = name
            case (_kind, name):
                invited.municipalities.add(name)
    if not invited.roles:
        raise NotUnderstood(lines(_("Please name at least one role."), possible(point)))
    if invited.profile and POOL.isdisjoint(invited.roles):
        raise NotUnderstood(_("A number of the pool goes with a role of the pool: {role}.", role=verbatim(Role.EXPERT)))
    return invited


def possible(point: ContactPoint) -> Text:
    """What can stand after the command."""
    roles: list[Text | str] = [_("{id} ({label})", id=str(role), label=label) for role, label in ROLE.items()]
    organisations = [each.slug for each in point.organisations]
    return lines(
        _("Write it like this: {example}", example=f"/invite {Role.CASE_MANAGER} {_example(point)}"),
        _("Roles: {roles}.", roles=listing(roles)),
        _("Organisations: {organisations}.", organisations=listing(organisations)) if organisations else None,
        _("Places: {places}. Without a place: all.", places=listing([each.slug for each in point.municipalities])),
    )


def _example(point: ContactPoint) -> str:
    slugs = [*(each.slug for each in point.organisations[:1]), *(each.slug for each in point.municipalities[:1])]
    return " ".join(slugs)


def _known(point: ContactPoint) -> Iterator[tuple[str, tuple[str, str]]]:
    for place in point.municipalities:
        for name in (place.slug, place.name):
            yield folded(name), ("municipality", place.slug)
    for each in point.organisations:
        for name in (each.slug, each.name):
            yield folded(name), ("organisation", each.slug)
    for role in Role:
        for name in _names(role):
            yield folded(name), ("role", str(role))


def folded(text: str) -> str:
    """Without case, accents and hyphens: `Waldbröl` and `waldbrol`, `case_manager` and `Case Manager`."""
    spaced = text.casefold().replace("_", " ").replace("-", " ")
    letters = unicodedata.normalize("NFKD", spaced)
    return " ".join("".join(each for each in letters if not unicodedata.combining(each)).split())


def read_roles(text: str) -> set[Role] | None:
    """Roles separated by commas, by any of their names; None if one is not known."""
    known = {folded(name): role for role in Role for name in _names(role)}
    found = {known.get(folded(each)) for each in text.split(",") if each.strip()}
    return None if None in found else {each for each in found if each is not None}


def _names(role: Role) -> Iterator[str]:
    labels = (render(ROLE[role], code) for code, language in LANGUAGES.items() if language.complete)
    yield from (role, *TYPED[role].split(","), *labels)


def invite(work: Work, thread: Thread | None, argument: str) -> None:
    """Makes a code and shows it, once; only its keyed hash is kept."""
    try:
        invited = read(argument, work.contact_point)
    except NotUnderstood as wrong:
        work.post(thread, wrong.text, style=Style.STATUS)
        return
    row = row_numbered(work.session, invited.profile) if invited.profile else None
    if invited.profile and (row is None or row.left_at is not None):
        nobody = _("There is no {number} in the pool. /pool shows who is.", number=invited.profile)
        work.post(thread, nobody, style=Style.STATUS)
        return
    code = fresh_code()
    until = work.now + VALID_FOR
    work.session.add(
        Invitation(
            code_key=code_key(work.ring, code),
            roles=" ".join(sorted(invited.roles)),
            organisation=invited.organisation or None,
            municipalities=" ".join(sorted(invited.municipalities)),
            profile=invited.profile or None,
            expires_at=until,
        )
    )
    organisation = work.contact_point.organisation(invited.organisation)
    links = _links(work, code)
    work.post(
        thread,
        lines(
            _("Invitation: {roles}.", roles=roles_of(invited.roles)),
            _("Organisation: {name}.", name=organisation.name) if organisation else None,
            _("Places: {places}.", places=places_of(work, invited.municipalities) or _("all")),
            _("Profile in the pool: {number}.", number=invited.profile) if invited.profile else None,
            _("It has a chat already. The new one takes its place.") if row is not None and row.account_id else None,
            _("Code: {code}", code=code),
            _("It works once, until {until}. Give it to this one person only.", until=until),
            *(_("{messenger}: {link}", messenger=name, link=link) for name, link in links.items()),
            _matrix(work, code),
            _("In any chat with me, the person writes: {command}", command=f"/start {code}"),
        ),
        style=Style.STATUS,
    )
    for name, link in links.items():
        work.post(thread, _("The invitation as a picture: {messenger}", messenger=name), file=_picture(link))
    if not links:
        work.post(thread, _("The code as a picture"), file=_picture(f"/start {code}"))


_MESSENGERS: Final[Mapping[str, Text]] = {"telegram": verbatim("Telegram"), "web": _("Web page")}


def _links(work: Work, code: str) -> dict[Text, str]:
    found = entrances(work.session, work.contact_point.id)
    if not work.contact_point.telegram.allowed:
        found.pop("telegram", None)
    return {label: f"{found[name]}{code}" for name, label in _MESSENGERS.items() if name in found}


def _matrix(work: Work, code: str) -> Text | None:
    """A link there leads to the account, and carries no code."""
    rules = work.contact_point.matrix
    if not (rules.allowed and rules.people):
        return None
    return _("Matrix: {link} – then write the code there", link=f"https://matrix.to/#/{rules.user}")


def _picture(content: str) -> Media:
    """A QR code that a phone reads from a screen."""
    out = io.BytesIO()
    segno.make(content, error="m", micro=False).save(out, kind="png", scale=8, border=4)
    return Media("photo", "invitation.png", "image/png", out.getvalue())
