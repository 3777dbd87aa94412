"""Values on an MQTT broker, orders from it, and discovery by Home Assistant; docs/mqtt.md lists the topics."""

from phaeton.sinks.mqtt.sink import MqttReport, MqttSink

__all__ = ["MqttReport", "MqttSink"]
