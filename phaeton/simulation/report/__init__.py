"""The pages about a simulation and a comparison: one file each with everything in it, for a person."""

from phaeton.simulation.report.comparison import comparison_page
from phaeton.simulation.report.compose import page

__all__ = ["comparison_page", "page"]
