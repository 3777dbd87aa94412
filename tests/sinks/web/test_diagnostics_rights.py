"""Who may look inside: readiness is for all, its reasons for some, reading registers upon request for few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from phaeton.sinks.web.inspection import (
    BusService,
    Diagnosis,
    LiveRead,
    NotReady,
    ReadError,
    Readiness,
    RegisterView,
    Space,
)
from phaeton.timing import Timing
from tests.sinks.web import test_metrics
from tests.sinks.web.guarded import house


class Inside:
    """A look into a daemon that is not there."""

    def ready(self) -> Readiness:
        return Readiness(False, [NotReady("charger", "charging point 1 cannot be read: 192.0.2.5:502: no route")])

    def diagnose(self) -> Diagnosis:
        return test_metrics.diagnosis()

    def timings(self) -> Mapping[str, Timing]:
        return test_metrics.TIMINGS

    def services(self) -> Sequence[BusService]:
        return []

    def registers(self, point: str) -> RegisterView:
        return RegisterView(point=point, profile="x", unit=1, station_unit=200, blocks=[], registers=[])

    async def read(self, point: str, unit: int | None, space: Space, address: int, count: int) -> LiveRead:
        if address == 500:
            raise ReadError("the charger refuses it")
        return LiveRead(unit=1, space=space, address=address, words="0001" * count)


async def test_anybody_learns_whether_it_is_ready_but_not_why_not(tmp_path: Path) -> None:
    async with house(tmp_path, inspection=Inside()) as open_house:
        async with open_house.client() as stranger, stranger.get("/api/ready") as answer:
            assert answer.status == 503
            told = await answer.json(content_type="application/problem+json")
            assert (told["ready"], told["reasons"], told["detail"]) == (False, [], "Phaeton is not ready")
        async with open_house.client(await open_house.token("read")) as reader, reader.get("/api/ready") as answer:
            told = await answer.json(content_type="application/problem+json")
            assert [reason["code"] for reason in told["reasons"]] == ["charger"]
            assert "192.0.2.5" in told["detail"]


async def test_registers_are_read_upon_request_for_who_may_administrate(tmp_path: Path) -> None:
    async with house(tmp_path, inspection=Inside()) as open_house:
        for scope, status in (("read", 403), ("control", 403), ("admin", 200)):
            async with open_house.client(await open_house.token(scope)) as client:
                async with client.get("/api/chargers/1/registers") as answer:
                    assert answer.status == 200
                async with client.get("/api/chargers/1/registers?read=300,2") as answer:
                    assert answer.status == status
                    if status == 200:
                        assert (await answer.json())["live"]["words"] == "00010001"
        async with (
            open_house.client(await open_house.token("admin")) as client,
            client.get("/api/chargers/1/registers?read=500,2") as answer,
        ):
            assert answer.status == 409


async def test_a_stranger_sees_neither_metrics_nor_log_nor_bundle(tmp_path: Path) -> None:
    paths = (
        "/metrics", "/api/metrics", "/api/diagnostics", "/api/dbus", "/api/logs/tail", "/api/logs/stream",
        "/api/logs/download", "/api/recordings", "/api/support-bundle",
    )  # fmt: skip
    async with house(tmp_path, inspection=Inside()) as open_house, open_house.client() as stranger:
        for path in paths:
            async with stranger.get(path) as answer:
                assert answer.status == 401, path


async def test_who_may_read_may_scrape_but_change_nothing_and_take_no_bundle(tmp_path: Path) -> None:
    async with (
        house(tmp_path, inspection=Inside()) as open_house,
        open_house.client(await open_house.token("read")) as reader,
    ):
        async with reader.get("/metrics") as answer:
            assert answer.status == 200
        async with reader.get("/api/support-bundle") as answer:
            assert answer.status == 403
        async with reader.post("/api/logs/web_level?level=debug") as answer:
            assert answer.status == 403
