"""Tests of the minutes."""
