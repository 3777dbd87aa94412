"""Trying a real charger out by writing to it, carefully: a fixed sequence, and in the end everything as it was."""

from phaeton.exercise.report import Outcome, Report, Result, StepReport
from phaeton.exercise.sequence import Exercise, Terms

__all__ = ["Exercise", "Outcome", "Report", "Result", "StepReport", "Terms"]
