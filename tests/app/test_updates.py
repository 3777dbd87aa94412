"""Updates of the daemon, with a real server of releases and a real installation folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import structs

from phaeton.app.update_means import BundleMeans
from phaeton.app.updates import LiveUpdates, rests, within
from phaeton.config.tree_updates import UpdateSettings
from phaeton.links.http import HttpClient
from phaeton.model import (
    ChargerReading,
    ChargerState,
    Decision,
    Mode,
    Output,
    Plan,
    PointDecision,
    PointSituation,
    Situation,
    Status,
    Zone,
)
from phaeton.simulation.misbehaving import Misbehaviour
from phaeton.simulation.release_service import Flaw, SimulatedReleases
from phaeton.sinks.web.updates import UpdateError
from phaeton.updates import releases as asked
from phaeton.updates.parcel import packed
from phaeton.updates.place import Place
from tests.updates.folder import bundle_in, installed
from tests.waiting import until

DAY_S = 86400.0


def decided(**changes: object) -> Output:
    """One point at rest, with what is different."""
    point = PointDecision(
        "1", Mode.AUTO, True, True, 16.0, 0.0, 3, 0, Status.DISCONNECTED, (), reachable=True
    )  # fmt: skip
    state = changes.pop("state", ChargerState.DISCONNECTED)
    assert isinstance(state, ChargerState)
    reading = ChargerReading(0.0, 0.0, point="1", state=state)
    return Output(
        Situation(points=(PointSituation("1", reading),)), Decision(0.0, 0.0, (structs.replace(point, **changes),))
    )


class House:
    """What the updates see of a daemon."""

    def __init__(self, root: Path, service: SimulatedReleases, http: HttpClient) -> None:
        self.place = Place(root)
        self.service = service
        self.settings = service.updates()
        self.utc_s = 100 * DAY_S + 3 * 3600.0
        self.output: Output | None = decided()
        self.decides = False
        """At each look anew."""
        self.answers = True
        self.looks = 0
        self.restarts = 0
        running = self.place.current
        assert running is not None
        self.updates = LiveUpdates(
            BundleMeans(self.place, http, running), lambda: self.settings, lambda: (self.utc_s, Zone()),
            self._output, self._answers, self._restart, look_s=0.001, healthy_looks=5,
        )  # fmt: skip

    def _output(self) -> Output | None:
        self.looks += 1
        return decided() if self.decides else self.output

    async def _answers(self) -> bool:
        self.looks += 1
        return self.answers

    def _restart(self) -> None:
        self.restarts += 1


@asynccontextmanager
async def house(tmp_path: Path, *versions: str) -> AsyncIterator[House]:
    root = tmp_path / "phaeton"
    if not root.exists():
        installed(root, *(versions or ("1.0",)))
    http = HttpClient()
    async with SimulatedReleases() as service:
        here = House(root, service, http)
        await here.updates.begin()
        try:
            yield here
        finally:
            await here.updates.end()
            await http.close()


def kept(here: House) -> set[str]:
    return {path.name for path in here.place.versions.iterdir()}


async def test_a_look_tells_what_is_newest_and_is_cheap_the_second_time(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.service.publish("1.1")
        here.service.publish("1.0.5")
        here.service.publish("1.2-rc1")
        here.service.publish("9.0", draft=True)
        here.service.publish("8.0", flaw=Flaw.ONLY_OTHER_CPU)
        found = await here.updates.check()
        assert (found.current_version, found.latest_version, found.update_available) == ("1.0", "1.1", True)
        assert (found.last_check, found.error, found.how_to_update) == (here.utc_s, None, "")
        await here.updates.check()
        assert here.service.unchanged == 1
        here.settings = here.service.updates("prerelease")
        assert (await here.updates.check()).latest_version == "1.2-rc1"


async def test_the_releases_are_told_with_their_notes(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.service.publish("1.1", body="# New\n<b>x</b>")
        (release,) = await here.updates.releases()
        assert (release.tag, release.name, release.prerelease) == ("v1.1", "Phaeton 1.1", False)
        assert release.body_html == "<h3>New</h3>\n<p>\n&lt;b&gt;x&lt;/b&gt;\n</p>"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(Misbehaviour.BROKEN, "trouble of its own"), (Misbehaviour.GARBAGE, "something else"),
     (Misbehaviour.CUT, "broken"), (Misbehaviour.UNAUTHORIZED, "does not let us in")],
)  # fmt: skip
async def test_a_look_that_fails_says_why(tmp_path: Path, wrong: Misbehaviour, words: str) -> None:
    async with house(tmp_path) as here:
        here.service.misbehaviour = wrong
        found = await here.updates.check()
        assert words in (found.error or "")
        assert found.last_check is None
        here.service.misbehaviour = None
        assert (await here.updates.check()).error is None


async def test_without_a_repository_nobody_is_asked(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.settings = UpdateSettings()
        assert "set updates.repository" in ((await here.updates.check()).error or "")
        assert here.service.requests.total() == 0


async def test_the_newest_is_fetched_and_put_in_force_and_the_program_starts_again(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.service.publish("1.1")
        await here.updates.apply(None)
        assert here.restarts == 1
        pending = here.place.pending
        assert pending is not None
        assert (pending.new, pending.old) == ("1.1", "1.0")
        assert not here.place.download.exists()
        with pytest.raises(UpdateError, match=r"on trial|waits for a restart"):
            await here.updates.apply(None)


@pytest.mark.parametrize(
    ("flaw", "words"),
    [(Flaw.TAMPERED, "not what was signed"), (Flaw.WRONG_KEY, "not trusted"), (Flaw.UNSIGNED, "not signed"),
     (Flaw.TAMPERED_SUMS, "does not fit"), (Flaw.NO_SUMS, "no SHA256SUMS"), (Flaw.TRUNCATED, "cannot be fetched"),
     (Flaw.OVERSIZE, "larger than"), (Flaw.ONLY_OTHER_CPU, "no release has a bundle"),
     (Flaw.TRAVERSAL, "no plain file"), (Flaw.WRONG_CPU, "for otherarch")],
)  # fmt: skip
async def test_a_bad_release_changes_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flaw: Flaw, words: str
) -> None:
    monkeypatch.setattr(asked, "MOST_BYTES", 300_000)
    async with house(tmp_path) as here:
        here.service.publish("2.0", flaw=flaw)
        with pytest.raises(UpdateError, match=words):
            await here.updates.apply(None)
        assert words in (here.updates.status().error or "")
        assert (here.restarts, here.place.current, here.place.pending, kept(here)) == (0, "1.0", None, {"1.0"})
        assert not here.place.download.exists()
        here.service.publish("2.1")
        await here.updates.apply(None)
        assert here.place.current == "2.1"


async def test_an_older_one_is_installed_only_by_its_name(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.service.publish("0.9")
        with pytest.raises(UpdateError, match="nothing newer"):
            await here.updates.apply(None)
        with pytest.raises(UpdateError, match=r"no release 0\.8"):
            await here.updates.apply("0.8")
        await here.updates.apply("v0.9")
        assert here.place.current == "0.9"


async def test_a_bundle_from_a_file_is_checked_the_same_way(tmp_path: Path) -> None:
    async def sent(content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 500):
            yield content[start : start + 500]

    path = bundle_in(tmp_path / "new", "1.1")
    packed(path, tmp_path / "parcel.tar")
    bundle = path.read_bytes()
    content = (tmp_path / "parcel.tar").read_bytes()
    async with house(tmp_path) as here:
        place = content.index(bundle) + len(bundle) // 2
        with pytest.raises(UpdateError, match="not what was signed"):
            await here.updates.upload(sent(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]))
        assert (here.restarts, here.place.current) == (0, "1.0")
        await here.updates.upload(sent(content))
        assert (here.restarts, here.place.current) == (1, "1.1")


async def test_a_version_that_decides_and_answers_is_confirmed(tmp_path: Path) -> None:
    async with house(tmp_path) as before:
        before.service.publish("1.1")
        await before.updates.apply(None)
    async with house(tmp_path) as here:
        assert here.updates.status().busy == "this version is on trial"
        assert here.updates.status().trial
        assert here.updates.status().previous_version == "1.0"
        assert here.place.pending is not None
        here.decides = True
        await until(lambda: not here.updates.status().busy)
        assert (here.place.current, here.place.previous, here.place.pending) == ("1.1", "1.0", None)
        assert here.updates.status().previous_version == "1.0"


@pytest.mark.parametrize(("decides", "answers"), [(False, True), (True, False)])
async def test_a_version_that_does_not_decide_or_answer_is_not_confirmed(
    tmp_path: Path, decides: bool, answers: bool
) -> None:
    async with house(tmp_path) as before:
        before.service.publish("1.1")
        await before.updates.apply(None)
    async with house(tmp_path) as here:
        here.decides, here.answers = decides, answers
        await until(lambda: here.looks > 20)
        assert here.place.pending is not None
        await here.updates.rollback()
        assert (here.restarts, here.place.current, here.place.pending) == (1, "1.0", None)


async def test_a_rollback_goes_to_the_version_before_and_that_is_not_undone_by_itself(tmp_path: Path) -> None:
    async with house(tmp_path, "1.1", "1.0") as here:
        here.service.publish("1.1")
        assert here.updates.status().previous_version == "1.0"
        await here.updates.rollback()
        assert (here.restarts, here.place.current) == (1, "1.0")
    async with house(tmp_path) as here:
        here.service.publish("1.1")
        here.settings = structs.replace(here.service.updates(), auto_apply=True)
        assert (await here.updates.check()).update_available
        assert not here.updates.may_apply_now()


async def test_without_a_version_before_there_is_no_way_back(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        with pytest.raises(UpdateError, match="no version before"):
            await here.updates.rollback()
        assert here.restarts == 0


async def test_a_version_that_was_taken_back_is_told(tmp_path: Path) -> None:
    installed(tmp_path / "phaeton", "1.0")
    (tmp_path / "phaeton/failed").write_text("1.1\tit ended 3 times before it was well\n")
    async with house(tmp_path) as here:
        found = here.updates.status()
        assert found.error == "version 1.1 was tried and taken back: it ended 3 times before it was well"
        assert [(one.version, one.why) for one in found.taken_back] == [("1.1", "it ended 3 times before it was well")]


PLAN = Plan(made_utc_s=0.0, departure_utc_s=DAY_S, deadline_utc_s=DAY_S, need_kwh=10.0, power_w=11000.0)


@pytest.mark.parametrize(
    ("rest", "output"),
    [
        (True, decided()),
        (True, decided(plugged=True, status=Status.CONNECTED)),
        (True, decided(plan=PLAN)),  # of a car that is away
        (False, decided(plugged=True, plan=PLAN, status=Status.WAIT_START)),
        (False, decided(plugged=True, status=Status.CHARGING)),
        (False, decided(plugged=True, status=Status.CONNECTED, state=ChargerState.CHARGING)),
        (False, decided(reachable=False)),
        (False, None),
    ],
)
def test_a_house_is_at_rest_when_no_car_charges_or_waits_for_its_plan(rest: bool, output: Output | None) -> None:
    assert rests(output) is rest


@pytest.mark.parametrize(
    ("start", "end", "hour", "inside"),
    [("02:00", "05:00", 2.0, True), ("02:00", "05:00", 5.0, False), ("23:00", "01:30", 0.5, True),
     ("23:00", "01:30", 12.0, False), ("23:00", "24:00", 23.5, True), ("00:00", "24:00", 0.0, True)],
)  # fmt: skip
def test_the_window_may_go_over_midnight(start: str, end: str, hour: float, inside: bool) -> None:
    assert within(UpdateSettings(window_start=start, window_end=end), hour * 3600.0) is inside


async def test_an_order_for_when_no_car_charges_waits_and_can_be_taken_back(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.service.publish("1.1")
        here.output = decided(plugged=True, status=Status.CHARGING)
        assert not await here.updates.apply(None, at_rest=True)
        assert here.updates.status().waits
        here.updates.forget_order()
        assert not here.updates.status().waits
        assert not await here.updates.apply("1.1", at_rest=True)
        await here.updates.obey_quietly()
        assert (here.restarts, here.updates.status().waits) == (0, True)
        here.output = decided()
        await here.updates.obey_quietly()
        assert (here.restarts, here.place.current, here.updates.status().waits) == (1, "1.1", False)
        step = here.updates.status().step
        assert step is not None
        assert step.what == "restarting"


async def test_by_itself_only_in_the_window_at_rest_and_where_it_is_wanted(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.service.publish("1.1")
        await here.updates.check()
        assert not here.updates.may_apply_now()  # off by default
        here.settings = structs.replace(here.settings, auto_apply=True)
        assert here.updates.may_apply_now()
        here.utc_s += 6 * 3600.0
        assert not here.updates.may_apply_now()
        here.utc_s -= 6 * 3600.0
        here.output = decided(plugged=True, plan=PLAN)
        assert not here.updates.may_apply_now()
        await here.updates.apply_quietly()  # a car came while it was fetched
        assert (here.restarts, here.place.current) == (0, "1.0")
        here.output = decided()
        await here.updates.apply_quietly()
        assert (here.restarts, here.place.current) == (1, "1.1")


async def test_by_itself_a_bad_release_is_not_fetched_again_and_again(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.service.publish("1.1", flaw=Flaw.TAMPERED)
        here.settings = structs.replace(here.settings, auto_apply=True)
        await here.updates.check()
        await here.updates.apply_quietly()
        assert not here.updates.may_apply_now()
        assert "not what was signed" in (here.updates.status().error or "")
