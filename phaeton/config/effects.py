"""What taking over a change does beyond the values themselves, in words for people."""

from __future__ import annotations

from collections.abc import Iterator

from phaeton.config.change import Change


def effects(change: Change) -> tuple[str, ...]:
    """One sentence for each thing that is connected anew or begun; empty = the change takes effect as it is."""
    return tuple(_effects(change))


def _effects(change: Change) -> Iterator[str]:
    for name in sorted(change.added):
        yield f"charger {name} is connected"
    for name in sorted(change.removed):
        yield f"charger {name} is let go; it falls back to its own setting when the lease of its current ends"
    for name in sorted(change.links):
        yield f"charger {name} is connected anew"
    for name in sorted(change.services - change.links):
        yield f"charger {name} is put up anew on D-Bus"
    for concerned, words in (
        (change.site, "the house's values are asked for anew"),
        (change.zone, "times are those of another time zone"),
        (change.prices, "the source of the prices is asked anew"),
        (change.forecast, "the source of the forecast is asked anew"),
        (change.vehicles, "the sources of the cars are connected anew"),
        (change.mqtt, "the connection to the MQTT broker is made anew, or ends"),
        (change.notify, "events are told as it says now; those that still wait to be told are not"),
        (change.record, "the recording is begun anew, or ends"),
        (change.log, "the log is set up anew"),
        (restarts_web(change), "the page closes and opens again, perhaps at another address"),
        (change.store, "the other place of the store counts from the next start of Phaeton on"),
    ):
        if concerned:
            yield words


def restarts_web(change: Change) -> bool:
    """Whether the page and the API are begun anew, so that an answer must be out before."""
    return bool(change.web or change.vehicles or change.added or change.removed)
