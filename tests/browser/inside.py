"""A daemon's inside for the views that look into it: D-Bus, registers, recordings and the support bundle."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from msgspec import Struct, field
from msgspec.structs import replace

from phaeton.sinks.web.inspection import (
    BusItem,
    BusService,
    Diagnosis,
    LiveRead,
    NotReady,
    Readiness,
    Register,
    RegisterView,
    Space,
)
from phaeton.sinks.web.recordings import RecordingInfo, RecordingList
from phaeton.timing import Timing
from tests.sinks.web import test_metrics

SERVICE = "com.victronenergy.evcharger.phaeton_1"
NOT_READY = "charging point 1 cannot be read: 192.0.2.5:502: no route to host"


def register(name: str, address: int, value: float | None, unit: str = "", text: str = "") -> Register:
    return Register(
        name=name,
        unit=1,
        space="holding",
        address=address,
        count=2,
        type="float32",
        access="r",
        read="fast",
        raw=None if value is None else "4366 6666",
        value=value,
        text=text,
        uom=unit,
        age_s=None if value is None else 0.6,
        quality="not_read" if value is None else "good",
    )


class Inside(Struct):
    """What the diagnostics show."""

    def ready(self) -> Readiness:
        return Readiness(False, [NotReady("charger", NOT_READY)])

    def diagnose(self) -> Diagnosis:
        return replace(test_metrics.diagnosis(), ready=self.ready())

    def timings(self) -> Mapping[str, Timing]:
        return test_metrics.TIMINGS

    def services(self) -> Sequence[BusService]:
        items = {f"/Ac/L{n}/Power": BusItem(2160.0 + n, f"{2160 + n} W", False) for n in (1, 2, 3)}
        items["/Mode"] = BusItem(1, "Auto", True)
        items["/ProductName"] = BusItem("Phaeton " + "with a very long name " * 6, "", False)
        return [BusService(name=SERVICE, point="1", registered=True, items=items)]

    def registers(self, point: str) -> RegisterView:
        found = [
            register("voltage_l1_v", 306, 230.4, "V"),
            register("availability", 1200, 1, "", "operative"),
            register("phases", 1215, None),
        ]
        return RegisterView(point=point, profile="alfen_eve", unit=1, station_unit=200, blocks=[], registers=found)

    async def read(self, point: str, unit: int | None, space: Space, address: int, count: int) -> LiveRead:
        raise AssertionError("the page reads nothing")


class Folder(Struct):
    """Recordings of three days, the last of them being written."""

    directory: Path
    days: list[str] = field(default_factory=lambda: ["2026-05-30", "2026-05-31", "2026-06-01"])

    async def all(self) -> RecordingList:
        shown = [
            RecordingInfo(
                name=f"{day}.phaeton",
                day=day,
                bytes=2_345_678,
                from_=f"{day}T00:00:00Z",
                to=f"{day}T10:00:00Z",
                present=day == "2026-06-01",
            )
            for day in self.days
        ]
        return RecordingList(False, shown)

    async def path(self, name: str) -> Path | None:
        path = self.directory / name
        path.write_bytes(b"recorded")
        return path

    async def remove(self, name: str) -> bool:
        self.days.remove(name.removesuffix(".phaeton"))
        return True


class Bundle(Struct):
    """A support bundle; remembers whether the recording was wanted."""

    asked: list[bool] = field(default_factory=list)

    async def bundle(self, *, recording: bool) -> IO[bytes]:
        self.asked.append(recording)
        return io.BytesIO(b"PK bundle")
