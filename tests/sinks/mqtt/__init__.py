"""Tests of values and orders over MQTT."""
