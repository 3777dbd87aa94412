"""The section `web` of the configuration: where the page listens, behind which proxies, and who may use it."""

from __future__ import annotations

from typing import Annotated

from phaeton.config.node import Node
from phaeton.config.node import meta as _meta


class WebAccess(Node, frozen=True):
    """Who may use the page and the API. The password is set with `phaeton password` and is never in this file."""

    guest: Annotated[bool, _meta("Let everybody who reaches the page see what happens, without any control")] = False
    session_days: Annotated[float, _meta("A login that is not used for this long ends, in days", ge=0.01, le=400)] = (
        30.0
    )
    session_max_days: Annotated[float, _meta("... and at the latest after this time, in days", ge=0.01, le=4000)] = (
        180.0
    )
    audit_mb: Annotated[
        float, _meta("Size at which the log of changes is rotated, in MB; three old ones are kept", ge=0.01, le=100)
    ] = 1.0


class Web(Node, frozen=True):
    """The page and the API."""

    enabled: Annotated[bool, _meta("Serve the page and the API")] = True
    host: Annotated[
        str, _meta("Address to listen on; others than 127.0.0.1 let nobody in without a password", min_length=1)
    ] = "127.0.0.1"
    port: Annotated[int, _meta("Port; 0 = any free one", ge=0, le=65535)] = 8088
    hosts: Annotated[
        tuple[Annotated[str, _meta("A name", max_length=253)], ...],
        _meta("More names that the page is opened under, such as charger.example.org; local names need none"),
    ] = ()
    path_prefix: Annotated[
        str, _meta("Path before all addresses, such as /phaeton, when a proxy passes it on", max_length=200)
    ] = ""
    trusted_proxies: Annotated[
        tuple[Annotated[str, _meta("An address", max_length=50)], ...],
        _meta("Addresses or networks of reverse proxies whose X-Forwarded-... headers are believed"),
    ] = ()
    cors_origins: Annotated[
        tuple[Annotated[str, _meta("An origin", max_length=300)], ...],
        _meta("Pages of other sites that may use the API with a token, such as https://dash.example.org"),
    ] = ()
    frame_ancestors: Annotated[
        tuple[Annotated[str, _meta("An origin", max_length=300)], ...],
        _meta("Pages of other sites that may show this one in a frame, such as https://dash.example.org"),
    ] = ()
    access: WebAccess = WebAccess()
