"""Fifty experts accept at the same moment, from several processes: one wins, forty-nine are thanked (R-52)."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread as Worker
from typing import Any

from sqlalchemy import select

from bot.channels.lines import ACCOUNT
from bot.contact_point import ContactPoint
from bot.desks import DeskAt
from bot.pool.search import release
from bot.taxonomy import OfferState, RequestState
from bot.work import Pending, Work
from storage.database import Database
from storage.keys import load_ring
from storage.pool import ExpertRequest, Offer
from tests.bench import START
from tests.databases import Databases
from tests.pipe import Pipe
from tests.pool.test_chain_killed import fill

EXPERTS = [f"expert{n}" for n in range(50)]


def say(pipe: Pipe, lines: list[dict[str, Any]], heard: list[dict[str, Any]]) -> None:
    """Says all at once, and listens until everything is done."""
    for line in lines:
        pipe.write(line)
    open_ = {line["id"] for line in lines}
    while open_:
        said = pipe.read(60)
        assert said is not None and "error" not in said, said
        heard.append(said)
        open_.discard(said.get("done", ""))


def at_once(pipes: list[Pipe], lines: list[dict[str, Any]], heard: list[dict[str, Any]]) -> None:
    workers = [Worker(target=say, args=(pipe, lines[n :: len(pipes)], heard)) for n, pipe in enumerate(pipes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert not any(worker.is_alive() for worker in workers)


def test_of_fifty_who_accept_at_once_one_wins(
    databases: Databases, empty_url: str, tmp_path: Path, oberberg: ContactPoint
) -> None:
    on_file = empty_url.startswith("sqlite:///")
    heard: list[dict[str, Any]] = []
    pipes = [Pipe(empty_url, tmp_path)]
    try:
        say(pipes[0], [{"id": "now", "now": START.isoformat()}], heard)
        keys = Path(empty_url.removeprefix("sqlite:///")).with_suffix(".keys") if on_file else "anlaufstelle.keys"
        ring = load_ring(tmp_path / keys, {})
        pipes.pop().end()
        with closing(Database.open(empty_url, ring)) as database, database.transaction(oberberg.id) as session:
            (ref,) = fill(session, ring, oberberg, EXPERTS, 1)
            work = Work(session, oberberg, START, ring, DeskAt(ACCOUNT), Pending(session))
            request = session.scalars(select(ExpertRequest)).one()
            assert len(release(work, request, len(EXPERTS), oberberg.pool.answer)) == len(EXPERTS)
            work.write()

        pipes = [Pipe(empty_url, tmp_path) for _process in range(1 if on_file else 3)]
        soon = (START + timedelta(minutes=1)).isoformat()
        for n, pipe in enumerate(pipes):
            say(pipe, [{"id": f"now {n}", "now": soon}], heard)
        at_once(pipes, [{"id": f"a {chat}", "chat": chat, "choice": f"/accept {ref}"} for chat in EXPERTS], heard)
        at_once(pipes, [{"id": f"y {chat}", "chat": chat, "choice": "YES"} for chat in EXPERTS], heard)
        for n, pipe in enumerate(pipes):
            say(pipe, [{"id": f"later {n}", "now": (START + timedelta(minutes=2)).isoformat()}], heard)

        with closing(Database.open(empty_url, ring)) as database, database.transaction(oberberg.id) as session:
            states = sorted(session.scalars(select(Offer.state)))
            assert states == sorted([OfferState.ACCEPTED, *[OfferState.TAKEN] * (len(EXPERTS) - 1)])
            request = session.scalars(select(ExpertRequest)).one()
            winner = session.scalars(select(Offer).where(Offer.state == OfferState.ACCEPTED)).one()
            assert request.state == RequestState.ACCEPTED and request.offer_id == winner.id
    finally:
        logs = [pipe.end() for pipe in pipes]
        for pipe in pipes:
            while (last := pipe.read(30)) is not None:
                heard.append(last)
    assert not any("Traceback" in log or "bug " in log for log in logs), logs
    told = {chat: [each["text"] for each in heard if each.get("to") == chat] for chat in (*EXPERTS, "case")}
    assert sum(any("is yours" in text for text in told[chat]) for chat in EXPERTS) == 1
    # Who had heard it before their own answer was worked through reads it as the answer, too.
    thanked = [chat for chat in EXPERTS if any("already been taken" in text for text in told[chat])]
    assert len(thanked) == len(EXPERTS) - 1
    assert sum("has accepted your request" in text for text in told["case"]) == 1
