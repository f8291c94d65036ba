"""Who is responsible, whoever is away (R-22, R-23, F-08)."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.people import Absence, Person, acting_for, possible_deputies, responsible
from bot.taxonomy import Role

TODAY = date(2026, 11, 24)
PLACES = ("wiehl", "waldbroel", "lindlar")
ROLES = (Role.CASE_MANAGER, Role.CONFLICT_ADVISOR, Role.EXPERT)

absences = st.none() | st.builds(
    lambda first, length, deputy: Absence(
        TODAY + timedelta(days=first), TODAY + timedelta(days=first + length), deputy
    ),
    st.integers(-3, 3),
    st.integers(0, 4),
    st.none() | st.integers(1, 6),
)


@st.composite
def teams(draw: st.DrawFn) -> list[Person]:
    grants = st.dictionaries(st.sampled_from(ROLES), st.frozensets(st.sampled_from(PLACES)), min_size=1)
    size = draw(st.integers(0, 6))
    return [Person(n, draw(grants), f"Person {n}", away=draw(absences)) for n in range(1, size + 1)]


@given(teams(), st.sampled_from(PLACES), st.sampled_from(ROLES))
def test_who_is_responsible_is_there_and_has_the_role_in_that_place(team: list[Person], place: str, role: Role) -> None:
    found = responsible(team, place, role, TODAY)
    there = [each for each in team if each.covers(role, place) and not each.is_away(TODAY)]
    assert (found in there) if there else (found is None)


@given(teams(), st.sampled_from(PLACES), st.sampled_from(ROLES), st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_matter(team: list[Person], place: str, role: Role, random: object) -> None:
    shuffled = list(team)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert responsible(shuffled, place, role, TODAY) == responsible(team, place, role, TODAY)


@given(teams(), st.sampled_from(PLACES), st.sampled_from(ROLES))
def test_a_deputy_never_passes_the_work_on(team: list[Person], place: str, role: Role) -> None:
    known = {each.id: each for each in team}
    for each in team:
        acting = acting_for(each, known, place, role, TODAY)
        if not each.is_away(TODAY):
            assert acting is each
        elif acting is not None:
            assert each.away is not None
            assert acting.id == each.away.deputy
            assert not acting.is_away(TODAY) and acting.covers(role, place)


@given(teams())
def test_only_who_shares_work_and_is_there_can_stand_in(team: list[Person]) -> None:
    for each in team:
        for deputy in possible_deputies(each, team, TODAY, TODAY + timedelta(days=2)):
            assert deputy.id != each.id
            assert any(
                role is not Role.EXPERT and each.covers(role, place) and deputy.covers(role, place)
                for role in ROLES
                for place in PLACES
            )
            assert not any(deputy.is_away(TODAY + timedelta(days=n)) for n in range(3))


def manager(number: int, *places: str, away: Absence | None = None) -> Person:
    return Person(number, {Role.CASE_MANAGER: frozenset(places)}, f"Person {number}", away=away)


def test_who_names_the_place_comes_before_who_has_all_of_them() -> None:
    team = [manager(1), manager(2, "wiehl"), manager(3, "wiehl")]
    assert responsible(team, "wiehl", Role.CASE_MANAGER, TODAY) == team[1]
    assert responsible(team, "lindlar", Role.CASE_MANAGER, TODAY) == team[0]


def test_the_deputy_comes_before_other_colleagues() -> None:
    away = Absence(TODAY, TODAY, deputy=3)
    team = [manager(1, "wiehl", away=away), manager(2, "wiehl"), manager(3, "wiehl")]
    assert responsible(team, "wiehl", Role.CASE_MANAGER, TODAY) == team[2]
    tomorrow = TODAY + timedelta(days=1)
    assert responsible(team, "wiehl", Role.CASE_MANAGER, tomorrow) == team[0]


def test_when_both_are_away_it_is_the_contact_point() -> None:
    team = [
        manager(1, "wiehl", away=Absence(TODAY, TODAY, deputy=2)),
        manager(2, "wiehl", away=Absence(TODAY, TODAY, deputy=1)),
    ]
    assert responsible(team, "wiehl", Role.CASE_MANAGER, TODAY) is None
