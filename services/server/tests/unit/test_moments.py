from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_server import moments


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2025-07-24T20:00:00-07:00", "2025-07-25T03:00:00.000000+00:00"),
        ("2025-07-25T01:00:00Z", "2025-07-25T01:00:00.000000+00:00"),
        ("2025-07-25 01:00:00.5", "2025-07-25T01:00:00.500000+00:00"),
        ("2025-07-25", "2025-07-25T00:00:00.000000+00:00"),
    ],
)
def test_a_moment_is_stored_in_utc_whatever_its_zone(text: str, stored: str) -> None:
    assert moments.stored(text) == stored


@pytest.mark.parametrize(
    "text", ["yesterday", "now", "", "2025-13-01", "9999-12-31T23:59:59-07:00", "2024-01-01\x00", 7, None]
)
def test_what_names_no_moment_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        moments.stored(text)


@given(st.lists(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.timezones())))  # noqa: DTZ001
def test_stored_moments_sort_as_texts_as_they_do_in_time(times: list[datetime]) -> None:
    texts = [moments.stored(time.isoformat()) for time in times if time.utcoffset() is not None]
    in_time = sorted(texts, key=datetime.fromisoformat)
    assert sorted(texts) == in_time


def test_what_is_written_now_sorts_with_it() -> None:
    whole = datetime(2025, 7, 25, 1, 0, 0, tzinfo=UTC)
    assert moments.written(whole) == moments.stored("2025-07-25T01:00:00Z")
