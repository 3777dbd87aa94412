"""The sources of cars."""
