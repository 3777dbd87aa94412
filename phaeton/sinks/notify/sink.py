"""The ways out over HTTP: a bounded queue for each target, sent one by one, tried again with growing pauses.

Whoever tells returns at once. What is too much or too old is dropped and counted; a target that is away delays no
other.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_delay, wait_exponential, wait_random

from phaeton.config.secret import SecretError, reveal
from phaeton.config.tree_notify import Notify, Ntfy, Webhook
from phaeton.links.http import Ask, HttpClient, Trouble, TroubleKind, refusal
from phaeton.sinks.notify.told import Told

_log = logging.getLogger(__name__)

MOST_WAITING = 100
LONGEST_TRY_S = 900.0
"""An event that could not be told for so long is news no more."""
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 120.0
TRIAL_S = 25.0
URGENT = 5
"""The priority of a fault at ntfy."""
_TAGS = {
    "plugged": "electric_plug",
    "unplugged": "electric_plug",
    "started": "zap",
    "stopped": "zap",
    "fault": "rotating_light",
    "fault_over": "white_check_mark",
    "plan_late": "hourglass",
    "session_ended": "checkered_flag",
    "update": "package",
    "test": "wave",
}
_FOR_THE_OWNER = (TroubleKind.AUTH, TroubleKind.REFUSED)


class Tried(Struct, frozen=True):
    """What became of a test message at one target."""

    target: str
    ok: bool
    detail: str = ""


class TargetReport(Struct, frozen=True):
    """How one target fares."""

    name: str
    up: bool
    detail: str
    sent: int
    failed: int
    """Given up, or dropped because too many waited."""
    waiting: int


class _Target:
    """One target with its queue."""

    def __init__(self, kind: str, config: Webhook | Ntfy, http: HttpClient, pauses: tuple[float, float]) -> None:
        self.config = config
        self._http = http
        self._pauses = pauses
        address = config.url if isinstance(config, Webhook) else config.server
        self.name = f"{kind} {urlsplit(address).netloc}"
        self._queue: deque[Told] = deque()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._sent = 0
        self._failed = 0
        self._why = ""

    def take(self, news: Told) -> None:
        """Queue it when it is wanted here; the oldest goes when too many wait."""
        if news.event not in self.config.events:
            return
        if len(self._queue) >= MOST_WAITING:
            self._queue.popleft()
            self._failed += 1
        self._queue.append(news)
        self._news.set()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"notify {self.name}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def report(self) -> TargetReport:
        return TargetReport(self.name, not self._why, self._why, self._sent, self._failed, len(self._queue))

    async def _run(self) -> None:
        while True:
            while not self._queue:
                self._news.clear()
                await self._news.wait()
            news = self._queue.popleft()
            try:
                trouble = await self._insist(news)
            except Exception as error:
                _log.exception("%s: an event could not be told", self.name)
                trouble = Trouble(TroubleKind.GARBAGE, f"{type(error).__name__}: {error}")
            self._noted(trouble)

    def _noted(self, trouble: Trouble | None) -> None:
        why = "" if trouble is None else trouble.message
        if why and why != self._why:
            _log.warning("%s: an event was not told: %s", self.name, why)
        self._why = why
        if trouble is None:
            self._sent += 1
        else:
            self._failed += 1

    async def _insist(self, news: Told) -> Trouble | None:
        """Try until it is taken, refused for good, or too old; the last trouble."""
        first_s, most_s = self._pauses
        pause_s = wait_exponential(multiplier=first_s, max=most_s) + wait_random(0.0, first_s)

        def wait(state: RetryCallState) -> float:
            outcome = None if state.outcome is None else state.outcome.result()
            asked_s = outcome.retry_after_s if isinstance(outcome, Trouble) else None
            return max(pause_s(state), min(asked_s or 0.0, LONGEST_TRY_S))

        retrying = AsyncRetrying(
            retry=retry_if_result(lambda found: found is not None and found.kind not in _FOR_THE_OWNER),
            wait=wait,
            stop=stop_after_delay(LONGEST_TRY_S),
            retry_error_callback=lambda state: None if state.outcome is None else state.outcome.result(),
        )
        found: Trouble | None = await retrying(self.once, news)
        return found

    async def once(self, news: Told) -> Trouble | None:
        """One attempt."""
        try:
            ask = _webhook(self.config, news) if isinstance(self.config, Webhook) else _ntfy(self.config, news)
        except SecretError as error:
            return Trouble(TroubleKind.AUTH, str(error))
        answer = await self._http.send(ask)
        if isinstance(answer, Trouble):
            self._why = answer.message
            return answer
        return refusal(answer, self.name, "its token")


class NotifySink:
    """All targets of a configuration; made anew when it changes."""

    def __init__(
        self, config: Notify, http: HttpClient, pauses: tuple[float, float] = (FIRST_PAUSE_S, LONGEST_PAUSE_S)
    ) -> None:
        kinds: Sequence[tuple[str, Sequence[Webhook | Ntfy]]] = (("Webhook", config.webhooks), ("ntfy", config.ntfy))
        self._targets = [_Target(kind, one, http, pauses) for kind, found in kinds for one in found]

    def start(self) -> None:
        """Begin to send what is taken."""
        for target in self._targets:
            target.start()

    async def stop(self) -> None:
        """End; what waits is not told."""
        await asyncio.gather(*(target.stop() for target in self._targets))

    def take(self, news: Told) -> None:
        """Tell it to all who want it; returns at once."""
        for target in self._targets:
            target.take(news)

    def reports(self) -> tuple[TargetReport, ...]:
        """How each target fares."""
        return tuple(target.report() for target in self._targets)

    async def try_out(self, news: Told) -> list[Tried]:
        """Send a message to each target once, past the queues and whatever they want to hear."""

        async def tried(target: _Target) -> Tried:
            try:
                async with asyncio.timeout(TRIAL_S):
                    trouble = await target.once(news)
            except TimeoutError:
                return Tried(target.name, False, f"no answer within {TRIAL_S:g} s")
            return Tried(target.name, trouble is None, "" if trouble is None else trouble.message)

        return list(await asyncio.gather(*map(tried, self._targets)))


def signature(secret: str, body: bytes) -> str:
    """What `X-Phaeton-Signature` holds."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _webhook(config: Webhook, news: Told) -> Ask:
    body, secret = news.json(), reveal(config.secret)
    headers = {"Content-Type": "application/json", "X-Phaeton-Event": news.event, **_bearer(reveal(config.token))}
    if secret:
        headers["X-Phaeton-Signature"] = signature(secret, body)
    return Ask(url=config.url, method="POST", headers=headers, body=body)


def _ntfy(config: Ntfy, news: Told) -> Ask:
    message = {
        "topic": config.topic,
        "title": news.title,
        "message": news.text,
        "priority": URGENT if news.event == "fault" else config.priority,
        "tags": [_TAGS[news.event]],
    }
    headers = {"Content-Type": "application/json", **_bearer(reveal(config.token))}
    return Ask(url=config.server.rstrip("/") + "/", method="POST", headers=headers, body=msgspec.json.encode(message))
