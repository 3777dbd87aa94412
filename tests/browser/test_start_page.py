"""The first start in a browser: a charger is found or typed in, limits, prices and a password, and then it runs."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec import field
from playwright.async_api import Locator, Page, expect

from phaeton.app.charger_finder import ChargerFinder
from phaeton.app.settings import LiveSettings
from phaeton.config.change import Change, compare
from phaeton.config.load import Loaded
from phaeton.config.tree import Config
from phaeton.config.tree_web import Web
from phaeton.simulation.charger import SimulatedAlfen
from phaeton.sinks.web import Diagnostics, Parts, PointName, WebServer
from phaeton.sinks.web.access import Access
from phaeton.sources.config_file import ConfigFile
from tests import outputs
from tests.browser.conftest import DESKTOP, PHONE, House, Pages, picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "correct horse battery"


class Empty(House):
    """A house without a configuration, whose network is a simulated charger."""

    folder: Path = Path()
    charger: SimulatedAlfen = field(default_factory=SimulatedAlfen)
    running: Config = Config()

    async def start(self) -> None:
        await self.charger.start()
        loaded = Loaded(self.running, self.folder / "phaeton_config.yaml", (), "")
        finder = ChargerFinder([IPv4Network("127.0.0.1/32")], [self.charger.port], None)
        self.server = WebServer(
            Web(port=0),
            [],
            Parts(
                submit=self.submit,
                sessions=self.kept,
                diagnostics=Diagnostics,
                access=self.access,
                settings=LiveSettings(ConfigFile(loaded, {}), self.reload, self.folder / "state", lambda: 1e9),
                finder=finder,
            ),
        )
        await self.server.start()
        assert self.server.address is not None
        self.port = int(self.server.address.rsplit(":", 1)[1])

    async def reload(self, config: Config) -> Change:
        """The daemon has the charger now, and decides."""
        before, self.running = self.running, config
        assert self.server is not None
        self.server.use([PointName("1")])
        self.step()
        return compare(before, config)

    async def stop(self) -> None:
        await House.stop(self)
        await self.charger.stop()


async def empty(tmp_path: Path) -> Empty:
    house = Empty([outputs.decided()], access=Access(), folder=tmp_path)
    await house.start()
    return house


def step(page: Page) -> Locator:
    return page.locator("#view h2")


async def forward(page: Page, name: str = "Next") -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def test_a_new_owner_is_led_from_the_search_to_a_charging_car(pages: Pages, tmp_path: Path) -> None:
    house = await empty(tmp_path)
    page = await pages.open(house)
    await expect(page.get_by_role("heading", name="First start", level=1)).to_be_visible()
    await forward(page)
    await expect(page.get_by_text("Choose a charger first.")).to_be_visible()
    await page.get_by_role("button", name="Search the network").click()
    found = page.locator(".chargers-found li", has_text="Alfen")
    await expect(found.get_by_role("radio").first).to_be_checked()
    await expect(found.first).to_contain_text("It can be controlled.")
    await forward(page)
    await expect(step(page)).to_have_text("The wiring")
    await expect(step(page)).to_be_focused()
    await page.get_by_label("Most current, in A").fill("99")
    await forward(page)
    await expect(page.get_by_text("The number is outside of what is possible.")).to_be_visible()
    await expect(page.get_by_label("Most current, in A")).to_be_focused()
    await page.get_by_label("Most current, in A").fill("20")
    await page.get_by_label("Main fuse, in A").fill("25")
    await forward(page)
    await page.get_by_label("Price of the grid's energy").select_option("market price (energy-charts)")
    await page.get_by_label("Bidding zone").fill("XX-NONE")
    await forward(page)
    await page.get_by_label("Open the page to the network of the house").check()
    await forward(page)
    await expect(page.get_by_text("Opening the page to the network needs a password.")).to_be_visible()
    await page.get_by_label("Open the page to the network of the house").uncheck()
    await page.get_by_label("A password").fill(PASSWORD)
    await page.get_by_label("The same again").fill(PASSWORD)
    await forward(page)
    await expect(step(page)).to_have_text("Is this right?")
    await expect(page.locator("#view dl")).to_contain_text("25 A")
    await forward(page, "Save and begin")
    await expect(step(page)).to_have_text("Prices")  # it is refused, and the page goes to where it can be put right
    await expect(page.get_by_role("alert").filter(has_text="zone")).to_be_visible()
    assert not (tmp_path / "phaeton_config.yaml").exists()
    await page.get_by_label("Bidding zone").fill("nl")
    await forward(page)
    await forward(page)
    await forward(page, "Save and begin")
    await expect(page.locator("#state")).to_have_text("Charging")
    assert house.access is not None
    assert await house.access.is_password(PASSWORD)
    assert house.charger.writes == []
    assert (tmp_path / "phaeton_config.yaml").read_text() == (
        "chargers:\n"
        "  - host: 127.0.0.1\n"
        f"    port: {house.charger.port}\n"
        "    limits:\n"
        "      max_set_current_a: 20.0\n"
        "site:\n"
        "  limits:\n"
        "    fuse_a: 25.0\n"
        "prices:\n"
        "  source: energy_charts\n"
        "  energy_charts:\n"
        "    zone: NL\n"
    )
    await page.evaluate("location.hash = '/start'")
    await expect(page.get_by_text("A charger is configured already.")).to_be_visible()
    pages.forgive("422", "503")


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
async def test_what_does_not_answer_is_told_and_each_step_is_readable(
    pages: Pages, tmp_path: Path, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    house = await empty(tmp_path)
    kind = "phone" if size == PHONE else "desktop"
    page = await pages.open(house, size, scheme)
    address = page.get_by_label("Address")
    await address.fill("no address")
    await page.get_by_role("button", name="Test").click()
    await expect(page.get_by_text("This is no address")).to_be_visible()
    await address.fill("127.0.0.1:9")
    await page.get_by_role("button", name="Test").click()
    await expect(page.locator(".chargers-found")).to_contain_text("No answer 127.0.0.1:9")
    await expect(page.get_by_text("Modbus is not enabled in the charger")).to_be_visible()
    await address.fill(f"127.0.0.1:{house.charger.port}")
    await page.get_by_role("button", name="Test").click()
    await expect(page.get_by_text("It can be controlled.")).to_be_visible()
    for number in range(1, 6):
        await expect(page.locator("#view")).to_contain_text(f"Step {number} of 5")
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        await picture(page, f"start-{number}-{kind}-{scheme}")
        if number < 5:
            await forward(page)
    pages.forgive("503")  # there is no state yet
