"""Whom of the pool to ask: one request after the other among a thousand, in small and in big pools."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from bot.contact_point_file import load_contact_point, shipped
from bot.pool.matching import ExpertRequest, Standing, rank
from bot.pool.profile import WEEK, Away, Level, Profile, Spoken
from bot.taxonomy import ExpertProfession, Theme
from tests.benchmarks.figures import middle, percentile, spread, table
from tests.benchmarks.plan import Plan

EXPERTS = (1_000, 10_000)
OPEN_REQUESTS = 1_000
OFFERS_EACH = (0, 10, 1_000)
"""How many requests an expert was asked for in the past: a summary holds them as a number."""
TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
POINT = load_contact_point(shipped() / "oberberg.toml")
LANGUAGES = ("prs", "ar", "tr", "uk", "ru", "ku", "fr", "sq")


def run(plan: Plan) -> str:
    chance = random.Random(1)
    sizes = (20,) if plan.quick else EXPERTS
    requests = [_request(chance) for _ in range(5 if plan.quick else 50 * plan.rounds)]
    rows = []
    for size in sizes:
        experts = [_expert(n, chance) for n in range(size)]
        for offers in OFFERS_EACH:
            standings = {each.id: _standing(each, offers, size, chance) for each in experts}
            rows.append((f"{size:,} experts, {offers:,} offers each", *_ranked(requests, experts, standings)))
    alike = [_fits_all(n) for n in range(sizes[-1])]
    anybody = [ExpertRequest(first_day=TODAY, last_day=TODAY)] * len(requests)
    rows.append((f"{sizes[-1]:,} experts, all of whom fit", *_ranked(anybody, alike, {})))
    return table(
        f"matching: {len(requests)} requests ranked one by one, {OPEN_REQUESTS:,} open; ms for one",
        ("", "median (least–most)", "95 %", "of CPU, median", "who fits"),
        rows,
    )


def _ranked(
    requests: Sequence[ExpertRequest], experts: Sequence[Profile], standings: dict[str, Standing]
) -> tuple[str, str, str, str]:
    took, computed, fitting = [], [], []
    for request in requests:
        start, cpu = time.perf_counter(), time.thread_time()
        ranking = rank(request, experts, standings, TODAY)
        took.append((time.perf_counter() - start) * 1000)
        computed.append((time.thread_time() - cpu) * 1000)
        fitting.append(float(ranking.fitting))
    return spread(took, 1), f"{percentile(took, 0.95):.1f}", f"{middle(computed):.1f}", spread(fitting)


def _expert(number: int, chance: random.Random) -> Profile:
    away = Away(TODAY + timedelta(days=chance.randrange(60)), TODAY + timedelta(days=74))
    return Profile(
        id=f"{number:06}",
        name="Expert",
        professions=frozenset(chance.sample(tuple(ExpertProfession), 2)),
        languages=tuple(Spoken(code, chance.choice(tuple(Level))) for code in chance.sample(LANGUAGES, 2)),
        municipalities=frozenset(place.slug for place in chance.sample(POINT.municipalities, 6)),
        online=chance.random() < 0.5,
        themes=frozenset(chance.sample(tuple(Theme), 2)),
        weekdays=frozenset(chance.sample(WEEK, 4)),
        most_cases=chance.randint(1, 4),
        away=(away,) if chance.random() < 0.2 else (),
        committed_on=date(2026, 1, 15) if chance.random() < 0.95 else None,
        organisation=f"Organisation {chance.randrange(40)}" if chance.random() < 0.5 else "",
    )


def _standing(expert: Profile, offers: int, size: int, chance: random.Random) -> Standing:
    open_offers = 1 if chance.random() < 2 * OPEN_REQUESTS / max(size, 2 * OPEN_REQUESTS) / 2 else 0
    last = NOW - timedelta(minutes=chance.randrange(500_000)) if offers else None
    return Standing(chance.randrange(expert.most_cases + 1), open_offers, last, offers)


def _request(chance: random.Random) -> ExpertRequest:
    first = TODAY + timedelta(days=chance.randint(3, 20))
    return ExpertRequest(
        first_day=first,
        last_day=first + timedelta(days=chance.randint(0, 20)),
        professions=frozenset(chance.sample(tuple(ExpertProfession), chance.randint(0, 2))),
        languages=frozenset(chance.sample(LANGUAGES, chance.randint(0, 1))),
        municipality=chance.choice(POINT.municipalities),
        weekdays=frozenset(chance.sample(WEEK, chance.randint(0, 3))),
        themes=frozenset(chance.sample(tuple(Theme), 1)),
        party_organisations=frozenset({f"Organisation {chance.randrange(40)}"}),
        declined=frozenset(f"{chance.randrange(10_000):06}" for _ in range(3)),
    )


def _fits_all(number: int) -> Profile:
    professions = frozenset({ExpertProfession.MEDIATOR})
    return Profile(id=f"{number:06}", name="Expert", professions=professions, committed_on=date(2026, 1, 15))
