"""One charging point as a stream, against a simulated Alfen behind a real socket, whole and faulty."""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import pairwise

import pytest
from msgspec import structs

from phaeton.links.modbus import LinkSettings
from phaeton.model import ChargerReading, ChargerState, Unavailable
from phaeton.profiles import load_profile
from phaeton.sources import pace
from tests.charger_bench import Watched, bench, quick
from tests.waiting import until


async def test_the_first_reading_follows_the_identity() -> None:
    async with bench() as tried:
        point = tried.watch()
        reading = await point.read_on()
        assert [type(event).__name__ for event in point.events[:2]] == ["ChargerIdentity", "ChargerReading"]
        identity = point.identities[0]
        assert (identity.manufacturer, identity.serial, identity.sockets) == ("Alfen NV", "ACE0000001", 1)
        assert identity.warning == ""
        assert (reading.limit_set_a, reading.limit_safe_a, reading.limit_max_a) == (6.0, 6.0, 32.0)
        assert (reading.energy_kwh, reading.temperature_c) == (1000.0, 31.5)
        assert reading.power_phase_w == (0.0, 0.0, 0.0), "estimated: this meter has no power per phase"


async def test_a_poll_is_two_requests_and_the_rest_is_read_once() -> None:
    async with bench() as tried:
        point = tried.watch()
        await until(lambda: len(point.readings) >= 5)
        requests = tried.charger.requests
        assert set(requests) == {"200:100x79", "200:1100x6", "1:300x6", "1:1200x16", "1:306x72"}
        assert (requests["200:100x79"], requests["200:1100x6"], requests["1:300x6"]) == (1, 1, 1)
        assert abs(requests["1:1200x16"] - requests["1:306x72"]) <= 1


async def test_both_sockets_of_a_double_share_a_connection_and_nothing_else() -> None:
    async with bench(sockets=2) as tried:
        tried.charger.socket(2).car = None
        left, right = tried.watch(1), tried.watch(2)
        await left.read_on()
        await right.read_on()
        assert tried.charger.connections == 1
        assert left.identities[0].sockets == 2
        assert (left.readings[-1].state, right.readings[-1].state) == (
            ChargerState.CHARGING,
            ChargerState.DISCONNECTED,
        )


async def test_an_empty_point_is_polled_slowly_and_a_plug_in_or_a_wake_speeds_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("phaeton.sources.charger._TRANSITION_S", 0.1)
    monkeypatch.setattr("phaeton.sources.charger._EMPTY_POLL_S", 0.6)
    async with bench(car=None) as tried:
        point = tried.watch()
        await until(lambda: len(point.readings) > 3 and point.readings[-1].mono_s - point.readings[-2].mono_s > 0.4)
        point.source.poll_now()
        assert await point.read_on(0.3)


async def test_polls_go_along_with_what_else_keeps_their_pace_and_go_on_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "EARLY", 0.5)  # a busy machine's timers are no proof of another pace
    monkeypatch.setattr(pace, "LATE", 1.5)
    async with bench() as tried:
        point = tried.watch(poll_s=0.6)
        await point.read_on()
        spoke_s: list[float] = []

        def speak() -> None:
            spoke_s.append(time.monotonic())
            point.source.along()

        loop = asyncio.get_running_loop()
        for n in range(6):
            loop.call_later(0.1 + 0.6 * n, speak)
        await until(lambda: len(spoke_s) == 6)
        count = len(point.readings)
        await until(lambda: len(point.readings) >= count + 3)
        read_s = [reading.mono_s for reading in point.readings]
        # Its pace is known from the second time on, and from the third on it is kept.
        assert all(any(0 <= at_s - along_s < 0.3 for at_s in read_s) for along_s in spoke_s[2:])
        assert max(later - earlier for earlier, later in pairwise(read_s)) < 1.5 * 0.6 + 0.25 + 0.4


async def test_a_wake_reads_the_status_alone() -> None:
    async with bench() as tried:
        point = tried.watch(poll_s=5.0)
        await point.read_on()
        measurements = tried.charger.requests["1:306x72"]
        tried.plant.write_current(11.0)
        point.source.poll_now()
        assert (await point.read_on()).limit_set_a == 11.0
        assert tried.charger.requests["1:306x72"] == measurements


