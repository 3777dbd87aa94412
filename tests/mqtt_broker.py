"""A real MQTT broker (mosquitto) as a process of its own, for tests: it can be killed, held, and started again."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt

_PLACES = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/sbin:/opt/homebrew/bin"


def program(name: str) -> str:
    """Where a program of mosquitto is."""
    found = shutil.which(name, path=_PLACES)
    assert found is not None, f"{name} is not installed: run ./dev test, or apt-get install mosquitto"
    return found


class Broker:
    """A mosquitto on a port of this machine: with ``users`` it lets only them in, with ``tls`` it has a certificate."""

    def __init__(self, directory: Path, users: dict[str, str] | None = None, *, tls: bool = False) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.certificate = directory / "broker.crt"
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {str(users is None).lower()}", "user root"]
        if users is not None:
            passwords = directory / "passwords"
            passwords.touch(mode=0o600)
            for user, password in users.items():
                subprocess.run([program("mosquitto_passwd"), "-b", passwords, user, password], check=True)
            lines.append(f"password_file {passwords}")
        if tls:
            key = directory / "broker.key"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                 "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", self.certificate],
                check=True, capture_output=True,
            )  # fmt: skip
            lines += [f"certfile {self.certificate}", f"keyfile {key}"]
        self._file = directory / "mosquitto.conf"
        self._file.write_text("\n".join(lines) + "\n")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Run it and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            program("mosquitto"), "-c", self._file, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                return

    def hold(self) -> None:
        """Stop it without closing anything, as a machine that hangs does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End the `hold`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Kill it; what it kept in memory is gone."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None

    async def say(self, retain: bool = True, **topics: str | bytes) -> None:
        """Publish values; ``__`` stands for a slash."""
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            for topic, payload in topics.items():
                await client.publish(topic.replace("__", "/"), payload, retain=retain, qos=1)


class Listener:
    """A client that hears everything, and knows the newest of each topic."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self.newest: dict[str, str] = {}
        self.retained: set[str] = set()
        """Topics that the broker had kept for us."""
        self.heard: list[tuple[str, str]] = []

    async def follow(self) -> None:
        """Hear until cancelled."""
        async for message in self._client.messages:
            topic, payload = str(message.topic), bytes(message.payload).decode("utf-8", "replace")  # type: ignore[arg-type]
            self.newest[topic] = payload
            self.heard.append((topic, payload))
            if message.retain:
                self.retained.add(topic)

    async def say(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Publish."""
        await self._client.publish(topic, payload, qos=1, retain=retain)

    def payloads(self, topic: str) -> list[str]:
        """Everything that was said on a topic, in order."""
        return [payload for heard, payload in self.heard if heard == topic]


@asynccontextmanager
async def listening(
    broker: Broker, username: str | None = None, password: str | None = None
) -> AsyncIterator[Listener]:
    """Hear everything on a broker."""
    async with aiomqtt.Client("127.0.0.1", broker.port, username=username, password=password) as client:
        listener = Listener(client)
        await client.subscribe("#", qos=1)
        following = asyncio.get_running_loop().create_task(listener.follow())
        try:
            yield listener
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
