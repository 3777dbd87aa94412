"""The view of updates: a real installation folder, a real server of releases, and a house that starts again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from phaeton.app.update_means import BundleMeans
from phaeton.app.updates import LiveUpdates
from phaeton.config.tree_web import Web, WebAccess
from phaeton.links.http import HttpClient
from phaeton.model import Output, Zone
from phaeton.simulation.release_service import Flaw, SimulatedReleases
from phaeton.sinks.web.access import Access
from phaeton.sinks.web.updates import Installation
from phaeton.updates.parcel import packed
from phaeton.updates.place import Place
from tests import outputs
from tests.browser.conftest import DESKTOP, House, Pages, picture
from tests.browser.test_views import NARROW
from tests.updates.folder import bundle_in, installed

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTES = "# Quieter nights\n- The relay rests **longer**\n- `auto.rest_s` is told\n\n<img src=x onerror=alert(1)>"
WHY = "it ended 3 times before it was well"


class Updating:
    """A house whose program is replaced: a restart stops it and starts what is current then."""

    def __init__(self, root: Path, service: SimulatedReleases, http: HttpClient) -> None:
        self.place, self.service, self._http = Place(root), service, http
        self.house = House([outputs.decided()])
        self.rests = False
        self.live: LiveUpdates | None = None
        self._restarting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        running = self.place.current
        assert running is not None
        self.live = LiveUpdates(
            BundleMeans(self.place, self._http, running), self.service.updates,
            lambda: (outputs.NOON_UTC_S, Zone()), self._output, self._answers, self._restart,
        )  # fmt: skip
        await self.live.begin()
        self.house.updates = self.live
        await self.house.start()

    async def stop(self) -> None:
        if self._restarting is not None:
            await self._restarting
        assert self.live is not None
        await self.live.end()

    def taken_back(self, version: str) -> None:
        """As the launcher does with one that ends."""
        self.place.note_failed(version, WHY)

    def _restart(self) -> None:
        self._restarting = asyncio.get_running_loop().create_task(self._again())

    async def _again(self) -> None:
        assert self.live is not None
        await self.live.end()
        await self.house.stop()
        await self.start()

    def _output(self) -> Output | None:
        return None if not self.rests else outputs.output(1000.0, point=outputs.decided(start=False))

    async def _answers(self) -> bool:
        return False


@asynccontextmanager
async def updating(tmp_path: Path, *versions: str) -> AsyncIterator[Updating]:
    installed(tmp_path / "phaeton", *(versions or ("1.0",)))
    http = HttpClient()
    async with SimulatedReleases() as service:
        here = Updating(tmp_path / "phaeton", service, http)
        await here.start()
        try:
            yield here
        finally:
            await here.stop()
            await http.close()


async def looked(pages: Pages, here: Updating, *, scheme: Literal["light", "dark"] = "light") -> Page:
    """The view, after a look for newer ones."""
    page = await pages.open(here.house, scheme=scheme, path="/#/updates")
    await page.get_by_role("button", name="Look now").click()
    return page


async def test_a_newer_version_is_installed_and_found_again_by_the_page(pages: Pages, tmp_path: Path) -> None:
    async with updating(tmp_path) as here:
        here.service.publish("1.1", body=NOTES)
        page = await pages.open(here.house, path="/#/updates")
        await expect(page.get_by_text("It was not looked for newer versions yet.")).to_be_visible()
        await page.get_by_role("button", name="Look now").click()
        newer = page.locator(".card", has=page.get_by_role("heading", name="Newer version"))
        await expect(newer.locator(".medium")).to_have_text("1.1")
        await expect(newer.get_by_role("heading", name="Quieter nights")).to_be_visible()
        await expect(newer.locator("strong")).to_have_text("longer")
        await expect(newer.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
        assert await page.locator("#view-body img").count() == 0
        await page.get_by_role("button", name="Install now").click()
        await expect(page.get_by_text("Updated from 1.0 just now.")).to_be_visible()
        await expect(page.get_by_text("This version is on trial")).to_be_visible()
        assert here.place.current == "1.1"
        await page.get_by_role("button", name="Go back 1.0").click()
        await page.get_by_role("button", name="Go back and start again? 1.0").click()
        await expect(page.get_by_text("Updated from 1.1 just now.")).to_be_visible()
        assert here.place.current == "1.0"
        pages.forgive("ERR_")


async def test_a_refused_version_changes_nothing_and_says_why(pages: Pages, tmp_path: Path) -> None:
    async with updating(tmp_path) as here:
        here.service.publish("2.0", flaw=Flaw.TAMPERED)
        page = await looked(pages, here)
        await page.get_by_role("button", name="Install now").click()
        await expect(page.get_by_role("alert").filter(has_text="not what was signed")).to_be_visible()
        await expect(page.get_by_role("button", name="Install now")).to_be_enabled()
        assert here.place.current == "1.0"
        pages.forgive("409")


async def test_an_update_waits_for_a_moment_without_a_charging_car(pages: Pages, tmp_path: Path) -> None:
    async with updating(tmp_path) as here:
        here.service.publish("1.1")
        page = await looked(pages, here)
        await page.get_by_role("button", name="Install when no car charges").click()
        await expect(page.get_by_text("It will be installed as soon as")).to_be_visible()
        await page.get_by_role("button", name="Do not install").click()
        await expect(page.get_by_role("button", name="Install when no car charges")).to_be_visible()
        assert here.live is not None
        assert not here.live.status().waits


async def test_a_file_of_ones_own_is_sent_checked_and_installed(pages: Pages, tmp_path: Path) -> None:
    packed(bundle_in(tmp_path / "new", "1.1"), tmp_path / "good.tar")
    (tmp_path / "bad.tar").write_bytes((tmp_path / "good.tar").read_bytes()[:5000])
    async with updating(tmp_path) as here:
        page = await pages.open(here.house, path="/#/updates")
        await page.get_by_label("File (.tar)").set_input_files(tmp_path / "bad.tar")
        await page.get_by_role("button", name="Send and install").click()
        await expect(page.get_by_role("alert").filter(has_text="Not done")).to_be_visible()
        await page.get_by_label("File (.tar)").set_input_files(tmp_path / "good.tar")
        await page.get_by_role("button", name="Send and install").click()
        await expect(page.get_by_text("Updated from 1.0 just now.")).to_be_visible()
        assert here.place.current == "1.1"
        pages.forgive("409", "ERR_")


async def test_without_a_bundle_it_says_the_command(house: House, pages: Pages) -> None:
    command = "pip install --upgrade phaeton"
    house.installation = Installation(installed_as="pip", where="", how_to_update=f"`{command}`, and a restart")
    await house.stop()
    await house.start()
    page = await pages.open(house, path="/#/updates")
    await expect(page.get_by_text("This installation is updated with:")).to_be_visible()
    await expect(page.locator(".command code")).to_have_text(command)
    await expect(page.get_by_role("button", name="Look now")).to_be_hidden()
    await expect(page.get_by_role("heading", name="From a file")).to_be_hidden()


async def test_who_is_no_owner_sees_but_installs_nothing(pages: Pages, tmp_path: Path) -> None:
    async with updating(tmp_path, "1.1", "1.0") as here:
        house = here.house
        house.access = Access()
        await house.access.set_password("correct horse battery")
        house.config = Web(port=0, access=WebAccess(guest=True))
        await house.stop()
        await house.start()
        page = await pages.open(house, path="/#/updates")
        await expect(page.locator("#view-body")).to_have_text("Log in to see this.")


@pytest.mark.parametrize(("size", "scheme"), [(NARROW, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
async def test_the_updates_are_readable_by_everybody(
    pages: Pages, tmp_path: Path, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    async with updating(tmp_path, "1.1", "1.0") as here:
        here.taken_back("1.2")
        await here.live.end() if here.live else None
        await here.house.stop()
        await here.start()
        here.service.publish("1.3", body=NOTES + "\n\n" + "A long word: " + "x" * 120)
        here.service.publish("1.2")
        page = await pages.open(here.house, size, scheme, path="/#/updates")
        await expect(page.get_by_text(WHY).first).to_be_visible()
        await page.get_by_role("button", name="Look now").click()
        await expect(page.get_by_role("button", name="Install now")).to_be_visible()
        await expect(page.get_by_role("heading", name="Quieter nights").first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        await picture(page, f"updates-{'phone' if size == NARROW else 'desktop'}-{scheme}")
