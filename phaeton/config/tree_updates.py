"""The section `updates` of the configuration: where newer versions come from, and when one may be put in force."""

from __future__ import annotations

from typing import Annotated, Literal

from phaeton.config.forms import CLOCK, CLOCK_END, URL
from phaeton.config.node import Node
from phaeton.config.node import meta as _meta

Channel = Literal["stable", "prerelease"]


class UpdateSettings(Node, frozen=True):
    """Newer versions. Whose signatures are believed is no setting but a file beside the program: docs/updates.md."""

    enabled: Annotated[bool, _meta("Look for new versions by itself")] = True
    repository: Annotated[
        str, _meta("The repository of the releases, as OWNER/NAME; empty = nobody is asked", max_length=200)
    ] = ""
    url: Annotated[str, _meta("The API of the releases, GitHub's or one of the same shape", pattern=URL)] = (
        "https://api.github.com"
    )
    channel: Annotated[Channel, _meta("stable, or also versions that are to be tried")] = "stable"
    check_hours: Annotated[
        float, _meta("Time between two looks, in h; each is a tenth earlier or later by chance", ge=1, le=720)
    ] = 24.0
    auto_apply: Annotated[
        bool,
        _meta("Install a newer version by itself: in the window, while no car charges and none has a plan before it"),
    ] = False
    window_start: Annotated[str, _meta("Start of the window, HH:MM in local time", pattern=CLOCK)] = "02:00"
    window_end: Annotated[str, _meta("End of the window, HH:MM in local time", pattern=CLOCK_END)] = "05:00"
    follow: Annotated[
        str,
        _meta(
            "What a git checkout follows: a branch, or a tag such as v1.2.3; empty = the branch that is checked out",
            pattern="^([A-Za-z0-9_][A-Za-z0-9._/-]*)?$",
            max_length=200,
        ),
    ] = ""
