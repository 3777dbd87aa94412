"""Every sample answer, good and bad, against what should be made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import asdict

from phaeton.config.node import Secret
from phaeton.config.tree_vehicles import HttpJsonCar
from phaeton.links.http import Answer
from phaeton.sources.vehicles import asking, evcc, homeassistant, http_json, kia, kia_state, mqtt, tesla
from phaeton.sources.vehicles.home import Home
from phaeton.sources.vehicles.report import Reach, Report, Trouble, VehicleError
from phaeton.sources.vehicles.sanitation import Believed, Context, step
from tests.sources.vehicles.answers import MEASURED_UTC_S, NOW_UTC_S, answer, answer_of, expected, sample

HOME = Home(52.5000, 13.4000)

TESLA_GOOD = [
    "tesla_10_vehicle_data_charging",
    "tesla_12_vehicle_data_complete",
    "tesla_13_vehicle_data_nopower",
    "tesla_14_vehicle_data_disconnected_away",
    "tesla_16_vehicle_data_null_glitch",
]
KIA_GOOD = [
    "kia_01_eu_ccs2_latest_unplugged",
    "kia_03_eu_ccs2_latest_charging",
    "kia_07_eu_ccs2_latest_stale",
    "kia_20_eu_legacy_latest_unplugged",
    "kia_21_eu_legacy_latest_charging_ac",
    "kia_30_us_kia_gvi",
]


def check(report: Report, wanted: dict[str, Any]) -> None:
    """Compare field by field under the names of the expectations."""
    names = {"target_soc_pct": "limit_soc_pct", "minutes_to_target": "minutes_to_limit"}
    said = asdict(report)
    for name, value in wanted.items():
        if name in ("quality", "is_error"):
            continue
        if name == "measured_at":
            assert said["measured_utc_s"] == datetime.fromisoformat(value).timestamp()
        elif name == "reachability":
            assert report.reach.value == value
        else:
            assert said[names.get(name, name)] == value, name


def tesla_report(name: str) -> Report:
    return tesla.parse(answer(name).body, HOME)


@pytest.mark.parametrize("name", TESLA_GOOD)
def test_tesla_as_expected(name: str) -> None:
    check(tesla_report(name), expected(name))


def test_teslas_other_good_answers() -> None:
    assert tesla_report("tesla_11").soc_pct == 54
    assert (tesla_report("tesla_11").plugged, tesla_report("tesla_11").charging) == (True, False)
    assert tesla_report("tesla_10").at_home is True
    assert tesla_report("tesla_15").at_home is None
    stale = tesla_report("tesla_17")
    assert stale.measured_utc_s == MEASURED_UTC_S - 9 * 3600


@pytest.mark.parametrize("name", ["tesla_50", "tesla_51"])
def test_the_proxies_wrap_the_same_tree_differently(name: str) -> None:
    report = tesla_report(name)
    assert (report.soc_pct, report.limit_soc_pct, report.plugged, report.charging) == (62, 80, True, True)


def test_whether_a_tesla_sleeps() -> None:
    states = {name: tesla.reach_of(answer(name).body) for name in ("tesla_02", "tesla_03", "tesla_04")}
    assert states == {"tesla_02": Reach.ONLINE, "tesla_03": Reach.ASLEEP, "tesla_04": Reach.ASLEEP}
    assert tesla.sleep_of(answer("tesla_53").body) is Reach.ASLEEP
    woken = [tesla.reach_of(answer_of(e).body) for e in sample("tesla_22")["exchanges"][:3]]
    assert woken == [Reach.ASLEEP, Reach.ASLEEP, Reach.ONLINE]


def test_an_account_with_two_teslas_asks_which_one() -> None:
    with pytest.raises(VehicleError, match="2 cars") as caught:
        tesla.only_car(answer("tesla_01").body)
    assert caught.value.trouble is Trouble.DENIED


@pytest.mark.parametrize(
    ("name", "trouble", "retry_s"),
    [
        ("tesla_20", Trouble.ASLEEP, None),
        ("tesla_21", Trouble.ASLEEP, None),
        ("tesla_40", Trouble.DENIED, None),
        ("tesla_41", Trouble.DENIED, None),
        ("tesla_42", Trouble.DENIED, None),
        ("tesla_43", Trouble.LIMITED, 120.0),
        ("tesla_44", Trouble.UNPAID, None),
        ("tesla_45", Trouble.DENIED, None),
        ("tesla_46", Trouble.TRANSIENT, None),
        ("tesla_52", Trouble.ASLEEP, None),
    ],
)
def test_teslas_refusals_tell_what_to_do(name: str, trouble: Trouble, retry_s: float | None) -> None:
    failure = tesla.refusal(answer(name))
    assert failure is not None
    assert (failure.trouble, failure.retry_s) == (trouble, retry_s)
    assert failure.why


def test_an_answer_without_a_charge_state_is_none() -> None:
    with pytest.raises(VehicleError) as caught:
        tesla_report("tesla_18")
    assert caught.value.trouble is Trouble.BAD_DATA


def test_teslamate_over_mqtt() -> None:
    prefix = "teslamate/cars/1/"
    topics = {message["topic"].removeprefix(prefix): message["payload"] for message in sample("tesla_54")["mqtt"]}
    report = mqtt.parse(
        {
            "soc": topics["usable_battery_level"],
            "limit": topics["charge_limit_soc"],
            "plugged": topics["plugged_in"],
            "charging": topics["state"],
            "range_km": topics["rated_battery_range_km"],
            "odometer": topics["odometer"],
            "at_home": topics["geofence"],
        }
    )
    assert asdict(report) == asdict(
        Report(
            soc_pct=62, limit_soc_pct=80, plugged=True, charging=True, range_km=312.0, odometer_km=45733.2, at_home=True
        )
    )


def kia_tree(name: str) -> Any:
    """What the library would keep of the answer as ``vehicle.data``."""
    tree = json.loads(answer(name).body)
    if "payload" in tree:
        return tree["payload"]["vehicleInfoList"][0]
    inner = tree.get("resMsg", tree.get("data"))
    return inner.get("vehicleStatusInfo") or (inner["state"]["Vehicle"] if "state" in inner else inner)


def kia_report(name: str, now_utc_s: float = NOW_UTC_S, *, offset_counts: bool = False) -> Report:
    report = kia_state.parse_state(kia_tree(name), HOME, now_utc_s, offset_counts=offset_counts)
    assert report is not None
    return report


@pytest.mark.parametrize("name", KIA_GOOD)
def test_kia_as_expected(name: str) -> None:
    check(kia_report(name), expected(name))


def test_kias_other_good_answers() -> None:
    assert (kia_report("kia_02").plugged, kia_report("kia_02").charging) == (True, False)
    assert (kia_report("kia_04").soc_pct, kia_report("kia_04").limit_soc_pct) == (80, 80)
    assert (kia_report("kia_05").plugged, kia_report("kia_05").measured_utc_s) == (True, MEASURED_UTC_S)
    assert (kia_report("kia_09").capacity_kwh, kia_report("kia_09").range_km) == (None, 21)
    assert (kia_report("kia_22").plugged, kia_report("kia_22").charging) == (True, False)
    assert (kia_report("kia_23").soc_pct, kia_report("kia_23").odometer_km) == (64, None)
    assert kia_report("kia_03").at_home is True


def test_the_new_european_service_means_its_dates_in_their_zone() -> None:
    assert kia_report("kia_40", offset_counts=True).measured_utc_s == MEASURED_UTC_S


@pytest.mark.parametrize(("now", "fold"), [("2026-10-25T02:45", 0), ("2026-10-25T02:45", 1), ("2026-10-25T09:00", 1)])
def test_an_hour_that_comes_twice_is_the_later_one_that_has_been(now: str, fold: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now_utc_s = datetime.fromisoformat(now).replace(tzinfo=berlin, fold=fold).timestamp()
    measured = datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=berlin).timestamp()
    assert kia_report("kia_24", now_utc_s).measured_utc_s == measured


def test_sentinels_are_unknown_and_a_zero_needs_a_second_reading() -> None:
    report = kia_report("kia_06")
    wanted = expected("kia_06_eu_ccs2_latest_sentinels")
    believed = step(Believed(), report, Context(0.0, NOW_UTC_S))
    assert (believed.soc_pct, believed.refused) == (wanted["soc_pct"], wanted["refused"])
    assert believed.aux_battery_pct is wanted["aux_battery_pct"] is None


def test_an_answer_without_a_battery_is_not_one() -> None:
    assert kia_state.parse_state(kia_tree("kia_08"), HOME, NOW_UTC_S) is None
    with pytest.raises(VehicleError) as caught:
        kia.read_vehicle(SimpleNamespace(data=kia_tree("kia_08")), "europe", HOME, NOW_UTC_S)
    assert caught.value.trouble is Trouble.BAD_DATA


def test_kias_attributes_where_the_answer_has_no_known_shape() -> None:
    first, second = sample("kia_60")["vehicles"]
    for car in (first, second):
        car["last_updated_at"] = datetime.fromisoformat(car["last_updated_at"])
    report = kia.read_vehicle(SimpleNamespace(**first), "australia", HOME, NOW_UTC_S)
    assert (report.soc_pct, report.limit_soc_pct, report.plugged, report.charging) == (63, 80, True, True)
    assert (report.capacity_kwh, report.charge_power_w, report.measured_utc_s) == (81.4, 10600, MEASURED_UTC_S)
    other = kia.read_vehicle(SimpleNamespace(**second), "europe", HOME, NOW_UTC_S)
    assert (other.soc_pct, other.plugged, other.at_home, other.capacity_kwh) == (41, False, False, None)


def test_tibbers_cars_by_paths() -> None:
    config = HttpJsonCar(
        url="http://192.0.2.1",
        soc="capabilities[id=storage.stateOfCharge].value",
        limit="capabilities[id=storage.targetStateOfCharge].value",
        range_km="capabilities[id=range.remaining].value",
        range_scale=0.001,
        plugged="capabilities[id=connector.status].value",
        charging="capabilities[id=charging.status].value",
    )
    check(http_json.parse(answer("tibber_41").body, config, None), expected("tibber_41_data_api_vehicle_charging"))
    unknown = http_json.parse(answer("tibber_42").body, config, None)
    assert not unknown.says_something


def test_a_flat_answer_by_paths() -> None:
    config = HttpJsonCar(
        url="http://192.0.2.1",
        soc="data.0.soc",
        range_km="data[0].range_km",
        plugged="data.0.plugged",
        charging="data.0.charging",
        odometer="data.0.odo",
        time="data.0.ts",
    )
    assert asdict(http_json.parse(answer("generic_06").body, config, None)) == asdict(
        Report(soc_pct=63, range_km=281, plugged=True, charging=True, odometer_km=21455, measured_utc_s=MEASURED_UTC_S)
    )
    with pytest.raises(VehicleError, match="check the paths"):
        http_json.parse(answer("generic_06").body, HttpJsonCar(url="http://192.0.2.1", soc="other"), None)


def test_the_aggregators_by_paths() -> None:
    tronity = HttpJsonCar(
        soc="level", range_km="range", plugged="plugged", charging="charging", time="timestamp", latitude="latitude",
        longitude="longitude",
    )  # fmt: skip
    report = http_json.parse(answer_of(sample("generic_07")["exchanges"][1]).body, tronity, HOME)
    assert (report.soc_pct, report.charging, report.at_home, report.measured_utc_s) == (63, True, True, MEASURED_UTC_S)
    enode = HttpJsonCar(
        soc="chargeState.batteryLevel",
        limit="chargeState.chargeLimit",
        plugged="chargeState.isPluggedIn",
        charging="chargeState.isCharging",
        time="chargeState.lastUpdated",
    )
    report = http_json.parse(answer("generic_08").body, enode, HOME)
    assert (report.soc_pct, report.limit_soc_pct, report.plugged) == (63, 80, True)
    assert report.measured_utc_s == MEASURED_UTC_S
    battery, charge = (answer_of(exchange).body for exchange in sample("generic_09")["exchanges"])
    wanted = expected("generic_09_smartcar")
    said = http_json.parse(battery, HttpJsonCar(soc="percentRemaining", scale=100.0), None)
    assert said.soc_pct == wanted["soc_pct"]
    said = http_json.parse(charge, HttpJsonCar(soc="", plugged="isPluggedIn", charging="state"), None)
    assert (said.plugged, said.charging) == (wanted["plugged"], wanted["charging"])


def test_home_assistants_states() -> None:
    good, unavailable, plug, missing, refused = (answer_of(e) for e in sample("generic_01")["exchanges"])
    states = {"soc": json.loads(good.body), "plugged": json.loads(plug.body)}
    report = homeassistant.parse(states)
    reported = datetime(2026, 11, 23, 13, 40, 2, 110_021, tzinfo=UTC).timestamp()
    assert (report.soc_pct, report.plugged) == (63, True)
    assert report.measured_utc_s == pytest.approx(reported, abs=0.001)
    assert homeassistant.parse({"soc": json.loads(unavailable.body)}).soc_pct is None
    for bad in (missing, refused):
        with pytest.raises(VehicleError) as caught:
            asking.checked(bad, "Home Assistant")
        assert caught.value.trouble is Trouble.DENIED


def test_evccs_charge_points() -> None:
    body = answer("generic_02").body
    report = evcc.parse(body, "ev6")
    assert (report.soc_pct, report.limit_soc_pct, report.plugged, report.charging) == (63, 80, True, True)
    assert (report.range_km, report.odometer_km, report.charge_power_w) == (281, 21455, 10820)
    assert evcc.parse(body, "") == report
    assert evcc.parse(b'{"result": ' + body + b"}", "EV6") == report
    elsewhere = evcc.parse(body, "zoe")
    assert (elsewhere.soc_pct, elsewhere.plugged) == (None, False)
    unknown = evcc.parse(body.replace(b'"vehicleSoc": 63', b'"vehicleSoc": 0'), "ev6")
    assert unknown.soc_pct is None


def test_openwb_over_mqtt() -> None:
    prefix = "openWB/mqtt/vehicle/1/get/"
    topics = {message["topic"].removeprefix(prefix): message["payload"] for message in sample("generic_04")["mqtt"]}
    report = mqtt.parse(
        {
            "soc": topics["soc"],
            "range_km": topics["range"],
            "odometer": topics["odometer"],
            "time": topics["soc_timestamp"],
        }
    )
    assert (report.soc_pct, report.range_km, report.odometer_km) == (63, 281, 21455)
    assert report.measured_utc_s == MEASURED_UTC_S


@pytest.mark.parametrize("message", sample("generic_05")["mqtt"], ids=lambda m: repr(m["payload"]))
def test_the_forms_that_people_send(message: dict[str, Any]) -> None:
    said = {"soc": mqtt.inside(message["payload"], message.get("json_path", ""))}
    if "time_path" in message:
        said["time"] = mqtt.inside(message["payload"], message["time_path"])
    report = mqtt.parse(said, message.get("scale", 1))
    assert report.soc_pct == message["expect"]
    if "time_path" in message:
        assert report.measured_utc_s == MEASURED_UTC_S


def test_every_good_sample_is_tried_here() -> None:
    """A sample that is added must be read somewhere in this room."""
    tried = {*TESLA_GOOD, *KIA_GOOD}
    wanted = set(sample("normalised_expectations")["expect"])
    elsewhere = {
        "tesla_20_vehicle_data_408_asleep",
        "kia_06_eu_ccs2_latest_sentinels",
        "tibber_41_data_api_vehicle_charging",
        "generic_09_smartcar",
    }
    assert wanted == tried | elsewhere


def test_a_secret_shows_nothing() -> None:
    assert "hush" not in repr(Secret(value="hush"))
    assert "hush" not in repr(kia.Credentials("hush", "hush", "hush"))


def test_an_html_page_is_no_answer() -> None:
    with pytest.raises(VehicleError) as caught:
        tesla.parse(Answer(200, b"<html>").body, None)
    assert caught.value.trouble is Trouble.BAD_DATA
