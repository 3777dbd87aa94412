"""Points become block reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from phaeton.profiles import Profile, blocks_of, load_profile, place_of, port_of
from phaeton.profiles.plan import blocks_for, split
from phaeton.profiles.schema import Group

ALFEN = load_profile("alfen_ng9xx")


def names(profile: Profile, group: Group, socket: int = 1) -> list[str]:
    return [block.name for block in blocks_of(profile, place_of(profile, socket), group)]


def test_an_alfen_is_read_in_two_requests_with_the_status_first() -> None:
    assert names(ALFEN, "fast") == ["1:1200x16", "1:306x72"]
    assert names(ALFEN, "slow") == ["200:1100x6", "1:300x6"]
    assert names(ALFEN, "once") == ["200:100x79"]


def test_the_second_socket_is_at_its_own_unit_with_the_station_of_both() -> None:
    assert names(ALFEN, "fast", 2) == ["2:1200x16", "2:306x72"]
    assert names(ALFEN, "slow", 2) == ["200:1100x6", "2:300x6"]


def test_the_owner_may_name_other_units() -> None:
    place = place_of(ALFEN, 2, unit=11, station_unit=99)
    assert (place.unit, place.station_unit) == (12, 99)


def test_sockets_may_differ_by_offset_or_port() -> None:
    by_offset = load_profile("alfen_ng9xx", {"connectors": {"by": "offset", "values": [0, 100]}})
    assert names(by_offset, "fast", 2) == ["1:1300x16", "1:406x72"]
    by_port = load_profile("alfen_ng9xx", {"connectors": {"by": "port", "values": [502, 503]}})
    assert (port_of(by_port, 2), port_of(by_port, 2, 1502)) == (503, 1503)
    assert names(by_port, "fast", 2) == ["1:1200x16", "1:306x72"]


def test_a_shift_moves_every_address() -> None:
    shifted = load_profile("alfen_ng9xx", {"wire": {"address_shift": -1}})
    assert names(shifted, "fast") == ["1:1199x16", "1:305x72"]


def test_a_charger_without_block_reads_is_asked_point_by_point() -> None:
    single = load_profile("alfen_ng9xx", {"wire": {"block_reads": False}})
    blocks = blocks_of(single, place_of(single, 1), "fast")
    assert all(len(block.fields) == 1 for block in blocks)


def test_no_read_spans_a_forbidden_range_or_more_than_may_be_read() -> None:
    forbidden = load_profile("alfen_ng9xx", {"wire": {"forbid": [[350, 360]]}})
    assert names(forbidden, "fast") == ["1:1200x16", "1:306x40", "1:374x4"]
    short = load_profile("alfen_ng9xx", {"wire": {"max_read": 20}})
    assert all(block.count <= 20 for block in blocks_of(short, place_of(short, 1), "fast"))


def test_a_refused_measurement_block_is_cut_at_its_widest_hole() -> None:
    block = blocks_of(ALFEN, place_of(ALFEN, 1), "fast")[1]
    halves = split(block)
    assert halves is not None
    assert [half.name for half in halves] == ["1:306x40", "1:374x4"]
    assert split(halves[1]) is None


@given(st.sets(st.sampled_from(sorted(ALFEN.points)), min_size=1))
def test_each_point_is_read_once_and_splitting_loses_none(points: set[str]) -> None:
    blocks = list(blocks_for(ALFEN, place_of(ALFEN, 1), points))
    assert sorted(name for block in blocks for name in block.points) == sorted(points)
    parts = []
    while blocks:
        halves = split(blocks.pop())
        if halves is None:
            continue
        blocks += halves
        parts += [half for half in halves if split(half) is None]
    for part in parts:
        assert part.count == max(field.end for field in part.fields) - part.address
