"""Tests of phaeton.sources."""
