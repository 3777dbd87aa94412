"""The closed loop over a history: the graph decides, the plant answers, and the books are kept.

Each step is one batch of events: what became of the last writes, the readings of the chargers and of the house, a
tick. Prices enter as they were known at the time; the bill uses them as they were. Times that the history does not
know are jumped over. While no car is there a decision changes nothing, and the control is asked every ten minutes only;
so it is in coarse steps while it waits for nothing but the sun and there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Generic, NamedTuple, TypeVar

from phaeton.calendar_days import day, next_midnight
from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.model import (
    ChargerIdentity,
    ChargerWrite,
    Command,
    Output,
    PriceSlot,
    SetGoal,
    Tick,
    WriteOutcome,
    WriteResult,
    Zone,
)
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.history import Chunk, History
from phaeton.simulation.house_setup import HouseSetup, build, car_for, full_power_w
from phaeton.simulation.ledger import Account
from phaeton.simulation.series import Series
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff, next_publication
from phaeton.simulation.texture import Texture
from phaeton.streams import graph
from phaeton.streams.dark import is_dark, waits_for_sun
from phaeton.streams.situation import GraphEvent

S = TypeVar("S")
T = TypeVar("T")

Progress = Callable[[float], None]
"""Told the share (0 to 1) that is done, at least once in each simulated hour."""

NEVER_S = 1e18
_LOOK_S = 3600.0
_FIRST_MONO_S = 1000.0
_UNPLUGGED_S = 3.0
"""The control believes that a car left after two polls and this time."""
_MET_KWH = 1e-6
QUIET_S = 600.0
"""While no car is there the control is asked this rarely, and each step again from this long before one comes."""
_LEASE_S = 10.0
"""In finer steps a lease must be renewed in time, and its renewals count."""


class Control(NamedTuple, Generic[S]):
    """What decides: the state it begins with, and a step over the events of one moment."""

    initial: S
    batch: Callable[[S, tuple[GraphEvent, ...]], tuple[S, Output | None]]
    waits: Callable[[S, S], bool] = lambda _before, _after: False
    """Whether it waits for nothing but the sun after a step."""


MakeControl = Callable[[Config, tuple[Point, ...], Zone], Control[S]]


def site_control(config: Config, points: tuple[Point, ...], zone: Zone) -> Control[graph.GraphState]:
    """The graph of the daemon."""
    return Control(graph.initial_state(config, points, zone), graph.batch, waits_for_sun)


PhaseShares = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Of the load and of the PV."""


def _each(values: Iterable[T], times: int) -> Iterable[T]:
    """Each value so many times."""
    return values if times == 1 else chain.from_iterable(map(repeat, values, repeat(times)))


@dataclass(slots=True)
class Socket:
    """A charging point with the stays that come to it, and what has not been booked yet."""

    charger: ChargerPlant
    coming: list[Stay]
    """In the reverse order of their arrivals."""
    stay: Stay | None = None
    account: Account = field(default_factory=Account)
    """Of the present stay."""
    free_s: float = 0.0
    """The next car may come from here on."""
    ask_s: float = NEVER_S
    """When the control is told what the car wants: once it knows that there is one."""
    ev_w: float = 0.0
    """Sums over the steps that are not booked yet."""
    ev_battery_w: float = 0.0
    ev_grid_w: float = 0.0
    writes: int = 0
    starts: int = 0
    switches: int = 0


class ClosedStay(NamedTuple):
    """A stay that is over."""

    stay: Stay
    account: Account


