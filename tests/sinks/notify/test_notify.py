"""Webhooks and ntfy against real servers, whole and faulty: told once, signed, tried again, and nobody waits."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from phaeton.config.node import Secret
from phaeton.config.tree_notify import ALL_EVENTS, Notify, Ntfy, Webhook
from phaeton.links.http import HttpClient
from phaeton.model import Session
from phaeton.simulation.misbehaving import Misbehaviour
from phaeton.simulation.notification_service import NotificationService
from phaeton.sinks.notify import NotifySink, told
from phaeton.sinks.notify.sink import _TAGS, MOST_WAITING, signature
from phaeton.sinks.notify.told import Told, trial
from phaeton.streams.happenings import Happening, What
from tests.outputs import NOON_UTC_S
from tests.waiting import until

NAMES = {"1": "Garage"}
PLUGGED = told(Happening(What.PLUGGED, NOON_UTC_S, "1"), NAMES)
FAULT = told(Happening(What.FAULT, NOON_UTC_S, "1", "residual current"), NAMES)


@asynccontextmanager
async def sending(config: Notify) -> AsyncIterator[NotifySink]:
    http = HttpClient(timeout_s=5.0)
    sink = NotifySink(config, http, pauses=(0.01, 0.05))
    sink.start()
    try:
        yield sink
    finally:
        await sink.stop()
        await http.close()


def hook(service: NotificationService, **more: object) -> Notify:
    return Notify(webhooks=(Webhook(url=f"{service.url}/hook", **more),))  # type: ignore[arg-type]


async def test_a_webhook_gets_each_event_once_as_signed_json() -> None:
    async with (
        NotificationService(token="open") as service,
        sending(hook(service, secret=Secret(value="key"), token=Secret(value="open"))) as sink,
    ):
        sink.take(PLUGGED)
        sink.take(FAULT)
        await until(lambda: len(service.received) == 2)
        first, second = service.received
        document = json.loads(first.body)
        assert document == {
            "schema": "phaeton-event/1",
            "event": "plugged",
            "time": "2026-06-01T10:00:00Z",
            "title": "Garage",
            "text": "A car is plugged in",
            "point": "1",
            "name": "Garage",
        }
        assert first.headers["x-phaeton-event"] == "plugged"
        assert first.headers["x-phaeton-signature"] == signature("key", first.body)
        assert json.loads(second.body)["text"] == "Fault: residual current"
        await until(lambda: sink.reports()[0].sent == 2)
        assert sink.reports()[0].up


async def test_ntfy_gets_words_and_a_fault_with_the_highest_priority() -> None:
    async with NotificationService() as service:
        ntfy = Ntfy(server=f"{service.url}/ntfy", topic="house", priority=2, events=("fault", "plugged"))
        async with sending(Notify(ntfy=(ntfy,))) as sink:
            for news in (PLUGGED, told(Happening(What.UNPLUGGED, NOON_UTC_S, "1"), NAMES), FAULT):
                sink.take(news)
            await until(lambda: len(service.messages) == 2)
        plugged, fault = service.messages
        assert (plugged.topic, plugged.title, plugged.message, plugged.priority) == (
            "house",
            "Garage",
            "A car is plugged in",
            2,
        )
        assert (fault.message, fault.priority, fault.tags) == ("Fault: residual current", 5, ("rotating_light",))


@pytest.mark.parametrize("wrong", [Misbehaviour.BROKEN, Misbehaviour.TOO_MANY_WITHOUT_PATIENCE, Misbehaviour.CUT])
async def test_what_was_not_taken_is_tried_again(wrong: Misbehaviour) -> None:
    async with NotificationService() as service, sending(hook(service)) as sink:
        service.misbehaviour = wrong
        sink.take(PLUGGED)
        await until(lambda: service.requests["hook"] >= 3)
        assert not sink.reports()[0].sent
        service.misbehaviour = None
        await until(lambda: sink.reports()[0].sent == 1)
        assert len(service.received) == 1


async def test_a_target_that_refuses_is_not_asked_again_and_the_next_event_goes_on() -> None:
    async with NotificationService() as service, sending(hook(service)) as sink:
        service.misbehaviour = Misbehaviour.UNAUTHORIZED
        sink.take(PLUGGED)
        await until(lambda: sink.reports()[0].failed == 1)
        assert service.requests["hook"] == 1
        assert "does not let us in" in sink.reports()[0].detail
        service.misbehaviour = None
        sink.take(FAULT)
        await until(lambda: sink.reports()[0].sent == 1)
        assert sink.reports()[0].up


async def test_a_silent_target_holds_up_no_other_and_its_queue_is_bounded() -> None:
    async with NotificationService() as silent, NotificationService() as well:
        silent.misbehaviour = Misbehaviour.SILENT
        config = Notify(webhooks=(Webhook(url=f"{silent.url}/hook"), Webhook(url=f"{well.url}/hook")))
        async with sending(config) as sink:
            sink.take(PLUGGED)
            await until(lambda: silent.requests["hook"] == 1)
            for _ in range(MOST_WAITING + 20):
                sink.take(FAULT)
            await until(lambda: sink.reports()[1].waiting == 0)
            report = sink.reports()[0]
            assert (report.waiting, report.failed) == (MOST_WAITING, 20)
            assert well.received


async def test_a_test_message_tells_what_each_target_said() -> None:
    async with NotificationService() as service, NotificationService(token="x") as closed:
        config = Notify(
            webhooks=(Webhook(url=f"{service.url}/hook", events=("fault",)),),
            ntfy=(Ntfy(server=f"{closed.url}/ntfy", topic="house", token=Secret(env="NO_SUCH_VARIABLE_HERE")),),
        )
        async with sending(config) as sink:
            good, bad = await sink.try_out(trial(NOON_UTC_S))
        assert good.ok
        assert json.loads(service.received[0].body)["test"] is True
        assert (bad.ok, bad.detail) == (False, "the environment variable NO_SUCH_VARIABLE_HERE is not set")


def test_every_event_has_its_words_and_its_sign() -> None:
    stay = Session("1-1", "1", NOON_UTC_S, NOON_UTC_S + 60.0, energy_kwh=12.345, pv_kwh=4.0, cost=2.5, currency="EUR")
    texts = {
        what.value: told(Happening(what, NOON_UTC_S, "1", "why", 900.0, 3.2, stay, "v2"), {}).text for what in What
    }
    assert tuple(texts) == tuple(what.value for what in What)
    assert set(ALL_EVENTS) == set(texts)
    assert set(ALL_EVENTS) | {"test"} == set(_TAGS)
    assert texts["plan_late"] == "The car will not be ready in time: 15 min late, 3.2 kWh are missing at the departure"
    assert texts["session_ended"] == "The stay ended: 12.35 kWh, 4.00 kWh of them from the sun, 2.50 EUR"
    assert texts["update"] == "A newer version is there: v2"
    document = json.loads(Told(event="a", time="b", title="c", text="d\ne").json())
    assert document["text"] == "d\ne"
    assert b"\n" not in Told(event="a", time="b", title="c", text="d\ne").json()
