"""A year of requests: whoever fits alike is asked alike often."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from bot.pool.matching import ExpertRequest, Standing, rank
from bot.pool.profile import Away, Level, Profile, Spoken
from bot.taxonomy import ExpertProfession, Theme
from tests.pool.experts import expert, request

FIRST_DAY = date(2026, 1, 1)
SUMMER, AUTUMN = Away(date(2026, 7, 1), date(2026, 8, 31)), Away(date(2026, 10, 12), date(2026, 10, 24))

ALIKE = {
    "always there": {"away": ()},
    "away in summer": {"away": (SUMMER,)},
    "away twice": {"away": (SUMMER, AUTUMN)},
    "knows the theme": {"themes": frozenset({Theme.HOT_BUTTON_TOPICS})},
    "speaks Arabic too": {"languages": (Spoken("prs", Level.C1), Spoken("ar", Level.NATIVE))},
    "moderates too": {"professions": frozenset({ExpertProfession.MEDIATOR, ExpertProfession.MODERATOR})},
}


@dataclass
class Year:
    """What the pool has been asked, day by day."""

    experts: list[Profile]
    offers: Counter[str] = field(default_factory=Counter)
    last_asked: dict[str, datetime] = field(default_factory=dict)
    cases: list[tuple[str, date]] = field(default_factory=list)
    """Who has one, and until when."""
    declined: int = 0
    accepted: int = 0

    def standings(self, day: date) -> dict[str, Standing]:
        running = Counter(name for name, end in self.cases if end > day)
        return {
            each.id: Standing(
                running=running[each.id], last_asked=self.last_asked.get(each.id), offers=self.offers[each.id]
            )
            for each in self.experts
        }

    def ask(self, request: ExpertRequest, moment: datetime, batch: int, chance: random.Random) -> ExpertRequest | None:
        """One batch of offers; the request with what became of them, or None when somebody has accepted."""
        day = moment.date()
        standings = self.standings(day)
        suggestions = rank(request, self.experts, standings, day, at_most=batch).suggestions
        asked = [suggestion.profile.id for suggestion in suggestions]
        for suggestion in suggestions:
            assert not any(away.first <= day <= away.last for away in suggestion.profile.away)
            assert standings[suggestion.profile.id].running < suggestion.profile.most_cases
            self.offers[suggestion.profile.id] += 1
            self.last_asked[suggestion.profile.id] = moment
        if yes := [name for name in asked if chance.random() < 0.4]:
            self.accepted += 1
            self.cases.append((yes[0], day + timedelta(days=chance.randint(7, 70))))
            return None
        no = frozenset(name for name in asked if chance.random() < 0.6)
        self.declined += len(no)
        return replace(request, declined=request.declined | no, asked=request.asked | frozenset(asked) - no)


def wanted(day: date, chance: random.Random) -> ExpertRequest:
    first = day + timedelta(days=chance.randint(3, 14))
    return request(
        first_day=first,
        last_day=first + timedelta(days=chance.randint(0, 14)),
        professions=chance.choice(
            [frozenset(), frozenset({ExpertProfession.MEDIATOR}), frozenset({ExpertProfession.MODERATOR})]
        ),
        languages=chance.choice([frozenset(), frozenset({"prs"}), frozenset({"prs", "ar"})]),
        themes=chance.choice([frozenset(), frozenset({Theme.HOT_BUTTON_TOPICS})]),
    )


def lived_through(seed: int, experts: list[Profile], one_at_a_time: bool = False) -> Year:
    """Requests come in all year; when nobody of the first batch wants to, a second one goes out."""
    chance = random.Random(seed)
    year = Year(experts)
    for n in range(365):
        for hour in range(8, 8 + chance.choice([0, 0, 1, 1, 2])):
            moment = datetime.combine(FIRST_DAY + timedelta(days=n), time(hour), UTC)
            batch = 1 if one_at_a_time else chance.randint(1, 3)
            if left := year.ask(wanted(moment.date(), chance), moment, batch, chance):
                year.ask(left, moment + timedelta(minutes=30), batch, chance)
    return year


@pytest.mark.parametrize("seed", range(5))
def test_the_offers_to_experts_who_fit_alike_differ_by_one_at_most(seed: int) -> None:
    experts = [
        expert(f"{group}, {n}", **({"languages": (Spoken("prs", Level.C1),), "most_cases": 99} | what))
        for group, what in ALIKE.items()
        for n in range(4)
    ]
    year = lived_through(seed, experts)

    assert year.declined > 50
    assert year.accepted > 50
    for group in ALIKE:
        offers = [year.offers[each.id] for each in experts if each.id.startswith(f"{group},")]
        assert min(offers) > 0
        assert max(offers) - min(offers) <= 1, (group, offers)


def test_who_has_no_place_free_waits_and_then_is_asked_before_those_who_had_their_turn() -> None:
    experts = [expert(f"e{n}", most_cases=1) for n in range(6)]
    year = lived_through(7, experts, one_at_a_time=True)
    assert min(year.offers.values()) > 0

    longest = min(year.last_asked, key=lambda name: year.last_asked[name])
    after = replace(wanted(date(2027, 3, 1), random.Random(1)), professions=frozenset(), languages=frozenset())
    ranking = rank(after, experts, year.standings(date(2027, 3, 1)), date(2027, 3, 1))
    assert ranking.suggestions[0].profile.id == longest


def test_who_comes_back_is_asked_next_but_does_not_get_all_that_was_missed() -> None:
    experts = [expert("stays 1"), expert("stays 2"), expert("back", away=(SUMMER,))]
    standings = {
        "stays 1": Standing(last_asked=datetime(2026, 8, 30, 9, tzinfo=UTC), offers=20),
        "stays 2": Standing(last_asked=datetime(2026, 8, 31, 9, tzinfo=UTC), offers=20),
        "back": Standing(last_asked=datetime(2026, 6, 20, 9, tzinfo=UTC), offers=4),
    }
    day = date(2026, 9, 1)
    after = replace(request(), first_day=date(2026, 9, 7), last_day=date(2026, 9, 11))

    asked = []
    for hour in range(3):
        (first, *_) = rank(after, experts, standings, day).suggestions
        asked.append(first.profile.id)
        moment = datetime(2026, 9, 1, 9 + hour, tzinfo=UTC)
        standings[first.profile.id] = Standing(last_asked=moment, offers=standings[first.profile.id].offers + 1)
    assert asked == ["back", "stays 1", "stays 2"]
