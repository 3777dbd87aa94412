"""Kia and Hyundai at the seam of their library: one thread, one login, no login loop."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading

import pytest

from phaeton.config.tree_vehicles import Kia
from phaeton.sources.vehicles import kia
from phaeton.sources.vehicles.kia import LIBRARY, Credentials, KiaAccount, KiaProvider
from phaeton.sources.vehicles.report import Trouble, VehicleError
from tests.sources.vehicles import kia_library
from tests.sources.vehicles.answers import answer, sample
from tests.sources.vehicles.kia_library import Account
from tests.sources.vehicles.memory import HandClock, Memory
from tests.sources.vehicles.test_samples import kia_tree
from tests.waiting import until

WHO = Credentials("user@example.org", "hush", "")
VIN = "KNATESTEV60000001"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    found = Account(kia_tree("kia_03"))
    monkeypatch.setitem(sys.modules, LIBRARY, found.library())
    return found


def provider(kept: Memory | None = None, vin: str = VIN) -> KiaProvider:
    return KiaProvider(Kia(), vin, KiaAccount(Kia(), WHO, kept or Memory()), HandClock().now, None)


async def test_a_car_is_read_in_a_thread_of_its_own(account: Account) -> None:
    report = await provider().read(data=True)
    assert (report.soc_pct, report.plugged, report.charging) == (63, True, True)
    assert account.threads == {"kia"}
    assert (account.cached, account.forced) == (1, 0)


async def test_one_login_and_then_the_kept_token_also_over_a_restart(account: Account) -> None:
    kept = Memory()
    first = provider(kept)
    await first.read(data=True)
    await first.read(data=True)
    assert json.loads(kept.text or "")["access_token"] == "token-1"
    await provider(kept).read(data=True)
    assert account.logins == 1


async def test_a_spoiled_kept_token_costs_one_login(account: Account) -> None:
    await provider(Memory("nonsense")).read(data=True)
    assert account.logins == 1


async def test_waking_is_a_forced_reading(account: Account) -> None:
    await provider().wake()
    assert (account.cached, account.forced) == (0, 1)


@pytest.mark.parametrize(
    ("name", "trouble", "retry_s"),
    [
        ("kia_50", Trouble.LIMITED, kia.DAY_LIMIT_S),
        ("kia_51", Trouble.TRANSIENT, 60.0),
        ("kia_52", Trouble.TRANSIENT, None),
        ("kia_53", Trouble.TRANSIENT, None),
        ("kia_54", Trouble.DENIED, None),
        ("kia_55", Trouble.TRANSIENT, None),
        ("kia_56", Trouble.DENIED, None),
        ("kia_57", Trouble.BAD_DATA, None),
        ("kia_58", Trouble.DENIED, None),
        ("kia_59", Trouble.DENIED, None),
    ],
)
async def test_every_refusal_has_its_kind(account: Account, name: str, trouble: Trouble, retry_s: float | None) -> None:
    account.error = kia_library.raised_for(json.loads(answer(name).body))
    assert account.error is not None
    with pytest.raises(VehicleError) as caught:
        await provider().read(data=True)
    assert (caught.value.trouble, caught.value.retry_s) == (trouble, retry_s)


async def test_an_outdated_library_is_named(account: Account) -> None:
    account.login_error = kia_library.raised_for(sample("kia_59")["response"]["json"])
    with pytest.raises(VehicleError, match="update it"):
        await provider().read(data=True)


@pytest.mark.parametrize("error", [TypeError("x"), KeyError("y"), OSError("gone"), ZeroDivisionError()])
async def test_whatever_the_library_raises_is_the_typed_error(account: Account, error: Exception) -> None:
    account.error = error
    with pytest.raises(VehicleError) as caught:
        await provider().read(data=True)
    assert caught.value.trouble in (Trouble.BAD_DATA, Trouble.TRANSIENT)


async def test_its_words_do_not_reach_ours(account: Account) -> None:
    account.error = kia_library.AuthenticationOTPRequired("user@example.org hush")
    with pytest.raises(VehicleError) as caught:
        await provider().read(data=True)
    assert "hush" not in caught.value.why
    assert caught.value.trouble is Trouble.DENIED


async def test_a_call_that_hangs_is_left_alone_and_no_second_one_is_begun(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kia, "CALL_DEADLINE_S", 0.05)
    account.hold = threading.Event()
    hanging = provider()
    for _ in range(3):
        with pytest.raises(VehicleError) as caught:
            await hanging.read(data=True)
        assert caught.value.trouble is Trouble.TRANSIENT
    assert account.cached == 1
    hold, account.hold = account.hold, None
    hold.set()
    await until(lambda: not hanging._account.busy)
    assert (await hanging.read(data=True)).soc_pct == 63


async def test_another_car_of_the_account_is_not_taken_for_ours(account: Account) -> None:
    with pytest.raises(VehicleError, match="no car of the account"):
        await provider(vin="KNAOTHER000000009").read(data=True)
    assert (await provider(vin="").read(data=True)).soc_pct == 63


async def test_a_missing_library_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LIBRARY, None)
    with pytest.raises(VehicleError, match="phaeton\\[kia\\]") as caught:
        await provider().read(data=True)
    assert caught.value.trouble is Trouble.DENIED


async def test_the_library_may_not_write_positions_into_our_log(account: Account) -> None:
    await provider().read(data=True)
    assert not logging.getLogger(LIBRARY).isEnabledFor(logging.ERROR)


async def test_the_library_is_loaded_only_when_a_car_is_asked(account: Account) -> None:
    loaded = provider()
    assert not loaded._account.loaded
    await asyncio.sleep(0)
    assert account.threads == set()


async def test_two_cars_of_an_account_share_its_login_and_its_thread(account: Account) -> None:
    shared = KiaAccount(Kia(), WHO, Memory())
    cars = [KiaProvider(Kia(), VIN, shared, HandClock().now, None) for _ in range(2)]
    reports = await asyncio.gather(*(car.read(data=True) for car in cars))
    assert [report.soc_pct for report in reports] == [63, 63]
    assert (account.logins, account.cached) == (1, 2)
