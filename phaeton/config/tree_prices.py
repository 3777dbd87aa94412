"""The part of the configuration about prices: where they come from, what is added to them, what feeding in brings."""

from __future__ import annotations

from typing import Annotated, Literal

from phaeton.config.forms import CLOCK, CLOCK_END, ENTITY, URL
from phaeton.config.node import Day, Node, Secret, meta

PriceSourceKind = Literal[
    "fixed",
    "time_of_use",
    "tibber",
    "energy_charts",
    "nordpool",
    "awattar",
    "entsoe",
    "evcc",
    "homeassistant",
    "http_json",
    "victron",
]
Fallback = Literal[
    "none",
    "fixed",
    "time_of_use",
    "tibber",
    "energy_charts",
    "nordpool",
    "awattar",
    "entsoe",
    "evcc",
    "homeassistant",
    "http_json",
    "victron",
]


class Hours(Node, frozen=True):
    """A part of the week and the year, in local time; over midnight it belongs to the day that it starts on."""

    start: Annotated[str, meta("Start, HH:MM in local time", pattern=CLOCK)] = "00:00"
    end: Annotated[str, meta("End, HH:MM in local time; 24:00 is the end of the day", pattern=CLOCK_END)] = "24:00"
    days: Annotated[tuple[Day, ...], meta("Days that it starts on; empty = every day")] = ()
    months: Annotated[
        tuple[Annotated[int, meta("Month", ge=1, le=12)], ...], meta("Months (1 to 12); empty = every month")
    ] = ()


class Rate(Hours, frozen=True, kw_only=True):
    """One rate of a time-of-use tariff; the first that fits holds."""

    import_per_kwh: Annotated[float, meta("Price of a kWh from the grid, all taxes included", ge=-1000, le=1000)]
    feed_in_per_kwh: (
        Annotated[
            float,
            meta("What a kWh fed in brings in these hours; prices.feed_in_per_kwh when empty", ge=-1000, le=1000),
        ]
        | None
    ) = None


class Fee(Hours, frozen=True, kw_only=True):
    """A fee that depends on the time, as some grid operators ask it; all that fit are added up."""

    per_kwh: Annotated[float, meta("Added to each kWh in these hours, all taxes included", ge=-1000, le=1000)]


class Formula(Node, frozen=True):
    """From the source's price to what you pay: (price + add_per_kwh) x factor + the fees of the hour.

    The rates of `fixed` and `time_of_use` are what you pay already.
    """

    add_per_kwh: Annotated[
        float, meta("Taxes, levies and margin that are added to each kWh, without VAT", ge=-1000, le=1000)
    ] = 0.0
    factor: Annotated[float, meta("Then multiplied by this: 1.19 adds 19 % VAT", ge=0, le=10)] = 1.0
    fees: Annotated[tuple[Fee, ...], meta("Fees that depend on the time, such as grid fees")] = ()


class FeedIn(Node, frozen=True):
    """What a kWh fed into the grid brings."""

    follows: Annotated[
        Literal["fixed", "spot"],
        meta(
            "fixed = prices.feed_in_per_kwh; spot = the market price of the hour by the numbers below "
            "(prices.feed_in_per_kwh where the source does not tell it)"
        ),
    ] = "fixed"
    add_per_kwh: Annotated[float, meta("Added to the market price; negative for a fee", ge=-1000, le=1000)] = 0.0
    factor: Annotated[float, meta("Then multiplied by this", ge=0, le=10)] = 1.0
    least_per_kwh: (
        Annotated[float, meta("It never gets below this; 0 where negative prices are not passed on", ge=-1000, le=1000)]
        | None
    ) = None


class TibberPrices(Node, frozen=True):
    """Tibber, with a personal access token."""

    token: Annotated[Secret, meta("Access token from developer.tibber.com/settings/access-token")] = Secret()
    home: Annotated[
        str, meta("Name, street or id of the home; needed only when the account has several with a contract")
    ] = ""
    url: Annotated[str, meta("Another address of the service, for a dry run", pattern=URL)] = ""


class EnergyChartsPrices(Node, frozen=True):
    """energy-charts.info of Fraunhofer ISE: market prices, no account."""

    zone: Annotated[str, meta("Bidding zone, such as DE-LU, AT, NL, DK1")] = ""
    url: Annotated[str, meta("Another address of the service, for a dry run", pattern=URL)] = ""


class NordPoolPrices(Node, frozen=True):
    """Nord Pool's data portal: market prices, no account, for private use."""

    area: Annotated[str, meta("Delivery area, such as SE3, NO2, DK1, FI, EE, GER, NL")] = ""
    currency: Annotated[Literal["EUR", "SEK", "NOK", "DKK", "PLN", "RON", "BGN"], meta("Currency of the prices")] = (
        "EUR"
    )
    url: Annotated[str, meta("Another address of the service, for a dry run", pattern=URL)] = ""


class AwattarPrices(Node, frozen=True):
    """aWATTar: hourly market prices of Germany and Austria, no account."""

    country: Annotated[Literal["de", "at"], meta("Country")] = "de"
    url: Annotated[str, meta("Another address of the service, for a dry run", pattern=URL)] = ""


class EntsoePrices(Node, frozen=True):
    """ENTSO-E's transparency platform: market prices of all Europe, with a free token."""

    token: Annotated[Secret, meta("Security token, asked for by mail at transparency@entsoe.eu")] = Secret()
    zone: Annotated[str, meta("Bidding zone, such as DE-LU, SE3, ES, or its EIC code")] = ""
    url: Annotated[str, meta("Another address of the service, for a dry run", pattern=URL)] = ""


