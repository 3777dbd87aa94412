"""Asking over HTTP: refusals become a `VehicleError`, in words that hold no address, since that may name the car."""

from __future__ import annotations

from typing import Protocol

from phaeton.links.http import Answer, Ask, TroubleKind
from phaeton.links.http import Trouble as HttpTrouble
from phaeton.sources.vehicles.report import Trouble, VehicleError
from phaeton.sources.vehicles.values import number

FIRST_LIMIT_S = 600.0
LONGEST_LIMIT_S = 86_400.0


class Http(Protocol):
    """The shared client: `phaeton.links.http.HttpClient`."""

    async def send(self, ask: Ask) -> Answer | HttpTrouble:
        """One request, one answer or the reason why there is none."""


async def answered(http: Http, ask: Ask) -> Answer:
    """The answer, whatever its status; raises `VehicleError` when none came."""
    answer = await http.send(ask)
    if isinstance(answer, Answer):
        return answer
    if answer.kind is TroubleKind.RATE_LIMIT:
        raise VehicleError(Trouble.LIMITED, answer.message, answer.retry_after_s)
    if answer.kind is TroubleKind.NETWORK:
        raise VehicleError(Trouble.TRANSIENT, answer.message)
    if answer.kind is TroubleKind.GARBAGE:
        raise VehicleError(Trouble.BAD_DATA, "the answer is broken or far too large")
    raise VehicleError(Trouble.DENIED, "the request cannot be sent as configured: check the address and the token")


def checked(answer: Answer, who: str) -> bytes:
    """The body of a good answer; raises `VehicleError` with what the owner can do about a bad one."""
    status = answer.status
    if 200 <= status < 300:
        return answer.body
    if status in (401, 403):
        raise VehicleError(Trouble.DENIED, f"{who} refuses the token ({status}): check it in the configuration")
    if status == 404:
        raise VehicleError(Trouble.DENIED, f"{who} knows nothing of that name (404): check the configuration")
    if status == 429:
        raise VehicleError(Trouble.LIMITED, f"{who} was asked too often (429)", patience_s(answer))
    if status == 402:
        raise VehicleError(Trouble.UNPAID, f"{who} wants to be paid (402): look at the account")
    if status < 500 and status != 408:
        raise VehicleError(Trouble.DENIED, f"{who} does not take the request ({status}): check the configuration")
    raise VehicleError(Trouble.TRANSIENT, f"{who} has trouble ({status})")


def patience_s(answer: Answer) -> float:
    """How long to wait, by the headers of a refusal; ten minutes where they do not say."""
    for name in ("retry-after", "ratelimit-reset"):
        seconds = number(answer.headers.get(name))
        if seconds is not None and seconds >= 0:
            return min(max(seconds, 1.0), LONGEST_LIMIT_S)
    return FIRST_LIMIT_S
