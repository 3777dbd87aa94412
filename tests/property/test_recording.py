"""Whatever enters the graph comes out of a recording as it was, to the last bit."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from phaeton.config.tree import Charger, Config
from phaeton.model import (
    AnyEvent,
    ChargerReading,
    Command,
    Event,
    PriceCurve,
    PriceSlot,
    SetCurrent,
    SiteReading,
    Tick,
    Zone,
)
from phaeton.recording import MAGIC, Header, PartWriter, Step, header, open_recording, packed, start
from phaeton.streams.graph import GraphState, site_graph, step
from phaeton.streams.situation import ConfigChanged
from tests.property.events import AMSTERDAM_LIKE, UTC_S, configs, points_of, streams
from tests.recorded import identical

ZONE = Zone("Test", AMSTERDAM_LIKE)

any_float = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True, width=64),
    st.floats(width=32),
    st.integers(-(10**12), 10**12).map(lambda n: n / 10),
    st.integers(-100_000, 100_000).map(lambda n: n / 100),
    st.integers(-100_000, 100_000).map(lambda n: n / 10_000),
    st.sampled_from([0.0, -0.0, math.nan, -math.nan, 5e-324, 1e308, struct.unpack("<d", b"\1\0\0\0\0\0\xf4\x7f")[0]]),
)
maybe = st.one_of(st.none(), any_float)
site_readings = st.builds(
    SiteReading,
    any_float,
    any_float,
    grid_w=maybe,
    grid_phase_w=st.tuples(maybe, maybe, maybe),
    pv_w=maybe,
    battery_soc_pct=maybe,
    ess=st.booleans(),
    system_state=st.one_of(st.none(), st.integers(-(2**63), 2**63)),
)
charger_readings = st.builds(
    ChargerReading,
    any_float,
    any_float,
    point=st.text(max_size=3),
    state_text=st.text(),
    current_a=st.tuples(maybe, maybe, maybe),
    energy_kwh=maybe,
    limit_used=st.sampled_from([None, False, True]),
)


def bits(event: Event) -> bytes:
    """An event so that two are the same only when every bit is."""
    return type(event).__name__.encode() + msgspec.msgpack.encode(event)


def state_of(config: Config) -> GraphState:
    return site_graph(config, points_of(config), ZONE).initial


def some_header(config: Config | None = None) -> Header:
    return header(state_of(config or Config()), 0.0, "start")


def through_a_file(folder: Path, writers: Iterable[bytes]) -> list[Step]:
    path = folder / "one.phaeton"
    path.write_bytes(MAGIC + b"".join(writers))
    recording = open_recording(path)
    assert recording.lost_bytes == 0
    return [step for part in recording.parts for step in part.steps()]


def recorded(events: Sequence[Event], flushes: Sequence[int] = ()) -> list[bytes]:
    writer = PartWriter(some_header())
    frames = []
    for number, event in enumerate(events):
        writer.event(event)
        if number in flushes:
            frames.append(writer.flush())
    return [*frames, writer.flush()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@given(events=st.lists(st.one_of(site_readings, charger_readings), max_size=20), flush=st.integers(0, 20))
def test_any_numbers_come_back_to_the_bit(folder: Path, events: list[Event], flush: int) -> None:
    steps = through_a_file(folder, recorded(events, [flush]))
    assert [bits(step.event) for step in steps] == [bits(event) for event in events]


@given(events=streams(), flushes=st.lists(st.integers(0, 60), max_size=4))
def test_any_stream_comes_back_to_the_bit(folder: Path, events: list[AnyEvent], flushes: list[int]) -> None:
    steps = through_a_file(folder, recorded(events, flushes))
    assert [bits(step.event) for step in steps] == [bits(event) for event in events]


@given(before=configs(), after=configs())
def test_configurations_come_back_whole(folder: Path, before: Config, after: Config) -> None:
    change = ConfigChanged(1.0, 2.0, after, points_of(after), ZONE)
    writer = PartWriter(some_header(before))
    writer.event(change)
    path = folder / "two.phaeton"
    path.write_bytes(MAGIC + writer.flush())
    (part,) = open_recording(path).parts
    assert start(part.header).state == state_of(before)
    assert [step.event for step in part.steps()] == [change]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(config=configs(), events=streams(), data=st.data())
def test_a_part_that_begins_anywhere_decides_the_same(
    folder: Path, config: Config, events: list[AnyEvent], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(events)))
    graph = site_graph(config, points_of(config), ZONE)
    state, expected = graph.initial, []
    parts: list[bytes] = []
    writer = PartWriter(header(state, 0.0, "start"))
    for number, event in enumerate(events):
        if number == cut:
            parts.append(writer.flush())
            writer = PartWriter(header(state, event.utc_s, "day"))
        state, output = graph.step(state, event)
        writer.event(event)
        if output is not None:
            writer.decision(output.decision)
            expected.append(packed(output.decision))
    path = folder / "three.phaeton"
    path.write_bytes(MAGIC + b"".join([*parts, writer.flush()]))
    found = []
    for part in open_recording(path).parts:
        again = start(part.header).state
        for recorded_step in part.steps():
            again, output = graph.step(again, recorded_step.event)
            if output is not None:
                found.append(packed(output.decision))
                assert recorded_step.decision in (None, found[-1])
    assert found == expected


@given(events=streams(least=20), data=st.data())
def test_a_file_cut_off_anywhere_is_read_up_to_its_last_whole_frame(
    folder: Path, events: list[AnyEvent], data: st.DataObject
) -> None:
    frames = recorded(events, [4, 9, 14])
    whole = MAGIC + b"".join(frames)
    cut = data.draw(st.integers(len(MAGIC), len(whole) - 1))
    path = folder / "four.phaeton"
    path.write_bytes(whole[:cut])
    ends = [len(MAGIC) + sum(map(len, frames[:n])) for n in range(len(frames) + 1)]
    complete = sum(1 for end in ends[1:] if end <= cut)
    recording = open_recording(path)
    assert recording.good_bytes == ends[complete]
    assert recording.lost_bytes == cut - ends[complete]
    steps = [step for part in recording.parts for step in part.steps()]
    count = [0, 5, 10, 15, len(events)][complete]
    assert [bits(step.event) for step in steps] == [bits(event) for event in events[:count]]


def test_a_field_that_another_version_lacks_or_adds_is_no_obstacle(folder: Path) -> None:
    event = SiteReading(1.0, 2.0, grid_w=3.0, pv_w=4.0)
    writer = PartWriter(some_header())
    writer.event(event)
    path = folder / "five.phaeton"
    path.write_bytes(MAGIC + writer.flush())
    (part,) = open_recording(path).parts
    renamed = tuple(
        (kind, tuple("wind_w" if kind == "SiteReading" and leaf == "pv_w" else leaf for leaf in leaves))
        for kind, leaves in part.header.schema
    )
    older = structs.replace(part, header=structs.replace(part.header, schema=renamed))
    assert [step.event for step in older.steps()] == [structs.replace(event, pv_w=None)]


def test_whole_numbers_from_a_careless_source_change_nothing(folder: Path) -> None:
    prices = PriceCurve(1.0, UTC_S, (PriceSlot(UTC_S - 900, UTC_S + 900, 1, 0),), "EUR")
    events = [prices, Command(1.0, UTC_S, "1", SetCurrent(10)), SiteReading(1.0, UTC_S, grid_w=5), Tick(2.0, UTC_S + 1)]
    state = state_of(Config(chargers=(Charger(host="a"),)))
    writer = PartWriter(header(state, UTC_S, "start"))
    for event in events:
        writer.event(event)
        state, output = step(state, event)
        if output is not None:
            writer.decision(output.decision)
    path = folder / "six.phaeton"
    path.write_bytes(MAGIC + writer.flush())
    assert list(identical(open_recording(path))) == [4]
