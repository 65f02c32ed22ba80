from __future__ import annotations

import pytest

from memory_server.errors import Problem
from memory_server.maintenance import Gate, Hold


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_writers_are_told_how_long_to_wait() -> None:
    gate = Gate(Clock())
    gate.close(30)
    with pytest.raises(Problem) as caught, gate.write():
        pass
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "30")


def test_maintenance_ends_by_itself() -> None:
    clock = Clock()
    gate = Gate(clock)
    gate.close(30)
    clock.now += 30
    with gate.write():
        assert gate.in_flight == 1
    assert gate.in_flight == 0


def test_a_write_that_fails_is_no_longer_under_way() -> None:
    gate = Gate()
    with pytest.raises(ValueError, match="boom"), gate.write():
        raise ValueError("boom")
    assert gate.in_flight == 0


async def test_it_is_drained_when_the_last_write_ends_and_nothing_is_left_to_repair() -> None:
    gate = Gate()
    busy = [True, True, False]
    gate.close(30)
    assert await gate.drained(10, lambda: busy.pop(0))
    assert busy == []


async def test_draining_is_bounded() -> None:
    clock = Clock()
    gate = Gate(clock)
    with gate.write():
        gate.close(30)

        def busy() -> bool:
            return False

        clock_step = iter([0.0, 5.0, 11.0])

        def later() -> float:
            clock.now = 100.0 + next(clock_step, 11.0)
            return clock.now

        gate._clock = later
        assert not await gate.drained(10, busy)


def test_a_second_request_with_the_same_key_is_told_to_wait() -> None:
    gate = Gate()
    with gate.claim("bot", "k"):
        with pytest.raises(Problem) as caught, gate.claim("bot", "k"):
            pass
        assert caught.value.status == 409
        with gate.claim("person", "k"):
            pass
    with gate.claim("bot", "k"):
        pass


def test_a_hold_ends_by_itself() -> None:
    clock = Clock()
    hold = Hold(clock)
    assert not hold.active
    key = hold.begin(60)
    assert (hold.active, hold.seconds_left) == (True, 60)
    clock.now += 60
    assert not hold.active
    assert not hold.end(key)


def test_a_hold_can_be_made_to_last_while_it_lasts() -> None:
    clock = Clock()
    hold = Hold(clock)
    key = hold.begin(60)
    clock.now += 50
    assert hold.extend(key, 60)
    clock.now += 50
    assert hold.active
    clock.now += 10
    assert not hold.extend(key, 60)
    assert not hold.active


def test_only_the_hold_of_the_key_has_lasted() -> None:
    hold = Hold(Clock())
    first = hold.begin(60)
    second = hold.begin(60)
    assert not hold.end(first)
    assert hold.active
    assert hold.end(second)
    assert not hold.active


def test_a_hold_without_its_key_can_be_ended_too() -> None:
    hold = Hold(Clock())
    assert not hold.end()
    hold.begin(60)
    assert hold.end()
    assert not hold.active


async def test_a_hold_waits_for_changes_under_way_but_not_for_ever() -> None:
    clock = Clock()
    hold = Hold(clock)
    with hold.change():
        hold.begin(60)
        steps = iter([0.0, 0.0, 5.0, 11.0])

        def later() -> float:
            clock.now = 100.0 + next(steps, 11.0)
            return clock.now

        hold._clock = later
        assert not await hold.quiet(10)
    assert await hold.quiet(10)
