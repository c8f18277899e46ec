"""The meter: alone with a clock that stands still, then with the gateway."""

from __future__ import annotations

import datetime as dt

import pytest
from gateway_world import World

from redshift_sandbox.meter import Meter


class StillClock:
    def __init__(self) -> None:
        self.time = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def meter(clock: StillClock) -> Meter:
    meter = Meter(clock)
    meter.session_opened(1, "a")
    meter.session_opened(2, "b")
    return meter


def run(meter: Meter, clock: StillClock, session: int, seconds: float) -> None:
    meter.statement_started(session)
    clock.advance(seconds)
    meter.statement_finished(session)


def total(meter: Meter) -> tuple[int, int, float, float]:
    one = meter.report()["total"]
    return one["statements"], one["wake_ups"], one["billed_seconds"], one["transaction_seconds"]


def test_b35_sixty_seconds_at_least(meter: Meter, clock: StillClock) -> None:
    run(meter, clock, 1, 2)
    assert total(meter) == (1, 1, 60, 0)
    clock.advance(30)
    run(meter, clock, 2, 3)  # within the minute that is billed
    assert total(meter) == (2, 1, 60, 0)
    clock.advance(100)
    run(meter, clock, 1, 90)
    assert total(meter) == (3, 2, 150, 0)


def test_statements_at_once_are_one_burst(meter: Meter, clock: StillClock) -> None:
    meter.statement_started(1)
    clock.advance(50)
    meter.statement_started(2)
    clock.advance(50)
    meter.statement_finished(1)
    clock.advance(50)
    meter.statement_finished(2)
    assert total(meter) == (2, 1, 150, 0)
    seconds = {one["session_id"]: one["billed_seconds"] for one in meter.report()["sessions"]}
    assert seconds == {1: 100, 2: 100}


def test_b35_an_open_transaction_keeps_billing(meter: Meter, clock: StillClock) -> None:
    run(meter, clock, 1, 1)
    meter.transaction_opened(1)
    clock.advance(3600)
    assert total(meter) == (1, 1, 3601, 3600)
    meter.session_closed(1)
    clock.advance(3600)
    assert total(meter) == (1, 1, 3601, 3600)


def test_reset(meter: Meter, clock: StillClock) -> None:
    run(meter, clock, 1, 5)
    meter.transaction_opened(2)
    meter.reset()
    clock.advance(70)
    meter.transaction_closed(2)
    assert total(meter) == (0, 1, 70, 70)


def test_behind_the_gateway(world: World) -> None:
    world.clock.advance(1000)
    world.meter.reset()
    with world.connect() as connection:
        connection.execute("SELECT 1; SELECT 2")
        connection.execute("SELECT %s::int", (3,))
        one = world.meter.report()["total"]
        assert (one["statements"], one["wake_ups"], one["active"]) == (3, 1, 0)
        assert one["billed_seconds"] == 60
        connection.execute("BEGIN")
        world.clock.advance(500)
        one = world.meter.report()["total"]
        assert one["active"] == 1 and 500 <= one["transaction_seconds"] < 520
        connection.execute("COMMIT")
        assert world.meter.report()["total"]["active"] == 0
        connection.execute("BEGIN")
    one = world.meter.report()["total"]
    assert one["active"] == 0  # the end of a session also ends its transaction
