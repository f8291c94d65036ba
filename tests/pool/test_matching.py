"""Whom the desk could ask: never somebody who must not be asked, the best first, and nothing said that is not so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.i18n import listing, render
from bot.pool.languages import language_label
from bot.pool.matching import (
    WIDENABLE,
    Condition,
    ExpertRequest,
    Format,
    Ranking,
    Standing,
    rank,
)
from bot.pool.profile import WEEK, Away, Level, Profile, Spoken, Weekday
from bot.pool.words import PROFESSIONS, THEMES, WEEKDAYS
from bot.taxonomy import ExpertProfession, Theme
from tests.pool.experts import LANGUAGES, ORGANISATIONS, TODAY, expert, ids, pools, request, requests, standings

unhurried = settings(deadline=None, max_examples=50)
MAY = datetime(2026, 5, 3, 9, tzinfo=UTC)


def everybody(
    request: ExpertRequest, pool: Sequence[Profile], standings: Mapping[str, Standing] | None = None
) -> Ranking:
    return rank(request, pool, standings or {}, TODAY, at_most=None)


def names(ranking: Ranking) -> list[str]:
    return [suggestion.profile.id for suggestion in ranking.suggestions]


def excluded(ranking: Ranking, request: ExpertRequest, language: str = "en") -> list[str]:
    return [render(exclusion.in_words(request), language) for exclusion in ranking.excluded]


def days_of(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days + 1)]


class TestReasons:
    def test_the_desk_reads_why(self) -> None:
        asked = {"e1": Standing(running=1, last_asked=MAY, offers=4)}
        (suggestion,) = everybody(request(), [expert("e1", fee_class="B", organisation="AWO")], asked).suggestions

        assert [render(reason, "en") for reason in suggestion.reasons] == [
            "offers mediation",
            "speaks Dari (C1)",
            "covers Waldbröl",
            "asked least recently: Sunday, 3 May 2026",
            "4 offers so far",
            "1 of 3 places taken",
            "works for AWO",
            "fee class B",
        ]
        assert [render(reason, "de") for reason in suggestion.reasons] == [
            "bietet Mediation an",
            "spricht Dari (C1)",
            "kommt nach Waldbröl",
            "am längsten nicht gefragt: zuletzt Sonntag, 3. Mai 2026",
            "bisher 4 Anfragen",
            "1 von 3 Plätzen belegt",
            "arbeitet bei AWO",
            "Honorarstufe B",
        ]

    def test_a_day_is_the_day_at_the_contact_point(self) -> None:
        late = {"e1": Standing(last_asked=datetime(2026, 5, 3, 23, tzinfo=UTC), offers=1)}
        (suggestion,) = everybody(request(), [expert("e1")], late).suggestions
        assert "asked least recently: Monday, 4 May 2026" in [render(reason, "en") for reason in suggestion.reasons]

    def test_please_advise_me_tells_what_everybody_offers(self) -> None:
        both = frozenset({ExpertProfession.COACH, ExpertProfession.MEDIATOR})
        (suggestion,) = everybody(request(professions=frozenset()), [expert("e1", professions=both)]).suggestions
        assert render(suggestion.reasons[0], "en") == "offers mediation and coaching"

    def test_of_several_that_would_do_the_reason_names_what_somebody_offers(self) -> None:
        either = request(professions=frozenset({ExpertProfession.COACH, ExpertProfession.MEDIATOR}))
        (suggestion,) = everybody(either, [expert("e1", professions=frozenset({ExpertProfession.COACH}))]).suggestions
        assert render(suggestion.reasons[0], "en") == "offers coaching"

    def test_a_contact_point_may_have_professions_of_its_own(self) -> None:
        theatre = expert("e1", professions=frozenset({"theatre"}))
        ranking = rank(
            request(professions=frozenset({"theatre"})), [theatre], {}, TODAY, {"theatre": PROFESSIONS["COACH"]}
        )
        assert render(ranking.suggestions[0].reasons[0], "en") == "offers coaching"

    @unhurried
    @given(request=requests, pool=pools, known=standings)
    def test_are_true_of_the_profile(self, request: ExpertRequest, pool: list[Profile], known: dict[str, Any]) -> None:
        ranking = everybody(request, pool, known)
        fitting = [known.get(suggestion.profile.id, Standing()).last_asked for suggestion in ranking.suggestions]

        for suggestion in ranking.suggestions:
            profile, standing = suggestion.profile, known.get(suggestion.profile.id, Standing())
            said = {render(text, "en") for text in suggestion.reasons}
            lacks = {render(text, "en") for text in suggestion.lacks}

            for language in LANGUAGES:
                name, level = render(language_label(language), "en"), profile.level(language)
                shown = "native" if level is Level.NATIVE else level
                assert (f"speaks {name} ({shown})" in said) == (language in request.languages and level is not None)
                assert (f"does not speak {name}" in lacks) == (language in request.languages and level is None)
                assert (f"speaks {name} only at {shown}" in lacks) == (
                    language in request.languages and level is not None and level < request.level
                )
            place, in_person = request.municipality, request.format is not Format.ONLINE
            comes = place is not None and in_person and place.slug in profile.municipalities
            assert (place is not None and f"covers {place.name}" in said) == comes
            assert ("works online" in said) == (profile.online and request.format is not Format.IN_PERSON)
            assert ("does not work online" in lacks) == (not in_person and not profile.online)
            for theme, label in THEMES.items():
                told = any(text.startswith("knows the theme") and render(label, "en") in text for text in said)
                assert told == (theme in request.themes & profile.themes)
            assert ("not asked yet" in said) == (standing.last_asked is None)
            longest = standing.last_asked is not None and all(day and day >= standing.last_asked for day in fitting)
            assert any(text.startswith("asked least recently") for text in said) == longest
            assert any(f"{standing.running} of {profile.most_cases} place" in text for text in said)
            assert any("still open" in text for text in said) == bool(standing.open_offers)
            assert any(text.startswith("works for ") for text in said) == bool(profile.organisation)
            for text in said:
                if text.startswith("works on "):
                    free = [day for day in WEEK if render(WEEKDAYS[day], "en") in text]
                    assert free and set(free) <= request.weekdays & profile.weekdays


class TestForbidden:
    @unhurried
    @given(request=requests, pool=pools, known=standings)
    def test_nobody_is_suggested_who_must_not_be_asked(
        self, request: ExpertRequest, pool: list[Profile], known: dict[str, Standing]
    ) -> None:
        for suggestion in everybody(request, pool, known).suggestions:
            profile, standing = suggestion.profile, known.get(suggestion.profile.id, Standing())
            wanted = [TODAY, *days_of(request.first_day, request.last_day)]
            assert not any(away.first <= day <= away.last for away in profile.away for day in wanted)
            assert standing.running + standing.open_offers < profile.most_cases
            assert profile.committed_on is not None
            assert profile.committed_on <= TODAY
            assert not profile.organisation or profile.organisation not in request.party_organisations
            assert profile.id not in request.declined | request.asked
            assert not request.professions or request.professions & profile.professions

    @unhurried
    @given(request=requests, pool=pools, known=standings)
    def test_all_who_fit_are_suggested(
        self, request: ExpertRequest, pool: list[Profile], known: dict[str, Standing]
    ) -> None:
        def fits(profile: Profile) -> bool:
            standing = known.get(profile.id, Standing())
            days = days_of(request.first_day, request.last_day)
            wanted = [day for day in days if not request.weekdays or WEEK[day.weekday()] in request.weekdays]
            place = request.municipality
            meets = {
                Condition.LANGUAGE: all(
                    (profile.level(language) or "") >= request.level for language in request.languages
                ),
                Condition.PLACE: {
                    Format.ONLINE: profile.online,
                    Format.IN_PERSON: place is None or place.slug in profile.municipalities,
                    Format.EITHER: place is None or place.slug in profile.municipalities or profile.online,
                }[request.format],
                Condition.WEEKDAY: any(WEEK[day.weekday()] in profile.weekdays for day in wanted),
            }
            return (
                all(met or condition in request.widened for condition, met in meets.items())
                and (not request.professions or bool(request.professions & profile.professions))
                and profile.committed_on is not None
                and profile.committed_on <= TODAY
                and not (profile.organisation and profile.organisation in request.party_organisations)
                and profile.id not in request.asked | request.declined
                and standing.running + standing.open_offers < profile.most_cases
                and not any(away.first <= day <= away.last for away in profile.away for day in [TODAY, *days])
            )

        ranking = everybody(request, pool, known)
        assert sorted(names(ranking)) == [profile.id for profile in pool if fits(profile)]
        assert ranking.fitting == len(ranking.suggestions)

    @pytest.mark.parametrize("party", ["AWO Kreisverband Oberberg e.V.", "awo kreisverband  oberberg e. V."])
    def test_an_organisation_is_the_same_however_it_is_written(self, party: str) -> None:
        pool = [expert("e1", organisation="AWO Kreisverband Oberberg e.V."), expert("e2", organisation="DRK")]
        assert names(everybody(request(party_organisations=frozenset({party})), pool)) == ["e2"]

    def test_who_is_away_on_the_last_wanted_day_is_not_suggested(self) -> None:
        away = expert("e1", away=(Away(date(2026, 12, 14), date(2026, 12, 20)),))
        back = expert("e2", away=(Away(date(2026, 12, 15), date(2026, 12, 20)),))
        assert names(everybody(request(), [away, back])) == ["e2"]

    @pytest.mark.parametrize("condition", sorted(set(Condition) - WIDENABLE))
    def test_no_other_condition_can_be_let_go(self, condition: Condition) -> None:
        with pytest.raises(ValueError, match=condition):
            request(widened=frozenset({condition}))


class TestOrder:
    @unhurried
    @given(request=requests, pool=pools, known=standings, data=st.data())
    def test_does_not_depend_on_how_the_pool_is_given(
        self, request: ExpertRequest, pool: list[Profile], known: dict[str, Standing], data: st.DataObject
    ) -> None:
        shuffled = data.draw(st.permutations(pool))
        assert everybody(request, shuffled, known) == everybody(request, pool, known)

    @unhurried
    @given(request=requests, pool=pools, known=standings, declined=ids)
    def test_who_declines_is_gone_and_nobody_else(
        self, request: ExpertRequest, pool: list[Profile], known: dict[str, Standing], declined: frozenset[str]
    ) -> None:
        before = names(everybody(request, pool, known))
        after = everybody(replace(request, declined=request.declined | declined), pool, known)
        assert names(after) == [name for name in before if name not in declined]

    @unhurried
    @given(request=requests, pool=pools, known=standings, shown=st.integers(0, 9))
    def test_only_the_first_are_shown(
        self, request: ExpertRequest, pool: list[Profile], known: dict[str, Standing], shown: int
    ) -> None:
        whole = everybody(request, pool, known)
        part = rank(request, pool, known, TODAY, at_most=shown)
        assert part == replace(whole, suggestions=whole.suggestions[:shown])

    @unhurried
    @given(request=requests, pool=pools, known=standings)
    def test_among_those_who_fit_alike_nobody_was_asked_longer_ago_than_the_one_before(
        self, request: ExpertRequest, pool: list[Profile], known: dict[str, Standing]
    ) -> None:
        alike: dict[tuple[bool, bool], list[datetime]] = {}
        for suggestion in everybody(replace(request, widened=frozenset()), pool, known).suggestions:
            knows = bool(request.themes & suggestion.profile.themes)
            standing = known.get(suggestion.profile.id, Standing())
            alike.setdefault((knows, False), []).append(standing.last_asked or datetime.min.replace(tzinfo=UTC))
        assert all(asked == sorted(asked) for asked in alike.values())

    def test_the_criteria_come_one_after_the_other(self) -> None:
        theme = frozenset({Theme.HOT_BUTTON_TOPICS})
        day, later = MAY, MAY + timedelta(days=1)
        pool = {
            "far, though it knows the theme": (expert("f", municipalities=frozenset(), themes=theme), Standing()),
            "same id order": (expert("e"), Standing(1, 0, later, 2)),
            "more places taken": (expert("d"), Standing(2, 0, later, 2)),
            "more offers": (expert("c"), Standing(0, 0, later, 3)),
            "asked longer ago": (expert("b"), Standing(2, 0, day, 9)),
            "knows the theme": (expert("a", themes=theme), Standing(2, 0, later, 9)),
        }
        ranking = everybody(
            request(themes=theme, widened=frozenset({Condition.PLACE})),
            [profile for profile, _ in pool.values()],
            {profile.id: standing for profile, standing in pool.values()},
        )
        assert names(ranking) == ["a", "b", "e", "d", "c", "f"]

    def test_who_was_never_asked_comes_first(self) -> None:
        assert names(everybody(request(), [expert("e1"), expert("e2")], {"e1": Standing(0, 0, MAY, 1)})) == ["e2", "e1"]


class TestNobodyFits:
    def test_the_desk_reads_which_condition_left_out_how_many(self) -> None:
        pool = [
            expert("e1", municipalities=frozenset({"wiehl"})),
            expert("e2", municipalities=frozenset({"wiehl"}), committed_on=None),
            expert("e3", languages=(Spoken("prs", Level.B1),)),
            expert("e4", professions=frozenset({ExpertProfession.COACH})),
            expert("e5", away=(Away(TODAY, TODAY),)),
            expert("e6", organisation="AWO"),
        ]
        asked = request(party_organisations=frozenset({"AWO"}), declined=frozenset({"e6"}))
        ranking = everybody(asked, pool)

        assert not ranking.suggestions
        assert excluded(ranking, asked) == [
            "1 does not offer what is asked for (1 for this reason only)",
            "1 does not speak Dari well enough (1 for this reason only)",
            "2 do not cover Waldbröl (1 for this reason only)",
            "1 is away today or in the wanted time (1 for this reason only)",
            "1 has declined",
            "1 has not signed the commitment to secrecy",
            "1 works for an organisation that is a party",
        ]
        assert excluded(ranking, asked, "de")[2] == "2 kommen nicht nach Waldbröl (1 nur aus diesem Grund)"

    def test_the_other_conditions_have_their_words_too(self) -> None:
        pool = [expert("e1", weekdays=frozenset({Weekday.SUNDAY})), expert("e2")]
        asked = request(format=Format.ONLINE, weekdays=frozenset({Weekday.MONDAY}), asked=frozenset({"e1"}))
        assert excluded(everybody(asked, pool, {"e2": Standing(running=2, open_offers=1)}), asked) == [
            "2 do not work online",
            "1 does not work on these days",
            "1 has no place free",
            "1 has been asked already",
        ]

    @unhurried
    @given(request=requests, pool=pools, known=standings)
    def test_letting_a_condition_go_brings_as_many_as_was_said(
        self, request: ExpertRequest, pool: list[Profile], known: dict[str, Standing]
    ) -> None:
        ranking = everybody(request, pool, known)
        for exclusion in ranking.excluded:
            assert exclusion.widenable == (exclusion.condition in WIDENABLE)
            if exclusion.widenable:
                wider = everybody(replace(request, widened=request.widened | {exclusion.condition}), pool, known)
                assert wider.fitting == ranking.fitting + exclusion.alone
            if exclusion.condition is Condition.CONFLICT_OF_INTEREST:
                neutral = everybody(replace(request, party_organisations=frozenset()), pool, known)
                assert neutral.fitting == ranking.fitting + exclusion.alone
        assert len(pool) - ranking.fitting <= sum(exclusion.count for exclusion in ranking.excluded)

    def test_who_comes_in_by_a_wider_search_shows_what_is_not_as_wished(self) -> None:
        far = expert("e1", municipalities=frozenset(), languages=(Spoken("prs", Level.A2),))
        wider = request(widened=WIDENABLE, weekdays=frozenset({Weekday.SUNDAY}), languages=frozenset({"prs", "rom"}))
        (suggestion,) = everybody(wider, [replace(far, weekdays=frozenset({Weekday.MONDAY}))]).suggestions
        assert render(listing(suggestion.lacks), "en") == (
            "speaks Dari only at A2, does not speak Romanes, does not cover Waldbröl and does not work on these days"
        )


def test_a_time_that_ends_before_it_begins_is_none() -> None:
    with pytest.raises(ValueError, match="before the first"):
        request(first_day=date(2026, 12, 2), last_day=date(2026, 12, 1))


def test_neither_names_nor_organisations_show_in_a_traceback() -> None:
    shown = repr(everybody(request(), [expert("e1", name="Ada", organisation=ORGANISATIONS[1])]))
    assert "Ada" not in shown
    assert ORGANISATIONS[1] not in shown
