"""Tells people and other programs what happened: webhooks and ntfy; the page and MQTT tell the same words."""

from phaeton.sinks.notify.sink import NotifySink, Tried
from phaeton.sinks.notify.told import Told, told

__all__ = ["NotifySink", "Told", "Tried", "told"]
