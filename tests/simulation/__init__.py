"""The simulation: plant, closed loop, demo."""