class EvccPrices(Node, frozen=True):
    """An evcc in the house: its grid tariff, taxes included as evcc has them."""

    url: Annotated[str, meta("Address of evcc, such as http://192.168.1.20:7070", pattern=URL)] = ""


class HomeAssistantPrices(Node, frozen=True):
    """A price sensor of Home Assistant."""

    url: Annotated[str, meta("Address of Home Assistant, such as http://192.168.1.20:8123", pattern=URL)] = ""
    token: Annotated[Secret, meta("Long-lived access token, made in your profile there")] = Secret()
    entity: Annotated[str, meta("The sensor, such as sensor.nordpool", pattern=ENTITY)] = ""
    attributes: Annotated[
        tuple[str, ...],
        meta("Attributes that hold lists of prices; empty = those that are usual, else the state alone"),
    ] = ()
    start: Annotated[str, meta("Path of the start in an entry; empty = the usual names")] = ""
    value: Annotated[str, meta("Path of the price in an entry; empty = the usual names")] = ""
    scale: (
        Annotated[
            float,
            meta("The price in the currency per kWh is the number times this; empty = by its unit", gt=0, le=1000),
        ]
        | None
    ) = None


class Header(Node, frozen=True):
    """A header that goes with the request."""

    name: Annotated[str, meta("Name", pattern="^[A-Za-z0-9-]+$")]
    value: Annotated[Secret, meta("Value, kept secret")]


class HttpJsonPrices(Node, frozen=True):
    """Any service that answers with JSON. Paths are names and numbers with points between: `data.0.prices`."""

    url: Annotated[
        str,
        meta(
            "Address; {from} and {until} become the times asked for as 2026-05-01T00:00Z, {from_s} and {until_s} as "
            "seconds, {from_ms} and {until_ms} as milliseconds, {today} and {tomorrow} as local days",
            pattern=URL,
        ),
    ] = ""
    headers: Annotated[tuple[Header, ...], meta("Headers, for instance with a key")] = ()
    rows: Annotated[str, meta("Path of the list of prices; empty = the whole answer")] = ""
    start: Annotated[
        str, meta("Path of the start in a row: RFC 3339, seconds or milliseconds; or of a whole list of them")
    ] = "start"
    end: Annotated[str, meta("Path of the end in a row; empty = it lasts until the next one")] = ""
    value: Annotated[str, meta("Path of the price in a row, or of a whole list of them")] = "price"
    level: Annotated[str, meta("Path of the service's own word for the price; empty = it has none")] = ""
    scale: Annotated[
        float, meta("The price in the currency per kWh is the number times this: 0.001 for MWh", gt=0, le=1000)
    ] = 1.0
    currency: Annotated[str, meta("Currency of the prices; prices.currency when empty", max_length=8)] = ""
    times: Annotated[Literal["local", "utc"], meta("What a time without an offset means")] = "local"
    refresh_min: Annotated[
        float, meta("Time between two requests, in minutes; 0 = once a day after the market, at 13:05", ge=0, le=1440)
    ] = 60.0


class VictronPrices(Node, frozen=True):
    """A price on the D-Bus of the GX. Plain Venus OS has none; add-ons may publish one."""

    service: Annotated[str, meta("Service that has the price; empty = look for one", max_length=255)] = ""
    path: Annotated[
        str, meta("Path of the price there, such as /Price; empty = look for one", pattern="^(/[A-Za-z0-9_/]*)?$")
    ] = ""
    scale: Annotated[float, meta("The price in the currency per kWh is the number times this", gt=0, le=1000)] = 1.0


class Prices(Node, frozen=True):
    """What energy costs; sessions are booked with it, and scheduled mode charges by it."""

    source: Annotated[PriceSourceKind, meta("Where the prices come from; each has its settings below")] = "fixed"
    fallback: Annotated[
        Fallback, meta("Where the price comes from while the source has none for now; none = it is unknown then")
    ] = "none"
    import_per_kwh: Annotated[
        float,
        meta(
            "Price of a kWh from the grid, all taxes included; of `fixed`, and of `time_of_use` outside of its rates",
            ge=-1000,
            le=1000,
        ),
    ] = 0.25
    feed_in_per_kwh: Annotated[
        float, meta("What a kWh fed into the grid brings; solar energy in the car costs this", ge=-1000, le=1000)
    ] = 0.08
    currency: Annotated[str, meta("Currency shown with the cost", min_length=1, max_length=8)] = "EUR"
    formula: Formula = Formula()
    fallback_formula: Annotated[Formula, meta("The same for the prices of the fallback")] = Formula()
    feed_in: FeedIn = FeedIn()
    time_of_use: Annotated[tuple[Rate, ...], meta("The rates of `time_of_use`")] = ()
    tibber: TibberPrices = TibberPrices()
    energy_charts: EnergyChartsPrices = EnergyChartsPrices()
    nordpool: NordPoolPrices = NordPoolPrices()
    awattar: AwattarPrices = AwattarPrices()
    entsoe: EntsoePrices = EntsoePrices()
    evcc: EvccPrices = EvccPrices()
    homeassistant: HomeAssistantPrices = HomeAssistantPrices()
    http_json: HttpJsonPrices = HttpJsonPrices()
    victron: VictronPrices = VictronPrices()
