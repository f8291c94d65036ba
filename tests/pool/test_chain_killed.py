"""Searches while processes are killed at any instant: every offer ends once, nobody is asked twice, one wins.

Short here; `pytest -m long` asks two hundred experts during forty kills.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter, deque
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.lines import ACCOUNT
from bot.commands import AskForExpert
from bot.contact_point import ContactPoint
from bot.desks import DeskAt
from bot.handlers import handle
from bot.pool.profile import Profile
from bot.pool.profiles import to_json
from bot.pool.request import PoolRequest, RequestKind
from bot.taxonomy import ExpertProfession, OfferState, RequestState, Role, Urgency
from bot.work import Pending, Work
from storage.accounts import RoleGrant, UserAccount
from storage.database import Database
from storage.keys import KeyRing, load_ring
from storage.models import Conversation
from storage.pool import ExpertRequest, Offer, PoolProfile
from tests.bench import START
from tests.databases import Databases
from tests.pipe import Pipe

ROUNDS = 3
"""How often the desk releases a search that has come back."""

Line = dict[str, Any]


class Searches:
    """Experts who answer as they like, a desk that releases, and processes that die between."""

    def __init__(self, url: str, folder: Path, experts: int, requests: int, point: ContactPoint, seed: int) -> None:
        self.url, self.folder = url, folder
        self.random = random.Random(seed)
        self.experts = [f"expert{n}" for n in range(experts)]
        self.kills = 0
        self.heard: list[Line] = []
        self.open: deque[Line] = deque()
        self._said: set[str] = set()
        self._released: Counter[str] = Counter()
        self._speak([{"id": "now", "now": START.isoformat()}])
        with closing(Database.open(url, self.ring)) as database, database.transaction(point.id) as session:
            self.refs = fill(session, self.ring, point, self.experts, requests)
        self._say({"id": "language", "desk": point.id, "by": "kim", "text": "/language en"})
        for ref in self.refs:
            self._release(ref)

    @property
    def ring(self) -> KeyRing:
        if self.url.startswith("sqlite:///"):
            return load_ring(Path(self.url.removeprefix("sqlite:///")).with_suffix(".keys"), {})
        return load_ring(self.folder / "anlaufstelle.keys", {})

    def _say(self, line: Line) -> None:
        if line["id"] not in self._said:
            self._said.add(line["id"])
            self.open.append(line)

    def _release(self, ref: str) -> None:
        self._released[ref] += 1
        if self._released[ref] <= ROUNDS:
            name = f"{ref}-{self._released[ref]}"
            self._say({"id": name, "desk": "oberberg", "by": "kim", "text": f"/offer {ref} 3"})

    def _hear(self, line: Line) -> None:
        self.heard.append(line)
        if "done" in line:
            self.open = deque(each for each in self.open if each["id"] != line["done"])
        text = line.get("text", "")
        if "This is possible now" in text and line.get("thread"):
            self._release(line["thread"])
        for option in line.get("options", ()) if "to" in line else ():
            command, _space, ref = option["id"].partition(" ")
            if command == "/accept":
                self._answer(line["to"], ref)

    def _answer(self, chat: str, ref: str) -> None:
        dice = random.Random(f"{chat} {ref}").random()
        if dice < 0.25:
            self._say({"id": f"{chat}-{ref}-a", "chat": chat, "choice": f"/accept {ref}"})
            self._say({"id": f"{chat}-{ref}-n", "chat": chat, "choice": "YES" if dice < 0.2 else "NO"})
        elif dice < 0.8:
            self._say({"id": f"{chat}-{ref}-d", "chat": chat, "choice": f"/decline {ref}"})

    def _speak(self, lines: list[Line], kill_after: float | None = None) -> None:
        """One process: told all that is open, killed after a while or left until nothing is open."""
        pipe = Pipe(self.url, self.folder)
        told: set[str] = set()
        timer: threading.Timer | None = None
        said: Line | None = {}
        try:
            for line in lines:
                pipe.write(line)
            left = len(lines)
            while True:
                for line in [each for each in self.open if each["id"] not in told]:
                    told.add(line["id"])
                    pipe.write(line)
                if not left and not self.open:
                    break
                said = pipe.read(60)
                if said is None:
                    break
                if timer is None and kill_after is not None:
                    timer = threading.Timer(kill_after, pipe.kill)
                    timer.start()
                left -= said.get("done") in {each["id"] for each in lines}
                assert "error" not in said, said
                self._hear(said)
        finally:
            if timer is not None:
                timer.cancel()
            log = pipe.end()
            while said is not None and (said := pipe.read(30)) is not None:
                self._hear(said)
        assert "Traceback" not in log and "bug " not in log, log

    def until_over(self, kills: int) -> None:
        """Days pass until every search is over; processes die as often as there is something to do."""
        day = 0
        for _round in range(ROUNDS):
            while self.open and self.kills < kills:
                self.kills += 1
                self._speak([], self.random.uniform(0.0, 0.1))
            # Each search of two batches is over within a week.
            days = [START + timedelta(days=day + n) for n in range(1, 8)]
            day += len(days)
            self._speak([{"id": f"day {at}", "now": at.isoformat()} for at in days])

    def check(self, point: ContactPoint) -> None:
        """The database, and what experts have heard."""
        with closing(Database.open(self.url, self.ring)) as database, database.transaction(point.id) as session:
            offers = session.execute(
                select(Offer, PoolProfile.id, ExpertRequest)
                .join(PoolProfile, PoolProfile.id == Offer.profile_id)
                .join(ExpertRequest, ExpertRequest.id == Offer.request_id)
            ).all()
            asked = Counter(profile for _offer, profile, _request in offers)
            counted = dict(session.execute(select(PoolProfile.id, PoolProfile.offers)).all())
            assert {key: asked[key] for key in counted} == counted
            assert all(offer.asked_at is not None for offer, _profile, _request in offers)
            for offer, _profile, request in offers:
                if offer.state == OfferState.OPEN:
                    assert request.state == RequestState.OFFERED
                    assert request.due_at is not None
            for request in session.scalars(select(ExpertRequest)):
                won = [
                    offer for offer, _profile, its in offers if its is request and offer.state == OfferState.ACCEPTED
                ]
                assert len(won) == (request.state == RequestState.ACCEPTED)
                assert not won or request.offer_id == won[0].id
            total = len(offers)
            searched = {request.state for _offer, _profile, request in offers}
        messages = {each["message"]: each for each in self.heard if "to" in each and not each.get("edited")}
        sent = [each for each in messages.values() if any("/accept" in o["id"] for o in each.get("options", ()))]
        assert len(sent) == total, "every offer was said"
        repeats = sum("message" in each and not each.get("edited") for each in self.heard) - len(
            {each["message"] for each in self.heard if "message" in each and not each.get("edited")}
        )
        assert repeats <= self.kills
        assert total > len(self.refs)
        assert searched & {RequestState.ACCEPTED, RequestState.DECLINED_ALL, RequestState.TIMED_OUT}


def fill(session: Session, ring: KeyRing, point: ContactPoint, experts: list[str], requests: int) -> list[str]:
    """People with roles and profiles, and requests, as they would have come."""
    work = Work(session, point, START, ring, DeskAt(ACCOUNT), Pending(session))
    committed = date(2026, 1, 5)
    for number, chat in enumerate(["case", *experts]):
        conversation = _chat(session, ring, chat)
        role = Role.EXPERT if number else Role.CASE_MANAGER
        account = UserAccount(
            conversation_id=conversation.id, name=chat, created_at=START, grants=[RoleGrant(role=role)]
        )
        session.add(account)
        session.flush()
        if number:
            profile = Profile(
                id=f"P{number}",
                name=chat,
                professions=frozenset({str(ExpertProfession.MEDIATOR)}),
                municipalities=frozenset({"waldbroel"}),
                most_cases=3,
                committed_on=committed,
            )
            session.add(PoolProfile(number=profile.id, details=to_json(profile), account_id=account.id))
    session.flush()
    refs = []
    requester = session.scalars(select(Conversation).order_by(Conversation.id)).first()
    assert requester is not None
    for _n in range(requests):
        refs.append(work.fresh_ref())
        wish = PoolRequest(
            kind=RequestKind.EXPERT,
            professions=frozenset({str(ExpertProfession.MEDIATOR)}),
            municipality="waldbroel",
            first_day=START.date() + timedelta(days=30),
            last_day=START.date() + timedelta(days=60),
        )
        handle(AskForExpert(refs[-1], wish, Urgency.NORMAL, "en"), work, requester)
    work.write()
    return refs


def _chat(session: Session, ring: KeyRing, chat: str) -> Conversation:
    conversation = Conversation(
        account=ACCOUNT,
        chat_key=ring.lookup("chat", ACCOUNT, chat),
        address=chat,
        language="en",
        holder="BOT",
        last_heard_at=START,
        created_at=START,
    )
    session.add(conversation)
    session.flush()
    return conversation


@pytest.mark.parametrize(
    ("kills", "experts", "requests"),
    [pytest.param(3, 12, 3, id="short"), pytest.param(40, 200, 120, marks=pytest.mark.long, id="long")],
)
def test_killed_at_any_instant_of_a_search(
    databases: Databases,
    empty_url: str,
    tmp_path: Path,
    oberberg: ContactPoint,
    kills: int,
    experts: int,
    requests: int,
) -> None:
    seed = int(os.environ.get("SEED", time.time()))
    print(f"SEED={seed}")
    searches = Searches(empty_url, tmp_path, experts, requests, oberberg, seed)
    searches.until_over(kills)
    assert searches.kills >= kills // 2
    searches.check(oberberg)
