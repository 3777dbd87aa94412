"""Simulated price services on the loopback: Tibber, energy-charts, Nord Pool, aWATTar, ENTSO-E, evcc, Home Assistant.

They serve plausible prices for any day, publish those of tomorrow at 13:00, count what they are asked, and misbehave
when told to. A dry run needs no account:

    async with SimulatedPrices() as service:
        config = Config(..., prices=service.prices("tibber"))
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from aiohttp import web
from msgspec import Struct

from phaeton.config.node import Secret
from phaeton.config.tree_prices import (
    AwattarPrices,
    EnergyChartsPrices,
    EntsoePrices,
    EvccPrices,
    HomeAssistantPrices,
    HttpJsonPrices,
    NordPoolPrices,
    Prices,
    PriceSourceKind,
    TibberPrices,
)
from phaeton.simulation.misbehaving import Misbehaviour, SimulatedService

TOKEN = "simulated-token"
ENTITY = "sensor.simulated_prices"
QUARTER_S = 900.0
PUBLISHED_HOUR = 13
_TAX = 0.1485
_VAT = 1.19


class _Slot(Struct, frozen=True):
    start_s: float
    spot: float
    """In EUR/kWh."""

    @property
    def total(self) -> float:
        return round((self.spot + _TAX) * _VAT, 4)


class SimulatedPrices(SimulatedService):
    """All services on one port. ``now`` is the clock by which days are published (UTC seconds)."""

    def __init__(
        self, now: Callable[[], float] = time.time, *, zone: str = "Europe/Berlin", seed: int = 1, port: int = 0
    ) -> None:
        super().__init__(port)
        self._now = now
        self._zone: tzinfo = ZoneInfo(zone)
        self._seed = seed
        self._days: dict[date, list[_Slot]] = {}
        self.token = TOKEN
        """What Tibber, ENTSO-E and Home Assistant accept."""
        self.homes = ["Home"]
        """The homes of the Tibber account that have a contract."""

    def prices(self, kind: PriceSourceKind, token: str = TOKEN) -> Prices:
        """A configuration that asks the simulated service of this kind."""
        secret = Secret(value=token)
        base = {
            "tibber": Prices(source=kind, tibber=TibberPrices(token=secret, url=f"{self.url}/tibber")),
            "energy_charts": Prices(
                source=kind, energy_charts=EnergyChartsPrices(zone="DE-LU", url=f"{self.url}/energy-charts/price")
            ),
            "nordpool": Prices(source=kind, nordpool=NordPoolPrices(area="GER", url=f"{self.url}/nordpool")),
            "awattar": Prices(source=kind, awattar=AwattarPrices(url=f"{self.url}/awattar/v1/marketdata")),
            "entsoe": Prices(
                source=kind, entsoe=EntsoePrices(token=secret, zone="DE-LU", url=f"{self.url}/entsoe/api")
            ),
            "evcc": Prices(source=kind, evcc=EvccPrices(url=f"{self.url}/evcc")),
            "homeassistant": Prices(
                source=kind,
                homeassistant=HomeAssistantPrices(url=f"{self.url}/homeassistant", token=secret, entity=ENTITY),
            ),
            "http_json": Prices(
                source=kind,
                http_json=HttpJsonPrices(
                    url=f"{self.url}/json", rows="data", start="from", value="ct", scale=0.01, times="utc"
                ),
            ),
        }
        if kind not in base:
            raise ValueError(f"{kind} is no service that can be simulated here")
        return base[kind]

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.post("/tibber", self._tibber),
            web.get("/energy-charts/price", self._energy_charts),
            web.get("/nordpool", self._nordpool),
            web.get("/awattar/v1/marketdata", self._awattar),
            web.get("/entsoe/api", self._entsoe),
            web.get("/evcc/api/tariff/grid", self._evcc),
            web.get(f"/homeassistant/api/states/{ENTITY}", self._homeassistant),
            web.get("/json", self._json),
        ]

    def _unauthorized(self, service: str) -> web.Response:
        return _unauthenticated() if service == "tibber" else super()._unauthorized(service)

    # The days.

    def slots(self, day: date) -> list[_Slot]:
        """The quarters of a local day: 92, 96 or 100 of them."""
        if day not in self._days:
            start_s, end_s = self._midnight_s(day), self._midnight_s(day + timedelta(days=1))
            count = round((end_s - start_s) / QUARTER_S)
            times = [start_s + number * QUARTER_S for number in range(count)]
            self._days[day] = [_Slot(at_s, self._spot(at_s)) for at_s in times]
        return self._days[day]

    def price_at(self, utc_s: float) -> float:
        """What a kWh costs at an instant, taxes included, in EUR."""
        slots = self.slots(datetime.fromtimestamp(utc_s, self._zone).date())
        return next(slot.total for slot in slots if slot.start_s <= utc_s < slot.start_s + QUARTER_S)

    def published(self) -> list[date]:
        """The days whose prices are out: today, and from 13:00 on tomorrow."""
        now = datetime.fromtimestamp(self._now(), self._zone)
        days = [now.date()]
        if now.hour >= PUBLISHED_HOUR and self.misbehaviour is not Misbehaviour.NO_TOMORROW:
            days.append(now.date() + timedelta(days=1))
        return [] if self.misbehaviour is Misbehaviour.NOTHING else days

    def _known(self) -> list[_Slot]:
        return [slot for day in self.published() for slot in self.slots(day)]

    def _midnight_s(self, day: date) -> float:
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp()

    def _spot(self, utc_s: float) -> float:
        """Two peaks and the valley of the sun, no day and no quarter like another."""
        at = datetime.fromtimestamp(utc_s, self._zone)
        hour = at.hour + at.minute / 60.0
        of_day = random.Random(f"{self._seed} {at.date()}")
        level, sun = of_day.uniform(60.0, 120.0), of_day.uniform(0.2, 1.1)
        morning = 35.0 * math.exp(-(((hour - 8.0) / 1.8) ** 2))
        evening = 70.0 * math.exp(-(((hour - 19.0) / 2.2) ** 2))
        valley = 90.0 * sun * math.exp(-(((hour - 13.0) / 2.8) ** 2))
        noise = random.Random(f"{self._seed} {utc_s}").uniform(-6.0, 6.0)
        return round(level - 20.0 + morning + evening - valley + noise, 2) / 1000.0

    def _text(self, utc_s: float, timespec: str = "seconds") -> str:
        return datetime.fromtimestamp(utc_s, self._zone).isoformat(timespec=timespec)

    # The services.

    async def _tibber(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _unauthenticated()
        asked = await request.json()
        hourly = asked.get("variables", {}).get("resolution") == "HOURLY"
        known = self._known()
        days = [[], []] if not known else [self.slots(day) for day in self.published()]
        while len(days) < 2:
            days.append([])
        rows = [self._tibber_rows(day, hourly) for day in days]
        price_info = {"today": rows[0], "tomorrow": rows[1]}
        homes = [
            {
                "id": f"00000000-0000-4000-8000-{number:012d}",
                "appNickname": name,
                "address": {"address1": f"{name} street 1"},
                "currentSubscription": {"status": "running", "priceInfo": price_info},
            }
            for number, name in enumerate(self.homes)
        ]
        return web.json_response({"data": {"viewer": {"homes": homes}}})

    def _tibber_rows(self, day: list[_Slot], hourly: bool) -> list[dict[str, object]]:
        """The day, each price with a level by its share of the day's mean."""
        mean = sum(slot.total for slot in day) / max(len(day), 1)
        levels = [(0.6, "VERY_CHEAP"), (0.9, "CHEAP"), (1.15, "NORMAL"), (1.4, "EXPENSIVE")]
        return [
            {
                "total": slot.total,
                "energy": round(slot.spot, 4),
                "startsAt": self._text(slot.start_s, "milliseconds"),
                "level": next((name for most, name in levels if slot.total < most * mean), "VERY_EXPENSIVE"),
                "currency": "EUR",
            }
            for slot in (_hours(day) if hourly else day)
        ]

    async def _energy_charts(self, request: web.Request) -> web.Response:
        first, last = (date.fromisoformat(request.query[key]) for key in ("start", "end"))
        slots = [slot for day in self.published() if first <= day <= last for slot in self.slots(day)]
        if not slots:
            return web.json_response({"detail": "no content"}, status=404)
        return web.json_response(
            {
                "license_info": "simulated",
                "unix_seconds": [int(slot.start_s) for slot in slots],
                "price": [round(slot.spot * 1000, 2) for slot in slots],
                "unit": "EUR / MWh",
                "deprecated": False,
            }
        )

    async def _nordpool(self, request: web.Request) -> web.Response:
        day, area = date.fromisoformat(request.query["date"]), request.query["deliveryArea"]
        if day not in self.published():
            return web.Response(status=204)
        entries = [
            {
                "deliveryStart": _utc_text(slot.start_s),
                "deliveryEnd": _utc_text(slot.start_s + QUARTER_S),
                "entryPerArea": {area: round(slot.spot * 1000, 2)},
            }
            for slot in self.slots(day)
        ]
        return web.json_response(
            {
                "deliveryDateCET": day.isoformat(),
                "deliveryAreas": [area],
                "market": "DayAhead",
                "multiAreaEntries": entries,
                "currency": request.query["currency"],
                "areaStates": [{"state": "Final", "areas": [area]}],
            }
        )

    async def _awattar(self, request: web.Request) -> web.Response:
        start_s, end_s = (int(request.query[key]) / 1000 for key in ("start", "end"))
        hours = [slot for slot in _hours(self._known()) if start_s <= slot.start_s < end_s]
        data = [
            {
                "start_timestamp": int(slot.start_s * 1000),
                "end_timestamp": int(slot.start_s * 1000) + 3_600_000,
                "marketprice": round(slot.spot * 1000, 2),
                "unit": "Eur/MWh",
            }
            for slot in hours
        ]
        return web.json_response({"object": "list", "data": data})

    async def _entsoe(self, request: web.Request) -> web.Response:
        if request.query.get("securityToken") != self.token:
            return web.Response(status=401, text="<html>no</html>", content_type="text/html")
        start_s, end_s = (_of_stamp(request.query[key]) for key in ("periodStart", "periodEnd"))
        days = [day for day in self.published() if start_s <= self._midnight_s(day) < end_s]
        if not days:
            return web.Response(text=_NO_DATA, content_type="text/xml")
        series = "".join(self._entsoe_series(self.slots(day)) for day in days)
        return web.Response(text=_DOCUMENT.format(series=series), content_type="text/xml")

    @staticmethod
    def _entsoe_series(slots: list[_Slot]) -> str:
        points = []
        before: float | None = None
        for position, slot in enumerate(slots, 1):
            price = round(slot.spot * 1000, 2)
            if price != before:  # curve type A03: what repeats is left out
                points.append(f"<Point><position>{position}</position><price.amount>{price}</price.amount></Point>")
            before = price
        start, end = _utc_text(slots[0].start_s), _utc_text(slots[-1].start_s + QUARTER_S)
        return _SERIES.format(start=start, end=end, points="".join(points))

    async def _evcc(self, request: web.Request) -> web.Response:
        rates = [
            {"start": self._text(s.start_s), "end": self._text(s.start_s + QUARTER_S), "value": s.total}
            for s in self._known()
        ]
        return web.json_response({"rates": rates})

    async def _homeassistant(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401, text="401: Unauthorized")
        known = self._known()
        now = [slot.total for slot in known if slot.start_s <= self._now() < slot.start_s + QUARTER_S]
        days = [self.slots(day) for day in self.published()]
        attributes: dict[str, object] = {"unit_of_measurement": "EUR/kWh", "friendly_name": "Simulated prices"}
        for name, slots in zip(("raw_today", "raw_tomorrow"), days, strict=False):
            attributes[name] = [
                {"start": self._text(s.start_s), "end": self._text(s.start_s + QUARTER_S), "value": s.total}
                for s in slots
            ]
        state = str(now[0]) if now else "unknown"
        return web.json_response({"entity_id": ENTITY, "state": state, "attributes": attributes})

    async def _json(self, request: web.Request) -> web.Response:
        data = [{"from": _utc_text(s.start_s).removesuffix("Z"), "ct": round(s.total * 100, 3)} for s in self._known()]
        return web.json_response({"data": data})


def _hours(slots: list[_Slot]) -> Iterator[_Slot]:
    for index in range(0, len(slots) - 3, 4):
        four = slots[index : index + 4]
        yield _Slot(four[0].start_s, round(sum(slot.spot for slot in four) / 4, 5))


def _unauthenticated() -> web.Response:
    error = {"message": "invalid token", "path": ["viewer"], "extensions": {"code": "UNAUTHENTICATED"}}
    return web.json_response({"errors": [error], "data": None})


def _utc_text(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _of_stamp(text: str) -> float:
    return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp()


_DOCUMENT = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3">'
    "<mRID>simulated</mRID><type>A44</type>{series}</Publication_MarketDocument>"
)
_SERIES = (
    "<TimeSeries><currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>"
    "<classificationSequence_AttributeInstanceComponent.position>1"
    "</classificationSequence_AttributeInstanceComponent.position><curveType>A03</curveType><Period><timeInterval>"
    "<start>{start}</start><end>{end}</end></timeInterval><resolution>PT15M</resolution>{points}</Period></TimeSeries>"
)
_NO_DATA = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">'
    "<Reason><code>999</code><text>nothing matches</text></Reason></Acknowledgement_MarketDocument>"
)
