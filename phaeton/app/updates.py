"""Updates of the running daemon: what the API asks for, the looks by themselves, and the health of a new version."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress

from msgspec import Struct

from phaeton.app.update_means import Known, Means, Newest
from phaeton.calendar_days import wall_s
from phaeton.config.tree_updates import UpdateSettings
from phaeton.model import ChargerState, Output, Status, Zone
from phaeton.sinks.web.updates import ReleaseInfo, TakenBack, UpdateError, UpdateStatus, UpdateStep
from phaeton.updates.notes import html_of
from phaeton.updates.place import BY_ORDER
from phaeton.updates.problem import UpdateRefusedError
from phaeton.updates.releases import Release
from phaeton.updates.version import newer

_log = logging.getLogger("phaeton.updates")

FIRST_LOOK_S = (300.0, 1800.0)
"""After the start, by chance: a house whose power comes back is not asked about with all others at once."""
JITTER = 0.1
HEALTHY_LOOKS = 15
LOOK_S = 2.0
"""A new version is well when it has decided anew at each of so many looks in a row, and its page answers."""
WAIT_S = 60.0
"""How often a version that is wanted is tried to be put in force, and the schedule looked at."""
_DAY_S = 86400.0
_LOOKING = UpdateStep(what="looking")
_RESTARTING = UpdateStep(what="restarting")
_WORDS = {
    "looking": "looking for a version",
    "fetching": "fetching",
    "receiving": "receiving a bundle",
    "checking": "checking and unpacking",
    "switching": "putting in force",
    "going_back": "going back",
    "restarting": "a version that was put in force waits for a restart",
}
_BUSY_STATES = (ChargerState.CHARGING, ChargerState.STARTING, ChargerState.SWITCHING)


class _Order(Struct, frozen=True):
    """What is wanted when no car charges."""

    version: str | None


class LiveUpdates:
    """One thing at a time; ``restart`` ends this daemon so that the version which is current then is started."""

    def __init__(
        self,
        means: Means,
        settings: Callable[[], UpdateSettings],
        clock: Callable[[], tuple[float, Zone]],
        output: Callable[[], Output | None],
        answers: Callable[[], Awaitable[bool]],
        restart: Callable[[], None],
        *,
        otherwise: str = "",
        look_s: float = LOOK_S,
        healthy_looks: int = HEALTHY_LOOKS,
    ) -> None:
        """``clock`` gives UTC in s and the site's zone, ``answers`` whether the page can be reached where it is on.

        ``otherwise`` is how the owner updates while nothing is followed here.
        """
        self._otherwise = otherwise
        self._means, self._settings, self._clock = means, settings, clock
        self._output, self._answers, self._restart = output, answers, restart
        self._look_s, self._healthy_looks = look_s, healthy_looks
        self._known = Known("")
        self._newest = Newest(None, False)
        self._last_check: float | None = None
        self._error: str | None = None
        self._step: UpdateStep | None = None
        self._order: _Order | None = None
        self._tasks: list[asyncio.Task[None]] = []

    # The life of it.

    async def begin(self) -> None:
        """Look at the disk, and from here on after a trial and for new versions; the daemon is up."""
        await self._look_at_disk()
        for work in (self._follow_trial(), self._follow_schedule()):
            self._spawn(work)

    async def end(self) -> None:
        """No more looks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What the API asks.

    def status(self) -> UpdateStatus:
        """What is known now."""
        known, newest, step = self._known, self._newest, self._step
        trial = "this version is on trial" if known.trial else ""
        return UpdateStatus(
            current_version=known.current,
            latest_version=newest.version,
            update_available=newest.newer,
            last_check=self._last_check,
            error=self._error or self._taken_back(),
            installed_as=self._means.installed_as,
            how_to_update="" if self._means.follows(self._settings()) else self._otherwise,
            previous_version=known.previous,
            busy=trial if step is None else words(step),
            step=step,
            trial=known.trial,
            waits=self._order is not None,
            taken_back=tuple(
                TakenBack(version=version, why=why) for version, why in known.failed.items() if why != BY_ORDER
            ),
        )

    def _taken_back(self) -> str | None:
        """A newer version that was tried and did not do."""
        for version, why in reversed(self._known.failed.items()):
            if why != BY_ORDER and newer(version, self._known.current):
                return f"version {version} was tried and taken back: {why}"
        return None

    async def check(self) -> UpdateStatus:
        """Ask what is newest; a failure is told in the answer."""
        try:
            with self._doing(_LOOKING):
                self._newest = await self._means.newest(self._settings())
                self._last_check = self._clock()[0]
        except UpdateError:
            pass  # it is in the status
        return self.status()

    async def releases(self) -> list[ReleaseInfo]:
        """What there is."""
        try:
            return [_info(release) for release in await self._means.releases(self._settings())]
        except UpdateRefusedError as error:
            raise UpdateError(str(error)) from None

    async def apply(self, version: str | None, *, at_rest: bool = False) -> bool:
        """Fetch, verify, unpack, switch and restart: an order, whether a car charges or not unless it says so.

        False = a car charges, and a moment in which none does is waited for.
        """
        self._order = None
        if at_rest and not rests(self._output()):
            self._order = _Order(version)
            return False
        with self._doing(_LOOKING):
            staged = await self._means.stage(self._settings(), version, self._say)
            await self._switch(staged)
        return True

    def forget_order(self) -> None:
        """An order that waits is taken back."""
        self._order = None

    async def upload(self, pieces: AsyncIterator[bytes]) -> None:
        """The same with a bundle that is sent."""
        with self._doing(UpdateStep(what="receiving")):
            await self._switch(await self._means.receive(pieces, self._say))

    async def rollback(self) -> None:
        """Back to the version before."""
        with self._doing(UpdateStep(what="going_back")):
            version = await asyncio.to_thread(self._means.back)
            _log.warning("back to version %s by order; Phaeton starts again", version)
            self._say(_RESTARTING)
            self._restart()

    # The work.

    async def _switch(self, version: str) -> None:
        self._say(UpdateStep(what="switching", version=version))
        await asyncio.to_thread(self._means.switch, version)
        _log.warning("version %s is put in force; Phaeton starts again", version)
        await self._look_at_disk()
        self._say(_RESTARTING)
        self._restart()

    @contextmanager
    def _doing(self, what: UpdateStep) -> Iterator[None]:
        """One thing at a time; what goes wrong is kept, and told as the API wants it."""
        if self._step is not None:
            raise UpdateError(f"something is being done already: {words(self._step)}")
        self._step, self._error = what, None
        try:
            yield
        except UpdateRefusedError as error:
            self._error = str(error)
            _log.warning("no update: %s", error)
            raise UpdateError(str(error)) from None
        except OSError as error:
            self._error = f"the disk does not allow it: {error}"
            _log.warning("no update: %s", self._error)
            raise UpdateError(self._error) from None
        finally:
            if self._step is not _RESTARTING:
                self._step = None

    def _say(self, what: UpdateStep) -> None:
        self._step = what

    async def _look_at_disk(self) -> None:
        self._known = await asyncio.to_thread(self._means.known)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work, name="updates"))

    # The trial.

    async def _follow_trial(self) -> None:
        """Confirm this version when it has been well for long enough; until then the launcher may take it back."""
        if not self._known.trial:
            return
        _log.warning("version %s is on trial", self._known.current)
        well, before = 0, self._output()
        while well < self._healthy_looks or not await self._answers():
            await asyncio.sleep(self._look_s)
            now = self._output()
            well, before = (well + 1 if now is not None and now is not before else 0), now
        try:
            await asyncio.to_thread(self._means.confirm)
        except OSError as error:
            self._error = f"this version is well, but the disk does not let it stay: {error}"
            _log.error("%s", self._error)
            return
        _log.warning("version %s is well and stays", self._known.current)
        await self._look_at_disk()

    # By itself.

    async def _follow_schedule(self) -> None:
        """Look from time to time, and put in force what may be."""
        left_s = random.uniform(*FIRST_LOOK_S)
        while True:
            await asyncio.sleep(WAIT_S)
            left_s -= WAIT_S
            settings = self._settings()
            if self._step is not None:
                continue
            if self._order is not None and rests(self._output()):
                await self.obey_quietly()
            if not settings.enabled or not self._means.follows(settings):
                continue
            if left_s <= 0:
                await self.check()
                left_s = settings.check_hours * 3600.0 * random.uniform(1 - JITTER, 1 + JITTER)
            if self.may_apply_now():
                await self.apply_quietly()

    def may_apply_now(self) -> bool:
        """Whether a newer version may be put in force without an order, at this moment."""
        settings, (utc_s, zone), newest = self._settings(), self._clock(), self._newest
        if not settings.auto_apply or not newest.newer or newest.version in self._known.failed or self._known.trial:
            return False
        return within(settings, wall_s(zone, utc_s) % _DAY_S) and rests(self._output())

    async def obey_quietly(self) -> None:
        """What was ordered for a moment in which no car charges; what is in the way is in the status."""
        order = self._order
        if order is not None:
            with suppress(UpdateError):
                await self.apply(order.version, at_rest=True)

    async def apply_quietly(self) -> None:
        """Make the newest ready, and switch if it still may be; else the next look goes on from there."""
        try:
            with self._doing(_LOOKING):
                staged = await self._means.stage(self._settings(), None, self._say)
                if self.may_apply_now():
                    await self._switch(staged)
        except UpdateError:
            self._newest = Newest(self._newest.version, False)  # not again before the next check


