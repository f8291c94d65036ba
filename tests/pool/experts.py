"""Experts, requests and what is known of both, for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from bot.contact_point_file import load_contact_point, shipped
from bot.pool.languages import language_codes
from bot.pool.matching import WIDENABLE, ExpertRequest, Format, Standing
from bot.pool.profile import WEEK, Away, Level, Profile, Spoken
from bot.taxonomy import ExpertProfession, Theme

OBERBERG = load_contact_point(shipped() / "oberberg.toml")
WALDBROEL, WIEHL, LINDLAR = (OBERBERG.municipality(slug) for slug in ("waldbroel", "wiehl", "lindlar"))
TODAY = date(2026, 11, 23)
LANGUAGES = ("prs", "ar", "uk")
ORGANISATIONS = ("", "Caritasverband Oberberg", "AWO", "DRK")


def expert(key: str = "e1", **what: Any) -> Profile:
    """A mediator who fits whatever is not said otherwise."""
    given: dict[str, Any] = {
        "name": f"Expert {key}",
        "professions": frozenset({ExpertProfession.MEDIATOR}),
        "languages": (Spoken("de", Level.NATIVE), Spoken("prs", Level.C1)),
        "municipalities": frozenset({"waldbroel", "wiehl"}),
        "most_cases": 3,
        "committed_on": date(2026, 1, 15),
    }
    return Profile(id=key, **(given | what))


def request(**what: Any) -> ExpertRequest:
    """Somebody is wanted for mediation in Dari, in Waldbröl, in the first two weeks of December."""
    given: dict[str, Any] = {
        "first_day": date(2026, 12, 1),
        "last_day": date(2026, 12, 14),
        "professions": frozenset({ExpertProfession.MEDIATOR}),
        "languages": frozenset({"prs"}),
        "municipality": WALDBROEL,
    }
    return ExpertRequest(**(given | what))


def some(*of: Any, at_least: int = 0) -> st.SearchStrategy[frozenset[Any]]:
    return st.frozensets(st.sampled_from(of), min_size=at_least)


days = st.dates(date(2026, 11, 15), date(2027, 1, 15))
spans = st.tuples(days, days).map(sorted)
spoken = st.lists(
    st.builds(Spoken, st.sampled_from(LANGUAGES), st.sampled_from([*Level, Level.NATIVE, Level.C2])),
    unique_by=lambda spoken: spoken.language,
    min_size=1,
).map(tuple)
signed = date(2026, 1, 15)

_profiles = st.builds(
    Profile,
    id=st.just("?"),
    name=st.just("Expert"),
    professions=some(*tuple(ExpertProfession)[:3], at_least=1),
    languages=spoken,
    municipalities=some("waldbroel", "wiehl", "lindlar"),
    online=st.booleans(),
    themes=some(*tuple(Theme)[:3]),
    weekdays=some(*WEEK, at_least=1),
    most_cases=st.integers(1, 3),
    away=st.just(()) | st.lists(spans.map(lambda span: Away(*span)), max_size=2).map(tuple),
    committed_on=st.sampled_from([signed, signed, signed, TODAY, date(2026, 11, 24), None]),
    organisation=st.sampled_from(ORGANISATIONS),
    fee_class=st.sampled_from(["", "B"]),
)
pools = st.lists(_profiles, min_size=4, max_size=8).map(
    lambda found: [replace(profile, id=f"e{n}") for n, profile in enumerate(found)]
)
ids = some(*(f"e{n}" for n in range(8)))

line = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=30).map(str.strip)
hostile = st.tuples(st.sampled_from([*"=+-@＝＋－＠'\"", "'=", "' =", ";", ","]), line).map("".join).map(str.strip)
words = line | hostile


@st.composite
def people(draw: st.DrawFn) -> list[Profile]:
    """Experts with any name, organisation and language, however hostile to files."""
    found = draw(pools)
    return [
        replace(
            profile,
            name=draw(words.filter(bool)),
            organisation=draw(words),
            fee_class=draw(words),
            languages=tuple(
                Spoken(code, draw(st.sampled_from(Level)))
                for code in draw(st.lists(st.sampled_from(sorted(language_codes())), unique=True, max_size=4))
            ),
        )
        for profile in found
    ]


standings = st.dictionaries(
    st.sampled_from([f"e{n}" for n in range(8)]),
    st.builds(
        Standing,
        running=st.sampled_from([0, 0, 1, 2]),
        open_offers=st.integers(0, 1),
        last_asked=st.none() | st.sampled_from([datetime(2026, month, 3, 9, tzinfo=UTC) for month in (2, 5, 8)]),
        offers=st.integers(0, 3),
    ),
)

requests = spans.flatmap(
    lambda span: st.builds(
        ExpertRequest,
        first_day=st.just(span[0]),
        last_day=st.just(span[1]),
        professions=some(*tuple(ExpertProfession)[:3]),
        languages=st.sampled_from([frozenset(), frozenset({"prs"}), frozenset({"prs", "ar"})]),
        level=st.sampled_from([Level.A1, Level.B2, Level.NATIVE]),
        format=st.sampled_from(Format),
        municipality=st.sampled_from([None, WALDBROEL, WIEHL, LINDLAR]),
        weekdays=st.just(frozenset()) | some(*WEEK),
        themes=some(*tuple(Theme)[:3]),
        party_organisations=some(*ORGANISATIONS[:3]),
        asked=some("e0", "e1"),
        declined=some("e1", "e2"),
        widened=some(*WIDENABLE),
    )
)