@pytest.mark.parametrize("fault", ["silent", "garbage", "truncated", "short", "wrong_transaction", "hang_up"])
async def test_a_faulty_wire_is_an_outage_and_its_end_is_noticed(fault: str) -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        setattr(tried.charger.faults, fault, True)
        await until(lambda: isinstance(point.last, Unavailable))
        outage = point.outages[0]
        assert outage.source == "1"
        assert outage.why
        assert outage.since_mono_s <= outage.mono_s
        assert point.source.blocked()
        count = len(point.events)
        await until(lambda: tried.link.stats.connects + tried.link.stats.connects_failed >= 4)
        assert len(point.events) == count, "said once, not at each attempt"
        setattr(tried.charger.faults, fault, False)
        await point.read_on(2.0)
        assert not point.source.blocked()


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6, 11])
async def test_exceptions_on_every_read_are_an_outage_and_teach_no_holes(code: int) -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        tried.charger.faults.read_exception = code
        await until(lambda: isinstance(point.last, Unavailable))
        assert f"exception {code}" in point.outages[0].why
        tried.charger.faults.read_exception = None
        reading = await point.read_on(2.0)
        assert reading.state is ChargerState.CHARGING
        assert reading.energy_kwh == pytest.approx(1000.0, abs=0.1)
        tried.charger.requests.clear()
        await point.read_on()
        await point.read_on()
        assert set(tried.charger.requests) <= {"1:1200x16", "1:306x72", "200:1100x6", "1:300x6"}


async def test_a_charger_that_refuses_connections_is_an_outage_and_comes_back() -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        await tried.charger.stop()
        await until(lambda: isinstance(point.last, Unavailable))
        assert "refused" in point.outages[0].why
        await tried.charger.start()
        await point.read_on(2.0)
        assert len(point.identities) == 2, "who answers is asked again after each connect"


async def test_a_dropped_connection_is_made_again_without_an_outage() -> None:
    async with bench() as tried:
        point = tried.watch(poll_s=0.2)
        await point.read_on()
        tried.charger.drop_connections()
        await point.read_on()
        assert tried.charger.connections == 2
        assert point.outages == []


async def test_a_point_that_is_away_from_the_start_says_so() -> None:
    async with bench() as tried:
        await tried.charger.stop()
        point = tried.watch()
        await until(lambda: point.outages)
        assert point.source.blocked() == "the charger is not connected"
        await tried.charger.start()
        await point.read_on(2.0)


async def test_a_long_outage_is_said_again_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phaeton.sources.charger._REPEAT_UNAVAILABLE_S", 0.1)
    async with bench() as tried:
        tried.charger.faults.silent = True
        point = tried.watch()
        await until(lambda: len(point.outages) >= 4)
        assert len({outage.since_mono_s for outage in point.outages}) == 1
        tried.charger.faults.silent = False
        await point.read_on()
        count = len(point.outages)
        await until(lambda: len(point.readings) > 8)
        assert len(point.outages) == count


async def test_with_the_times_of_the_profile_a_silent_charger_is_back_within_5_s_of_its_answer() -> None:
    settings = LinkSettings.of(load_profile("alfen_ng9xx").transport)
    async with bench(settings) as tried:
        point = tried.watch()
        await point.read_on()
        tried.charger.faults.silent = True
        await until(lambda: point.outages)
        unanswered = tried.charger.requests["unanswered"]
        await until(lambda: tried.charger.requests["unanswered"] > unanswered)
        # The worst moment: a request was lost just now, and its time-out must pass first.
        tried.charger.faults.silent = False
        await point.read_on(5.0)


async def test_one_silent_charger_of_two_behind_a_gateway_leaves_the_other_readable() -> None:
    async with bench(quick(pause_s=0.2), sockets=2) as tried:
        left, right = tried.watch(1), tried.watch(2)
        await left.read_on()
        await right.read_on()
        tried.charger.faults.silent_units = {2}
        await until(lambda: isinstance(right.last, Unavailable))
        for _ in range(3):
            await left.read_on()
        assert all(outage.mono_s - outage.since_mono_s < 1 for outage in left.outages)
        tried.charger.faults.silent_units = set()
        await right.read_on(2.0)


async def test_a_meter_without_values_leaves_the_rest() -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        tried.plant.meter_is_nan = True
        await until(lambda: point.readings[-1].power_w is None)
        reading = point.readings[-1]
        assert (reading.energy_kwh, reading.current_a) == (None, (None, None, None))
        assert reading.state is ChargerState.CHARGING


async def test_a_total_that_runs_backwards_is_not_believed() -> None:
    async with bench(car=None) as tried:
        point = tried.watch()
        await point.read_on()
        for lower in (0.0, 500.0):
            tried.plant.meter_kwh = lower
            await until(lambda: point.readings[-1].energy_kwh is None)
        tried.plant.meter_kwh = 1000.5
        await until(lambda: point.readings[-1].energy_kwh == 1000.5)
        assert {reading.energy_kwh for reading in point.readings} == {1000.0, None, 1000.5}