class OfflineRun(Generic[S]):
    """One run from ``start_s`` to ``end_s``; what came out is in its fields."""

    def __init__(
        self,
        config: Config,
        points: tuple[Point, ...],
        zone: Zone,
        control: Control[S],
        *,
        setup: HouseSetup,
        tariff: Tariff | None,
        step_s: float,
        start_s: float,
        end_s: float,
        series: Series | None = None,
        progress: Progress | None = None,
        quiet_s: float = QUIET_S,
    ) -> None:
        self.steps = 0
        self.days: dict[str, Account] = {}
        self.closed: list[ClosedStay] = []
        self.unseen: list[Stay] = []
        """Stays that lie within a gap."""
        self._config, self._zone = config, zone
        self._state, self._batch, self._waits = control
        self._setup, self._tariff = setup, tariff
        self._step_s, self._start_s, self._end_s = step_s, start_s, end_s
        self._series, self._progress = series, progress
        self._plant = build(setup, config, points)
        self._sockets = [Socket(charger, []) for charger in self._plant.chargers]
        self._mono_ahead_s = _FIRST_MONO_S - start_s
        self._news: list[GraphEvent] = []
        """Enters the graph with the next step."""
        self._due_s = start_s
        self._quiet_s = quiet_s
        self._goals = any(point.charger.initial.mode == "scheduled" for point in points)
        self._idle_from_s = self._idle_to_s = NEVER_S
        self._day = Account()
        self._day_ends_s = -NEVER_S
        self._slot: PriceSlot | None = None
        self._slot_ends_s = NEVER_S if tariff is None else -NEVER_S
        self._published_s = NEVER_S if tariff is None else -NEVER_S
        self._bin_s = _LOOK_S if series is None else series.bin_s
        self._bin_ends_s = -NEVER_S
        self._bin: list[float] = [0.0] * 6
        """Sums of PV, load, cars, battery and grid in W, and how many steps."""

    @property
    def battery_pct(self) -> float | None:
        """The charge of the house battery now; None without one."""
        return None if self._plant.battery is None else self._plant.battery.soc_pct

    def over(self, history: History, stays: Sequence[Stay], texture: Texture | None) -> None:
        """Run over all of the history with these stays, which lie within the run."""
        for socket in self._sockets:
            mine = [s for s in stays if s.point == socket.charger.point or (not s.point and socket is self._sockets[0])]
            socket.coming = sorted(mine, key=lambda stay: stay.arrival_s, reverse=True)
        self._news += [
            ChargerIdentity(_FIRST_MONO_S, self._start_s, socket.charger.point, "Phaeton", "simulated")
            for socket in self._sockets
        ]
        at_s = self._start_s
        for span in history.spans:
            for chunk in history.chunks(span, self._start_s, self._end_s):
                self._due_s = min(self._due_s, chunk.start_s) if chunk.start_s != at_s else self._due_s
                at_s = self._run_chunk(chunk, history.cell_s, texture)
        for socket in self._sockets:
            if socket.stay is not None:
                self._leave(socket, at_s)
        self._close_bin()

    def _run_chunk(self, chunk: Chunk, cell_s: float, texture: Texture | None) -> float:
        """Run over cells in a row; returns when they end."""
        each = int(cell_s / self._step_s)
        shares: Iterable[PhaseShares | None] = repeat(None)
        if chunk.shares:
            shares = zip(zip(*chunk.shares[:3], strict=True), zip(*chunk.shares[3:], strict=True), strict=True)
        if texture is not None:
            powers = texture.steps(chunk.start_s, chunk.pv_w, chunk.load_w, cell_s, self._step_s)
            return self._run(chunk.start_s, zip(powers, _each(shares, each), strict=False))
        cells = zip(zip(chunk.pv_w, chunk.load_w, strict=True), shares, strict=False)
        return self._run(chunk.start_s, _each(cells, each))

    def _run(self, utc_s: float, steps: Iterable[tuple[tuple[float, float], PhaseShares | None]]) -> float:
        """The loop; locals, because it runs a million times."""
        step_s, due_s = self._step_s, self._due_s
        plant, state, news = self._plant, self._state, self._news
        quiet_s = self._quiet_s
        idle_from_s, idle_to_s, ask_s = self._idle_from_s, self._idle_to_s, utc_s
        waits, waiting, asked_s = self._waits, False, -NEVER_S
        may_wait = quiet_s > 0.0 and step_s > _LEASE_S
        sun_w = house_w = import_w = export_w = battery_w = stored_w = 0.0
        count = 0
        for (pv_w, load_w), shares in steps:
            if utc_s >= due_s:
                self._book(count, sun_w, house_w, import_w, export_w, battery_w, stored_w)
                sun_w = house_w = import_w = export_w = battery_w = stored_w = 0.0
                count = 0
                told = len(news)
                self._meet(utc_s)
                if len(news) > told:
                    ask_s = utc_s
                    waiting = False
                due_s, idle_from_s, idle_to_s = self._due_s, self._idle_from_s, self._idle_to_s
            if shares is not None:
                plant.load_shares, plant.pv_shares = shares
            if waiting and not is_dark(pv_w, load_w):
                waiting = False
                if asked_s != utc_s:  # the last of the dark, which the first of the sun follows
                    state = self._decide(state, utc_s)
            plant.step(step_s, pv_w, load_w)
            utc_s += step_s
            if utc_s >= ask_s or not (waiting or idle_from_s < utc_s < idle_to_s):
                ask_s, asked_s = utc_s + quiet_s, utc_s
                before, state = state, self._decide(state, utc_s)
                waiting = may_wait and waits(before, state)
            count += 1
            grid_w = plant.grid_w
            sun_w += plant.pv_w
            house_w += load_w
            if grid_w > 0.0:
                import_w += grid_w
            else:
                export_w -= grid_w
            ev_w = plant.ev_w
            battery = plant.battery
            if battery is not None:
                battery_w += plant.battery_w
                stored_w += battery.dc_w if battery.dc_w > 0.0 else -battery.dc_w
            if ev_w > 0.0:
                self._split(ev_w, grid_w, plant.battery_w)
        self._book(count, sun_w, house_w, import_w, export_w, battery_w, stored_w)
        self._state = state
        return utc_s

    def _decide(self, state: S, utc_s: float) -> S:
        """Let the news enter the graph, and how chargers and house are; what it writes reaches the chargers."""
        news, mono_s = self._news, utc_s + self._mono_ahead_s
        for socket in self._sockets:
            news.append(socket.charger.reading(mono_s, utc_s))
        news.append(self._plant.snapshot(mono_s, utc_s))
        news.append(Tick(mono_s, utc_s))
        events = tuple(news)
        news.clear()
        state, output = self._batch(state, events)
        if output is not None:
            for index, decided in enumerate(output.decision.points):
                if decided.write is not None:
                    self._write(self._sockets[index], decided.write, mono_s, utc_s)
        return state

    def _split(self, ev_w: float, grid_w: float, battery_w: float) -> None:
        """Where the power of the cars comes from, each car by its part."""
        from_grid_w = min(ev_w, grid_w) if grid_w > 0.0 else 0.0
        from_battery_w = min(ev_w - from_grid_w, -battery_w) if battery_w < 0.0 else 0.0
        for socket in self._sockets:
            part = socket.charger.power_w / ev_w
            socket.ev_w += socket.charger.power_w
            socket.ev_grid_w += from_grid_w * part
            socket.ev_battery_w += from_battery_w * part

    def _write(self, socket: Socket, write: ChargerWrite, mono_s: float, utc_s: float) -> None:
        charger, point = socket.charger, socket.charger.point
        if write.current_a is not None:
            result = charger.write_current(write.current_a)
            socket.writes += socket.stay is not None
            self._news.append(WriteOutcome(mono_s, utc_s, point=point, result=result, current_a=write.current_a))
        if write.phases is not None:
            result = charger.write_phases(write.phases)
            detail = "" if result is WriteResult.WRITTEN else "exception 3"
            self._news.append(
                WriteOutcome(mono_s, utc_s, point=point, result=result, phases=write.phases, detail=detail)
            )

    def _book(
        self,
        count: int,
        sun_w: float,
        house_w: float,
        import_w: float,
        export_w: float,
        battery_w: float,
        stored_w: float,
    ) -> None:
        """Book sums over ``count`` steps, all within one price slot, one day and the same stays."""
        if not count:
            return
        self.steps += count
        hours = self._step_s / 3600.0
        import_price = feed_in_price = None
        if self._tariff is None:
            import_price, feed_in_price = self._config.prices.import_per_kwh, self._config.prices.feed_in_per_kwh
        elif self._slot is not None:
            import_price, feed_in_price = self._slot.import_per_kwh, self._slot.feed_in_per_kwh
        house = Account(
            import_wh=import_w * hours, export_wh=export_w * hours, pv_wh=sun_w * hours, stored_wh=stored_w * hours
        )
        house.price(import_price, feed_in_price)
        self._day.add_house(house)
        car_w = 0.0
        for socket in self._sockets:
            charger = socket.charger
            car = Account(
                ev_wh=socket.ev_w * hours,
                ev_battery_wh=socket.ev_battery_w * hours,
                ev_grid_wh=socket.ev_grid_w * hours,
                starts=charger.starts - socket.starts,
                switches=charger.switches - socket.switches,
                writes=socket.writes,
            )
            car.price(import_price, feed_in_price)
            car_w += socket.ev_w
            socket.ev_w = socket.ev_battery_w = socket.ev_grid_w = 0.0
            socket.starts, socket.switches, socket.writes = charger.starts, charger.switches, 0
            self._day.add_cars(car)
            if socket.stay is not None:
                socket.account.add_house(house)
                socket.account.add_cars(car)
        added = (sun_w, house_w, car_w, battery_w, import_w - export_w, float(count))
        self._bin = [total + more for total, more in zip(self._bin, added, strict=True)]

    def _meet(self, now_s: float) -> None:
        """Everything that is due: cars leave and come, prices change and are published, days and bins begin."""
        for socket in self._sockets:
            if socket.stay is not None and socket.stay.departure_s <= now_s:
                self._leave(socket, now_s)
            while socket.stay is None and socket.coming and socket.coming[-1].departure_s <= now_s:
                self.unseen.append(socket.coming.pop())
            if socket.stay is None and socket.coming and max(socket.coming[-1].arrival_s, socket.free_s) <= now_s:
                socket.stay = socket.coming.pop()
                socket.account = Account()
                socket.charger.plug(car_for(socket.stay, self._setup))
                socket.ask_s = now_s + 2.0 * self._step_s
            if now_s >= socket.ask_s:
                self._ask(socket, now_s)
        if now_s >= self._day_ends_s:
            self._day = self.days.setdefault(day(self._zone, now_s), Account())
            self._day_ends_s = next_midnight(self._zone, now_s)
        self._look_at_prices(now_s)
        if now_s >= self._bin_ends_s:
            self._close_bin()
            self._bin_ends_s = (now_s // self._bin_s + 1) * self._bin_s
            if self._progress is not None:
                self._progress((now_s - self._start_s) / (self._end_s - self._start_s))
        self._due_s = min(self._day_ends_s, self._slot_ends_s, self._published_s, self._bin_ends_s)
        self._idle_from_s, self._idle_to_s = -NEVER_S, NEVER_S
        for socket in self._sockets:
            if socket.stay is not None:
                self._due_s = min(self._due_s, socket.stay.departure_s, socket.ask_s)
                self._idle_from_s = NEVER_S
            else:
                self._idle_from_s = max(self._idle_from_s, socket.free_s)
            if socket.stay is None and socket.coming:
                comes_s = max(socket.coming[-1].arrival_s, socket.free_s)
                self._due_s = min(self._due_s, comes_s)
                self._idle_to_s = min(self._idle_to_s, comes_s - QUIET_S)

    def _ask(self, socket: Socket, now_s: float) -> None:
        """Tell the control the goal of the stay, as a person would on the page; only scheduled mode asks for it."""
        socket.ask_s = NEVER_S
        stay, car = socket.stay, socket.charger.car
        if self._goals and stay is not None and car is not None and stay.energy_kwh > car.taken_kwh:
            goal = SetGoal(departure_utc_s=stay.departure_s, energy_kwh=stay.energy_kwh - car.taken_kwh)
            self._news.append(Command(now_s + self._mono_ahead_s, now_s, socket.charger.point, goal, "history"))

    def _leave(self, socket: Socket, now_s: float) -> None:
        stay, car = socket.stay, socket.charger.car
        assert stay is not None
        assert car is not None
        unmet_kwh = stay.energy_kwh - car.taken_kwh
        if unmet_kwh > _MET_KWH:
            late_min = unmet_kwh * 60_000.0 / full_power_w(car, socket.charger)
            socket.account.add_goal(unmet_kwh, late_min)
            self._day.add_goal(unmet_kwh, late_min)
        self.closed.append(ClosedStay(stay, socket.account))
        socket.charger.unplug()
        socket.stay, socket.ask_s = None, NEVER_S
        socket.free_s = now_s + max(2.0 * self._step_s, _UNPLUGGED_S + self._step_s)

    def _look_at_prices(self, now_s: float) -> None:
        tariff = self._tariff
        if tariff is None:
            return
        if now_s >= self._slot_ends_s:
            index = tariff.index(now_s)
            slot = tariff.slots[index] if index >= 0 else None
            following_s = tariff.slots[index + 1].start_s if index + 1 < len(tariff.slots) else NEVER_S
            self._slot = slot if slot is not None and now_s < slot.end_s else None
            self._slot_ends_s = following_s if self._slot is None else self._slot.end_s
        if now_s >= self._published_s:
            self._news.append(tariff.curve(now_s + self._mono_ahead_s, now_s, self._zone))
            self._published_s = next_publication(self._zone, now_s)

    def _close_bin(self) -> None:
        sums, self._bin = self._bin, [0.0] * 6
        count = sums[5]
        if self._series is None or count * self._step_s < self._bin_s / 2:
            return
        pv_w, load_w, car_w, battery_w, grid_w, _ = (total / count for total in sums)
        self._series.add(self._bin_ends_s - self._bin_s, (pv_w, load_w, car_w, battery_w, grid_w))
