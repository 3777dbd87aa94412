"""The page about a simulation: one file with everything in it, for a person."""

from phaeton.simulation.report.compose import page

__all__ = ["page"]
