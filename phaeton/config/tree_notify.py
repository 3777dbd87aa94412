"""The section `notify` of the configuration: who is told what happened."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from phaeton.config.node import Node, Secret
from phaeton.config.node import meta as _meta

EventName = Literal[
    "plugged",
    "unplugged",
    "started",
    "stopped",
    "fault",
    "fault_over",
    "plan_late",
    "session_ended",
    "update",
]
ALL_EVENTS: tuple[EventName, ...] = get_args(EventName)
FOR_PEOPLE: tuple[EventName, ...] = ("fault", "fault_over", "plan_late", "session_ended", "update")


class Webhook(Node, frozen=True):
    """An address that is called with each event, as JSON by POST."""

    url: Annotated[str, _meta("Where, with http:// or https://", min_length=1, max_length=2000)]
    events: Annotated[tuple[EventName, ...], _meta("What is told")] = ALL_EVENTS
    token: Annotated[Secret, _meta("Sent as `Authorization: Bearer TOKEN`")] = Secret()
    secret: Annotated[
        Secret, _meta("Key of the signature in `X-Phaeton-Signature` (HMAC-SHA256 of the body); none = unsigned")
    ] = Secret()


class Ntfy(Node, frozen=True):
    """Messages on a phone by ntfy (ntfy.sh or a server of your own)."""

    topic: Annotated[
        str, _meta("The topic; on a public server whoever knows it reads it", pattern="^[A-Za-z0-9_-]{1,64}$")
    ]
    server: Annotated[str, _meta("The server, with http:// or https://", max_length=500)] = "https://ntfy.sh"
    events: Annotated[tuple[EventName, ...], _meta("What is told")] = FOR_PEOPLE
    priority: Annotated[int, _meta("1 (lowest) to 5 (highest); a fault is told with 5", ge=1, le=5)] = 3
    token: Annotated[Secret, _meta("Access token, where the server wants one")] = Secret()


class Notify(Node, frozen=True):
    """Who is told what happened; see docs/notifications.md."""

    webhooks: Annotated[tuple[Webhook, ...], _meta("Addresses that are called")] = ()
    ntfy: Annotated[tuple[Ntfy, ...], _meta("Topics of ntfy")] = ()
    mqtt: Annotated[
        tuple[EventName, ...], _meta("What is told on the topic `event` of the MQTT broker, where there is one")
    ] = ALL_EVENTS
