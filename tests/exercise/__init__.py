"""Tests of the exercise of a charger."""
