"""The page and the API alive: the server of the present configuration, and what it is given to tell and to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from phaeton.app.charger_finder import ChargerFinder
from phaeton.app.installation import installation
from phaeton.app.minutes import MinuteKeeper
from phaeton.app.support import LiveSupport
from phaeton.config.points import charger_names
from phaeton.config.tree import Charger, Config
from phaeton.model import Mode, Output, PointDecision
from phaeton.sinks.store import Store
from phaeton.sinks.web import Parts, PointName, WebServer
from phaeton.sinks.web.access import Access

if TYPE_CHECKING:
    from phaeton.app.daemon import Daemon
    from phaeton.app.jobs import Jobs

_MODES: dict[Mode, Literal["manual", "auto", "scheduled"]] = {
    Mode.MANUAL: "manual",
    Mode.AUTO: "auto",
    Mode.SCHEDULED: "scheduled",
}


class LiveWeb:
    """At most one server; the simulation jobs outlive one that listens elsewhere."""

    def __init__(self, daemon: Daemon, store: Store, minutes: MinuteKeeper, access: Access) -> None:
        self._daemon = daemon
        self._store = store
        self._minutes = minutes
        self._access = access
        self._jobs: Jobs | None = None
        self.server: WebServer | None = None

    async def begin(self) -> None:
        """Serve as the configuration says now, or not at all."""
        await self._end_server()
        daemon = self._daemon
        if not daemon.config.web.enabled:
            return
        self.server = WebServer(daemon.config.web, self._names(), self._parts())
        await self.server.start()
        if daemon.output is not None:
            self.server.publish(daemon.output)

    def points_changed(self) -> None:
        """Another socket was found: the page goes on where it is."""
        if self.server is not None:
            self.server.use(self._names())

    def publish(self, output: Output) -> None:
        """Show the newest output."""
        if self.server is not None:
            self.server.publish(output)

    async def end(self) -> None:
        """End the streams, the port and the jobs."""
        await self._end_server()
        if self._jobs is not None:
            await self._jobs.close()

    async def _end_server(self) -> None:
        server, self.server = self.server, None
        if server is not None:
            await server.stop()

    def _names(self) -> list[PointName]:
        return [PointName(point.id, point.charger.name) for point in self._daemon.points]

    def _parts(self) -> Parts:
        daemon = self._daemon
        return Parts(
            submit=daemon.submit,
            sessions=self._store,
            minutes=self._minutes,
            zone=lambda: daemon.zone,
            config=lambda: daemon.config,
            simulations=self._simulations(),
            installation=installation(),
            updates=daemon.updates,
            diagnostics=daemon.diagnostics,
            cars=daemon.cars,
            access=self._access,
            settings=daemon.settings,
            backups=daemon.backups,
            trials=daemon.trials,
            inspection=daemon.inspection,
            recordings=daemon.recordings,
            notices=daemon.notify,
            support=LiveSupport(daemon, self._store),
            finder=ChargerFinder(),
        )

    def _simulations(self) -> Jobs:
        if self._jobs is None:
            from phaeton.app.jobs import Jobs  # noqa: PLC0415 - only the page asks for them

            daemon = self._daemon
            folder = daemon.store_directory / "simulations"
            self._jobs = Jobs(
                self._store,
                self._minutes,
                lambda: as_asked(daemon.config, daemon.output),
                lambda: daemon.zone,
                daemon.now,
                folder,
            )
        return self._jobs


def as_asked(config: Config, output: Output | None) -> Config:
    """The configuration with the modes and currents that hold now: a simulation begins with them."""
    if output is None:
        return config
    decided = {point.point: point for point in output.decision.points}
    both = zip(charger_names(config), config.chargers, strict=True)
    return replace(config, chargers=tuple(_asked(charger, decided.get(name)) for name, charger in both))


def _asked(charger: Charger, point: PointDecision | None) -> Charger:
    if point is None:
        return charger
    mode = _MODES[point.mode]
    return replace(charger, initial=replace(charger.initial, mode=mode, set_current_a=point.requested_a))
