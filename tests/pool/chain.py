"""A pool, a case manager and a request on the bench: everything up to the release by the desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.commands import AskForExpert
from bot.handlers import handle
from bot.pool.profile import Profile
from bot.pool.profiles import to_json
from bot.pool.request import PoolRequest, RequestKind
from bot.references import fresh_reference
from bot.taxonomy import ExpertProfession, OfferState, RequestState, Urgency
from storage.accounts import UserAccount
from storage.models import Conversation
from storage.pool import ExpertRequest, Offer, PoolProfile
from tests.bench import START, Bench

COMMITTED = date(2026, 1, 5)


@dataclass
class Pool:
    """The bench with people on it, by the names of their chats."""

    bench: Bench
    requester: str = "case"
    _numbers: dict[str, str] = field(default_factory=dict)

    def expert(self, chat: str, roles: str = "EXPERT", **fields: object) -> None:
        """An expert with a profile and a chat."""
        self.bench.join(chat, f"Expert {chat}", roles)
        number = f"P{len(self._numbers) + 1}"
        self._numbers[chat] = number
        profile = Profile(
            **{
                "id": number,
                "name": f"Expert {chat}",
                "professions": frozenset({str(ExpertProfession.MEDIATOR)}),
                "municipalities": frozenset({"waldbroel"}),
                "committed_on": COMMITTED,
                **fields,
            }
        )
        with self.bench.database.transaction(self.bench.point) as session:
            accounts = [row for row in _accounts(session) if row not in _linked(session)]
            session.add(PoolProfile(number=number, details=to_json(profile), account_id=accounts[-1]))

    def ask(self, urgency: Urgency = Urgency.NORMAL, **fields: object) -> str:
        """The case manager sends a request; returns its number."""
        wish = PoolRequest(
            **{
                "kind": RequestKind.EXPERT,
                "professions": frozenset({str(ExpertProfession.MEDIATOR)}),
                "municipality": "waldbroel",
                "first_day": START.date() + timedelta(days=7),
                "last_day": START.date() + timedelta(days=21),
                "parties": "tenants, housing company",
                "organisations": ("Housing Ltd",),
                **fields,
            }
        )
        ref = fresh_reference()
        self.within(self.requester, lambda work, chat: handle(AskForExpert(ref, wish, urgency, "en"), work, chat))
        self.bench.settle()
        return ref

    def within(self, chat: str, act: Callable[..., object]) -> None:
        """Does something in the transaction of a turn of this chat."""
        turns = self.bench.app.turns
        with (
            self.bench.database.transaction(everywhere=True) as session,
            turns.working(session, self.bench.point, self.bench.time()) as work,
        ):
            found = next(each for each in session.scalars(select(Conversation)) if each.address == chat)
            act(work, found)

    def request(self) -> ExpertRequest:
        """The only request."""
        with self.bench.database.transaction(self.bench.point) as session:
            return session.scalars(select(ExpertRequest)).one()

    @property
    def state(self) -> RequestState:
        return RequestState(self.request().state)

    def offers(self) -> dict[str, OfferState]:
        """What became of the last offer to each, by pool number."""
        with self.bench.database.transaction(self.bench.point) as session:
            rows = session.execute(
                select(PoolProfile.number, Offer.state)
                .join(Offer, Offer.profile_id == PoolProfile.id)
                .order_by(Offer.id)
            )
            return {number: OfferState(state) for number, state in rows}


def _accounts(session: Session) -> list[int]:
    return sorted(session.scalars(select(UserAccount.id)))


def _linked(session: Session) -> set[int | None]:
    return set(session.scalars(select(PoolProfile.account_id)))
