"""Strategies over the same history, and the optimum as their bound: ``phaeton compare``."""
