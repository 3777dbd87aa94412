"""Tests of phaeton.links."""
