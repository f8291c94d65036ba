"""How long the bot waits before it tries again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.backoff import wait


def test_twice_as_long_each_time_up_to_the_longest() -> None:
    assert [wait(tries, first=0.1, longest=5) for tries in range(1, 9)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]


@given(st.integers(min_value=0))
def test_a_database_that_is_away_for_days(tries: int) -> None:
    assert 0.1 <= wait(tries, first=0.1, longest=5) <= wait(tries + 1, first=0.1, longest=5) <= 5
