"""Services that are read by names and paths, Home Assistant's sensors and any JSON; and the odd answers of markets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from phaeton.config.node import Secret
from phaeton.config.tree_prices import Header, HomeAssistantPrices, HttpJsonPrices, Prices
from phaeton.links.http import Answer, TroubleKind
from phaeton.sources.prices import energy_charts, entsoe, http_json, nordpool
from phaeton.sources.prices.homeassistant import HomeAssistant, parse
from phaeton.sources.prices.kinds import spread_s
from phaeton.sources.prices.schedule import LONGEST_SPREAD_S
from phaeton.sources.prices.table import Table
from phaeton.sources.service.answers import ServiceError
from tests.sources.prices.answers import BERLIN, UTC_WALL, answer, at, sample, span, talk, text

NOW_S = at("2026-11-23T14:20:00+01:00")


def sensor(told: dict[str, Any], state: str = "0.25", **settings: Any) -> Table:
    config = HomeAssistantPrices(url="http://h", entity="sensor.x", **settings)
    return parse(answer({"state": state, "attributes": told}), config, BERLIN, NOW_S)


def rows(*prices: float, start: str = "start", value: str = "value") -> list[dict[str, Any]]:
    return [{start: f"2026-11-23T{hour:02}:00:00+01:00", value: price} for hour, price in enumerate(prices)]


@pytest.mark.parametrize(
    ("attributes", "prices"),
    [
        ({"raw_today": rows(0.1, 0.2), "unit": "EUR/kWh"}, [0.1, 0.2]),
        ({"raw_today": rows(10, 20), "unit_of_measurement": "ct/kWh"}, [0.1, 0.2]),
        ({"raw_today": rows(100, 200), "unit_of_measurement": "EUR/MWh"}, [0.1, 0.2]),
        ({"data": rows(10, 20, start="start_time", value="price_ct_per_kwh")}, [0.1, 0.2]),
        ({"prices": rows(0.1, 0.2, start="from", value="price")}, [0.1, 0.2]),
        ({"prices": rows(0.1, 0.2, start="startsAt", value="total")}, [0.1, 0.2]),
        ({"forecast": rows(100, 200, start="datetime", value="price_eur_per_mwh")}, [0.1, 0.2]),
    ],
)
def test_the_lists_of_known_integrations_are_found_and_their_units_understood(
    attributes: dict[str, Any], prices: list[float]
) -> None:
    table = sensor(attributes)
    assert [slot.price for slot in table.slots] == pytest.approx(prices)
    assert text(table.slots[0].start_s) == "2026-11-22T23:00Z"


def test_a_list_of_numbers_counts_only_when_there_is_one_for_each_slot_of_the_day() -> None:
    table = sensor({"today": [0.1] * 24, "tomorrow": [0.2] * 24})
    assert (len(table.slots), table.slots[-1].end_s) == (48, at("2026-11-25T00:00:00+01:00"))
    assert len(sensor({"today": [0.1] * 96}).slots) == 96
    assert len(sensor({"today": [0.1] * 23}).slots) == 1  # no day has 23 hours now: the state alone is left


def test_a_sensor_without_lists_tells_the_price_of_now() -> None:
    (slot,) = sensor({"unit_of_measurement": "ct/kWh"}, state="31.5").slots
    assert slot.price == pytest.approx(0.315)
    assert (text(slot.start_s), text(slot.end_s)) == ("2026-11-23T13:15Z", "2026-11-23T13:30Z")


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("unavailable", TroubleKind.SERVER),
        ("unknown", TroubleKind.SERVER),
        ("on", TroubleKind.REFUSED),
        ("nan", TroubleKind.REFUSED),
    ],
)
def test_a_sensor_that_is_not_there_is_no_price_of_0(state: str, kind: TroubleKind) -> None:
    with pytest.raises(ServiceError, match=r"sensor\.x") as error:
        sensor({}, state=state)
    assert error.value.trouble.kind is kind


def test_attributes_paths_and_scale_can_be_named() -> None:
    told = {"info": {"list": [{"at": {"s": 1795474800}, "v": "12,5"}]}}
    table = sensor(told, attributes=("info.list",), start="at.s", value="v", scale=0.01)
    assert table.slots[0].price == pytest.approx(0.125)
    with pytest.raises(ServiceError, match=r"has no prices in nothing\.here"):
        sensor(told, attributes=("nothing.here",))


def test_home_assistant_is_asked_with_the_token_and_says_which_one_is_wrong() -> None:
    config = HomeAssistantPrices(url="http://h:8123/", entity="sensor.x")
    with pytest.raises(ServiceError, match=r"check prices\.homeassistant\.token"):
        talk(HomeAssistant(config, lambda: "abc", BERLIN), [Answer(401)])
    with pytest.raises(ServiceError, match=r"no sensor\.x"):
        talk(HomeAssistant(config, lambda: "abc", BERLIN), [Answer(404)])
    _, asks = talk(HomeAssistant(config, lambda: "abc", BERLIN), [answer({"state": "0.2", "attributes": {}})])
    assert asks[0].url == "http://h:8123/api/states/sensor.x"
    assert asks[0].headers["Authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        ([{"start": "2026-11-23T00:00Z", "price": 0.25}], {}),
        (
            {"data": {"ee": [{"timestamp": 1795392000, "price": 250}]}},
            {"rows": "data.ee", "start": "timestamp", "scale": 0.001},
        ),
        (
            {"data": [{"date": "2026-11-23T01:00:00", "value": 25}]},
            {"rows": "data", "start": "date", "value": "value", "scale": 0.01},
        ),
        ({"t": [1795392000000], "p": ["0,25"]}, {"start": "t", "value": "p"}),
        (
            {"x": [{"a": {"b": ["2026-11-23T00:00:00", 0.25]}}]},
            {"rows": "x", "start": "a.b.0", "value": "a.b.1", "times": "utc"},
        ),
    ],
)
def test_any_json_is_read_by_its_paths(body: object, settings: dict[str, Any]) -> None:
    table = http_json.parse(answer(body), HttpJsonPrices(url="http://h", **settings), BERLIN)
    assert [(text(slot.start_s), slot.price) for slot in table.slots] == [("2026-11-23T00:00Z", pytest.approx(0.25))]


def test_ends_and_levels_are_taken_where_they_are_named() -> None:
    body = [{"start": "2026-11-23T00:00Z", "till": "2026-11-23T03:00Z", "price": 0.25, "say": "very cheap"}]
    (slot,) = http_json.parse(answer(body), HttpJsonPrices(url="http://h", end="till", level="say"), UTC_WALL).slots
    assert (text(slot.end_s), slot.level) == ("2026-11-23T03:00Z", "VERY_CHEAP")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"a": 1}, r"no list at prices\.http_json\.rows"),
        ({"start": [1], "price": []}, "differ in length"),
        ([], "not published"),
    ],
)
def test_json_without_prices_says_where_they_were_looked_for(body: object, says: str) -> None:
    with pytest.raises(ServiceError, match=says):
        http_json.parse(answer(body), HttpJsonPrices(url="http://h"), BERLIN)


def test_times_go_into_the_address_and_secrets_into_headers() -> None:
    config = Prices(
        http_json=HttpJsonPrices(
            url="http://h/{today}/{tomorrow}?a={from}&b={until_s}&c={from_ms}",
            headers=(Header(name="X-Key", value=Secret(value="hunter2")),),
        )
    )
    _, (ask,) = talk(http_json.provider(config, BERLIN), [answer([{"start": 1795392000, "price": 0.1}])])
    assert ask.url == "http://h/2026-11-23/2026-11-24?a=2026-11-22T23:00Z&b=1795561200&c=1795388400000"
    assert ask.headers == {"X-Key": "hunter2"}


def test_preliminary_prices_do_not_count_yet() -> None:
    said = json.loads(sample("price_01").body)
    said["areaStates"] = [{"state": "Preliminary", "areas": ["GER"]}]
    with pytest.raises(ServiceError, match="not published"):
        nordpool.parse(answer(said), "GER")


def test_one_day_that_is_not_there_yet_does_not_spoil_the_other() -> None:
    table, asks = talk(nordpool.NordPool("GER", "EUR"), [sample("price_01"), sample("price_03")])
    assert len(table.slots) == 96
    assert [ask.params["date"] for ask in asks] == list(span().days)
    with pytest.raises(ServiceError, match="not published"):
        talk(nordpool.NordPool("GER", "EUR"), [sample("price_03"), sample("price_03")])
    with pytest.raises(ServiceError, match=r"no area 'SE3'"):
        talk(nordpool.NordPool("SE3", "EUR"), [sample("price_01"), sample("price_03")])


def test_a_zone_that_is_not_known_and_a_service_that_ends_are_said() -> None:
    with pytest.raises(ServiceError, match=r"check prices\.energy_charts\.zone"):
        energy_charts.parse(Answer(400))
    said = json.loads(sample("price_04").body)
    assert "going to end" in energy_charts.parse(answer({**said, "deprecated": True})).note
    with pytest.raises(ServiceError, match="unit"):
        energy_charts.parse(answer({**said, "unit": "EUR / kg"}))


def test_of_several_auctions_the_coupled_one_counts_and_of_several_resolutions_the_finest() -> None:
    body = sample("price_07").body.decode()
    start, end = body.index("<TimeSeries>"), body.index("</TimeSeries>") + len("</TimeSeries>")
    series = body[start:end]
    position = "AttributeInstanceComponent.position>1<"
    other = series.replace(position, position.replace("1", "2")).replace("<price.amount>", "<price.amount>9")
    hourly = series.replace("PT15M", "PT60M").replace("<price.amount>", "<price.amount>8")
    both = body[:start] + other + hourly + series + body[end:]
    assert entsoe.parse(answer(both.encode(), content_type="text/xml")).slots == entsoe.parse(sample("price_07")).slots


def test_a_curve_that_repeats_nothing_leaves_its_gaps() -> None:
    body = sample("price_07").body.replace(b"A03", b"A01")
    assert len(entsoe.parse(answer(body, content_type="text/xml")).slots) == 88


def test_a_wrong_token_of_entsoe_is_said_also_where_the_answer_is_xml() -> None:
    refused = Answer(401, sample("price_09").body, {"content-type": "text/xml"})
    with pytest.raises(ServiceError, match=r"check prices\.entsoe\.token") as error:
        entsoe.parse(refused)
    assert error.value.trouble.kind is TroubleKind.AUTH


def test_an_installation_has_its_own_spread_which_stays() -> None:
    assert 0 <= spread_s() < LONGEST_SPREAD_S
    assert spread_s() == spread_s()
