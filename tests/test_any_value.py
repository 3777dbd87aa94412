"""Whatever strangers put on the bus or send as an order: it is a value, unknown, or refused in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton import orders
from phaeton.links.busitem_client import Watch, _Remote
from phaeton.links.dbus_library import Value
from phaeton.model import SiteReading
from phaeton.orders import OrderError
from phaeton.sources.victron_site import BMS_PATHS, MULTI_MIN_SOC, SETTINGS_PATHS, SYSTEM_PATHS, site_reading

plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["ESS", "1e400", "manual", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "١٦"])
)
values: st.SearchStrategy[Value] = plain | st.binary(max_size=3) | st.lists(plain, max_size=2)  # type: ignore[assignment]


def watching(paths: tuple[str, ...], found: Mapping[str, Value]) -> Watch:
    remote = _Remote("com.victronenergy.system")
    remote.values = dict(found)
    return Watch(remote, frozenset(paths), lambda: None)


def some(paths: tuple[str, ...]) -> st.SearchStrategy[Watch]:
    return st.dictionaries(st.sampled_from(paths), values).map(lambda found: watching(paths, found))


@given(
    some(SYSTEM_PATHS), some(SETTINGS_PATHS), st.none() | some(BMS_PATHS), st.lists(some((MULTI_MIN_SOC,)), max_size=2)
)
def test_any_values_of_the_gx_are_a_reading(
    system: Watch, settings: Watch, bms: Watch | None, multis: list[Watch]
) -> None:
    reading = site_reading((1.0, 2.0), system, settings, bms, multis)
    for value in msgspec.structs.astuple(reading):
        for number in value if isinstance(value, tuple) else (value,):
            assert number is None or isfinite(number)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(reading), type=SiteReading) == reading


ORDERS: dict[str, Callable[[object], object]] = {
    "mode": orders.set_mode,
    "start": orders.set_start,
    "auto start": orders.set_auto_start,
    "current": orders.set_current,
    "phases": orders.set_phases,
    "energy limit": orders.set_energy_limit,
    "power cap": orders.set_power_cap,
    "boost energy": orders.boost_energy,
    "boost soc": orders.boost_soc,
    "boost until": lambda value: orders.boost_until(value, 1_780_000_000.0),
    "charger": lambda value: orders.accept_charger(value, "ACE0012345"),
}


@pytest.mark.parametrize("name", ORDERS)
@given(value=values | st.dictionaries(st.text(max_size=2), plain, max_size=1))
def test_any_value_is_an_order_or_refused_in_words(name: str, value: object) -> None:
    refused, order = None, None
    try:
        order = ORDERS[name](value)
    except OrderError as error:
        refused = str(error)
    assert refused != ""
    for number in msgspec.structs.astuple(order) if isinstance(order, msgspec.Struct) else (order,):
        assert not isinstance(number, float) or isfinite(number)


def test_a_state_beyond_all_numbers_of_the_gx_is_not_known_and_can_be_recorded() -> None:
    system = watching(SYSTEM_PATHS, {"/SystemState/State": 3e19})
    reading = site_reading((1.0, 2.0), system, watching(SETTINGS_PATHS, {}), None, [])
    assert reading.system_state is None
    assert msgspec.msgpack.encode(reading)
