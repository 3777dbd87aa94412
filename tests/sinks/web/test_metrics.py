"""The metrics: every one is told in the documentation, written as Prometheus wants it, and left out while not known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec import inspect
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from phaeton.links.modbus_stats import BlockStats, LinkStats
from phaeton.sinks.web.inspection import (
    BusServiceStatus,
    BusStatus,
    ControlStatus,
    Diagnosis,
    NotReady,
    ProcessStatus,
    Readiness,
    RecorderStatus,
    SourceAge,
    StoreStatus,
)
from phaeton.sinks.web.metrics import KINDS, TIMED, Samples, as_json, exposition, gather
from phaeton.sinks.web.status import Diagnostics, PointName, Snapshot, snapshot
from phaeton.timing import Spread, Timing
from tests import outputs

DOCUMENT = (Path(__file__).parents[3] / "docs" / "diagnostics.md").read_text()


def timing(*took_s: float) -> Timing:
    made = Timing()
    for each_s in took_s:
        made.note(each_s, 0.0)
    return made


TIMINGS = {name: timing(0.0009, 0.002) for name in TIMED}
SPREAD: Spread = timing(0.001).spread(0.0)


def diagnosis() -> Diagnosis:
    """All parts have something to tell."""
    return Diagnosis(
        time="2026-06-01T10:00:00Z",
        version="1.2.3",
        ready=Readiness(False, [NotReady("charger", "away"), NotReady("charger", "the other too")]),
        process=ProcessStatus(
            pid=1, started="2026-06-01T09:00:00Z", uptime_s=3600.0, python="3.12.1", platform="linux armv7l",
            cpu_s=36.0, cpu_pct=1.0, rss_bytes=45_000_000, peak_rss_bytes=50_000_000, open_fds=12, threads=2,
            gc_collections=(9, 3, 1),
        ),
        control=ControlStatus(
            decided_age_s=0.4, events=50, decisions=40, overruns=1, graph_failures=0, restarts=0, tasks=9,
            loop_lag=SPREAD, step=SPREAD, publish=SPREAD,
        ),
        modbus=[
            LinkStats("192.0.2.5", 502, True, 2, 1, None, "", (BlockStats("1:306x72", 90, 2, 31.0, 30.0, 99.0),), 1)
        ],
        sources=[SourceAge(name="charger 1", age_s=0.7, left_out={"energy_went_back": 2})],
        dbus=BusStatus(
            connected=True, why="", backlog=0,
            services=[BusServiceStatus(name="com.victronenergy.evcharger.x", registered=True, problem="", backlog=0)],
        ),
        store=StoreStatus(path="/x", trouble="", messages=(), commits=3, waiting=0, queue=0, commit=SPREAD),
        recorder=RecorderStatus(folder="/x", trouble="full", flushes=1, waiting=2, flush=SPREAD),
    )  # fmt: skip


def shown(name: str = "Garage") -> Snapshot:
    told = outputs.output(more=(outputs.waiting("2"),))
    return snapshot(told, [PointName("1", name), PointName("2")], Diagnostics(), 1)


def everything() -> Samples:
    return gather(diagnosis(), TIMINGS, shown())


def test_every_metric_stands_in_the_documentation_as_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (gauge|counter|histogram) \| (.*) \|$", DOCUMENT, re.MULTILINE)
    assert [(name, (kind, about)) for name, kind, about in rows] == list(KINDS.items())


def test_every_field_of_the_diagnostics_stands_in_the_documentation() -> None:
    """Parts that are one struct are told field by field."""
    section = DOCUMENT.split("## Fields of /api/diagnostics")[1]
    told = re.findall(r"^\| `([\w.]+)` \| .+ \|$", section, re.MULTILINE)
    parts = {"process", "control", "dbus", "store", "web"}
    expected: list[str] = []
    kind = inspect.type_info(Diagnosis)
    assert isinstance(kind, inspect.StructType)
    for field in kind.fields:
        if field.name in parts:
            assert isinstance(field.type, inspect.StructType)
            expected += [f"{field.name}.{inner.name}" for inner in field.type.fields]
        else:
            expected.append(field.name)
    assert told == expected


def test_all_are_written_in_the_order_and_with_the_type_of_the_list() -> None:
    samples = everything()
    body, content_type = exposition(samples, "")
    assert content_type.startswith("text/plain")
    families = list(text_string_to_metric_families(body.decode()))
    assert [family.name for family in families] == [
        name.removesuffix("_total") if KINDS[name][0] == "counter" else name for name in KINDS if name in samples
    ]
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert (family.type, family.documentation) == KINDS[name]


def test_values_are_in_base_units() -> None:
    values = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(exposition(everything(), "")[0].decode())
        for sample in family.samples
    }
    assert values["phaeton_charger_energy_joules_total", "1"] == round(4321.057 * 3.6e6)
    assert values["phaeton_charger_power_watts", "1"] == 6480.0
    assert values["phaeton_modbus_latency_seconds", *sorted(("192.0.2.5:502", "1:306x72"))] == 0.03
    assert values["phaeton_modbus_requests_total", *sorted(("192.0.2.5:502", "1:306x72", "failed"))] == 2.0
    assert values["phaeton_not_ready", "charger"] == 1.0
    assert values["phaeton_recorder_up",] == 0.0
    assert values["phaeton_source_left_out", "charger 1", "energy_went_back"] == 2.0
    assert values["phaeton_step_duration_seconds_bucket", "0.001024"] == 1.0
    assert values["phaeton_step_duration_seconds_bucket", "+Inf"] == 2.0
    assert values["phaeton_step_duration_seconds_sum",] == pytest.approx(0.0029)


def test_what_is_not_known_has_no_sample() -> None:
    bare = replace(diagnosis(), recorder=None, sources=())
    samples = gather(replace(bare, process=replace(bare.process, rss_bytes=None)), TIMINGS, None)
    for name in ("phaeton_recorder_up", "process_resident_memory_bytes", "phaeton_charger_power_watts"):
        assert name not in samples
    whole = shown()
    whole = replace(whole, chargers=[whole.chargers[0], replace(whole.chargers[1], power_w=None)])
    unread = gather(diagnosis(), TIMINGS, whole)["phaeton_charger_power_watts"]
    assert [sample.labels["point"] for sample in unread] == ["1"]


def test_a_name_with_quotes_and_line_ends_breaks_nothing() -> None:
    name = 'the "big" one\\\nphaeton_ready 7'
    body, _ = exposition(gather(diagnosis(), TIMINGS, shown(name)), "")
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert families["phaeton_charger_info"].samples[0].labels["name"] == name
    assert [sample.value for sample in families["phaeton_ready"].samples] == [0.0]


def test_programs_get_the_same_values_as_json() -> None:
    samples = everything()
    told = as_json(samples)
    assert told.keys() == samples.keys()
    [histogram] = told["phaeton_loop_lag_seconds"]
    assert (histogram.value, histogram.buckets["0.001024"]) == (2.0, 1)
    assert [value.labels for value in told["phaeton_charger_plugged"]] == [{"point": "1"}, {"point": "2"}]
