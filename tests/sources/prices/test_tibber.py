"""The talk with Tibber: what it asks, which home it takes, and how it makes do with less."""

from __future__ import annotations

import pytest

from phaeton.config.secret import SecretError
from phaeton.links.http import TroubleKind
from phaeton.sources.prices.tibber import Tibber
from phaeton.sources.service.answers import ServiceError
from tests.sources.prices.answers import answer, sample, talk, trouble_of


def home(name: str, rows: list[dict[str, object]] | None, number: int = 0) -> dict[str, object]:
    subscription = None if rows is None else {"status": "running", "priceInfo": {"today": rows, "tomorrow": []}}
    return {
        "id": f"id-{number}",
        "appNickname": name,
        "address": {"address1": f"{name} street 1"},
        "currentSubscription": subscription,
    }


def account(*homes: dict[str, object]) -> object:
    return {"data": {"viewer": {"homes": list(homes)}}}


ROW: dict[str, object] = {"total": 0.25, "startsAt": "2026-11-23T00:00:00.000+01:00", "currency": "EUR"}


def client(home_name: str = "") -> Tibber:
    return Tibber(lambda: "secret-token", home_name, "http://127.0.0.1/gql")


def test_one_request_names_the_resolution_and_shows_the_token() -> None:
    _, asks = talk(client(), [answer(account(home("Home", [ROW])))])
    (ask,) = asks
    assert ask.method == "POST"
    assert ask.headers["Authorization"] == "Bearer secret-token"
    assert isinstance(ask.json, dict)
    assert ask.json["variables"] == {"resolution": "QUARTER_HOURLY"}
    assert "priceInfo(resolution:$resolution)" in ask.json["query"]
    assert ask.json["query"].count("{") == ask.json["query"].count("}")
    assert "secret-token" not in repr(ask)


def test_a_home_without_a_contract_is_passed_over() -> None:
    table, _ = talk(client(), [answer(account(home("Cabin", None), home("Home", [ROW])))])
    assert len(table.slots) == 1


def test_of_several_homes_the_owner_must_choose_and_is_told_their_names() -> None:
    both = answer(account(home("Home", [ROW], 1), home("Cabin", [{**ROW, "total": 0.5}], 2)))
    with pytest.raises(ServiceError, match=r"several homes: Home, Cabin\. Set prices\.tibber\.home") as error:
        talk(client(), [both])
    assert trouble_of(error.value) is TroubleKind.REFUSED
    assert "id-" not in str(error.value)
    for name in ("Cabin", "cabin", " Cabin ", "Cabin street 1", "id-2"):
        assert talk(client(name), [both])[0].slots[0].price == 0.5


def test_a_home_without_a_name_is_not_called_by_its_id() -> None:
    nameless = {**home("", [ROW], 7), "address": None, "appNickname": None}
    with pytest.raises(ServiceError, match=r"several homes: one without a name, Home\.") as error:
        talk(client(), [answer(account(nameless, home("Home", [ROW])))])
    assert "id-7" not in str(error.value)


@pytest.mark.parametrize(
    ("homes", "says"),
    [
        ([home("Home", [ROW])], "no home 'Nowhere' in this Tibber account; there is: Home"),
        ([], "there is: none"),
        ([home("Nowhere", None)], "the home Nowhere has no contract"),
        ([home("Nowhere", [ROW], 1), home("Nowhere", [ROW], 2)], "name it by its id"),
    ],
)
def test_a_home_that_is_not_there_is_said_and_no_other_one_is_taken(homes: list[dict[str, object]], says: str) -> None:
    with pytest.raises(ServiceError, match=says):
        talk(client("Nowhere"), [answer(account(*homes))])


def test_a_contract_without_quarters_is_asked_for_hours_and_from_then_on_only_for_them() -> None:
    tibber = client()
    hourly = answer(account(home("Home", [ROW, {**ROW, "startsAt": "2026-11-23T01:00:00.000+01:00"}])))
    table, asks = talk(tibber, [sample("tibber_13"), hourly])
    assert [ask.json["variables"]["resolution"] for ask in asks if isinstance(ask.json, dict)] == [
        "QUARTER_HOURLY",
        "HOURLY",
    ]
    assert len(table.slots) == 2
    _, asks = talk(tibber, [hourly])
    assert [ask.json["variables"]["resolution"] for ask in asks if isinstance(ask.json, dict)] == ["HOURLY"]


def test_no_prices_in_either_resolution_are_not_published_yet() -> None:
    with pytest.raises(ServiceError) as error:
        talk(client(), [sample("tibber_13"), answer(account(home("Home", [])))])
    assert trouble_of(error.value) is TroubleKind.NOT_YET


def test_a_query_that_is_not_understood_is_repeated_once_with_less() -> None:
    table, asks = talk(client(), [sample("tibber_23"), answer(account(home("Home", [ROW])))])
    assert len(table.slots) == 1
    assert isinstance(asks[1].json, dict)
    assert "energy" not in asks[1].json["query"]
    with pytest.raises(ServiceError, match="update of Phaeton"):
        talk(client(), [sample("tibber_23"), sample("tibber_23")])


def test_prices_beside_an_error_of_another_part_count() -> None:
    partly = {**account(home("Home", [ROW])), "errors": [{"message": "x", "extensions": {"code": "INTERNAL"}}]}  # type: ignore[dict-item]
    assert len(talk(client(), [answer(partly)])[0].slots) == 1


def test_a_token_that_cannot_be_read_asks_nobody() -> None:
    def gone() -> str:
        raise SecretError("/run/token cannot be read: no such file or directory")

    with pytest.raises(ServiceError, match=r"/run/token cannot be read.*set prices\.tibber\.token") as error:
        talk(Tibber(gone), [])
    assert trouble_of(error.value) is TroubleKind.AUTH


def test_the_demo_account_may_not_do_everything() -> None:
    said = {"errors": [{"message": "not allowed for the demo user", "extensions": {"code": "X"}}], "data": None}
    with pytest.raises(ServiceError, match="demo token") as error:
        talk(client(), [answer(said)])
    assert trouble_of(error.value) is TroubleKind.AUTH


def test_rows_of_which_none_is_sound_are_garbage_and_not_news_to_come() -> None:
    with pytest.raises(ServiceError, match="no row of it is sound") as error:
        talk(client(), [answer(account(home("Home", [{**ROW, "total": None}])))])
    assert trouble_of(error.value) is TroubleKind.GARBAGE
