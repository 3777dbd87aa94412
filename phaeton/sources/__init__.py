"""The way in: observables that bring the world as events, and decide nothing."""
