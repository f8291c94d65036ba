"""Where the desk of a contact point is: one account carries it, others may only be told that there is something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DeskAt:
    """The desk of one contact point."""

    account: str
    pings: tuple[str, ...] = ()
    """Accounts whose group learns what the room learns, and nothing that anybody wrote (D-33)."""


def desk_at(contents: Mapping[str, str], elsewhere: str) -> DeskAt | None:
    """Where the desk of a contact point is, by what the rooms and groups of its accounts are shown.

    `none`, `pings` or `full`; None where no messenger has to do with it.
    """
    full = [account for account, content in contents.items() if content == "full"]
    pings = tuple(account for account, content in contents.items() if content == "pings")
    return DeskAt(full[0] if full else elsewhere, pings) if full or pings else None


@dataclass(frozen=True)
class Desks:
    """The desks of an installation."""

    account: str
    """The account that carries all desks but those that are elsewhere."""
    elsewhere: Mapping[str, DeskAt] = field(default_factory=dict)
    """By contact point."""

    def of(self, contact_point: str) -> DeskAt:
        return self.elsewhere.get(contact_point) or DeskAt(self.account)