def words(step: UpdateStep) -> str:
    """What is being done, for who reads English."""
    share = "" if step.share_pct is None else f": {step.share_pct:.0f} %"
    return f"{_WORDS[step.what]}{step.version and ' '}{step.version}{share}"


def within(settings: UpdateSettings, second_of_day: float) -> bool:
    """Whether the wall clock is in the window, which may go over midnight."""
    start_s, end_s = _seconds(settings.window_start), _seconds(settings.window_end)
    if start_s < end_s:
        return start_s <= second_of_day < end_s
    return second_of_day >= start_s or second_of_day < end_s


def rests(output: Output | None) -> bool:
    """Whether no car charges or is about to: all chargers answer, and no car that is plugged in has an open plan."""
    if output is None:
        return False
    for point in output.decision.points:
        if not point.reachable or point.status is Status.CHARGING or (point.plugged and point.plan is not None):
            return False
    return not any(
        point.reading is not None and point.reading.state in _BUSY_STATES for point in output.situation.points
    )


def _seconds(clock: str) -> float:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


def _info(release: Release) -> ReleaseInfo:
    return ReleaseInfo(
        tag=release.tag_name,
        name=release.name or release.tag_name,
        draft=release.draft,
        prerelease=release.prerelease,
        published_at=release.published_at,
        body=release.body or "",
        body_html=html_of(release.body or ""),
    )
