"""What Victron's recorder wrote is read as the house."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from phaeton.cli import main
from phaeton.config.points import charging_points
from phaeton.config.tree import Charger, Config
from phaeton.model import SiteReading, Zone
from phaeton.recording import RecordingError
from phaeton.replay.victron import BEGIN_UTC_S, Values, changes_of, readings_at, site_of, system_of
from phaeton.streams.graph import site_graph

DEMO = sorted((Path(__file__).parent.parent / "recordings" / "victron").glob("*.csv"))
CONFIG = Config(chargers=(Charger(host="none", id="1"),))


def house_of(*files: Path) -> list[SiteReading]:
    graph = site_graph(CONFIG, charging_points(CONFIG, {}), Zone())
    events = [step.recorded.event for step in site_of(files, graph)]
    return [event for event in events if isinstance(event, SiteReading)]


def test_the_devices_of_an_ess_make_a_house() -> None:
    readings = house_of(*DEMO)
    assert [reading.utc_s - BEGIN_UTC_S for reading in readings] == list(range(61))
    first = readings[0]
    assert first.grid_phase_w == (-1342.0, -1444.0, 457.0)
    assert first.grid_w == pytest.approx(-2330, abs=15)
    assert first.pv_w == pytest.approx(984 + 245, abs=3)
    assert first.battery_w == 473.0
    assert first.battery_soc_pct == 100.0
    assert first.consumption_w == pytest.approx(495 + 35, abs=120)
    assert (first.grid_metered, first.ess, first.ac_source, first.system_state) == (True, True, 1, 4)


def test_the_surplus_is_told_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *map(str, DEMO)]) == 0
    out = capsys.readouterr().out
    assert "The sun leaves 2,7" in out
    assert "a car that takes nothing is assumed" in out


def test_a_table_of_events_is_the_same_as_the_files(tmp_path: Path) -> None:
    path = tmp_path / "events.csv.gz"
    with gzip.open(path, "wt", newline="") as file:
        table = csv.writer(file)
        table.writerow(["t_s", "service", "path", "value", "text"])
        for change in (change for one in DEMO for change in changes_of(one)):
            value = "[]" if change.value is None else change.value
            table.writerow([change.second, change.service, change.path, value, ""])
    assert house_of(path) == house_of(*DEMO)


def test_the_shared_tables_are_read_where_they_are() -> None:
    shared = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "history"
    for path in shared.glob("victron_dbus_*_events.csv.gz"):
        readings = house_of(path)
        assert len(readings) >= 90
        assert all(reading.pv_w is not None and reading.pv_w > -10 for reading in readings)
        assert all(reading.battery_soc_pct is not None for reading in readings)


def test_the_recorded_system_counts_before_the_devices() -> None:
    devices = {"com.victronenergy.grid.a": Values({"/Ac/L1/Power": 100.0})}
    assert system_of(devices).number("/Ac/Grid/L1/Power") == 100.0
    system = Values({"/Ac/Grid/L1/Power": 90.0})
    assert system_of(devices | {"com.victronenergy.system": system}) is system


def test_without_a_meter_the_inverter_tells_the_grid_and_nothing_is_metered() -> None:
    vebus = Values({"/Ac/ActiveIn/L1/P": 700.0, "/Ac/ActiveIn/ActiveInput": 0.0, "/Ac/Out/L1/P": 500.0})
    system = system_of({"com.victronenergy.vebus.a": vebus})
    assert system.number("/Ac/Grid/L1/Power") == 700.0
    assert system.get("/Ac/Grid/DeviceType") is None
    assert system.number("/Ac/Consumption/L1/Power") == 500.0


def test_an_inverter_without_a_grid_is_off_grid() -> None:
    vebus = Values({"/Ac/ActiveIn/ActiveInput": 240.0, "/Ac/ActiveIn/L1/P": 0.0, "/Ac/Out/L1/P": 500.0})
    system = system_of({"com.victronenergy.vebus.a": vebus})
    assert system.whole("/Ac/ActiveIn/Source") == 240
    assert system.number("/Ac/Grid/L1/Power") is None


def test_invalid_values_are_not_known(tmp_path: Path) -> None:
    path = tmp_path / "grid.csv"
    path.write_text(
        "com.victronenergy.grid.a\n"
        "/Ac/L1/Power\tDOUBLE\t100.0\t100W\n"
        "/Ac/L2/Power\tARRAY[INT32]\t[]\t\n"
        "/CustomName\tSTRING\t'a name with ''quotes'''\tx\n"
        "\n"
        "2\t/Ac/L1/Power\tARRAY[INT32]\t[]\t\n"
    )
    found = [services["com.victronenergy.grid.a"].values.copy() for _, services in readings_at(changes_of(path))]
    assert [values["/Ac/L1/Power"] for values in found] == [100.0, 100.0, None]
    assert found[0]["/Ac/L2/Power"] is None
    assert found[0]["/CustomName"] == "a name with 'quotes'"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("com.victronenergy.grid.a\n/Ac/Power\n", "line 2 is no value of dbus-recorder"),
        ("com.victronenergy.grid.a\n\nnow\t/Ac/Power\tDOUBLE\t1\t1W\n", "line 3: 'now' is no time in seconds"),
        ("t_s,service,path,value,text\n1,a,b\n", "line 2 has 3 columns, 5 are expected"),
        ("time,pv_w\n", "is neither a recording of Phaeton nor"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(RecordingError, match=words):
        changes_of(path)
