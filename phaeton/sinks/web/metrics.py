"""The metrics: what each is called, its type and meaning, and its values out of diagnostics and snapshot.

Names follow the conventions of Prometheus: base units in the name (watts, amperes, seconds, joules, ratios from 0 to
1), counters end in ``_total``. Prices alone are per kWh, as contracts are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from phaeton.model import Mode
from phaeton.sinks.web.inspection import Diagnosis
from phaeton.sinks.web.status import ChargerStatus, Snapshot
from phaeton.timing import BOUNDS_S, Timing

Kind = Literal["gauge", "counter", "histogram"]
Labels = Mapping[str, str]

JOULES_PER_KWH = 3.6e6
TIMED = {
    "loop_lag": "phaeton_loop_lag_seconds",
    "step": "phaeton_step_duration_seconds",
    "publish": "phaeton_publish_duration_seconds",
    "store_commit": "phaeton_store_commit_duration_seconds",
    "recorder_flush": "phaeton_recorder_flush_duration_seconds",
}
"""The timings of `Inspection.timings` by their names here."""

KINDS: dict[str, tuple[Kind, str]] = {
    "phaeton_build_info": ("gauge", "1, with the version as a label"),
    "phaeton_ready": ("gauge", "1 while charger, bus and control are well"),
    "phaeton_not_ready": ("gauge", "1 for each reason why not, by its code"),
    "phaeton_loop_lag_seconds": ("histogram", "How much later than a second after the one before a tick comes"),
    "phaeton_step_duration_seconds": ("histogram", "Evaluation of the graph"),
    "phaeton_publish_duration_seconds": ("histogram", "Handing a decision to all sinks"),
    "phaeton_store_commit_duration_seconds": ("histogram", "A commit of the store, its turn in the queue included"),
    "phaeton_recorder_flush_duration_seconds": ("histogram", "A write of the recorder, its turn in the queue included"),
    "phaeton_events_total": ("counter", "Events that entered the graph"),
    "phaeton_decisions_total": ("counter", "Decisions of the graph"),
    "phaeton_decision_age_seconds": ("gauge", "Time since the last decision"),
    "phaeton_overruns_total": ("counter", "Ticks that came so late that the next one was due"),
    "phaeton_graph_failures_total": ("counter", "Events that the graph did not take"),
    "phaeton_watchdog_restarts_total": ("counter", "What the watchdog has begun anew"),
    "phaeton_tasks": ("gauge", "Tasks of the event loop"),
    "phaeton_modbus_connected": ("gauge", "1 while there is a connection to the charger"),
    "phaeton_modbus_connects_total": ("counter", "Connections made"),
    "phaeton_modbus_connect_failures_total": ("counter", "Connections that failed"),
    "phaeton_modbus_outage_seconds": ("gauge", "How long nothing was answered; 0 when all is well"),
    "phaeton_modbus_waiting": ("gauge", "Requests that wait for their turn"),
    "phaeton_modbus_requests_total": ("counter", "Requests by block and result (answered, failed)"),
    "phaeton_modbus_latency_seconds": ("gauge", "Time to the answer by block, smoothed over about ten requests"),
    "phaeton_modbus_latency_max_seconds": ("gauge", "Longest time to an answer by block since the start"),
    "phaeton_source_age_seconds": ("gauge", "Age of the newest value of a source"),
    "phaeton_source_up": ("gauge", "1 while a source has no trouble"),
    "phaeton_source_left_out": ("gauge", "Values of a source that were not believed, by why"),
    "phaeton_dbus_connected": ("gauge", "1 while there is a connection to D-Bus"),
    "phaeton_dbus_registered": ("gauge", "1 while a service of ours has its name on D-Bus"),
    "phaeton_dbus_backlog": ("gauge", "Messages that wait because the bus does not take them"),
    "phaeton_store_up": ("gauge", "1 while the disk takes what is stored"),
    "phaeton_store_waiting": ("gauge", "Callers that wait for a commit"),
    "phaeton_worker_queue": ("gauge", "Jobs that wait for the thread of the disk"),
    "phaeton_recorder_up": ("gauge", "1 while the disk takes what is recorded; absent while nothing is recorded"),
    "phaeton_recorder_waiting": ("gauge", "Events and decisions that wait to be recorded"),
    "phaeton_web_clients": ("gauge", "Streams that are followed, by kind (events, log)"),
    "phaeton_snapshot_duration_seconds": ("gauge", "How long the newest snapshot for the page took to build"),
    "phaeton_charger_info": ("gauge", "1, with name, product and firmware as labels"),
    "phaeton_charger_reachable": ("gauge", "1 while the charger can be read"),
    "phaeton_charger_plugged": ("gauge", "1 while a car is plugged in"),
    "phaeton_charger_enabled": ("gauge", "1 while it may charge (StartStop)"),
    "phaeton_charger_mode": ("gauge", "1 for the mode in force, 0 for the others"),
    "phaeton_charger_status": ("gauge", "Status as on D-Bus: 0 disconnected, 1 connected, 2 charging, ..."),
    "phaeton_charger_reason": ("gauge", "1 for each reason of the present decision"),
    "phaeton_charger_power_watts": ("gauge", "What the car draws"),
    "phaeton_charger_current_amperes": ("gauge", "Current by phase"),
    "phaeton_charger_voltage_volts": ("gauge", "Voltage by phase"),
    "phaeton_charger_setpoint_amperes": ("gauge", "Current that the charger is told to allow"),
    "phaeton_charger_requested_amperes": ("gauge", "Current of the manual mode"),
    "phaeton_charger_limit_amperes": ("gauge", "Smallest of all limits in this step"),
    "phaeton_charger_phases": ("gauge", "Phases in use"),
    "phaeton_charger_energy_joules_total": ("counter", "The meter's lifetime total"),
    "phaeton_charger_temperature_celsius": ("gauge", "Temperature inside of the charger"),
    "phaeton_charger_lease_remaining_seconds": (
        "gauge",
        "How long the charger keeps the setpoint without hearing more",
    ),
    "phaeton_charger_foreign_writes_total": ("counter", "Setpoints that somebody else wrote"),
    "phaeton_session_energy_joules": ("gauge", "Energy of the present stay by source (all, pv, battery, grid)"),
    "phaeton_session_cost": ("gauge", "Cost of the present stay, in the currency of the label"),
    "phaeton_session_charging_seconds": ("gauge", "Time of the present stay in which it charged"),
    "phaeton_site_grid_watts": ("gauge", "Power from the grid, import positive"),
    "phaeton_site_pv_watts": ("gauge", "Power of the sun"),
    "phaeton_site_battery_watts": ("gauge", "Power into the house battery, charging positive"),
    "phaeton_site_battery_soc_ratio": ("gauge", "State of charge of the house battery, from 0 to 1"),
    "phaeton_site_consumption_watts": ("gauge", "Consumption of the house, cars included"),
    "phaeton_site_surplus_watts": ("gauge", "Surplus that cars may use"),
    "phaeton_site_fresh": ("gauge", "1 while the values of the house are new enough to decide by"),
    "phaeton_price_import_per_kwh": ("gauge", "Price of a kWh from the grid now"),
    "phaeton_price_feed_in_per_kwh": ("gauge", "What a kWh into the grid brings now"),
    "phaeton_vehicle_soc_ratio": ("gauge", "State of charge of a car, estimated for now, from 0 to 1"),
    "phaeton_vehicle_soc_age_seconds": ("gauge", "Age of the last state of charge that was read"),
    "phaeton_vehicle_here": ("gauge", "1 while the car is at a charging point of ours"),
    "process_cpu_seconds_total": ("counter", "Processor time of user and system"),
    "process_resident_memory_bytes": ("gauge", "Memory in use"),
    "process_peak_resident_memory_bytes": ("gauge", "Most memory that was in use"),
    "process_open_fds": ("gauge", "Open files and connections"),
    "process_threads": ("gauge", "Threads"),
    "process_uptime_seconds": ("gauge", "Time since the start"),
    "python_gc_collections_total": ("counter", "Runs of the garbage collector by generation"),
}
"""All metrics: name, type, meaning. docs/diagnostics.md has the same list."""


class Histogram(Struct, frozen=True):
    """Counts by bound: ``below[i]`` took at most ``BOUNDS_S[i]``; the last is how many there were."""

    below: tuple[int, ...]
    sum_s: float


class Sample(Struct, frozen=True):
    """One value of a metric."""

    labels: Labels
    value: float | Histogram


Samples = dict[str, list[Sample]]


class _Gathered:
    """Collects samples; what is not known is left out."""

    def __init__(self) -> None:
        self.samples: Samples = {}

    def put(self, name: str, value: float | None, /, **labels: str) -> None:
        if value is not None:
            self.samples.setdefault(name, []).append(Sample(labels, float(value)))

    def timed(self, timings: Mapping[str, Timing]) -> None:
        for what, timing in timings.items():
            below, sum_s = timing.histogram()
            self.samples[TIMED[what]] = [Sample({}, Histogram(below, sum_s))]


def gather(told: Diagnosis, timings: Mapping[str, Timing], snapshot: Snapshot | None) -> Samples:
    """All metrics that have a value now, in the order of `KINDS`."""
    found = _Gathered()
    found.timed(timings)
    _control(found, told)
    _links(found, told)
    _process(found, told)
    if snapshot is not None:
        for charger in snapshot.chargers:
            _charger(found, charger, snapshot.pricing_currency or "")
        _house(found, snapshot)
    return {name: found.samples[name] for name in KINDS if name in found.samples}


def _control(found: _Gathered, told: Diagnosis) -> None:
    control = told.control
    found.put("phaeton_build_info", 1, version=told.version)
    found.put("phaeton_ready", told.ready.ready)
    for code in dict.fromkeys(reason.code for reason in told.ready.reasons):
        found.put("phaeton_not_ready", 1, code=code)
    found.put("phaeton_events_total", control.events)
    found.put("phaeton_decisions_total", control.decisions)
    found.put("phaeton_decision_age_seconds", control.decided_age_s)
    found.put("phaeton_overruns_total", control.overruns)
    found.put("phaeton_graph_failures_total", control.graph_failures)
    found.put("phaeton_watchdog_restarts_total", control.restarts)
    found.put("phaeton_tasks", control.tasks)


def _links(found: _Gathered, told: Diagnosis) -> None:
    for link in told.modbus:
        where = f"{link.host}:{link.port}"
        found.put("phaeton_modbus_connected", link.connected, link=where)
        found.put("phaeton_modbus_connects_total", link.connects, link=where)
        found.put("phaeton_modbus_connect_failures_total", link.connects_failed, link=where)
        found.put("phaeton_modbus_outage_seconds", link.outage_s or 0.0, link=where)
        found.put("phaeton_modbus_waiting", link.waiting, link=where)
        for block in link.blocks:
            found.put("phaeton_modbus_requests_total", block.answered, link=where, block=block.name, result="answered")
            found.put("phaeton_modbus_requests_total", block.failed, link=where, block=block.name, result="failed")
            if block.answered:
                found.put("phaeton_modbus_latency_seconds", block.mean_ms / 1000.0, link=where, block=block.name)
                found.put("phaeton_modbus_latency_max_seconds", block.longest_ms / 1000.0, link=where, block=block.name)
    for source in told.sources:
        found.put("phaeton_source_age_seconds", source.age_s, source=source.name)
        found.put("phaeton_source_up", not source.trouble, source=source.name)
        for why, count in source.left_out.items():
            found.put("phaeton_source_left_out", count, source=source.name, why=why)
    found.put("phaeton_dbus_connected", told.dbus.connected)
    for service in told.dbus.services:
        found.put("phaeton_dbus_registered", service.registered, service=service.name)
        found.put("phaeton_dbus_backlog", service.backlog, service=service.name)
    found.put("phaeton_store_up", not told.store.trouble)
    found.put("phaeton_store_waiting", told.store.waiting)
    found.put("phaeton_worker_queue", told.store.queue)
    if told.recorder is not None:
        found.put("phaeton_recorder_up", not told.recorder.trouble)
        found.put("phaeton_recorder_waiting", told.recorder.waiting)
    found.put("phaeton_web_clients", told.web.clients, kind="events")
    found.put("phaeton_web_clients", told.web.log_clients, kind="log")
    if told.web.snapshot_ms is not None:
        found.put("phaeton_snapshot_duration_seconds", told.web.snapshot_ms / 1000.0)


def _process(found: _Gathered, told: Diagnosis) -> None:
    process = told.process
    found.put("process_cpu_seconds_total", process.cpu_s)
    found.put("process_resident_memory_bytes", process.rss_bytes)
    found.put("process_peak_resident_memory_bytes", process.peak_rss_bytes)
    found.put("process_open_fds", process.open_fds)
    found.put("process_threads", process.threads)
    found.put("process_uptime_seconds", process.uptime_s)
    for generation, count in enumerate(process.gc_collections):
        found.put("python_gc_collections_total", count, generation=str(generation))


def _charger(found: _Gathered, charger: ChargerStatus, currency: str) -> None:
    point = charger.id

    def put(name: str, value: float | None, /, **labels: str) -> None:
        found.put(f"phaeton_{name}", value, point=point, **labels)

    put("charger_info", 1, name=charger.name, product=charger.product_name, firmware=charger.firmware)
    put("charger_reachable", charger.reachable)
    put("charger_plugged", charger.plugged)
    put("charger_enabled", charger.start_stop)
    for mode in Mode:
        put("charger_mode", mode == charger.mode, mode=mode.name.lower())
    put("charger_status", charger.status)
    for why in dict.fromkeys(reason.why for reason in charger.reasons):
        put("charger_reason", 1, why=why)
    put("charger_power_watts", charger.power_w)
    for phase, (current_a, voltage_v) in enumerate(zip(charger.currents, charger.voltages, strict=True), 1):
        put("charger_current_amperes", current_a, phase=f"L{phase}")
        put("charger_voltage_volts", voltage_v, phase=f"L{phase}")
    put("charger_setpoint_amperes", charger.current_a)
    put("charger_requested_amperes", charger.set_current)
    put("charger_limit_amperes", charger.limits.now_a)
    put("charger_phases", charger.phases)
    put("charger_energy_joules_total", _joules(charger.energy))
    put("charger_temperature_celsius", charger.temperature_c)
    if charger.lease is not None:
        put("charger_lease_remaining_seconds", charger.lease.remaining_s)
        put("charger_foreign_writes_total", charger.lease.foreign_count)
    stay = charger.session
    if stay is not None and stay.end_time is None:
        parts = {
            "all": stay.energy_delivered_kwh,
            "pv": stay.pv_kwh,
            "battery": stay.battery_kwh,
            "grid": stay.grid_kwh,
        }
        for source, kwh in parts.items():
            put("session_energy_joules", _joules(kwh), source=source)
        put("session_cost", stay.cost, currency=stay.currency or currency)
        put("session_charging_seconds", stay.charging_s)


def _house(found: _Gathered, snapshot: Snapshot) -> None:
    site, currency = snapshot.site, snapshot.pricing_currency or ""
    found.put("phaeton_site_grid_watts", site.grid_w)
    found.put("phaeton_site_pv_watts", site.pv_w)
    found.put("phaeton_site_battery_watts", site.battery_w)
    found.put("phaeton_site_battery_soc_ratio", _ratio(site.battery_soc_pct))
    found.put("phaeton_site_consumption_watts", site.consumption_w)
    found.put("phaeton_site_surplus_watts", site.surplus_w)
    found.put("phaeton_site_fresh", site.fresh)
    found.put("phaeton_price_import_per_kwh", site.import_per_kwh, currency=currency)
    found.put("phaeton_price_feed_in_per_kwh", site.feed_in_per_kwh, currency=currency)
    for car in snapshot.vehicles:
        found.put("phaeton_vehicle_soc_ratio", _ratio(car.soc_pct), vehicle=car.id)
        found.put("phaeton_vehicle_soc_age_seconds", car.soc_age_s, vehicle=car.id)
        found.put("phaeton_vehicle_here", bool(car.point), vehicle=car.id)


def _joules(kwh: float | None) -> float | None:
    return None if kwh is None else round(kwh * JOULES_PER_KWH)


def _ratio(pct: float | None) -> float | None:
    return None if pct is None else round(pct / 100.0, 4)


def exposition(samples: Samples, accept: str) -> tuple[bytes, str]:
    """As Prometheus or OpenMetrics wants it, and the content type; the library is loaded by the first who asks."""
    from prometheus_client.core import (  # noqa: PLC0415 - 3 MB that only a scrape needs
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        Metric,
    )
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415

    class Found:
        """What the library collects from."""

        def collect(self) -> Iterator[Metric]:
            for name, values in samples.items():
                kind, told = KINDS[name]
                names = tuple(values[0].labels)
                family: Metric
                if kind == "histogram":
                    family = _histogram(HistogramMetricFamily(name, told), values[0])
                else:
                    family = (CounterMetricFamily if kind == "counter" else GaugeMetricFamily)(name, told, labels=names)
                    for sample in values:
                        assert isinstance(sample.value, float)
                        family.add_metric([sample.labels[label] for label in names], sample.value)
                yield family

    def _histogram(family: HistogramMetricFamily, sample: Sample) -> Metric:
        histogram = sample.value
        assert isinstance(histogram, Histogram)
        bounds = (*(repr(bound) for bound in BOUNDS_S), "+Inf")
        family.add_metric([], list(zip(bounds, histogram.below, strict=True)), histogram.sum_s)
        return family

    encode, content_type = choose_encoder(accept)
    return encode(Found()), content_type


class MetricValue(Struct, frozen=True, omit_defaults=True):
    """One value for programs."""

    value: float | None
    """Of a histogram: how many there were."""
    labels: Labels = {}
    sum_seconds: float | None = None
    """Of a histogram."""
    buckets: Mapping[str, int] = {}
    """Of a histogram: how many took at most so many seconds."""


def as_json(samples: Samples) -> dict[str, Sequence[MetricValue]]:
    """The same values for programs."""
    return {name: [_value(sample) for sample in values] for name, values in samples.items()}


def _value(sample: Sample) -> MetricValue:
    if not isinstance(sample.value, Histogram):
        return MetricValue(sample.value, sample.labels)
    below, sum_s = sample.value.below, sample.value.sum_s
    buckets = {repr(bound): count for bound, count in zip(BOUNDS_S, below[:-1], strict=True)}
    return MetricValue(float(below[-1]), sample.labels, round(sum_s, 6), buckets)
