"""Tests of phaeton.sources.prices."""