async def test_a_measurement_block_that_is_refused_in_one_piece_is_read_in_two(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with bench() as tried:
        tried.charger.faults.refused_across = 362
        point = tried.watch()
        reading = await point.read_on()
        assert (reading.energy_kwh, reading.voltage_v[0]) == (1000.0, 230.0)
        await point.read_on()
        assert tried.charger.requests["1:306x72"] == 1, "asked once, then known"
        assert tried.charger.requests["1:306x40"] >= 2
        assert tried.charger.requests["1:374x4"] >= 2
    assert "refuses to give 1:306x72 in one piece" in caplog.text


async def test_a_register_that_is_missing_costs_its_value_only() -> None:
    points = {"x_none": {"at": 1216, "type": "u16"}, "x_nowhere": {"at": 426, "type": "f32"}}
    async with bench(overlay={"points": points}) as tried:
        point = tried.watch()
        reading = await point.read_on()
        assert (reading.state, reading.energy_kwh, reading.phases_set) == (ChargerState.CHARGING, 1000.0, 3)
        tried.charger.requests.clear()
        await point.read_on()
        await point.read_on()
        assert all(tried.charger.requests[wrong] == 0 for wrong in ("1:1200x17", "1:1216x1", "1:426x2"))


@pytest.mark.parametrize(("shifted", "low_word_first"), [(True, False), (False, True), (True, True)])
async def test_other_address_bases_and_word_orders_are_found(shifted: bool, low_word_first: bool) -> None:
    async with bench() as tried:
        tried.charger.faults.shifted = shifted
        tried.charger.faults.low_word_first = low_word_first
        point = tried.watch()
        reading = await point.read_on()
        assert (reading.voltage_v[0], reading.limit_set_a, reading.energy_kwh) == (230.0, 6.0, 1000.0)
        assert ("address_shift: -1" in point.identities[0].warning) is shifted
        assert ("word_order: little" in point.identities[0].warning) is low_word_first
        assert (await point.write(current_a=9.5)).result == "written"
        await until(lambda: point.readings[-1].limit_set_a == 9.5)


async def test_another_charger_than_last_time_is_left_alone_until_it_is_accepted() -> None:
    async with bench() as tried:
        point = tried.watch(known_serial="ACE0009999")
        await until(lambda: point.outages)
        assert "ACE0000001" in point.identities[0].warning
        assert "another charger answers" in point.outages[0].why
        assert "another charger answers" in point.source.blocked()
        assert point.readings == []
        outcome = await point.write(current_a=16.0)
        assert outcome.result == "unreachable"
        assert tried.charger.writes == []
        point.source.accept("ACE0000001")
        await point.read_on()
        assert point.identities[-1].warning == ""
        assert (await point.write(current_a=16.0)).result == "written"


async def test_a_charger_that_is_exchanged_while_running_is_noticed() -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        tried.charger.label = type(tried.charger.label)(serial="ACE7777777")
        tried.charger.drop_connections()
        await until(lambda: point.outages)
        assert "ACE7777777" in point.source.blocked()


async def test_another_kind_of_charger_is_never_written_to() -> None:
    async with bench() as tried:
        tried.charger.label = type(tried.charger.label)(manufacturer="ABB")
        point = tried.watch()
        await until(lambda: point.outages)
        assert "is no Alfen" in point.outages[0].why
        assert (await point.write(current_a=16.0)).result == "unreachable"
        assert tried.charger.writes == []


async def test_a_state_that_no_rule_knows_is_unknown_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async with bench(overlay={"state": {"rules": [{"if": {"state": "A"}, "then": "disconnected"}]}}) as tried:
        point = tried.watch()
        for _ in range(3):
            reading = await point.read_on()
        assert (reading.state, reading.state_text) == (ChargerState.UNKNOWN, "C2")
    assert caplog.text.count("no rule knows the state 'C2'") == 1


async def test_a_listener_that_fails_does_not_end_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        assert point.subscription is not None
        point.subscription.dispose()
        heard: list[object] = []

        def fragile(event: object) -> None:
            heard.append(event)
            if isinstance(event, ChargerReading) and len(heard) == 2:
                raise RuntimeError("a listener's mistake")

        with caplog.at_level(logging.ERROR):
            point.subscription = point.source.events.subscribe(fragile)
            await until(lambda: len(heard) > 4)
        assert "a listener's mistake" in caplog.text
        assert isinstance(heard[-1], ChargerReading)


async def test_a_disposed_stream_asks_nothing_more_and_may_be_begun_again() -> None:
    async with bench() as tried:
        point: Watched = tried.watch()
        await point.read_on()
        assert point.subscription is not None
        point.subscription.dispose()
        await asyncio.sleep(0)
        count = sum(tried.charger.requests.values())
        loop = asyncio.get_running_loop()
        later_s = loop.time() + 0.2
        await until(lambda: loop.time() > later_s)
        assert sum(tried.charger.requests.values()) <= count + 1
        point.subscription = point.source.events.subscribe(point.events.append)
        await point.read_on()


async def test_the_end_of_listening_is_not_the_end_of_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with bench() as tried:
        await tried.charger.stop()
        point = tried.watch()
        await until(lambda: point.outages)
        assert point.subscription is not None
        point.subscription.dispose()
        assert "has no readings" in caplog.text
        assert "has readings again" not in caplog.text


async def test_readings_carry_the_clock_that_was_given() -> None:
    async with bench() as tried:
        point = tried.watch()
        first = await point.read_on()
        second = await point.read_on()
        assert second.mono_s > first.mono_s
        assert structs.replace(second, mono_s=0, utc_s=0).point == "1"
