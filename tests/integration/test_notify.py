"""The daemon tells what happens: to a webhook, ntfy, the broker and the page, and not what is no longer wanted."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import aiohttp

from phaeton.simulation.car import Car
from phaeton.simulation.notification_service import NotificationService
from tests.integration.rig import rig
from tests.mqtt_broker import Broker, listening
from tests.waiting import PATIENCE_S, until


def events(service: NotificationService) -> list[str]:
    return [json.loads(one.body)["event"] for one in service.received]


async def test_a_stay_is_told_everywhere_and_other_targets_count_at_once(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    await broker.start()
    async with rig(tmp_path, bus=False) as site, NotificationService() as service, listening(broker) as listener:

        def configure(events: str) -> None:
            site.write_config(
                "site: {source: none}",
                f"mqtt: {{enabled: true, port: {broker.port}}}",
                f"notify: {{webhooks: [{{url: '{service.url}/hook', secret: hush, events: [{events}]}}],"
                f" ntfy: [{{server: '{service.url}/ntfy', topic: house, events: [session_ended]}}]}}",
            )

        plant = site.charger.socket(1)
        plant.unplug()
        configure("plugged, started, unplugged, session_ended")
        await site.start()
        async with aiohttp.ClientSession() as client:
            async with client.post(f"{site.web}/api/notify/test", json={}) as answer:
                tried = await answer.json()
            assert tried["ok"]
            assert [one["ok"] for one in tried["targets"]] == [True, True]
            await until(lambda: listener.newest.get("phaeton/availability") == "online")
            async with client.get(f"{site.web}/api/events") as stream:
                plant.plug(Car(max_a=32.0, start_s=0.2))
                await until(lambda: {"plugged", "started"} <= set(events(service)))
                async with asyncio.timeout(PATIENCE_S):
                    while await stream.content.readline() not in (b"event: started\n", b"event: started\r\n"):
                        continue
            await until(lambda: json.loads(listener.newest.get("phaeton/event", "{}")).get("event") == "started")
            configure("session_ended")
            assert site.process is not None
            site.process.send_signal(signal.SIGHUP)
            await until(lambda: any("the configuration changes" in line for line in site.log))
            plant.unplug()
            await until(lambda: len(service.messages) == 2 and "session_ended" in events(service))
        assert service.messages[-1].message.startswith("The stay ended: ")
        assert "unplugged" not in events(service)
        links = {link["name"]: link for link in (await site.status())["links"]}
        assert links[f"Webhook 127.0.0.1:{service.port}"]["up"]
        assert "hush" not in "".join(site.log)
        assert await site.stop() == 0
    await broker.stop()
