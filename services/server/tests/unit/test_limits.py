from __future__ import annotations

import pytest

from memory_server.errors import Problem
from memory_server.limits import RateLimiter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_key_may_burst_and_then_goes_at_its_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(10, clock)
    for _ in range(40):
        limiter.take("bot")
    with pytest.raises(Problem) as caught:
        limiter.take("bot")
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "1")
    clock.now = 0.1
    limiter.take("bot")
    with pytest.raises(Problem):
        limiter.take("bot")


def test_one_key_does_not_use_up_another_ones_rate() -> None:
    limiter = RateLimiter(1, Clock())
    for _ in range(4):
        limiter.take("bot")
    limiter.take("person")


def test_requests_without_a_valid_key_share_one_rate() -> None:
    limiter = RateLimiter(1, Clock())
    for _ in range(4):
        limiter.take(None)
    with pytest.raises(Problem):
        limiter.take(None)


def test_zero_means_no_limit() -> None:
    limiter = RateLimiter(0, Clock())
    for _ in range(10_000):
        limiter.take("bot")
