"""Tesla against the simulated service, over real sockets: login, tokens that can be used once, regions, sleep."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from phaeton.config.tree_vehicles import Tesla
from phaeton.links.http import HttpClient
from phaeton.simulation.simulated_car import SimulatedCar
from phaeton.simulation.vehicle_service import SimulatedVehicleService
from phaeton.sources.vehicles.home import Home
from phaeton.sources.vehicles.report import Reach, Trouble, VehicleError
from phaeton.sources.vehicles.tesla import TeslaProvider
from phaeton.sources.vehicles.tesla_account import FixedAccount, TeslaAccount
from tests.sources.vehicles.memory import HandClock, Memory
from tests.waiting import PATIENCE_S, until

HOME = Home(52.5, 13.4)


@pytest.fixture
async def service() -> AsyncIterator[SimulatedVehicleService]:
    async with SimulatedVehicleService() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient(timeout_s=0.5)
    yield client
    await client.close()


def config(service: SimulatedVehicleService, **more: object) -> Tesla:
    values: dict[str, object] = {
        "client_id": service.client_id,
        "redirect_url": f"{service.address}/landed",
        "authorize_url": f"{service.address}/oauth2/v3/authorize",
        "token_url": f"{service.address}/oauth2/v3/token",
        "base_url": service.address,
    }
    return Tesla(**(values | more))  # type: ignore[arg-type]


def account_of(
    service: SimulatedVehicleService, http: HttpClient, kept: Memory, clock: HandClock | None = None, **more: object
) -> TeslaAccount:
    clock = clock or HandClock()
    return TeslaAccount(config(service, **more), "first-refresh", "", http, clock.now, kept)


async def test_a_car_is_read_with_its_position_only_as_at_home(
    service: SimulatedVehicleService, http: HttpClient
) -> None:
    account = account_of(service, http, Memory())
    provider = TeslaProvider(config(service), "", account, http, HOME)
    report = await provider.read(data=True)
    assert (report.soc_pct, report.limit_soc_pct, report.plugged, report.at_home) == (55, 80, True, True)
    assert dict(service.asked) == {"token": 1, "list": 1, "state": 1, "data": 1}
    assert provider.requests == 3
    service.car.latitude = 53.0
    assert (await provider.read(data=True)).at_home is False


async def test_a_sleeping_car_is_not_asked_for_data(service: SimulatedVehicleService, http: HttpClient) -> None:
    service.car.asleep = True
    provider = TeslaProvider(config(service), service.car.vin, account_of(service, http, Memory()), http, None)
    with pytest.raises(VehicleError) as caught:
        await provider.read(data=True)
    assert caught.value.trouble is Trouble.ASLEEP
    assert service.asked["data"] == 0


async def test_only_the_state_is_asked_while_idle(service: SimulatedVehicleService, http: HttpClient) -> None:
    provider = TeslaProvider(config(service), service.car.vin, account_of(service, http, Memory()), http, None)
    report = await provider.read(data=False)
    assert (report.reach, report.soc_pct) == (Reach.ONLINE, None)
    assert service.asked["data"] == 0


async def test_a_wake_up_works_later(service: SimulatedVehicleService, http: HttpClient) -> None:
    now = [1_800_000_000.0]
    service.clock = lambda: now[0]
    service.car.asleep = True
    provider = TeslaProvider(config(service), service.car.vin, account_of(service, http, Memory()), http, None)
    await provider.wake()
    with pytest.raises(VehicleError):
        await provider.read(data=True)
    now[0] += 10.0
    assert (await provider.read(data=True)).soc_pct == 55


async def test_a_refused_token_is_renewed_once_and_not_in_a_loop(
    service: SimulatedVehicleService, http: HttpClient
) -> None:
    provider = TeslaProvider(config(service), service.car.vin, account_of(service, http, Memory()), http, None)
    await provider.read(data=False)
    service.access_tokens.clear()
    assert (await provider.read(data=False)).reach is Reach.ONLINE
    assert service.asked["token"] == 2
    service.trouble = "expired"
    with pytest.raises(VehicleError) as caught:
        await provider.read(data=False)
    assert caught.value.trouble is Trouble.DENIED
    assert service.asked["token"] == 3


async def test_each_refresh_token_is_spent_once_and_its_successor_is_on_the_disk_before_use(
    service: SimulatedVehicleService, http: HttpClient
) -> None:
    clock, kept = HandClock(), Memory()
    account = account_of(service, http, kept, clock)
    for _ in range(5):
        token = await account.token()
        assert json.loads(kept.text or "")["access"] == token
        clock.forward(28_800.0)
    assert service.asked["token"] == 5
    assert len(service.spent) == 5
    assert json.loads(kept.text or "")["refresh"] in service.refresh_tokens


async def test_many_who_need_a_token_wait_for_one_renewal(service: SimulatedVehicleService, http: HttpClient) -> None:
    account = account_of(service, http, Memory())
    tokens = await asyncio.gather(*(account.token() for _ in range(10)))
    assert len(set(tokens)) == 1
    assert service.asked["token"] == 1
    await asyncio.gather(*(account.renew(tokens[0]) for _ in range(10)))
    assert service.asked["token"] == 2


async def test_no_token_is_spent_while_the_disk_takes_nothing(
    service: SimulatedVehicleService, http: HttpClient
) -> None:
    kept = Memory(broken=True)
    account = account_of(service, http, kept)
    with pytest.raises(VehicleError) as caught:
        await account.token()
    assert caught.value.trouble is Trouble.TRANSIENT
    assert service.asked["token"] == 0
    kept.broken = False
    assert await account.token()


class FailsOnce(Memory, kw_only=True):
    """A disk that fails at the second text."""

    tries: int = 0

    async def save(self, text: str) -> None:
        """The second one is lost."""
        self.tries += 1
        if self.tries == 2:
            raise OSError("no space")
        self.text = text


async def test_a_pair_that_was_not_stored_is_not_used_and_not_forgotten(
    service: SimulatedVehicleService, http: HttpClient
) -> None:
    kept = FailsOnce()
    account = account_of(service, http, kept)
    with pytest.raises(VehicleError):
        await account.token()
    assert service.spent == {"first-refresh"}
    assert await account.token() in service.access_tokens
    assert service.asked["token"] == 1


async def test_a_lost_answer_is_survived_where_the_service_bears_the_token_before(
    service: SimulatedVehicleService, http: HttpClient
) -> None:
    kept = Memory()
    clock = HandClock()
    await account_of(service, http, kept, clock).token()
    clock.forward(28_800.0)
    lost = json.loads(kept.text or "")
    service.refresh_tokens.discard(lost["refresh"])
    service.refresh_tokens.add(lost["before"])
    again = account_of(service, http, kept, clock)
    assert await again.token() in service.access_tokens


async def test_a_refused_login_is_not_repeated(service: SimulatedVehicleService, http: HttpClient) -> None:
    service.refresh_tokens.clear()
    account = account_of(service, http, Memory())
    with pytest.raises(VehicleError, match="phaeton vehicles login") as caught:
        await account.token()
    assert caught.value.trouble is Trouble.DENIED
    assert service.asked["token"] == 1


async def test_a_pasted_token_takes_the_place_of_the_kept_ones(
    service: SimulatedVehicleService, http: HttpClient
) -> None:
    kept, clock = Memory(), HandClock()
    await account_of(service, http, kept, clock).token()
    service.refresh_tokens.add("second-refresh")
    other = TeslaAccount(config(service), "second-refresh", "", http, clock.now, kept)
    await other.token()
    assert "second-refresh" in service.spent
    same = TeslaAccount(config(service), "second-refresh", "", http, clock.now, kept)
    assert await same.token() in service.access_tokens
    assert service.asked["token"] == 2


async def test_the_account_in_another_region_is_found_and_remembered(
    service: SimulatedVehicleService, http: HttpClient
) -> None:
    service.right_region = False
    kept = Memory()
    kept.text = json.dumps({"refresh": "first-refresh", "base_url": service.address})
    cloud = config(service, base_url="")
    account = TeslaAccount(cloud, "", "", http, HandClock().now, kept)
    provider = TeslaProvider(cloud, service.car.vin, account, http, None)
    assert (await provider.read(data=True)).soc_pct == 55
    assert service.asked["region"] == 1
    assert json.loads(kept.text or "")["base_url"] == service.address
    await provider.read(data=True)
    assert service.asked["region"] == 1


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ("timeout", Trouble.ASLEEP),
        ("scopes", Trouble.DENIED),
        ("missing", Trouble.DENIED),
        ("locked", Trouble.DENIED),
        ("rate_limit", Trouble.LIMITED),
        ("payment", Trouble.UNPAID),
        ("server", Trouble.TRANSIENT),
        ("partial", Trouble.BAD_DATA),
        ("html", Trouble.BAD_DATA),
        ("hang", Trouble.TRANSIENT),
        ("close", Trouble.TRANSIENT),
    ],
)
async def test_every_trouble_has_its_kind(
    service: SimulatedVehicleService, http: HttpClient, trouble: str, kind: Trouble
) -> None:
    account = account_of(service, http, Memory())
    await account.token()
    tessie = config(service, kind="tessie")
    provider = TeslaProvider(tessie, service.car.vin, account, http, None)
    service.trouble = trouble
    with pytest.raises(VehicleError) as caught:
        await provider.read(data=True)
    assert caught.value.trouble is kind
    assert service.car.vin not in caught.value.why


@pytest.mark.parametrize("kind", ["fleet", "tessie", "ble"])
async def test_the_proxies_answer_too(service: SimulatedVehicleService, http: HttpClient, kind: str) -> None:
    proxy = config(service, kind=kind)
    account = FixedAccount(service.address, "" if kind == "ble" else "fixed-token")
    provider = TeslaProvider(proxy, service.car.vin, account, http, HOME)
    assert (await provider.read(data=True)).soc_pct == 55
    assert service.asked["token"] == 0
    if kind != "tessie":
        service.car.asleep = True
        with pytest.raises(VehicleError) as caught:
            await provider.read(data=True)
        assert caught.value.trouble is Trouble.ASLEEP


async def test_a_login_with_pkce_ends_with_tokens_on_the_disk(
    service: SimulatedVehicleService, http: HttpClient
) -> None:
    kept = Memory()
    account = TeslaAccount(config(service), "", "", http, HandClock().now, kept)
    with pytest.raises(VehicleError, match="nobody has logged in"):
        await account.token()
    async with (
        aiohttp.ClientSession() as browser,
        browser.get(account.begin_login(), allow_redirects=False) as redirect,
    ):
        landed = redirect.headers["Location"]
    await account.finish_login(landed)
    assert await account.token() in service.access_tokens
    assert account.logged_in
    with pytest.raises(VehicleError, match="begin again"):
        await account.finish_login(landed)


@pytest.mark.parametrize(
    "landed", ["", "nonsense", "http://[", "https://x/?code=a&state=wrong", "https://x/?error=access_denied&state=s"]
)
async def test_a_login_that_is_not_ours_is_refused(
    service: SimulatedVehicleService, http: HttpClient, landed: str
) -> None:
    account = TeslaAccount(config(service), "", "", http, HandClock().now, Memory())
    account.begin_login()
    with pytest.raises(VehicleError, match="begin again"):
        await account.finish_login(landed)
    assert service.asked["token"] == 0


async def test_a_login_does_not_wait_for_ever(service: SimulatedVehicleService, http: HttpClient) -> None:
    clock = HandClock()
    account = TeslaAccount(config(service), "", "", http, clock.now, Memory())
    async with (
        aiohttp.ClientSession() as browser,
        browser.get(account.begin_login(), allow_redirects=False) as redirect,
    ):
        landed = redirect.headers["Location"]
    clock.forward(1000.0)
    with pytest.raises(VehicleError, match="15 minutes"):
        await account.finish_login(landed)


CHILD = Path(__file__).with_name("token_child.py")


@pytest.mark.parametrize("moment", ["before", "hang", "lost", "after"])
async def test_a_process_killed_around_a_renewal_loses_no_login(
    service: SimulatedVehicleService, http: HttpClient, tmp_path: Path, moment: str
) -> None:
    """Kill -9 before the request, while Tesla works on it, with its answer lost, with the new pair on the disk."""
    in_request = moment in ("hang", "lost")
    service.login_trouble = moment if in_request else ""
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), service.address, str(tmp_path), moment, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    if in_request:
        await until(lambda: service.asked["token"] and (moment == "hang" or service.spent))
    else:
        async with asyncio.timeout(20):
            assert await child.stdout.readline() == b"there\n"
    child.send_signal(signal.SIGKILL)
    await child.wait()
    service.login_trouble = ""
    again = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), service.address, str(tmp_path), "whole", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(again.communicate(), PATIENCE_S)
    assert out.decode().split()[-1] in service.access_tokens
    assert service.asked["token"] == {"before": 1, "hang": 2, "lost": 2, "after": 1}[moment]


async def test_two_cars_of_one_account_are_told_apart(http: HttpClient) -> None:
    cars = (SimulatedCar(vin="5YJSIMULATED00001"), SimulatedCar(vin="5YJSIMULATED00002", soc_pct=20.0))
    async with SimulatedVehicleService(cars) as service:
        account = account_of(service, http, Memory())
        first, second = (TeslaProvider(config(service), car.vin, account, http, None) for car in cars)
        assert ((await first.read(data=True)).soc_pct, (await second.read(data=True)).soc_pct) == (55, 20)
        with pytest.raises(VehicleError, match="2 cars"):
            await TeslaProvider(config(service), "", account, http, None).read(data=True)
