"""Scenarios of the closed loop in virtual time."""
