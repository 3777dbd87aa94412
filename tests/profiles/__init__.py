"""Tests of the charger profiles."""
