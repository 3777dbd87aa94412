"""Tests of phaeton.sources.forecast."""
